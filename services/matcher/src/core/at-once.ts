// What most of any flow comes to, each in one go: an order that rests on a level that is there, and the end of an
// order that others stand beside. They do what the general way does; what is not plain they leave to it, before
// anything has changed.
//
// Long functions with few calls, on purpose: the compiler finds each array once, as it does not across calls.
import { type Book, PAGE_BITS, PAGE_MASK } from "./book.js";
import { CHUNK_BITS, CHUNK_UNITS, EndedCode, EndedColumn, UNIT_NUMBERS, UNIT_WORDS } from "./ended.js";
import { indexEnded } from "./ended-index.js";
import { CELLS, Cell, EventKind, Flag } from "./event-buffer.js";
import { BASE, EXACT_FACTOR } from "./exact.js";
import { homeOf } from "./levels.js";
import { PART_SHIFT, unchain } from "./memory.js";
import { NONE } from "./none.js";
import type { OrderInput } from "./order-input.js";
import type { Shard } from "./shard.js";
import {
  Code,
  DAY,
  EXTRA_NUMBERS,
  ExtraColumn,
  GTC,
  LIMIT,
  SLOT_MASK,
  SLOT_NUMBERS,
  SLOT_WORDS,
  SlotColumn,
} from "./slots.js";

// Constants of other files are read through a cell at each use; those of this file cost nothing.
const { PRICE, REMAINING, ID, USER, CODES, NEXT, PREVIOUS, LEVEL, CHAIN, EXTRA, CREATED, SEQ } = SlotColumn;
const { HASH, MAKER_FEE, TAKER_FEE } = SlotColumn;
const {
  SELL,
  POST_ONLY,
  RESTING,
  WAITING,
  TRIGGERED,
  LIVE,
  TIME_SHIFT,
  TIME_MASK,
  PREVENTION_SHIFT,
  MARKET_SHIFT,
} = Code;
const { CREATED: E_CREATED, UPDATED: E_UPDATED, SEQ: E_SEQ, END_SEQ: E_END_SEQ, ID: E_ID } = EndedColumn;
const {
  EXECUTED_LOTS: E_EXECUTED_LOTS,
  EXECUTED_LOW: E_EXECUTED_LOW,
  EXECUTED_HIGH: E_EXECUTED_HIGH,
} = EndedColumn;
const { USER: E_USER, CODES: E_CODES, HASH: E_HASH } = EndedColumn;
const { REASON_SHIFT, MORE } = EndedCode;
const { MAKER_LOTS, MAKER_LOW, MAKER_HIGH, TAKER_LOTS, TAKER_LOW, TAKER_HIGH } = ExtraColumn;
const { FIRST_PRICE, FIRST_QUANTITY } = ExtraColumn;
const { ACCEPTED, RESTED, ENDED } = EventKind;
const { LOTS: CELL_LOTS, STATUS: CELL_STATUS, REASON: CELL_REASON, FLAGS: CELL_FLAGS } = Cell;
const { WAS_RESTING } = Flag;
const NOTHING = NONE;
const LIMIT_ORDER = LIMIT;
const GOOD_TILL_CANCEL = GTC;
const DAY_ORDER = DAY;
const EXTRAS = EXTRA_NUMBERS;
const SUM_BASE = BASE;
const WORDS = SLOT_WORDS;
const NUMBERS = SLOT_NUMBERS;
const MASK = SLOT_MASK;
const E_WORDS = UNIT_WORDS;
const E_NUMBERS = UNIT_NUMBERS;
const E_BITS = CHUNK_BITS;
const E_UNITS = CHUNK_UNITS;
const IN_CHUNK = CHUNK_UNITS - 1;
const EXACT = EXACT_FACTOR;
const ROW = CELLS;
const PAGES = PAGE_BITS;
const IN_PAGE = PAGE_MASK;
const PART = PART_SHIFT;
const BPS = 10_000;

/** Whether an order is a limit order that all checks but that of the open orders let through, and that takes nothing. */
function isPlain(book: Book, input: OrderInput): boolean {
  const { market } = book;
  if (input.type !== LIMIT_ORDER || input.timeInForce !== GOOD_TILL_CANCEL) return false;
  if (input.budgetTickLots !== 0 || input.stopPriceTicks !== 0 || input.isByQuoteBudget) return false;
  if (market.state !== "TRADING") return false;
  const { isSell } = input;
  const price = input.priceTicks;
  const last = book.lastTradeTicks;
  const { bandBps } = market;
  if (bandBps !== 0 && last !== 0) {
    if (price > EXACT || last > EXACT || Math.abs(price - last) * BPS > last * bandBps) return false;
  }
  const opposite = isSell ? book.bids : book.asks;
  if (opposite.best === NOTHING) return true;
  const best = opposite.prices[opposite.best];
  return isSell ? best < price : best > price;
}

