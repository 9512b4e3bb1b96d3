// How an order leaves the shard, or stays in it.
import { endAtOnce } from "./at-once.js";
import { type Book, dequeue, enqueue, enqueueStop } from "./book.js";
import {
  appendRecord,
  chunkNumbers,
  chunkWords,
  EndedCode,
  EndedColumn,
  numbersAt,
  UNIT_NUMBERS,
  wordsAt,
} from "./ended.js";
import { Flag } from "./event-buffer.js";
import { BASE } from "./exact.js";
import { insertEnded, moveToEnded } from "./memory.js";
import { NONE } from "./none.js";
import { dayEndAfter, noteDue } from "./session.js";
import type { Shard } from "./shard.js";
import {
  Code,
  DAY,
  EXTRA_NUMBERS,
  ExtraColumn,
  leaveSlot,
  SLOT_MASK,
  SLOT_NUMBERS,
  SLOT_WORDS,
  SlotColumn,
  type Slots,
  setExtraNumber,
} from "./slots.js";
import { END_REASONS, type EndReason, type FinalStatus, ORDER_STATUSES } from "./types.js";
import { amendedLotsOf, amendedPriceOf, writeEnded, writeRested, writeStopPlaced } from "./write-events.js";

const WORDS = SLOT_WORDS;
const S_NUMBERS = SLOT_NUMBERS;
const MASK = SLOT_MASK;
const S_ID = SlotColumn.ID;
const S_USER = SlotColumn.USER;
const S_CODES = SlotColumn.CODES;
const S_HASH = SlotColumn.HASH;
const S_CREATED = SlotColumn.CREATED;
const S_SEQ = SlotColumn.SEQ;
const S_EXTRA = SlotColumn.EXTRA;
const NOTHING = NONE;
const EXTRAS = EXTRA_NUMBERS;
const SUM_BASE = BASE;
const { MAKER_LOTS, MAKER_LOW, MAKER_HIGH, TAKER_LOTS, TAKER_LOW, TAKER_HIGH } = ExtraColumn;
const { FIRST_PRICE, FIRST_QUANTITY } = ExtraColumn;
const { CREATED, UPDATED, SEQ, END_SEQ, EXECUTED_LOTS, EXECUTED_LOW, PRICE, QUANTITY } = EndedColumn;
const { ID, USER, CODES, HASH, EXECUTED_HIGH } = EndedColumn;
const { REASON_SHIFT, TOMBSTONE, MORE } = EndedCode;
const NUMBERS = UNIT_NUMBERS;
const ENDED_TRIGGERED = EndedCode.TRIGGERED;
const { WAS_RESTING, WITH_TERMS } = Flag;
const { RESTING, WAITING, TIME_SHIFT, TIME_MASK, MARKET_SHIFT, TRIGGERED } = Code;

/** Codes of ends, looked up once. */
export const FILLED = ORDER_STATUSES.indexOf("FILLED");
export const CANCELLED = ORDER_STATUSES.indexOf("CANCELLED");
export const EXPIRED = ORDER_STATUSES.indexOf("EXPIRED");
export const REJECTED = ORDER_STATUSES.indexOf("REJECTED");
export const reasonCode = (reason: EndReason) => END_REASONS.indexOf(reason);
export const statusCode = (status: FinalStatus) => ORDER_STATUSES.indexOf(status);

/** Writes the final word on an order, takes it out of its queue if it is in one, and remembers it as ended. */
export function endOrder(shard: Shard, book: Book, slot: number, status: number, reason: number): void {
  if (!endAtOnce(shard, slot, status, reason)) endWith(shard, book, slot, status, reason, 0);
}

/** The same of an order that was refused: its terms go with the word. */
export function refuseOrder(shard: Shard, book: Book, slot: number, reason: number): void {
  endWith(shard, book, slot, REJECTED, reason, WITH_TERMS);
}

function endWith(
  shard: Shard,
  book: Book,
  slot: number,
  status: number,
  reason: number,
  flags: number,
): void {
  const { slots } = shard;
  const codes = slots.words[(slot & MASK) * WORDS + S_CODES];
  writeEnded(shard, slot, status, reason, (codes & RESTING) !== 0 ? flags | WAS_RESTING : flags);
  if ((codes & (RESTING | WAITING)) !== 0) dequeue(book, slots, slot);
  remember(shard, slot, (reason << REASON_SHIFT) | status);
  leaveSlot(slots, slot);
}

