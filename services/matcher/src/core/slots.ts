// Live orders: the one at hand, those in the book, stops that wait. 88 bytes each; what few orders need lies in
// `extras`.
import {
  CHUNK_BITS,
  CHUNK_MASK,
  CHUNK_SIZE,
  createPool,
  giveRecord,
  NONE,
  type Pool,
  takeRecord,
} from "./pool.js";

/** Columns of a slot. The first four are numbers, all others words. */
export const SlotColumn = {
  /** Limit price in ticks; 0 for MARKET and STOP. */
  PRICE: 0,
  /** Open lots; 0 for an order by quote budget. */
  REMAINING: 1,
  CREATED: 2,
  /** Seq of the record that accepted it. */
  SEQ: 3,
  ID: 8,
  USER: 12,
  CODES: 13,
  NEXT: 14,
  PREVIOUS: 15,
  LEVEL: 16,
  HASH: 17,
  MAKER_FEE: 19,
  TAKER_FEE: 20,
  /** Number of its extras, or NONE. */
  EXTRA: 21,
} as const;
/** Numbers of a slot. */
export const SLOT_NUMBERS = 11;

/** Columns of extras, all numbers. Zero until needed. */
export const ExtraColumn = {
  /** Executed as maker: lots, and tick times lot as a sum in two numbers. */
  MAKER_LOTS: 0,
  MAKER_LOW: 1,
  MAKER_HIGH: 2,
  TAKER_LOTS: 3,
  TAKER_LOW: 4,
  TAKER_HIGH: 5,
  /** Time of the last change; 0 when there was none since the order was accepted. */
  UPDATED: 6,
  STOP: 7,
  /** What an order with a budget may still spend, tick times lot. */
  BUDGET: 8,
  /** Seq by which a waiting stop stands in line. */
  PLACE: 9,
  /** Price and quantity as submitted, once something else holds. */
  FIRST_PRICE: 10,
  FIRST_QUANTITY: 11,
  /** Lots that the last prevention took from an order that it ended: part of its quantity. */
  LOST: 12,
} as const;
export const EXTRA_NUMBERS = 13;

/** Bits of CODES; the market's number stands above them. */
export const Code = {
  SELL: 1,
  TYPE_SHIFT: 1,
  TYPE_MASK: 3,
  TIME_SHIFT: 3,
  TIME_MASK: 3,
  POST_ONLY: 1 << 5,
  PREVENTION_SHIFT: 6,
  PREVENTION_MASK: 3,
  BY_QUOTE_BUDGET: 1 << 8,
  AT_HAND: 1 << 9,
  RESTING: 1 << 10,
  WAITING: 1 << 11,
  /** Any of the three: a free slot has none. */
  LIVE: 7 << 9,
  TRIGGERED: 1 << 12,
  HAS_BUDGET: 1 << 13,
  MARKET_SHIFT: 16,
} as const;

/** Codes of types, times in force and preventions, as in their words in order-input.ts. */
export const LIMIT = 0;
export const MARKET = 1;
export const STOP = 2;
export const STOP_LIMIT = 3;
export const GTC = 0;
export const IOC = 1;
export const FOK = 2;
export const DAY = 3;
export const CANCEL_TAKER = 0;
export const CANCEL_MAKER = 1;
export const CANCEL_BOTH = 2;
export const DECREMENT = 3;

export interface Slots {
  readonly pool: Pool;
  readonly extras: Pool;
  /** Client order ids, by chunk. */
  readonly texts: string[][];
}

export function createSlots(): Slots {
  // Extras hold only numbers: a free one links through the first word of its first.
  return { pool: createPool(SLOT_NUMBERS, NEXT), extras: createPool(EXTRA_NUMBERS, 0), texts: [] };
}

const { PRICE, REMAINING, CREATED, SEQ, ID, USER, CODES, NEXT, EXTRA } = SlotColumn;
const { MAKER_LOTS, MAKER_LOW, MAKER_HIGH, TAKER_LOTS, TAKER_LOW, TAKER_HIGH } = ExtraColumn;
const WORDS = SLOT_NUMBERS * 2;

export function takeSlot(slots: Slots): number {
  const slot = takeRecord(slots.pool);
  const chunk = slot >>> CHUNK_BITS;
  if (chunk === slots.texts.length) slots.texts.push(new Array<string>(CHUNK_SIZE).fill(""));
  return slot;
}

