// How often each id of a workload was used so far: the benchmark uses ids of closed orders again, the exchange
// never does, so use number n of an id is an id of its own here.

const DENSE = 2 ** 22;

export class UsedIds {
  readonly #dense = new Int32Array(DENSE);
  /** Ids beyond, by their two words. */
  readonly #far = new Map<string, number>();

  /** Number of the last use; 0 for none. */
  of(low: number, high: number): number {
    return high === 0 && low < DENSE ? this.#dense[low] : (this.#far.get(`${high}:${low}`) ?? 0);
  }

  /** Number of the next use, from 1. */
  next(low: number, high: number): number {
    const use = this.of(low, high) + 1;
    if (high === 0 && low < DENSE) this.#dense[low] = use;
    else this.#far.set(`${high}:${low}`, use);
    return use;
  }
}