/** Moves what must be remembered of an order from its slot to the queue of the ended. */
function remember(shard: Shard, slot: number, fate: number): void {
  const { slots, memory } = shard;
  const from = slots.words;
  const fromNumbers = slots.numbers;
  const s = (slot & MASK) * WORDS;
  const sn = (slot & MASK) * S_NUMBERS;
  const hasMore = from[s + S_EXTRA] !== NOTHING && isMore(slots, slot);
  const ended = appendRecord(memory.ended, hasMore ? 2 : 1);
  const words = chunkWords(memory.ended, ended);
  const numbers = chunkNumbers(memory.ended, ended);
  const e = wordsAt(ended);
  const en = numbersAt(ended);
  numbers[en + CREATED] = fromNumbers[sn + S_CREATED];
  numbers[en + UPDATED] = shard.timeMs;
  numbers[en + SEQ] = fromNumbers[sn + S_SEQ];
  numbers[en + END_SEQ] = shard.seq;
  words[e + ID] = from[s + S_ID];
  words[e + ID + 1] = from[s + S_ID + 1];
  words[e + ID + 2] = from[s + S_ID + 2];
  words[e + ID + 3] = from[s + S_ID + 3];
  words[e + USER] = from[s + S_USER];
  const codes = from[s + S_CODES];
  const flags = ((codes & TRIGGERED) !== 0 ? ENDED_TRIGGERED : 0) | (hasMore ? MORE : 0);
  words[e + CODES] = ((codes >>> MARKET_SHIFT) << MARKET_SHIFT) | flags | fate;
  words[e + HASH] = from[s + S_HASH];
  words[e + HASH + 1] = from[s + S_HASH + 1];
  if (hasMore) rememberMore(shard, slot, ended);
  moveToEnded(memory, slots, slot, ended);
}

/** Whether an order executed or was changed. */
function isMore(slots: Slots, slot: number): boolean {
  const x = slots.words[(slot & MASK) * WORDS + S_EXTRA] * EXTRAS;
  const { extras } = slots;
  if (extras[x + MAKER_LOTS] + extras[x + TAKER_LOTS] !== 0) return true;
  return amendedPriceOf(slots, slot) !== 0 || amendedLotsOf(slots, slot) !== 0;
}

/** The second unit of one that did. */
function rememberMore({ memory, slots }: Shard, slot: number, ended: number): void {
  const numbers = chunkNumbers(memory.ended, ended);
  const en = numbersAt(ended);
  const { extras } = slots;
  const x = slots.words[(slot & MASK) * WORDS + S_EXTRA] * EXTRAS;
  const low = extras[x + MAKER_LOW] + extras[x + TAKER_LOW];
  const carried = low < SUM_BASE ? 0 : 1;
  numbers[en + EXECUTED_LOTS] = extras[x + MAKER_LOTS] + extras[x + TAKER_LOTS];
  numbers[en + EXECUTED_LOW] = low - carried * SUM_BASE;
  numbers[en + EXECUTED_HIGH] = extras[x + MAKER_HIGH] + extras[x + TAKER_HIGH] + carried;
  const isPriceFirst = extras[x + FIRST_PRICE] === 0;
  const isQuantityFirst = extras[x + FIRST_QUANTITY] === 0;
  numbers[en + PRICE] = isPriceFirst ? 0 : amendedPriceOf(slots, slot);
  numbers[en + QUANTITY] = isQuantityFirst ? 0 : amendedLotsOf(slots, slot);
  for (let number = en + QUANTITY + 1; number < en + 2 * NUMBERS; number += 1) numbers[number] = 0;
}

/** Remembers the id in `shard.id`, just looked up in vain, as one that never was an order here. */
export function rememberTombstone(shard: Shard, user: number, status: number, reason: number): void {
  const codes = (EndedCode.NO_MARKET << MARKET_SHIFT) | TOMBSTONE | (reason << REASON_SHIFT) | status;
  addUnknown(shard, user, codes);
}

/** A record for the id in `shard.id`, just looked up in vain; a second unit, where codes say so, holds zeros. */
export function addUnknown(shard: Shard, user: number, codes: number): number {
  const { memory, id } = shard;
  const hasMore = (codes & MORE) !== 0;
  const ended = appendRecord(memory.ended, hasMore ? 2 : 1);
  const words = chunkWords(memory.ended, ended);
  const numbers = chunkNumbers(memory.ended, ended);
  const e = wordsAt(ended);
  const en = numbersAt(ended);
  numbers.fill(0, en, en + (hasMore ? 2 : 1) * NUMBERS);
  numbers[en + CREATED] = shard.timeMs;
  numbers[en + UPDATED] = shard.timeMs;
  numbers[en + SEQ] = shard.seq;
  numbers[en + END_SEQ] = shard.seq;
  words.set(id, e + ID);
  words[e + USER] = user;
  words[e + CODES] = codes;
  insertEnded(memory, ended);
  return ended;
}

/** Lets the order at hand rest behind all others at its price. */
export function restOrder(shard: Shard, book: Book, slot: number): void {
  enqueue(book, shard.slots, slot);
  writeRested(shard, slot);
  noteDay(shard, book, slot);
}

/** Lets the stop at hand wait for its trigger. */
export function placeStop(shard: Shard, book: Book, slot: number): void {
  setExtraNumber(shard.slots, slot, ExtraColumn.PLACE, shard.seq);
  enqueueStop(book, shard.slots, slot);
  writeStopPlaced(shard, slot);
  noteDay(shard, book, slot);
}

/** A DAY order that stays makes the session's end due. */
function noteDay(shard: Shard, book: Book, slot: number): void {
  const codes = shard.slots.words[(slot & MASK) * WORDS + S_CODES];
  if (((codes >> TIME_SHIFT) & TIME_MASK) !== DAY || book.dayCount > 1) return;
  book.dayEndMs = dayEndAfter(shard.timeMs, book.market.sessionEndMinutes);
  noteDue(shard, book.dayEndMs);
}