/** Frees a slot and its extras. */
export function giveSlot(slots: Slots, slot: number): void {
  const chunk = slot >>> CHUNK_BITS;
  const words = slots.pool.words[chunk];
  const at = (slot & CHUNK_MASK) * WORDS;
  const extra = words[at + EXTRA];
  if (extra !== NONE) giveRecord(slots.extras, extra);
  words[at + CODES] = 0;
  // Text on the heap: a free slot must not keep it alive.
  slots.texts[chunk][slot & CHUNK_MASK] = "";
  giveRecord(slots.pool, slot);
}

/** Extras of a slot, made on first need. */
export function extraOf(slots: Slots, slot: number): number {
  const words = slots.pool.words[slot >>> CHUNK_BITS];
  const at = (slot & CHUNK_MASK) * WORDS + EXTRA;
  if (words[at] !== NONE) return words[at];
  const extra = takeRecord(slots.extras);
  const numbers = slots.extras.numbers[extra >>> CHUNK_BITS];
  const first = (extra & CHUNK_MASK) * EXTRA_NUMBERS;
  for (let column = 0; column < EXTRA_NUMBERS; column += 1) numbers[first + column] = 0;
  words[at] = extra;
  return extra;
}

/** A column of a slot's extras; 0 without any. */
export function extraNumber(slots: Slots, slot: number, column: number): number {
  const extra = slotWord(slots, slot, EXTRA);
  if (extra === NONE) return 0;
  return slots.extras.numbers[extra >>> CHUNK_BITS][(extra & CHUNK_MASK) * EXTRA_NUMBERS + column];
}

export function setExtraNumber(slots: Slots, slot: number, column: number, value: number): void {
  const extra = extraOf(slots, slot);
  slots.extras.numbers[extra >>> CHUNK_BITS][(extra & CHUNK_MASK) * EXTRA_NUMBERS + column] = value;
}

export function slotWord(slots: Slots, slot: number, column: number): number {
  return slots.pool.words[slot >>> CHUNK_BITS][(slot & CHUNK_MASK) * WORDS + column];
}

export function setSlotWord(slots: Slots, slot: number, column: number, value: number): void {
  slots.pool.words[slot >>> CHUNK_BITS][(slot & CHUNK_MASK) * WORDS + column] = value;
}

export function slotNumber(slots: Slots, slot: number, column: number): number {
  return slots.pool.numbers[slot >>> CHUNK_BITS][(slot & CHUNK_MASK) * SLOT_NUMBERS + column];
}

export function setSlotNumber(slots: Slots, slot: number, column: number, value: number): void {
  slots.pool.numbers[slot >>> CHUNK_BITS][(slot & CHUNK_MASK) * SLOT_NUMBERS + column] = value;
}

export const priceOf = (slots: Slots, slot: number) => slotNumber(slots, slot, PRICE);
export const remainingOf = (slots: Slots, slot: number) => slotNumber(slots, slot, REMAINING);
export const createdOf = (slots: Slots, slot: number) => slotNumber(slots, slot, CREATED);
export const seqOf = (slots: Slots, slot: number) => slotNumber(slots, slot, SEQ);
export const userOf = (slots: Slots, slot: number) => slotWord(slots, slot, USER);
export const codesOf = (slots: Slots, slot: number) => slotWord(slots, slot, CODES);
export const nextOf = (slots: Slots, slot: number) => slotWord(slots, slot, NEXT);
export const isIdOfSlot = (slots: Slots, slot: number, id: Int32Array) => {
  const words = slots.pool.words[slot >>> CHUNK_BITS];
  const at = (slot & CHUNK_MASK) * WORDS + ID;
  return words[at] === id[0] && words[at + 1] === id[1] && words[at + 2] === id[2] && words[at + 3] === id[3];
};

/** What an order executed in both roles: lots. */
export function executedLotsOf(slots: Slots, slot: number): number {
  return extraNumber(slots, slot, MAKER_LOTS) + extraNumber(slots, slot, TAKER_LOTS);
}

/** Its notional as a sum in two numbers. */
export function executedLowOf(slots: Slots, slot: number): number {
  return (extraNumber(slots, slot, MAKER_LOW) + extraNumber(slots, slot, TAKER_LOW)) % 1e15;
}

export function executedHighOf(slots: Slots, slot: number): number {
  const carried = extraNumber(slots, slot, MAKER_LOW) + extraNumber(slots, slot, TAKER_LOW) >= 1e15 ? 1 : 0;
  return extraNumber(slots, slot, MAKER_HIGH) + extraNumber(slots, slot, TAKER_HIGH) + carried;
}
