// Ended ids in the order of their end: a queue in chunks, written at one end and forgotten from the other. An id
// takes one unit of 64 bytes, one cache line; one that executed or was changed, and the key of an amend, a second.
import { NONE } from "./none.js";

/** Numbers of a unit. */
export const UNIT_NUMBERS = 8;
/** Words of a unit. */
export const UNIT_WORDS = UNIT_NUMBERS * 2;

/** Columns of an ended id. Numbers and words are two views of the same bytes; each column is used through one. */
export const EndedColumn = {
  // Numbers.
  CREATED: 0,
  UPDATED: 1,
  /** Seq of the record that first decided about it. */
  SEQ: 2,
  /** Seq of the record that ended it; for a leg whose order was live when it was to be forgotten, a later one. */
  END_SEQ: 3,
  // Words.
  ID: 8,
  USER: 12,
  CODES: 13,
  HASH: 14,
  // Numbers of the second unit, where MORE says that there is one.
  EXECUTED_LOTS: 8,
  EXECUTED_LOW: 9,
  EXECUTED_HIGH: 10,
  /** Price and quantity at its end where they were not those submitted; of a leg what its amend asked for, or 0. */
  PRICE: 11,
  QUANTITY: 12,
  /** Words of the second unit of a leg: its order's id. */
  LEG_ORDER: 16,
} as const;

/** Bits of CODES: status, reason (of a leg: its refusal, 0 for none), flags; the market's number above them. */
export const EndedCode = {
  STATUS_MASK: 0xf,
  REASON_SHIFT: 4,
  REASON_MASK: 0xff,
  TOMBSTONE: 1 << 12,
  LEG: 1 << 13,
  TRIGGERED: 1 << 14,
  /** A second unit follows. */
  MORE: 1 << 15,
  MARKET_SHIFT: 16,
  /** Market of a tombstone. */
  NO_MARKET: 0xffff,
} as const;

/** Units of a chunk, as a power of two. A record may begin in its last one and end in one more that it keeps. */
export const CHUNK_BITS = 12;
export const CHUNK_UNITS = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_UNITS - 1;
const CODES = EndedColumn.CODES;
const MORE = EndedCode.MORE;
const NUMBERS = UNIT_NUMBERS;
const WORDS = UNIT_WORDS;
const BITS = CHUNK_BITS;
const MASK = CHUNK_MASK;

/** The number of an ended id is that of its chunk and the place of its first unit there; it keeps it to its end. */
export interface Ended {
  readonly numbers: Float64Array[];
  readonly words: Int32Array[];
  /** Chunk behind each chunk. */
  readonly nextChunk: number[];
  readonly freeChunks: number[];
  oldest: number;
  newest: number;
  /** Place in the newest chunk where the next record goes. */
  fill: number;
  count: number;
  /** Units in use. */
  units: number;
}

export function createEnded(): Ended {
  return {
    numbers: [],
    words: [],
    nextChunk: [],
    freeChunks: [],
    oldest: NONE,
    newest: NONE,
    fill: 0,
    count: 0,
    units: 0,
  };
}

/** A record of one or two units behind all others; whoever asks writes each of its columns, CODES with MORE. */
export function appendRecord(ended: Ended, units: number): number {
  let chunk = ended.newest >> BITS;
  if (ended.newest < 0 || ended.fill >= CHUNK_UNITS) chunk = nextChunk(ended);
  const record = (chunk << BITS) | ended.fill;
  ended.fill += units;
  ended.newest = record;
  if (ended.count === 0) ended.oldest = record;
  ended.count += 1;
  ended.units += units;
  return record;
}

/** The chunk that the next record goes to. Those that were forgotten whole are used again. */
function nextChunk(ended: Ended): number {
  let chunk = ended.freeChunks.pop();
  if (chunk === undefined) {
    chunk = ended.numbers.length;
    const numbers = new Float64Array((CHUNK_UNITS + 1) * NUMBERS);
    ended.numbers.push(numbers);
    ended.words.push(new Int32Array(numbers.buffer));
    ended.nextChunk.push(NONE);
  }
  if (ended.newest >= 0) ended.nextChunk[ended.newest >> BITS] = chunk;
  ended.nextChunk[chunk] = NONE;
  ended.fill = 0;
  return chunk;
}

/** Takes the oldest record out of the queue; there must be one. */
export function dropOldest(ended: Ended): void {
  const { oldest } = ended;
  const units = unitsOf(ended, oldest);
  ended.count -= 1;
  ended.units -= units;
  const next = nextOf(ended, oldest);
  if (next >> BITS !== oldest >> BITS || next < 0) ended.freeChunks.push(oldest >> BITS);
  ended.oldest = next;
  if (next < 0) ended.newest = NONE;
}

/** The record behind one, or NONE. */
export function nextOf(ended: Ended, record: number): number {
  if (record === ended.newest) return NONE;
  const place = (record & MASK) + unitsOf(ended, record);
  return place < CHUNK_UNITS ? record - (record & MASK) + place : ended.nextChunk[record >> BITS] << BITS;
}

/** Units that a record takes. */
export function unitsOf(ended: Ended, record: number): number {
  return (endedWord(ended, record, CODES) & MORE) === 0 ? 1 : 2;
}

export function endedWord(ended: Ended, record: number, column: number): number {
  return ended.words[record >> BITS][(record & MASK) * WORDS + column];
}

export function setEndedWord(ended: Ended, record: number, column: number, value: number): void {
  ended.words[record >> BITS][(record & MASK) * WORDS + column] = value;
}

export function endedNumber(ended: Ended, record: number, column: number): number {
  return ended.numbers[record >> BITS][(record & MASK) * NUMBERS + column];
}

export function setEndedNumber(ended: Ended, record: number, column: number, value: number): void {
  ended.numbers[record >> BITS][(record & MASK) * NUMBERS + column] = value;
}

/** A number of the second unit; 0 without one. */
export function moreNumber(ended: Ended, record: number, column: number): number {
  return unitsOf(ended, record) === 1 ? 0 : endedNumber(ended, record, column);
}

/** Words of a chunk that holds a record, and where the record begins in them. */
export const chunkWords = (ended: Ended, record: number) => ended.words[record >> BITS];
export const chunkNumbers = (ended: Ended, record: number) => ended.numbers[record >> BITS];
export const wordsAt = (record: number) => (record & MASK) * WORDS;
export const numbersAt = (record: number) => (record & MASK) * NUMBERS;

/** Words of all records, oldest first, in pieces that are good until the next command. */
export function* endedPieces(ended: Ended): Generator<Int32Array> {
  if (ended.count === 0) return;
  let from = ended.oldest & MASK;
  for (let chunk = ended.oldest >> BITS; chunk !== NONE; chunk = ended.nextChunk[chunk]) {
    const until = chunk === ended.newest >> BITS ? ended.fill : endOfChunk(ended, chunk, from);
    yield ended.words[chunk].subarray(from * WORDS, until * WORDS);
    from = 0;
  }
}

/** Behind the last record of a full chunk, which may reach into its last unit. */
function endOfChunk(ended: Ended, chunk: number, from: number): number {
  let place = from;
  while (place < CHUNK_UNITS) place += unitsOf(ended, (chunk << BITS) | place);
  return place;
}
