// Live orders: the one at hand, those in the book, stops that wait. 96 bytes each, of which the first 64 are all that
// queues and look-ups need; what few orders need lies in `extras`.
import { hashAt, isIdAt } from "./ids.js";
import { NONE } from "./none.js";

/** Columns of a slot. Numbers and words are two views of the same bytes; each column is used through one. */
export const SlotColumn = {
  // Numbers.
  /** Limit price in ticks; 0 for MARKET and STOP. */
  PRICE: 0,
  /** Open lots; 0 for an order by quote budget. */
  REMAINING: 1,
  // Words.
  ID: 4,
  USER: 8,
  CODES: 9,
  NEXT: 10,
  PREVIOUS: 11,
  LEVEL: 12,
  /** Slot + 1 of the next order whose id has the same home in the memory of ids; 0 for none. */
  CHAIN: 13,
  /** Number of its extras, or NONE. */
  EXTRA: 14,
  // Numbers.
  CREATED: 8,
  /** Seq of the record that accepted it. */
  SEQ: 9,
  // Words.
  HASH: 20,
  MAKER_FEE: 22,
  TAKER_FEE: 23,
} as const;
/** Numbers of a slot. */
export const SLOT_NUMBERS = 12;
/** Words of a slot. */
export const SLOT_WORDS = SLOT_NUMBERS * 2;
/** Slots at most. Masked with it, a slot times its words is a 32-bit integer, and the compiler knows. */
export const SLOT_MASK = 0x3ff_ffff;

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

const SLOTS_MIN = 256;
const EXTRAS_MIN = 64;

/**
 * Slots by number. `numbers` and `words` are two views of the same bytes: a slot lies together, in one or two cache
 * lines, and each column is used through one view only. Both grow by doubling; what was never used is never touched,
 * so it takes no memory yet.
 */
export interface Slots {
  numbers: Float64Array;
  words: Int32Array;
  /** Client order ids. */
  readonly texts: string[];
  /** Slots ever used; those that are free link through NEXT. */
  used: number;
  free: number;
  /** Slots whose orders ended in the record at hand: whoever reads its events reads them. Linked through NEXT. */
  left: number;
  count: number;
  extras: Float64Array;
  /** The same; a free one links through its first number. */
  extrasUsed: number;
  extrasFree: number;
}

export function createSlots(): Slots {
  const numbers = new Float64Array(SLOTS_MIN * SLOT_NUMBERS);
  return {
    numbers,
    words: new Int32Array(numbers.buffer),
    texts: [],
    used: 0,
    free: NONE,
    left: NONE,
    count: 0,
    extras: new Float64Array(EXTRAS_MIN * EXTRA_NUMBERS),
    extrasUsed: 0,
    extrasFree: NONE,
  };
}

const { PRICE, REMAINING, CREATED, SEQ, ID, USER, CODES, NEXT, EXTRA } = SlotColumn;
const { MAKER_LOTS, MAKER_LOW, MAKER_HIGH, TAKER_LOTS, TAKER_LOW, TAKER_HIGH } = ExtraColumn;
const WORDS = SLOT_WORDS;
const NUMBERS = SLOT_NUMBERS;
const MASK = SLOT_MASK;
const LIVE = Code.LIVE;
const EXTRAS = EXTRA_NUMBERS;
const NOTHING = NONE;

/** Takes a free slot, with whatever was in it. */
export function takeSlot(slots: Slots): number {
  slots.count += 1;
  const { free } = slots;
  if (free === NOTHING) return newSlot(slots);
  slots.free = slots.words[(free & MASK) * WORDS + NEXT];
  return free;
}

function newSlot(slots: Slots): number {
  const slot = slots.used;
  if (slot * NUMBERS === slots.numbers.length) {
    const numbers = new Float64Array(slots.numbers.length * 2);
    numbers.set(slots.numbers);
    slots.numbers = numbers;
    slots.words = new Int32Array(numbers.buffer);
  }
  slots.texts.push("");
  slots.used += 1;
  return slot;
}

/** Leaves the slot of an order that ended. It stays as it is until the next command frees it. */
export function leaveSlot(slots: Slots, slot: number): void {
  const { words } = slots;
  const at = (slot & MASK) * WORDS;
  words[at + CODES] &= ~LIVE;
  words[at + NEXT] = slots.left;
  slots.left = slot;
  slots.count -= 1;
}

