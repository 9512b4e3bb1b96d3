// Events as rows of numbers.
import type { Book } from "./book.js";
import { Cell, EventKind, Flag } from "./event-buffer.js";
import { NONE } from "./none.js";
import type { Shard } from "./shard.js";
import {
  Code,
  ExtraColumn,
  executedHighOf,
  executedLotsOf,
  executedLowOf,
  extraNumber,
  SLOT_NUMBERS,
  SlotColumn,
} from "./slots.js";

// Constants of other files are read through a cell at each use; those of this file cost nothing.
const { MARKET, ORDER, USER, SIDE, PRICE, LOTS, STATUS, REASON, CREATED, SEQ, OTHER, OTHER_USER } = Cell;
const { OTHER_CREATED, FEE, OTHER_FEE, RECEIVED_HIGH, RECEIVED_LOW, OTHER_RECEIVED_HIGH } = Cell;
const { OTHER_RECEIVED_LOW, REMAINING, OTHER_REMAINING, RESERVED, OTHER_RESERVED, BUYER_LIMIT, INDEX } = Cell;
const { EXECUTED, AMENDED_PRICE, AMENDED_LOTS, FLAGS, OLD_PRICE, OLD_LOTS, QUANTITY } = Cell;
const { ACCEPTED, RESTED, TRADE, PREVENTED, ENDED, STOP_PLACED, STOP_TRIGGERED, AMENDED } = EventKind;
const { AMEND_REFUSED, OBJECT } = EventKind;
const WORDS = SLOT_NUMBERS * 2;
const NUMBERS = SLOT_NUMBERS;
const S_PRICE = SlotColumn.PRICE;
const S_REMAINING = SlotColumn.REMAINING;
const S_CREATED = SlotColumn.CREATED;
const S_SEQ = SlotColumn.SEQ;
const S_ID = SlotColumn.ID;
const S_USER = SlotColumn.USER;
const S_CODES = SlotColumn.CODES;
const S_EXTRA = SlotColumn.EXTRA;
const NOTHING = NONE;
const S_MAKER_FEE = SlotColumn.MAKER_FEE;
const S_TAKER_FEE = SlotColumn.TAKER_FEE;
const { MAKER_LOTS, MAKER_LOW, MAKER_HIGH, TAKER_LOTS, TAKER_LOW, TAKER_HIGH, STOP } = ExtraColumn;
const { SELL, BY_QUOTE_BUDGET, HAS_BUDGET } = Code;

/** Writes an id's words, unsigned. */
function writeId(cells: Float64Array, to: number, words: Int32Array, from: number): void {
  cells[to] = words[from] >>> 0;
  cells[to + 1] = words[from + 1] >>> 0;
  cells[to + 2] = words[from + 2] >>> 0;
  cells[to + 3] = words[from + 3] >>> 0;
}

/** Market, id, user and side of an order, as all events about one have them. */
function writeOrder(shard: Shard, row: number, book: Book, slot: number): void {
  const { cells } = shard.events;
  const words = shard.slots.words;
  const at = slot * WORDS;
  cells[row + MARKET] = book.number;
  writeId(cells, row + ORDER, words, at + S_ID);
  cells[row + USER] = words[at + S_USER];
  cells[row + SIDE] = words[at + S_CODES] & SELL;
}

export function writeAccepted(shard: Shard, book: Book, slot: number): void {
  writeOrder(shard, shard.events.row(ACCEPTED), book, slot);
}

export function writeRested(shard: Shard, book: Book, slot: number): void {
  const row = shard.events.row(RESTED);
  writeOrder(shard, row, book, slot);
  const { cells } = shard.events;
  const numbers = shard.slots.numbers;
  const at = slot * NUMBERS;
  cells[row + PRICE] = numbers[at + S_PRICE];
  cells[row + LOTS] = numbers[at + S_REMAINING];
}

export function writeStopPlaced(shard: Shard, book: Book, slot: number): void {
  writeStop(shard, shard.events.row(STOP_PLACED), book, slot);
}

export function writeStopTriggered(shard: Shard, book: Book, slot: number): void {
  writeStop(shard, shard.events.row(STOP_TRIGGERED), book, slot);
}

function writeStop(shard: Shard, row: number, book: Book, slot: number): void {
  writeOrder(shard, row, book, slot);
  const numbers = shard.slots.numbers;
  shard.events.cells[row + PRICE] = extraNumber(shard.slots, slot, STOP);
  shard.events.cells[row + LOTS] = numbers[slot * NUMBERS + S_REMAINING];
}

