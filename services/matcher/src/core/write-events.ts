// Events as rows of numbers. Of what is frequent only what may change before the record ends.
import { CELLS, Cell, EventKind, Flag } from "./event-buffer.js";
import type { Shard } from "./shard.js";
import {
  Code,
  EXTRA_NUMBERS,
  ExtraColumn,
  executedLotsOf,
  extraNumber,
  SLOT_MASK,
  SLOT_NUMBERS,
  SLOT_WORDS,
  SlotColumn,
  type Slots,
} from "./slots.js";

// Constants of other files are read through a cell at each use; those of this file cost nothing.
const { MARKET, ORDER, USER, SIDE, PRICE, LOTS, STATUS, REASON, CREATED, SEQ, OTHER, OTHER_USER } = Cell;
const { RECEIVED_HIGH, RECEIVED_LOW, OTHER_RECEIVED_HIGH } = Cell;
const { OTHER_RECEIVED_LOW, REMAINING, OTHER_REMAINING, RESERVED, OTHER_RESERVED } = Cell;
const { FLAGS, OLD_PRICE, OLD_LOTS, QUANTITY } = Cell;
const { ACCEPTED, RESTED, TRADE, PREVENTED, ENDED, STOP_PLACED, STOP_TRIGGERED, AMENDED } = EventKind;
const { AMEND_REFUSED, OBJECT } = EventKind;
const WORDS = SLOT_WORDS;
const MASK = SLOT_MASK;
const NUMBERS = SLOT_NUMBERS;
const S_PRICE = SlotColumn.PRICE;
const S_REMAINING = SlotColumn.REMAINING;
const S_CREATED = SlotColumn.CREATED;
const S_ID = SlotColumn.ID;
const S_USER = SlotColumn.USER;
const S_CODES = SlotColumn.CODES;
const S_EXTRA = SlotColumn.EXTRA;
const EXTRAS = EXTRA_NUMBERS;
const { MAKER_LOTS, MAKER_LOW, MAKER_HIGH, TAKER_LOTS, TAKER_LOW, TAKER_HIGH, STOP } = ExtraColumn;
const { SELL, BY_QUOTE_BUDGET, HAS_BUDGET, MARKET_SHIFT } = Code;

/** Writes an id's words, unsigned. */
export function writeId(cells: Float64Array, to: number, words: Int32Array, from: number): void {
  cells[to] = words[from] >>> 0;
  cells[to + 1] = words[from + 1] >>> 0;
  cells[to + 2] = words[from + 2] >>> 0;
  cells[to + 3] = words[from + 3] >>> 0;
}

/** Market, id, user and side of an order, as all events about one have them. */
export function writeOrder(cells: Float64Array, row: number, { words }: Slots, slot: number): void {
  const at = (slot & MASK) * WORDS;
  const codes = words[at + S_CODES];
  cells[row + MARKET] = codes >>> MARKET_SHIFT;
  writeId(cells, row + ORDER, words, at + S_ID);
  cells[row + USER] = words[at + S_USER];
  cells[row + SIDE] = codes & SELL;
}

export function writeAccepted(shard: Shard, slot: number): void {
  shard.events.row(ACCEPTED, slot);
}

export function writeRested(shard: Shard, slot: number): void {
  const { events, slots } = shard;
  const row = events.row(RESTED, slot);
  events.cells[row + LOTS] = slots.numbers[(slot & MASK) * NUMBERS + S_REMAINING];
}

export function writeStopPlaced(shard: Shard, slot: number): void {
  writeStop(shard, shard.events.row(STOP_PLACED), slot);
}

export function writeStopTriggered(shard: Shard, slot: number): void {
  writeStop(shard, shard.events.row(STOP_TRIGGERED), slot);
}

function writeStop(shard: Shard, row: number, slot: number): void {
  writeOrder(shard.events.cells, row, shard.slots, slot);
  const numbers = shard.slots.numbers;
  shard.events.cells[row + PRICE] = extraNumber(shard.slots, slot, STOP);
  shard.events.cells[row + LOTS] = numbers[(slot & MASK) * NUMBERS + S_REMAINING];
}

/** A trade of `lots`, before it counts: what both received before stands in their extras, which they must have. */
export function writeTrade(shard: Shard, maker: number, taker: number, lots: number): void {
  const { slots, events } = shard;
  const row = events.row(TRADE, maker, taker);
  const { cells } = events;
  const { numbers, words, extras } = slots;
  const codes = words[(taker & MASK) * WORDS + S_CODES];
  const m = (maker & MASK) * NUMBERS;
  cells[row + PRICE] = numbers[m + S_PRICE];
  cells[row + LOTS] = lots;
  cells[row + REMAINING] = numbers[m + S_REMAINING] - lots;
  cells[row + OTHER_REMAINING] =
    (codes & BY_QUOTE_BUDGET) !== 0 ? 0 : numbers[(taker & MASK) * NUMBERS + S_REMAINING] - lots;
  // A buyer receives lots, a seller their notional.
  const isSell = (codes & SELL) !== 0;
  const mx = words[(maker & MASK) * WORDS + S_EXTRA] * EXTRAS;
  const tx = words[(taker & MASK) * WORDS + S_EXTRA] * EXTRAS;
  cells[row + RECEIVED_HIGH] = isSell ? 0 : extras[mx + MAKER_HIGH];
  cells[row + RECEIVED_LOW] = isSell ? extras[mx + MAKER_LOTS] : extras[mx + MAKER_LOW];
  cells[row + OTHER_RECEIVED_HIGH] = isSell ? extras[tx + TAKER_HIGH] : 0;
  cells[row + OTHER_RECEIVED_LOW] = isSell ? extras[tx + TAKER_LOW] : extras[tx + TAKER_LOTS];
}

