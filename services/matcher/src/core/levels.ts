// One side of a book, or the stops of one side that wait: a queue of slots for each price, the prices linked from
// the best on, a hash table from price to level, and a tree that finds the neighbours of a new price.
import { assert } from "@bourse/shared/assert.js";
import { NONE } from "./none.js";
import { addPrice, createPriceTree, type PriceTree, priceBelow, removePrice } from "./price-tree.js";

const LEVELS_MIN = 32;
// Constants of other files are read through a cell at each use; those of this file cost nothing.
const NOTHING = NONE;

export interface Levels {
  /** True where the highest price comes first: bids, and stops that sell. */
  readonly isDescending: boolean;
  count: number;
  best: number;
  worst: number;
  free: number;
  /** By level number. */
  prices: Float64Array;
  oldest: Int32Array;
  newest: Int32Array;
  /** Neighbours; a free level links through `worse`. */
  better: Int32Array;
  worse: Int32Array;
  /** Open addressing by price: level + 1, 0 is free. */
  table: Int32Array;
  shift: number;
  readonly tree: PriceTree;
}

export function createLevels(isDescending: boolean): Levels {
  const levels: Levels = {
    isDescending,
    count: 0,
    best: NOTHING,
    worst: NOTHING,
    free: NOTHING,
    prices: new Float64Array(0),
    oldest: new Int32Array(0),
    newest: new Int32Array(0),
    better: new Int32Array(0),
    worse: new Int32Array(0),
    table: new Int32Array(0),
    shift: 0,
    tree: createPriceTree(),
  };
  grow(levels);
  return levels;
}

/** Best price in ticks; 0 when there is none. */
export function bestTicks(levels: Levels): number {
  return levels.best === NOTHING ? 0 : levels.prices[levels.best];
}

/** Level of a price, made when there is none. */
export function levelAt(levels: Levels, ticks: number): number {
  const level = levels.table[cellOf(levels, ticks)] - 1;
  return level === NOTHING ? addLevel(levels, ticks) : level;
}

/** Level of a price, or NOTHING. */
export function findLevel(levels: Levels, ticks: number): number {
  return levels.table[cellOf(levels, ticks)] - 1;
}

function addLevel(levels: Levels, ticks: number): number {
  if (levels.free === NOTHING) grow(levels);
  const level = levels.free;
  levels.free = levels.worse[level];
  levels.prices[level] = ticks;
  levels.oldest[level] = NOTHING;
  levels.newest[level] = NOTHING;
  link(levels, level, betterNeighbour(levels, ticks));
  levels.table[cellOf(levels, ticks)] = level + 1;
  addPrice(levels.tree, ticks);
  levels.count += 1;
  return level;
}

/** Worst level that is better than a price that is not there; NOTHING when it would be the best. */
function betterNeighbour(levels: Levels, ticks: number): number {
  const { best, worst, prices, isDescending } = levels;
  if (best === NOTHING || prices[best] < ticks === isDescending) return NOTHING;
  if (prices[worst] > ticks === isDescending) return worst;
  const below = findLevel(levels, priceBelow(levels.tree, ticks));
  return isDescending ? levels.better[below] : below;
}

function link(levels: Levels, level: number, better: number): void {
  const worse = better === NOTHING ? levels.best : levels.worse[better];
  levels.better[level] = better;
  levels.worse[level] = worse;
  if (better === NOTHING) levels.best = level;
  else levels.worse[better] = level;
  if (worse === NOTHING) levels.worst = level;
  else levels.better[worse] = level;
}

/** Removes a level whose queue is empty. */
export function removeLevel(levels: Levels, level: number): void {
  const better = levels.better[level];
  const worse = levels.worse[level];
  if (better === NOTHING) levels.best = worse;
  else levels.worse[better] = worse;
  if (worse === NOTHING) levels.worst = better;
  else levels.better[worse] = better;
  const ticks = levels.prices[level];
  removePrice(levels.tree, ticks);
  const cell = cellOf(levels, ticks);
  assert(levels.table[cell] === level + 1, "a level stands under its price");
  freeCell(levels, cell);
  levels.worse[level] = levels.free;
  levels.free = level;
  levels.count -= 1;
}

/** Upper bits of the hash of a price; masked by the caller, they are a small integer for the compiler, too. */
export function homeOf(ticks: number, shift: number): number {
  return Math.imul((ticks | 0) ^ ((ticks * 2 ** -32) | 0), 0x9e3779b1) >>> shift;
}

function cellOf(levels: Levels, ticks: number): number {
  const { table, prices } = levels;
  const mask = table.length - 1;
  let at = homeOf(ticks, levels.shift) & mask;
  while (table[at] !== 0 && prices[table[at] - 1] !== ticks) at = (at + 1) & mask;
  return at;
}

function freeCell(levels: Levels, cell: number): void {
  const { table, prices } = levels;
  const mask = table.length - 1;
  let hole = cell;
  for (let at = (hole + 1) & mask; table[at] !== 0; at = (at + 1) & mask) {
    const home = homeOf(prices[table[at] - 1], levels.shift);
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    table[hole] = table[at];
    hole = at;
  }
  table[hole] = 0;
}

/** Doubles the room; only called when no level is free. */
function grow(levels: Levels): void {
  const before = levels.prices.length;
  const after = Math.max(LEVELS_MIN, before * 2);
  const prices = new Float64Array(after);
  prices.set(levels.prices);
  levels.prices = prices;
  levels.oldest = grown(levels.oldest, after);
  levels.newest = grown(levels.newest, after);
  levels.better = grown(levels.better, after);
  levels.worse = grown(levels.worse, after);
  // At most half full, so that runs stay short.
  levels.table = new Int32Array(after * 2);
  levels.shift = Math.clz32(after * 2) + 1;
  for (let level = 0; level < before; level += 1) levels.table[cellOf(levels, prices[level])] = level + 1;
  for (let level = after - 1; level >= before; level -= 1) {
    levels.worse[level] = levels.free;
    levels.free = level;
  }
}

function grown(old: Int32Array, length: number): Int32Array {
  const larger = new Int32Array(length);
  larger.set(old);
  return larger;
}
