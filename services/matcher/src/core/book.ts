// The book of one market: slots in typed arrays, one queue per price, and per side a sorted array of
// prices whose last one is the best, so that the next best level is one step away whatever the gap.
import { assert } from "@bourse/shared/assert.js";
import type { Market, OrderTerms, Side } from "./types.js";

/** No slot, no level: the end of a queue or of a free list. */
export const NONE = -1;

const SLOTS_MIN = 64;
const LEVELS_MIN = 32;

/** Resting orders by slot. A queue is linked through `next` and `previous`; free slots through `next`. */
export interface Slots {
  free: number;
  count: number;
  terms: (OrderTerms | undefined)[];
  entry: Int32Array;
  user: Int32Array;
  level: Int32Array;
  next: Int32Array;
  previous: Int32Array;
  priceTicks: Float64Array;
  remainingLots: Float64Array;
  /** Received as maker so far: lots, and the sum of tick times lot in two numbers. */
  makerLots: Float64Array;
  makerHigh: Float64Array;
  makerLow: Float64Array;
}

/** One side of a book. Level numbers are stable; `keys` and `order` are sorted, worst first. */
export interface Levels {
  readonly side: Side;
  count: number;
  free: number;
  /** Price of the level at each rank, negative for asks, so that it rises towards the best. */
  keys: Float64Array;
  /** Level number at each rank. */
  order: Int32Array;
  /** Oldest and newest slot of a level; a free level links through `oldest`. */
  oldest: Int32Array;
  newest: Int32Array;
}

export interface Book {
  readonly market: Market;
  /** Number of the market in its shard. */
  readonly number: number;
  readonly slots: Slots;
  readonly bids: Levels;
  readonly asks: Levels;
  /** Resting orders of each user that has any. */
  readonly openOfUser: Map<number, number>;
  /** Price of the last trade; 0 when there was none. */
  lastTradeTicks: number;
}

export function createBook(market: Market, number: number): Book {
  return {
    market,
    number,
    slots: createSlots(),
    bids: createLevels("buy"),
    asks: createLevels("sell"),
    openOfUser: new Map(),
    lastTradeTicks: 0,
  };
}

/** The side on which an order of `side` rests. */
export function sideOf(book: Book, side: Side): Levels {
  return side === "buy" ? book.bids : book.asks;
}

/** The side from which an order of `side` takes. */
export function oppositeOf(book: Book, side: Side): Levels {
  return side === "buy" ? book.asks : book.bids;
}

/** Best price of a side in ticks; 0 when it is empty. */
export function bestTicks(levels: Levels): number {
  return levels.count === 0 ? 0 : Math.abs(levels.keys[levels.count - 1]);
}

/** Price at a rank from the best, 0 being the best. */
export function ticksAt(levels: Levels, fromBest: number): number {
  return Math.abs(levels.keys[levels.count - 1 - fromBest]);
}

/** Oldest slot of the level at a rank from the best. */
export function oldestAt(levels: Levels, fromBest: number): number {
  return levels.oldest[levels.order[levels.count - 1 - fromBest]];
}

/** What rests: an order's terms, owner and open quantity. */
export interface Rest {
  readonly terms: OrderTerms;
  readonly entry: number;
  readonly user: number;
  readonly remainingLots: number;
}

/** Puts an order behind all others at its price. Returns its slot. */
export function enqueue(book: Book, rest: Rest): number {
  const levels = sideOf(book, rest.terms.side);
  const level = levelAt(levels, rest.terms.priceTicks);
  const slot = takeSlot(book.slots);
  fillSlot(book.slots, slot, rest);
  book.slots.level[slot] = level;
  const newest = levels.newest[level];
  book.slots.previous[slot] = newest;
  book.slots.next[slot] = NONE;
  if (newest === NONE) levels.oldest[level] = slot;
  else book.slots.next[newest] = slot;
  levels.newest[level] = slot;
  book.openOfUser.set(rest.user, (book.openOfUser.get(rest.user) ?? 0) + 1);
  return slot;
}

/** Takes an order out of the book, wherever it stands in its queue. */
export function dequeue(book: Book, slot: number): void {
  const { slots } = book;
  const terms = slots.terms[slot];
  assert(terms !== undefined, "a slot that leaves the book holds an order");
  const levels = sideOf(book, terms.side);
  const level = slots.level[slot];
  const next = slots.next[slot];
  const previous = slots.previous[slot];
  if (previous === NONE) levels.oldest[level] = next;
  else slots.next[previous] = next;
  if (next === NONE) levels.newest[level] = previous;
  else slots.previous[next] = previous;
  if (levels.oldest[level] === NONE) removeLevel(levels, level, terms.priceTicks);
  countDown(book, slots.user[slot]);
  giveSlot(slots, slot);
}

/** True when the best bid is below the best ask: what must hold after every command. */
export function isUncrossed(book: Book): boolean {
  if (book.bids.count === 0 || book.asks.count === 0) return true;
  return bestTicks(book.bids) < bestTicks(book.asks);
}

/** Slots of a side in priority: best price first, oldest first. */
export function* slotsOf(book: Book, levels: Levels): Generator<number> {
  for (let rank = 0; rank < levels.count; rank += 1) {
    for (let slot = oldestAt(levels, rank); slot !== NONE; slot = book.slots.next[slot]) yield slot;
  }
}