/** A trade of `lots`, before it counts: what both received before stands in their extras. */
export function writeTrade(shard: Shard, book: Book, maker: number, taker: number, lots: number): void {
  const { slots, events } = shard;
  const row = events.row(TRADE);
  writeOrder(shard, row, book, maker);
  const { cells } = events;
  const words = slots.words;
  const at = taker * WORDS;
  const codes = words[at + S_CODES];
  const isSell = codes & SELL;
  cells[row + SIDE] = isSell;
  writeId(cells, row + OTHER, words, at + S_ID);
  cells[row + OTHER_USER] = words[at + S_USER];
  cells[row + OTHER_FEE] = words[at + S_TAKER_FEE];
  cells[row + FEE] = slots.words[maker * WORDS + S_MAKER_FEE];
  const makerNumbers = slots.numbers;
  const takerNumbers = slots.numbers;
  const m = maker * NUMBERS;
  const t = taker * NUMBERS;
  cells[row + PRICE] = makerNumbers[m + S_PRICE];
  cells[row + LOTS] = lots;
  cells[row + CREATED] = makerNumbers[m + S_CREATED];
  cells[row + OTHER_CREATED] = takerNumbers[t + S_CREATED];
  cells[row + REMAINING] = makerNumbers[m + S_REMAINING] - lots;
  cells[row + OTHER_REMAINING] = (codes & BY_QUOTE_BUDGET) !== 0 ? 0 : takerNumbers[t + S_REMAINING] - lots;
  cells[row + BUYER_LIMIT] = isSell === 0 ? takerNumbers[t + S_PRICE] : makerNumbers[m + S_PRICE];
  cells[row + INDEX] = shard.trades;
  // A buyer receives lots, a seller their notional.
  cells[row + RECEIVED_HIGH] = isSell === 0 ? extraNumber(slots, maker, MAKER_HIGH) : 0;
  cells[row + RECEIVED_LOW] = extraNumber(slots, maker, isSell === 0 ? MAKER_LOW : MAKER_LOTS);
  cells[row + OTHER_RECEIVED_HIGH] = isSell === 0 ? 0 : extraNumber(slots, taker, TAKER_HIGH);
  cells[row + OTHER_RECEIVED_LOW] = extraNumber(slots, taker, isSell === 0 ? TAKER_LOTS : TAKER_LOW);
  const text = (events.count - 1) * 2;
  events.texts[text] = slots.texts[maker];
  events.texts[text + 1] = slots.texts[taker];
}

/** A prevention, after it counted. */
export function writePrevented(
  shard: Shard,
  book: Book,
  what: { maker: number; taker: number; lots: number; mode: number },
): void {
  const { slots, events } = shard;
  const row = events.row(PREVENTED);
  const { maker, taker } = what;
  writeOrder(shard, row, book, maker);
  const { cells } = events;
  const words = slots.words;
  const at = taker * WORDS;
  cells[row + SIDE] = words[at + S_CODES] & SELL;
  writeId(cells, row + OTHER, words, at + S_ID);
  cells[row + OTHER_USER] = words[at + S_USER];
  cells[row + PRICE] = slots.numbers[maker * NUMBERS + S_PRICE];
  cells[row + LOTS] = what.lots;
  cells[row + REASON] = what.mode;
  cells[row + REMAINING] = slots.numbers[maker * NUMBERS + S_REMAINING];
  cells[row + OTHER_REMAINING] = slots.numbers[taker * NUMBERS + S_REMAINING];
  cells[row + RESERVED] = reservedOf(shard, maker);
  cells[row + OTHER_RESERVED] = reservedOf(shard, taker);
}

/** What an order needs reserved now: tick times lot for a buyer, lots for a seller. */
export function reservedOf({ slots }: Shard, slot: number): number {
  const codes = slots.words[slot * WORDS + S_CODES];
  if ((codes & HAS_BUDGET) !== 0) return extraNumber(slots, slot, ExtraColumn.BUDGET);
  const numbers = slots.numbers;
  const at = slot * NUMBERS;
  return (codes & SELL) !== 0 ? numbers[at + S_REMAINING] : numbers[at + S_PRICE] * numbers[at + S_REMAINING];
}