/** A prevention, after it counted. */
export function writePrevented(
  shard: Shard,
  what: { maker: number; taker: number; lots: number; mode: number },
): void {
  const { slots, events } = shard;
  const row = events.row(PREVENTED);
  const { maker, taker } = what;
  writeOrder(events.cells, row, slots, maker);
  const { cells } = events;
  const words = slots.words;
  const at = (taker & MASK) * WORDS;
  cells[row + SIDE] = words[at + S_CODES] & SELL;
  writeId(cells, row + OTHER, words, at + S_ID);
  cells[row + OTHER_USER] = words[at + S_USER];
  cells[row + PRICE] = slots.numbers[(maker & MASK) * NUMBERS + S_PRICE];
  cells[row + LOTS] = what.lots;
  cells[row + REASON] = what.mode;
  cells[row + REMAINING] = slots.numbers[(maker & MASK) * NUMBERS + S_REMAINING];
  cells[row + OTHER_REMAINING] = slots.numbers[(taker & MASK) * NUMBERS + S_REMAINING];
  cells[row + RESERVED] = reservedOf(shard, maker);
  cells[row + OTHER_RESERVED] = reservedOf(shard, taker);
}

/** What an order needs reserved now: tick times lot for a buyer, lots for a seller. */
export function reservedOf({ slots }: Shard, slot: number): number {
  const codes = slots.words[(slot & MASK) * WORDS + S_CODES];
  if ((codes & HAS_BUDGET) !== 0) return extraNumber(slots, slot, ExtraColumn.BUDGET);
  const numbers = slots.numbers;
  const at = (slot & MASK) * NUMBERS;
  return (codes & SELL) !== 0 ? numbers[at + S_REMAINING] : numbers[at + S_PRICE] * numbers[at + S_REMAINING];
}

/** The final word on an order that has a slot. */
export function writeEnded(shard: Shard, slot: number, status: number, reason: number, flags: number): void {
  const { events } = shard;
  const row = events.row(ENDED, slot);
  const { cells } = events;
  cells[row + STATUS] = status;
  cells[row + REASON] = reason;
  cells[row + FLAGS] = flags;
}

/** Limit price when it is not the one submitted; else 0. */
export function amendedPriceOf(slots: Slots, slot: number): number {
  const first = extraNumber(slots, slot, ExtraColumn.FIRST_PRICE);
  const now = slots.numbers[(slot & MASK) * NUMBERS + S_PRICE];
  return first === 0 || first === now ? 0 : now;
}

/** Quantity when it is not the one submitted; else 0. */
export function amendedLotsOf(slots: Slots, slot: number): number {
  const first = extraNumber(slots, slot, ExtraColumn.FIRST_QUANTITY);
  if (first === 0) return 0;
  const now = quantityOf(slots, slot);
  return first === now ? 0 : now;
}

/** Quantity of an order now, executed part included; 0 by quote budget. */
export function quantityOf(slots: Slots, slot: number): number {
  const words = slots.words;
  if ((words[(slot & MASK) * WORDS + S_CODES] & BY_QUOTE_BUDGET) !== 0) return 0;
  const open = slots.numbers[(slot & MASK) * NUMBERS + S_REMAINING];
  return executedLotsOf(slots, slot) + open + extraNumber(slots, slot, ExtraColumn.LOST);
}

/** The final word on an id without an order; its words are in `shard.id`. */
export function writeTombstone(shard: Shard, user: number, status: number, reason: number): void {
  const row = shard.events.row(ENDED);
  const { cells } = shard.events;
  cells.fill(0, row + 1, row + CELLS);
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
  slot: number,
  was: { leg: Int32Array; price: number; open: number; flags: number },
): void {
  const row = shard.events.row(AMENDED);
  writeOrder(shard.events.cells, row, shard.slots, slot);
  const { cells } = shard.events;
  const numbers = shard.slots.numbers;
  const at = (slot & MASK) * NUMBERS;
  writeId(cells, row + OTHER, was.leg, 0);
  cells[row + PRICE] = numbers[at + S_PRICE];
  cells[row + LOTS] = numbers[at + S_REMAINING];
  cells[row + OLD_PRICE] = was.price;
  cells[row + OLD_LOTS] = was.open;
  cells[row + QUANTITY] = quantityOf(shard.slots, slot);
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
  shard.events.objects[row / CELLS] = event;
}