/** Frees the slots that were left, and their extras. */
export function freeLeft(slots: Slots): void {
  const { words } = slots;
  while (slots.left !== NOTHING) {
    const slot = slots.left;
    const at = (slot & MASK) * WORDS;
    slots.left = words[at + NEXT];
    const extra = words[at + EXTRA];
    if (extra !== NOTHING) {
      slots.extras[extra * EXTRAS] = slots.extrasFree;
      slots.extrasFree = extra;
    }
    words[at + NEXT] = slots.free;
    // Text on the heap: a free slot must not keep it alive.
    slots.texts[slot] = "";
    slots.free = slot;
  }
}

/** Extras of a slot, made on first need. */
export function extraOf(slots: Slots, slot: number): number {
  const at = (slot & MASK) * WORDS + EXTRA;
  const extra = slots.words[at];
  if (extra !== NOTHING) return extra;
  const made = takeExtra(slots);
  const { extras } = slots;
  // A loop: what is built in takes longer to call than these few take to write.
  for (let number = made * EXTRAS; number < made * EXTRAS + EXTRAS; number += 1) extras[number] = 0;
  slots.words[at] = made;
  return made;
}

function takeExtra(slots: Slots): number {
  const free = slots.extrasFree;
  if (free !== NOTHING) {
    // A whole number for the compiler, too.
    slots.extrasFree = slots.extras[free * EXTRAS] | 0;
    return free;
  }
  if (slots.extrasUsed * EXTRAS === slots.extras.length) {
    const extras = new Float64Array(slots.extras.length * 2);
    extras.set(slots.extras);
    slots.extras = extras;
  }
  slots.extrasUsed += 1;
  return slots.extrasUsed - 1;
}

/** A column of a slot's extras; 0 without any. */
export function extraNumber(slots: Slots, slot: number, column: number): number {
  const extra = slots.words[(slot & MASK) * WORDS + EXTRA];
  return extra === NOTHING ? 0 : slots.extras[extra * EXTRAS + column];
}

export function setExtraNumber(slots: Slots, slot: number, column: number, value: number): void {
  const extra = extraOf(slots, slot);
  slots.extras[extra * EXTRAS + column] = value;
}

export function slotWord(slots: Slots, slot: number, column: number): number {
  return slots.words[(slot & MASK) * WORDS + column];
}

export function setSlotWord(slots: Slots, slot: number, column: number, value: number): void {
  slots.words[(slot & MASK) * WORDS + column] = value;
}

function slotNumber(slots: Slots, slot: number, column: number): number {
  return slots.numbers[(slot & MASK) * NUMBERS + column];
}

export function setSlotNumber(slots: Slots, slot: number, column: number, value: number): void {
  slots.numbers[(slot & MASK) * NUMBERS + column] = value;
}

export const priceOf = (slots: Slots, slot: number) => slotNumber(slots, slot, PRICE);
export const remainingOf = (slots: Slots, slot: number) => slotNumber(slots, slot, REMAINING);
export const createdOf = (slots: Slots, slot: number) => slotNumber(slots, slot, CREATED);
export const seqOf = (slots: Slots, slot: number) => slotNumber(slots, slot, SEQ);
export const userOf = (slots: Slots, slot: number) => slotWord(slots, slot, USER);
export const codesOf = (slots: Slots, slot: number) => slotWord(slots, slot, CODES);
export const nextOf = (slots: Slots, slot: number) => slotWord(slots, slot, NEXT);

/** Hash of a slot's id. */
export const hashOfSlot = ({ words }: Slots, slot: number) => hashAt(words, (slot & MASK) * WORDS + ID);

/** Whether a slot has an id. */
export const isIdOfSlot = ({ words }: Slots, slot: number, id: Int32Array) =>
  isIdAt(words, (slot & MASK) * WORDS + ID, id);

/** What an order executed in both roles: lots. */
export function executedLotsOf(slots: Slots, slot: number): number {
  return extraNumber(slots, slot, MAKER_LOTS) + extraNumber(slots, slot, TAKER_LOTS);
}

/** Its notional as a sum in two numbers. */
export function executedLowOf(slots: Slots, slot: number): number {
  const low = extraNumber(slots, slot, MAKER_LOW) + extraNumber(slots, slot, TAKER_LOW);
  return low < 1e15 ? low : low - 1e15;
}

export function executedHighOf(slots: Slots, slot: number): number {
  const carried = extraNumber(slots, slot, MAKER_LOW) + extraNumber(slots, slot, TAKER_LOW) >= 1e15 ? 1 : 0;
  return extraNumber(slots, slot, MAKER_HIGH) + extraNumber(slots, slot, TAKER_HIGH) + carried;
}
