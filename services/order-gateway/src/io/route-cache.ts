/** Remembers the newest `entriesMax` values by key; forgetting one only costs a look-up. */
export class RouteCache<V> {
  readonly #entries = new Map<string, V>();
  /** One for ever: it stands behind what was forgotten, which a new one would walk over each time. */
  readonly #byAge = this.#entries.keys();
  readonly #entriesMax: number;

  constructor(entriesMax: number) {
    this.#entriesMax = entriesMax;
  }

  get(key: string): V | undefined {
    return this.#entries.get(key);
  }

  set(key: string, value: V): void {
    this.#entries.delete(key);
    this.#entries.set(key, value);
    if (this.#entries.size <= this.#entriesMax) return;
    const { value: oldest } = this.#byAge.next();
    if (oldest !== undefined) this.#entries.delete(oldest);
  }
}
