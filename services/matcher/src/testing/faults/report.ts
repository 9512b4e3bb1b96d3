// What a run of faults says on its way, and how much of it is done.

/** Told of each step; `done` of `total`. */
export type Progress = (what: string, done: number, total: number) => void;

/** How much is done: everything, or a part drawn from a seed. */
export interface Extent {
  /** One in so many; 1 is all. */
  readonly oneIn: number;
  readonly seed: number;
}

/** A promise of the journal that was not kept. */
export class PromiseBroken extends Error {
  override name = "PromiseBroken";
}

export function check(condition: boolean, what: string): asserts condition {
  if (!condition) throw new PromiseBroken(what);
}
