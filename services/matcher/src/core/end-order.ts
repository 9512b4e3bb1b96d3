// How an order leaves the shard, or stays in it.
import { type Book, dequeue, enqueue, enqueueStop } from "./book.js";
import { Flag } from "./event-buffer.js";
import { hashId } from "./ids.js";
import {
  appendEnded,
  ENDED_NUMBERS,
  EndedCode,
  EndedColumn,
  insertFound,
  moveRef,
  refOfEnded,
  refOfSlot,
} from "./memory.js";
import { CHUNK_BITS, CHUNK_MASK } from "./pool.js";
import { dayEndAfter, noteDue } from "./session.js";
import type { Shard } from "./shard.js";
import {
  Code,
  DAY,
  ExtraColumn,
  executedHighOf,
  executedLotsOf,
  executedLowOf,
  giveSlot,
  SLOT_NUMBERS,
  SlotColumn,
  setExtraNumber,
} from "./slots.js";
import { END_REASONS, type EndReason, type FinalStatus, ORDER_STATUSES } from "./types.js";
import { amendedLotsOf, amendedPriceOf, writeEnded, writeRested, writeStopPlaced } from "./write-events.js";

const WORDS = SLOT_NUMBERS * 2;
const NUMBERS = SLOT_NUMBERS;
const ENDED_WORDS = ENDED_NUMBERS * 2;
const BITS = CHUNK_BITS;
const MASK = CHUNK_MASK;
const S_CREATED = SlotColumn.CREATED;
const S_SEQ = SlotColumn.SEQ;
const S_ID = SlotColumn.ID;
const S_USER = SlotColumn.USER;
const S_CODES = SlotColumn.CODES;
const S_HASH = SlotColumn.HASH;
const { CREATED, UPDATED, SEQ, END_SEQ, EXECUTED_LOTS, EXECUTED_LOW, PRICE, QUANTITY } = EndedColumn;
const { ID, USER, CODES, HASH, EXECUTED_HIGH } = EndedColumn;
const { REASON_SHIFT, TOMBSTONE } = EndedCode;
const { RESTING, WAITING, TIME_SHIFT, TIME_MASK, MARKET_SHIFT, TRIGGERED } = Code;

/** Codes of ends, looked up once. */
export const FILLED = ORDER_STATUSES.indexOf("FILLED");
export const CANCELLED = ORDER_STATUSES.indexOf("CANCELLED");
export const EXPIRED = ORDER_STATUSES.indexOf("EXPIRED");
export const REJECTED = ORDER_STATUSES.indexOf("REJECTED");
export const reasonCode = (reason: EndReason) => END_REASONS.indexOf(reason);
export const statusCode = (status: FinalStatus) => ORDER_STATUSES.indexOf(status);

// One object for all ends: literals would be allocated where the callee is not inlined.
const word = { status: 0, reason: 0, flags: 0 };

/** Writes the final word on an order, takes it out of its queue if it is in one, and remembers it as ended. */
export function endOrder(shard: Shard, book: Book, slot: number, status: number, reason: number): void {
  endWith(shard, book, slot, status, reason, 0);
}

/** The same of an order that was refused: its terms go with the word. */
export function refuseOrder(shard: Shard, book: Book, slot: number, reason: number): void {
  endWith(shard, book, slot, REJECTED, reason, Flag.WITH_TERMS);
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
  const codes = slots.pool.words[slot >>> BITS][(slot & MASK) * WORDS + S_CODES];
  word.status = status;
  word.reason = reason;
  word.flags = (codes & RESTING) !== 0 ? flags | Flag.WAS_RESTING : flags;
  writeEnded(shard, book, slot, word);
  if ((codes & (RESTING | WAITING)) !== 0) dequeue(book, slots, slot);
  remember(shard, slot, status, reason);
  giveSlot(slots, slot);
}