function countDown(book: Book, user: number): void {
  const open = book.openOfUser.get(user) ?? 0;
  assert(open > 0, "who has an order in the book is counted");
  if (open === 1) book.openOfUser.delete(user);
  else book.openOfUser.set(user, open - 1);
}

function keyOf(levels: Levels, priceTicks: number): number {
  return levels.side === "buy" ? priceTicks : -priceTicks;
}

/** First rank whose key is not below `key`. */
function rankOf(levels: Levels, key: number): number {
  let low = 0;
  let high = levels.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (levels.keys[middle] < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function levelAt(levels: Levels, priceTicks: number): number {
  const key = keyOf(levels, priceTicks);
  const rank = rankOf(levels, key);
  if (rank < levels.count && levels.keys[rank] === key) return levels.order[rank];
  if (levels.free === NONE) growLevels(levels);
  const level = levels.free;
  levels.free = levels.oldest[level];
  levels.keys.copyWithin(rank + 1, rank, levels.count);
  levels.order.copyWithin(rank + 1, rank, levels.count);
  levels.keys[rank] = key;
  levels.order[rank] = level;
  levels.oldest[level] = NONE;
  levels.newest[level] = NONE;
  levels.count += 1;
  return level;
}

function removeLevel(levels: Levels, level: number, priceTicks: number): void {
  const rank = rankOf(levels, keyOf(levels, priceTicks));
  assert(levels.order[rank] === level, "a level stands at the rank of its price");
  levels.keys.copyWithin(rank, rank + 1, levels.count);
  levels.order.copyWithin(rank, rank + 1, levels.count);
  levels.count -= 1;
  levels.oldest[level] = levels.free;
  levels.free = level;
}

function createLevels(side: Side): Levels {
  const levels: Levels = {
    side,
    count: 0,
    free: NONE,
    keys: new Float64Array(0),
    order: new Int32Array(0),
    oldest: new Int32Array(0),
    newest: new Int32Array(0),
  };
  growLevels(levels);
  return levels;
}

/** Doubles the room; only called when no level is free. */
function growLevels(levels: Levels): void {
  const before = levels.keys.length;
  const after = Math.max(LEVELS_MIN, before * 2);
  levels.keys = grownNumbers(levels.keys, after);
  levels.order = grownIndexes(levels.order, after);
  levels.oldest = grownIndexes(levels.oldest, after);
  levels.newest = grownIndexes(levels.newest, after);
  for (let level = after - 1; level >= before; level -= 1) {
    levels.oldest[level] = levels.free;
    levels.free = level;
  }
}

function createSlots(): Slots {
  const slots: Slots = {
    free: NONE,
    count: 0,
    terms: [],
    entry: new Int32Array(0),
    user: new Int32Array(0),
    level: new Int32Array(0),
    next: new Int32Array(0),
    previous: new Int32Array(0),
    priceTicks: new Float64Array(0),
    remainingLots: new Float64Array(0),
    makerLots: new Float64Array(0),
    makerHigh: new Float64Array(0),
    makerLow: new Float64Array(0),
  };
  growSlots(slots);
  return slots;
}

function growSlots(slots: Slots): void {
  const before = slots.entry.length;
  const after = Math.max(SLOTS_MIN, before * 2);
  slots.entry = grownIndexes(slots.entry, after);
  slots.user = grownIndexes(slots.user, after);
  slots.level = grownIndexes(slots.level, after);
  slots.next = grownIndexes(slots.next, after);
  slots.previous = grownIndexes(slots.previous, after);
  slots.priceTicks = grownNumbers(slots.priceTicks, after);
  slots.remainingLots = grownNumbers(slots.remainingLots, after);
  slots.makerLots = grownNumbers(slots.makerLots, after);
  slots.makerHigh = grownNumbers(slots.makerHigh, after);
  slots.makerLow = grownNumbers(slots.makerLow, after);
  for (let slot = after - 1; slot >= before; slot -= 1) {
    slots.next[slot] = slots.free;
    slots.free = slot;
  }
}

function takeSlot(slots: Slots): number {
  if (slots.free === NONE) growSlots(slots);
  const slot = slots.free;
  slots.free = slots.next[slot];
  slots.count += 1;
  return slot;
}

function giveSlot(slots: Slots, slot: number): void {
  // The terms are text on the heap: a free slot must not keep them alive.
  slots.terms[slot] = undefined;
  slots.next[slot] = slots.free;
  slots.free = slot;
  slots.count -= 1;
}

function fillSlot(slots: Slots, slot: number, rest: Rest): void {
  slots.terms[slot] = rest.terms;
  slots.entry[slot] = rest.entry;
  slots.user[slot] = rest.user;
  slots.priceTicks[slot] = rest.terms.priceTicks;
  slots.remainingLots[slot] = rest.remainingLots;
  slots.makerLots[slot] = 0;
  slots.makerHigh[slot] = 0;
  slots.makerLow[slot] = 0;
}

function grownNumbers(old: Float64Array, length: number): Float64Array {
  const grown = new Float64Array(length);
  grown.set(old);
  return grown;
}

function grownIndexes(old: Int32Array, length: number): Int32Array {
  const grown = new Int32Array(length);
  grown.set(old);
  return grown;
}
