// The book of one market: what rests, what waits for its trigger, and the few numbers that decide about both.
import { assert } from "@bourse/shared/assert.js";
import { createLevels, type Levels, levelAt, removeLevel } from "./levels.js";
import { NONE } from "./none.js";
import {
  Code,
  DAY,
  ExtraColumn,
  extraNumber,
  SLOT_MASK,
  SLOT_NUMBERS,
  SLOT_WORDS,
  SlotColumn,
  type Slots,
  slotWord,
} from "./slots.js";
import type { Market } from "./types.js";

/** Open orders of users are counted in pages of so many. */
export const PAGE_BITS = 10;
const PAGE_SIZE = 1 << PAGE_BITS;
export const PAGE_MASK = PAGE_SIZE - 1;

export interface Book {
  market: Market;
  /** Number of the market in its shard. */
  readonly number: number;
  readonly bids: Levels;
  readonly asks: Levels;
  readonly buyStops: Levels;
  readonly sellStops: Levels;
  /** Resting orders and waiting stops, by user number, in pages made on first need. */
  readonly openOfUser: Int32Array[];
  /** Resting orders and waiting stops; of these, waiting stops and DAY orders. */
  openCount: number;
  stopCount: number;
  dayCount: number;
  /** Price of the last trade; 0 when there was none. */
  lastTradeTicks: number;
  /** Highest and lowest trade of the record at hand; 0 when there is none. */
  highTicks: number;
  lowTicks: number;
  /** When the DAY orders that are open end; means something while there are any. */
  dayEndMs: number;
  /** When the next orders of a delisted market end; 0 when none is left. */
  sweepMs: number;
}

const { PRICE, USER, CODES, NEXT, PREVIOUS, LEVEL } = SlotColumn;
const { SELL, RESTING, WAITING, LIVE, TIME_SHIFT, TIME_MASK } = Code;
const { STOP } = ExtraColumn;
const WORDS = SLOT_WORDS;
const NUMBERS = SLOT_NUMBERS;
const MASK = SLOT_MASK;
const { AT_HAND } = Code;
const NOTHING = NONE;
const DAY_ORDER = DAY;

export function createBook(market: Market, number: number): Book {
  return {
    market,
    number,
    bids: createLevels(true),
    asks: createLevels(false),
    buyStops: createLevels(false),
    sellStops: createLevels(true),
    openOfUser: [],
    openCount: 0,
    stopCount: 0,
    dayCount: 0,
    lastTradeTicks: 0,
    highTicks: 0,
    lowTicks: 0,
    dayEndMs: 0,
    sweepMs: 0,
  };
}

/** Puts an order behind all others at its price, in the book. */
export function enqueue(book: Book, slots: Slots, slot: number): void {
  const isSell = (slots.words[(slot & MASK) * WORDS + CODES] & SELL) !== 0;
  const price = slots.numbers[(slot & MASK) * NUMBERS + PRICE];
  append(book, slots, slot, levelAt(isSell ? book.asks : book.bids, price), RESTING);
}

/** Lets a stop wait behind all others at its stop price. */
export function enqueueStop(book: Book, slots: Slots, slot: number): void {
  const isSell = (slots.words[(slot & MASK) * WORDS + CODES] & SELL) !== 0;
  const price = extraNumber(slots, slot, STOP);
  book.stopCount += 1;
  append(book, slots, slot, levelAt(isSell ? book.sellStops : book.buyStops, price), WAITING);
}

function append(book: Book, slots: Slots, slot: number, level: number, state: number): void {
  const { words } = slots;
  const at = (slot & MASK) * WORDS;
  const codes = (words[at + CODES] & ~LIVE) | state;
  const levels = levelsOfCodes(book, codes);
  const newest = levels.newest[level];
  words[at + CODES] = codes;
  words[at + LEVEL] = level;
  words[at + PREVIOUS] = newest;
  words[at + NEXT] = NOTHING;
  if (newest === NOTHING) levels.oldest[level] = slot;
  else words[(newest & MASK) * WORDS + NEXT] = slot;
  levels.newest[level] = slot;
  countOpen(book, words[at + USER], 1);
  if (((codes >> TIME_SHIFT) & TIME_MASK) === DAY_ORDER) book.dayCount += 1;
}

/** Takes an order out of its queue, wherever it stands there: it is at hand then. */
export function dequeue(book: Book, slots: Slots, slot: number): void {
  const { words } = slots;
  const at = (slot & MASK) * WORDS;
  const codes = words[at + CODES];
  const levels = levelsOfCodes(book, codes);
  const next = words[at + NEXT];
  const previous = words[at + PREVIOUS];
  const level = words[at + LEVEL];
  if (previous === NOTHING) levels.oldest[level] = next;
  else words[(previous & MASK) * WORDS + NEXT] = next;
  if (next === NOTHING) levels.newest[level] = previous;
  else words[(next & MASK) * WORDS + PREVIOUS] = previous;
  if (previous === NOTHING && next === NOTHING) removeLevel(levels, level);
  words[at + CODES] = (codes & ~LIVE) | AT_HAND;
  countOpen(book, words[at + USER], -1);
  if ((codes & WAITING) !== 0) book.stopCount -= 1;
  if (((codes >> TIME_SHIFT) & TIME_MASK) === DAY_ORDER) book.dayCount -= 1;
}

/** Queues in which an order with these codes stands. */
function levelsOfCodes(book: Book, codes: number): Levels {
  if ((codes & WAITING) !== 0) return (codes & SELL) !== 0 ? book.sellStops : book.buyStops;
  return (codes & SELL) !== 0 ? book.asks : book.bids;
}

/** Resting orders and waiting stops of a user in this market. */
export function openOf(book: Book, user: number): number {
  const page = book.openOfUser[user >>> PAGE_BITS];
  return page === undefined ? 0 : page[user & PAGE_MASK];
}

/** Counts one more or one less. */
function countOpen(book: Book, user: number, change: number): void {
  const page = pageOf(book, user);
  const count = page[user & PAGE_MASK] + change;
  assert(count >= 0, "who has an open order is counted");
  page[user & PAGE_MASK] = count;
  book.openCount += change;
}

function pageOf(book: Book, user: number): Int32Array {
  const pages = book.openOfUser;
  const number = user >>> PAGE_BITS;
  // Pages are made in order, so that the array has no holes: an empty one costs nothing.
  while (pages.length <= number) pages.push(NO_PAGE);
  if (pages[number].length === 0) pages[number] = new Int32Array(PAGE_SIZE);
  return pages[number];
}

const NO_PAGE = new Int32Array(0);

/** True when the best bid is below the best ask: what must hold after every command. */
export function isUncrossed({ bids, asks }: Book): boolean {
  return bids.best === NOTHING || asks.best === NOTHING || bids.prices[bids.best] < asks.prices[asks.best];
}

/** Slots in priority: best price first, oldest first. */
export function* slotsIn(slots: Slots, levels: Levels): Generator<number> {
  for (let level = levels.best; level !== NONE; level = levels.worse[level]) {
    for (let slot = levels.oldest[level]; slot !== NONE; slot = slotWord(slots, slot, NEXT)) yield slot;
  }
}