/** The final word on an order that has a slot. Returns its row. */
export function writeEnded(
  shard: Shard,
  book: Book,
  slot: number,
  status: number,
  reason: number,
  flags: number,
): number {
  const { slots, events } = shard;
  const row = events.row(ENDED);
  writeOrder(shard, row, book, slot);
  const { cells } = events;
  const { numbers } = slots;
  const at = slot * NUMBERS;
  cells[row + PRICE] = numbers[at + S_PRICE];
  cells[row + LOTS] = numbers[at + S_REMAINING];
  cells[row + STATUS] = status;
  cells[row + REASON] = reason;
  cells[row + CREATED] = numbers[at + S_CREATED];
  cells[row + SEQ] = numbers[at + S_SEQ];
  cells[row + FLAGS] = flags;
  // Most orders end as they came.
  const isPlain = slots.words[slot * WORDS + S_EXTRA] === NOTHING;
  cells[row + RECEIVED_HIGH] = isPlain ? 0 : executedHighOf(slots, slot);
  cells[row + RECEIVED_LOW] = isPlain ? 0 : executedLowOf(slots, slot);
  cells[row + EXECUTED] = isPlain ? 0 : executedLotsOf(slots, slot);
  cells[row + AMENDED_PRICE] = isPlain ? 0 : amendedPriceOf(shard, slot);
  cells[row + AMENDED_LOTS] = isPlain ? 0 : amendedLotsOf(shard, slot);
  return row;
}

/** Limit price when it is not the one submitted; else 0. */
export function amendedPriceOf({ slots }: Shard, slot: number): number {
  const first = extraNumber(slots, slot, ExtraColumn.FIRST_PRICE);
  const now = slots.numbers[slot * NUMBERS + S_PRICE];
  return first === 0 || first === now ? 0 : now;
}

/** Quantity when it is not the one submitted; else 0. */
export function amendedLotsOf(shard: Shard, slot: number): number {
  const first = extraNumber(shard.slots, slot, ExtraColumn.FIRST_QUANTITY);
  if (first === 0) return 0;
  const now = quantityOf(shard, slot);
  return first === now ? 0 : now;
}

/** Quantity of an order now, executed part included; 0 by quote budget. */
export function quantityOf({ slots }: Shard, slot: number): number {
  const words = slots.words;
  if ((words[slot * WORDS + S_CODES] & BY_QUOTE_BUDGET) !== 0) return 0;
  const open = slots.numbers[slot * NUMBERS + S_REMAINING];
  return executedLotsOf(slots, slot) + open + extraNumber(slots, slot, ExtraColumn.LOST);
}

/** The final word on an id without an order; its words are in `shard.id`. */
export function writeTombstone(shard: Shard, user: number, status: number, reason: number): void {
  const row = shard.events.row(ENDED);
  const { cells } = shard.events;
  cells.fill(0, row + 1, row + 32);
  cells[row + MARKET] = -1;
  writeId(cells, row + ORDER, shard.id, 0);
  cells[row + USER] = user;
  cells[row + STATUS] = status;
  cells[row + REASON] = reason;
  cells[row + CREATED] = shard.timeMs;
  cells[row + SEQ] = shard.seq;
  cells[row + FLAGS] = Flag.TOMBSTONE;
}

/** An amend that holds now. */
export function writeAmended(
  shard: Shard,
  book: Book,
  slot: number,
  was: { leg: Int32Array; price: number; open: number; flags: number },
): void {
  const row = shard.events.row(AMENDED);
  writeOrder(shard, row, book, slot);
  const { cells } = shard.events;
  const numbers = shard.slots.numbers;
  const at = slot * NUMBERS;
  writeId(cells, row + OTHER, was.leg, 0);
  cells[row + PRICE] = numbers[at + S_PRICE];
  cells[row + LOTS] = numbers[at + S_REMAINING];
  cells[row + OLD_PRICE] = was.price;
  cells[row + OLD_LOTS] = was.open;
  cells[row + QUANTITY] = quantityOf(shard, slot);
  cells[row + RESERVED] = reservedOf(shard, slot);
  cells[row + CREATED] = numbers[at + S_CREATED];
  cells[row + FLAGS] = was.flags;
}

export function writeAmendRefused(
  shard: Shard,
  what: { market: number; user: number; order: Int32Array; leg: Int32Array; reason: number },
): void {
  const row = shard.events.row(AMEND_REFUSED);
  const { cells } = shard.events;
  cells[row + MARKET] = what.market;
  writeId(cells, row + ORDER, what.order, 0);
  cells[row + USER] = what.user;
  writeId(cells, row + OTHER, what.leg, 0);
  cells[row + REASON] = what.reason;
}

/** An event that is rare enough to be an object. */
export function writeObject(shard: Shard, event: unknown): void {
  const row = shard.events.row(OBJECT);
  shard.events.objects[row / 32] = event;
}