/**
 * Accepts a new order, whose id the last search did not find, and lets it rest. Returns whether it did; if not,
 * nothing has changed.
 */
export function restAtOnce(shard: Shard, input: OrderInput): boolean {
  const { slots, memory, events } = shard;
  const book = shard.books[input.book];
  if (!isPlain(book, input)) return false;
  const { isSell, user } = input;
  const price = input.priceTicks;
  const levels = isSell ? book.asks : book.bids;
  const { table, prices } = levels;
  const lastCell = table.length - 1;
  let cell = homeOf(price, levels.shift) & lastCell;
  let level = table[cell] - 1;
  while (level !== NOTHING && prices[level] !== price) {
    cell = (cell + 1) & lastCell;
    level = table[cell] - 1;
  }
  if (level === NOTHING) return false;

  const pageNumber = user >>> PAGES;
  if (pageNumber >= book.openOfUser.length) return false;
  const page = book.openOfUser[pageNumber];
  const inPage = user & IN_PAGE;
  if (inPage >= page.length) return false;
  const open = page[inPage];
  const { openOrdersMax } = book.market;
  if (openOrdersMax > 0 && open >= openOrdersMax) return false;

  const { hash } = memory;
  const part = hash >>> PART;
  const heads = memory.heads[part];
  const count = memory.counts[part] + 1;
  const slot = slots.free;
  if (slot === NOTHING || count > heads.length) return false;

  // Nothing below this line may refuse.
  page[inPage] = open + 1;
  book.openCount += 1;
  const { words } = slots;
  const at = (slot & MASK) * WORDS;
  slots.free = words[at + NEXT];
  slots.count += 1;
  const home = hash & (heads.length - 1);
  memory.counts[part] = count;
  words[at + CHAIN] = heads[home];
  heads[home] = slot + 1;
  const newest = levels.newest[level];
  levels.newest[level] = slot;
  words[(newest & MASK) * WORDS + NEXT] = slot;
  words[at + CODES] =
    (isSell ? SELL : 0) |
    (input.isPostOnly ? POST_ONLY : 0) |
    (input.selfTradePrevention << PREVENTION_SHIFT) |
    (input.book << MARKET_SHIFT) |
    RESTING;
  words[at + NEXT] = NOTHING;
  words[at + PREVIOUS] = newest;
  words[at + LEVEL] = level;
  fillSlot(shard, slot, input);

  const { cells, orders } = events;
  events.count = 2;
  orders[0] = slot;
  orders[2] = slot;
  cells[0] = ACCEPTED;
  cells[ROW] = RESTED;
  cells[ROW + CELL_LOTS] = input.quantityLots;
  return true;
}

/** Writes what a new order says of itself into its slot; its codes and its place are the caller's. */
export function fillSlot(shard: Shard, slot: number, input: OrderInput): void {
  const { slots } = shard;
  const { words, numbers } = slots;
  const at = (slot & MASK) * WORDS;
  const n = (slot & MASK) * NUMBERS;
  numbers[n + PRICE] = input.priceTicks;
  numbers[n + REMAINING] = input.quantityLots;
  numbers[n + CREATED] = shard.timeMs;
  numbers[n + SEQ] = shard.seq;
  words[at + ID] = input.id0;
  words[at + ID + 1] = input.id1;
  words[at + ID + 2] = input.id2;
  words[at + ID + 3] = input.id3;
  words[at + USER] = input.user;
  words[at + EXTRA] = NOTHING;
  words[at + HASH] = input.hash0;
  words[at + HASH + 1] = input.hash1;
  words[at + MAKER_FEE] = input.makerFeePpm;
  words[at + TAKER_FEE] = input.takerFeePpm;
  slots.texts[slot] = input.clientOrderId;
}

/**
 * Ends an order that rests or is at hand. Returns whether it did; if not, nothing has changed: the last order of a
 * level, one that is amended, DAY or a waiting stop, and now and then one for which room must be made.
 */