/** Moves what must be remembered of an order from its slot to the queue of the ended. */
function remember(shard: Shard, slot: number, status: number, reason: number): void {
  const { slots, memory } = shard;
  const ended = appendEnded(memory);
  const from = slots.pool.words[slot >>> BITS];
  const fromNumbers = slots.pool.numbers[slot >>> BITS];
  const s = (slot & MASK) * WORDS;
  const sn = (slot & MASK) * NUMBERS;
  const words = memory.ended.words[ended >>> BITS];
  const numbers = memory.ended.numbers[ended >>> BITS];
  const e = (ended & MASK) * ENDED_WORDS;
  const en = (ended & MASK) * ENDED_NUMBERS;
  numbers[en + CREATED] = fromNumbers[sn + S_CREATED];
  numbers[en + UPDATED] = shard.timeMs;
  numbers[en + SEQ] = fromNumbers[sn + S_SEQ];
  numbers[en + END_SEQ] = shard.seq;
  numbers[en + EXECUTED_LOTS] = executedLotsOf(slots, slot);
  numbers[en + EXECUTED_LOW] = executedLowOf(slots, slot);
  numbers[en + PRICE] = amendedPriceOf(shard, slot);
  numbers[en + QUANTITY] = amendedLotsOf(shard, slot);
  words[e + ID] = from[s + S_ID];
  words[e + ID + 1] = from[s + S_ID + 1];
  words[e + ID + 2] = from[s + S_ID + 2];
  words[e + ID + 3] = from[s + S_ID + 3];
  words[e + USER] = from[s + S_USER];
  const codes = from[s + S_CODES];
  const flags = (codes & TRIGGERED) !== 0 ? EndedCode.TRIGGERED : 0;
  words[e + CODES] = ((codes >>> MARKET_SHIFT) << MARKET_SHIFT) | flags | (reason << REASON_SHIFT) | status;
  words[e + HASH] = from[s + S_HASH];
  words[e + HASH + 1] = from[s + S_HASH + 1];
  words[e + EXECUTED_HIGH] = executedHighOf(slots, slot);
  const hash = hashId(words[e + ID], words[e + ID + 1], words[e + ID + 2], words[e + ID + 3]);
  moveRef(memory, hash, refOfSlot(slot), refOfEnded(ended));
}

/** Remembers the id in `shard.id`, just looked up in vain, as one that never was an order here. */
export function rememberTombstone(shard: Shard, user: number, status: number, reason: number): void {
  const ended = addUnknown(shard, user);
  const codes = (EndedCode.NO_MARKET << MARKET_SHIFT) | TOMBSTONE | (reason << REASON_SHIFT) | status;
  shard.memory.ended.words[ended >>> BITS][(ended & MASK) * ENDED_WORDS + CODES] = codes;
}

/** A record for the id in `shard.id`, just looked up in vain; all but its codes. */
export function addUnknown(shard: Shard, user: number): number {
  const { memory, id } = shard;
  const ended = appendEnded(memory);
  const words = memory.ended.words[ended >>> BITS];
  const numbers = memory.ended.numbers[ended >>> BITS];
  const e = (ended & MASK) * ENDED_WORDS;
  const en = (ended & MASK) * ENDED_NUMBERS;
  numbers.fill(0, en, en + 8);
  numbers[en + CREATED] = shard.timeMs;
  numbers[en + UPDATED] = shard.timeMs;
  numbers[en + SEQ] = shard.seq;
  numbers[en + END_SEQ] = shard.seq;
  words.set(id, e + ID);
  words[e + USER] = user;
  words[e + HASH] = 0;
  words[e + HASH + 1] = 0;
  words[e + EXECUTED_HIGH] = 0;
  insertFound(memory, refOfEnded(ended));
  return ended;
}

/** Lets the order at hand rest behind all others at its price. */
export function restOrder(shard: Shard, book: Book, slot: number): void {
  enqueue(book, shard.slots, slot);
  writeRested(shard, book, slot);
  noteDay(shard, book, slot);
}

/** Lets the stop at hand wait for its trigger. */
export function placeStop(shard: Shard, book: Book, slot: number): void {
  setExtraNumber(shard.slots, slot, ExtraColumn.PLACE, shard.seq);
  enqueueStop(book, shard.slots, slot);
  writeStopPlaced(shard, book, slot);
  noteDay(shard, book, slot);
}

/** A DAY order that stays makes the session's end due. */
function noteDay(shard: Shard, book: Book, slot: number): void {
  const codes = shard.slots.pool.words[slot >>> BITS][(slot & MASK) * WORDS + S_CODES];
  if (((codes >> TIME_SHIFT) & TIME_MASK) !== DAY || book.dayCount > 1) return;
  book.dayEndMs = dayEndAfter(shard.timeMs, book.market.sessionEndMinutes);
  noteDue(shard, book.dayEndMs);
}
