// How often each id of a workload was used so far: the benchmark uses ids of closed orders again, the exchange
// never does, so use number n of an id is an id of its own here.

const DENSE = 2 ** 22;
/** Uses from here on are counted in the map: one byte an id keeps the table in the processor's cache. */
const MANY = 255;

export class UsedIds {
  readonly #dense = new Uint8Array(DENSE);
  /** Large ids and many uses, by the id's two words. */
  readonly #far = new Map<string, number>();

  /** Number of the last use; 0 for none. */
  of(low: number, high: number): number {
    if (high === 0 && low < DENSE) {
      const use = this.#dense[low];
      if (use < MANY) return use;
    }
    return this.#far.get(`${high}:${low}`) ?? 0;
  }

  /** Number of the next use, from 1. */
  next(low: number, high: number): number {
    const use = this.of(low, high) + 1;
    const isDense = high === 0 && low < DENSE;
    if (isDense) this.#dense[low] = Math.min(use, MANY);
    if (!isDense || use >= MANY) this.#far.set(`${high}:${low}`, use);
    return use;
  }
}