export function endAtOnce(shard: Shard, slot: number, status: number, reason: number): boolean {
  const { slots, memory, events } = shard;
  const { ended, endedIndex } = memory;
  const { words, extras } = slots;
  const at = (slot & MASK) * WORDS;
  const codes = words[at + CODES];
  const isResting = (codes & RESTING) !== 0;
  const next = words[at + NEXT];
  const previous = words[at + PREVIOUS];
  if ((codes & (WAITING | TRIGGERED)) !== 0 || ((codes >> TIME_SHIFT) & TIME_MASK) === DAY_ORDER)
    return false;
  if (isResting && next === NOTHING && previous === NOTHING) return false;
  const extra = words[at + EXTRA];
  const x = extra * EXTRAS;
  if (extra !== NOTHING && (extras[x + FIRST_PRICE] !== 0 || extras[x + FIRST_QUANTITY] !== 0)) return false;
  const executed = extra === NOTHING ? 0 : extras[x + MAKER_LOTS] + extras[x + TAKER_LOTS];
  const row = events.count;
  const { fill } = ended;
  if (ended.count === 0 || fill >= E_UNITS || row * 2 >= events.orders.length) return false;

  // Nothing below this line may leave it to others. Out of its queue:
  const user = words[at + USER];
  if (isResting) {
    const book = shard.books[codes >>> MARKET_SHIFT];
    const levels = (codes & SELL) !== 0 ? book.asks : book.bids;
    const level = words[at + LEVEL];
    if (previous === NOTHING) levels.oldest[level] = next;
    else words[(previous & MASK) * WORDS + NEXT] = next;
    if (next === NOTHING) levels.newest[level] = previous;
    else words[(next & MASK) * WORDS + PREVIOUS] = previous;
    book.openOfUser[user >>> PAGES][user & IN_PAGE] -= 1;
    book.openCount -= 1;
  }

  const hash = unchain(memory, slots, slot);
  const record = remember(shard, slot, executed, (reason << REASON_SHIFT) | status);

  // Its slot stays as it is until the next command:
  words[at + CODES] = codes & ~LIVE;
  words[at + NEXT] = slots.left;
  slots.left = slot;
  slots.count -= 1;

  const { cells } = events;
  const cell = row * ROW;
  events.count = row + 1;
  events.orders[row * 2] = slot;
  events.orders[row * 2 + 1] = NOTHING;
  cells[cell] = ENDED;
  cells[cell + CELL_STATUS] = status;
  cells[cell + CELL_REASON] = reason;
  cells[cell + CELL_FLAGS] = isResting ? WAS_RESTING : 0;

  indexEnded(endedIndex, hash, record);
  return true;
}

/** Moves what must be remembered of an order from its slot to the end of those that ended, where there is room. */
function remember(shard: Shard, slot: number, executed: number, fate: number): number {
  const { slots, memory } = shard;
  const { ended } = memory;
  const { words, numbers, extras } = slots;
  const at = (slot & MASK) * WORDS;
  const n = (slot & MASK) * NUMBERS;
  const units = executed === 0 ? 1 : 2;
  const { fill } = ended;
  const chunk = ended.newest >> E_BITS;
  const record = (chunk << E_BITS) | fill;
  ended.fill = fill + units;
  ended.newest = record;
  ended.count += 1;
  ended.units += units;
  const to = ended.words[chunk];
  const toNumbers = ended.numbers[chunk];
  const e = (fill & IN_CHUNK) * E_WORDS;
  const en = (fill & IN_CHUNK) * E_NUMBERS;
  toNumbers[en + E_CREATED] = numbers[n + CREATED];
  toNumbers[en + E_UPDATED] = shard.timeMs;
  toNumbers[en + E_SEQ] = numbers[n + SEQ];
  toNumbers[en + E_END_SEQ] = shard.seq;
  to[e + E_ID] = words[at + ID];
  to[e + E_ID + 1] = words[at + ID + 1];
  to[e + E_ID + 2] = words[at + ID + 2];
  to[e + E_ID + 3] = words[at + ID + 3];
  to[e + E_USER] = words[at + USER];
  const market = (words[at + CODES] >>> MARKET_SHIFT) << MARKET_SHIFT;
  to[e + E_CODES] = market | (executed === 0 ? 0 : MORE) | fate;
  to[e + E_HASH] = words[at + HASH];
  to[e + E_HASH + 1] = words[at + HASH + 1];
  if (executed === 0) return record;
  const x = words[at + EXTRA] * EXTRAS;
  const low = extras[x + MAKER_LOW] + extras[x + TAKER_LOW];
  const carried = low < SUM_BASE ? 0 : 1;
  toNumbers[en + E_EXECUTED_LOTS] = executed;
  toNumbers[en + E_EXECUTED_LOW] = low - carried * SUM_BASE;
  toNumbers[en + E_EXECUTED_HIGH] = extras[x + MAKER_HIGH] + extras[x + TAKER_HIGH] + carried;
  for (let rest = en + E_EXECUTED_HIGH + 1; rest < en + 2 * E_NUMBERS; rest += 1) toNumbers[rest] = 0;
  return record;
}
