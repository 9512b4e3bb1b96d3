// The book of a recording: one full snapshot, then differences, in ticks and lots of a market here.
import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import type { Grid } from "@bourse/shared/units/market.js";

/** [price, quantity] as decimal text. */
export type RecordedLevel = readonly [string, string];

export interface RecordedSide {
  readonly b?: readonly RecordedLevel[];
  readonly a?: readonly RecordedLevel[];
}

/** One side's best levels: price in ticks to quantity in lots. */
export type Levels = ReadonlyMap<number, number>;

export class RecordedBook {
  readonly #grid: Grid;
  readonly #bids = new Map<number, number>();
  readonly #asks = new Map<number, number>();

  constructor(grid: Grid) {
    this.#grid = grid;
  }

  /** Starts from a full snapshot. */
  load(bids: readonly RecordedLevel[], asks: readonly RecordedLevel[]): void {
    this.#bids.clear();
    this.#asks.clear();
    this.apply({ b: bids, a: asks });
  }

  /** Sets changed levels; quantity 0 removes one. */
  apply({ b = [], a = [] }: RecordedSide): void {
    for (const level of b) this.#set(this.#bids, level);
    for (const level of a) this.#set(this.#asks, level);
  }

  /** The best levels of each side, best first; those below the market's minimum are left out. */
  best(count: number, minQuantityLots: number): { bids: Levels; asks: Levels } {
    const bestOf = (levels: Levels, sign: 1 | -1) =>
      new Map(
        [...levels]
          .sort(([left], [right]) => sign * (left - right))
          .slice(0, count)
          .filter(([, lots]) => lots >= minQuantityLots),
      );
    return { bids: bestOf(this.#bids, -1), asks: bestOf(this.#asks, 1) };
  }

  #set(levels: Map<number, number>, [price, quantity]: RecordedLevel): void {
    const at = onGrid(this.#grid, price, quantity);
    if (at === undefined) return;
    if (at.quantityLots === 0) levels.delete(at.priceTicks);
    else levels.set(at.priceTicks, at.quantityLots);
  }
}

/** A recorded price and quantity on this market's grid; undefined when they do not lie on it. */
export function onGrid(
  grid: Grid,
  price: string,
  quantity: string,
): { priceTicks: number; quantityLots: number } | undefined {
  const priceAtoms = atomsOfNumeric(price);
  const quantityAtoms = atomsOfNumeric(quantity);
  if (priceAtoms % grid.tickAtoms !== 0n || quantityAtoms % grid.lotAtoms !== 0n) return undefined;
  return {
    priceTicks: Number(priceAtoms / grid.tickAtoms),
    quantityLots: Number(quantityAtoms / grid.lotAtoms),
  };
}
