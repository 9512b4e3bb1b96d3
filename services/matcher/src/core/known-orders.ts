// Every order id the shard ever decided about, for ever, in 84 bytes each and an index: what answers a
// repeat. Kept in chunks of typed arrays, so that growing copies nothing and leaves the collector in peace.
import { assert } from "@bourse/shared/assert.js";
import { sumHigh, sumLow, sumText } from "./exact.js";
import { END_REASONS, type EndReason, type FinalStatus, ORDER_STATUSES, type OrderStatus } from "./types.js";

const CHUNK_BITS = 14;
const CHUNK_SIZE = 1 << CHUNK_BITS;
const CHUNK_MASK = CHUNK_SIZE - 1;

// Columns of a chunk. Numbers: times, seq and executed sums. Words: id, owner, terms, codes.
const NUMBERS = 6;
const CREATED = 0;
const UPDATED = 1;
const SEQ = 2;
const EXECUTED_LOTS = 3;
const EXECUTED_HIGH = 4;
const EXECUTED_LOW = 5;
const WORDS = 8;
const USER = 4;
const TERMS = 5;
const CODES = 7;

// Codes of a word: 4 bits status, 8 bits reason, 1 bit tombstone, 16 bits market.
const REASON_SHIFT = 4;
const TOMBSTONE_BIT = 1 << 12;
const MARKET_SHIFT = 13;
/** Market of a tombstone: none. */
const NO_MARKET = 0xffff;

const OPEN = ORDER_STATUSES.indexOf("OPEN");
const PARTIALLY_FILLED = ORDER_STATUSES.indexOf("PARTIALLY_FILLED");
/** Slot of an order that is not open. */
export const NO_SLOT = -1;

interface Chunk {
  readonly numbers: Float64Array;
  readonly words: Uint32Array;
  readonly slots: Int32Array;
}

/** The memory of order ids; an entry is a number from 0, in the order in which they were decided. */
export interface KnownOrders {
  count: number;
  readonly chunks: Chunk[];
  /** Number of entries whose order is open. */
  openCount: number;
  /** Open addressing by id in parts, so that one growth moves one part only; 0 is free, else entry + 1. */
  readonly parts: Uint32Array[];
  readonly partCounts: Uint32Array;
}

/** What is remembered of an order when it is first decided about. */
export interface NewEntry {
  /** The four words of its id. */
  readonly id: Uint32Array;
  readonly user: number;
  readonly market: number | undefined;
  readonly termsHash: readonly [number, number];
  readonly seq: number;
  readonly timeMs: number;
}

const PARTS = 64;
const PART_SHIFT = 26;
const PART_SIZE_MIN = 64;

export function createKnownOrders(): KnownOrders {
  return {
    count: 0,
    chunks: [],
    openCount: 0,
    parts: Array.from({ length: PARTS }, () => new Uint32Array(PART_SIZE_MIN)),
    partCounts: new Uint32Array(PARTS),
  };
}

/** Writes the four words of a canonical UUID text into `id`. */
export function parseIdInto(id: Uint32Array, text: string): Uint32Array {
  let digits = 0;
  let word = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 45) continue;
    word = ((word << 4) | (code <= 57 ? code - 48 : code - 87)) >>> 0;
    digits += 1;
    if ((digits & 7) === 0) id[(digits >> 3) - 1] = word;
  }
  assert(digits === 32, "an id has 32 hexadecimal digits");
  return id;
}

/** Entry of an id, or -1. */
export function findEntry(known: KnownOrders, id: Uint32Array): number {
  const part = known.parts[id[0] >>> PART_SHIFT];
  const mask = part.length - 1;
  for (let at = hash(id[0], id[3]) & mask; part[at] !== 0; at = (at + 1) & mask) {
    const entry = part[at] - 1;
    if (isId(known, entry, id)) return entry;
  }
  return -1;
}

/** Remembers a new id as open; the id must be unknown. Returns its entry. */
export function addEntry(known: KnownOrders, added: NewEntry): number {
  const entry = known.count;
  if ((entry & CHUNK_MASK) === 0) known.chunks.push(createChunk());
  known.count += 1;
  known.openCount += 1;
  const { numbers, words, slots } = known.chunks[entry >>> CHUNK_BITS];
  const index = entry & CHUNK_MASK;
  words.set(added.id, index * WORDS);
  words[index * WORDS + USER] = added.user;
  words[index * WORDS + TERMS] = added.termsHash[0];
  words[index * WORDS + TERMS + 1] = added.termsHash[1];
  words[index * WORDS + CODES] = ((added.market ?? NO_MARKET) << MARKET_SHIFT) | OPEN;
  numbers[index * NUMBERS + CREATED] = added.timeMs;
  numbers[index * NUMBERS + UPDATED] = added.timeMs;
  numbers[index * NUMBERS + SEQ] = added.seq;
  slots[index] = NO_SLOT;
  indexEntry(known, entry, added.id);
  return entry;
}

/** Adds a fill to what the order executed. */
export function addExecuted(
  known: KnownOrders,
  entry: number,
  fill: { quantityLots: number; tickLots: number; timeMs: number },
): void {
  const { numbers, words } = known.chunks[entry >>> CHUNK_BITS];
  const at = (entry & CHUNK_MASK) * NUMBERS;
  const low = numbers[at + EXECUTED_LOW];
  numbers[at + EXECUTED_HIGH] = sumHigh(numbers[at + EXECUTED_HIGH], low, fill.tickLots);
  numbers[at + EXECUTED_LOW] = sumLow(low, fill.tickLots);
  numbers[at + EXECUTED_LOTS] += fill.quantityLots;
  numbers[at + UPDATED] = fill.timeMs;
  const codes = (entry & CHUNK_MASK) * WORDS + CODES;
  words[codes] = (words[codes] & ~0xf) | PARTIALLY_FILLED;
}

/** Writes the final word on an order. */
export function endEntry(
  known: KnownOrders,
  entry: number,
  end: { status: FinalStatus; reason: EndReason; timeMs: number; isTombstone?: boolean },
): void {
  assert(isOpenEntry(known, entry), "an order ends once");
  const { numbers, words, slots } = known.chunks[entry >>> CHUNK_BITS];
  const index = entry & CHUNK_MASK;
  const market = words[index * WORDS + CODES] >>> MARKET_SHIFT;
  words[index * WORDS + CODES] =
    ((market << MARKET_SHIFT) |
      (end.isTombstone === true ? TOMBSTONE_BIT : 0) |
      (END_REASONS.indexOf(end.reason) << REASON_SHIFT) |
      ORDER_STATUSES.indexOf(end.status)) >>>
    0;
  numbers[index * NUMBERS + UPDATED] = end.timeMs;
  slots[index] = NO_SLOT;
  known.openCount -= 1;
}

/** Where an order rests in its book; NO_SLOT when it does not. */
export function slotOf(known: KnownOrders, entry: number): number {
  return known.chunks[entry >>> CHUNK_BITS].slots[entry & CHUNK_MASK];
}

export function setSlot(known: KnownOrders, entry: number, slot: number): void {
  known.chunks[entry >>> CHUNK_BITS].slots[entry & CHUNK_MASK] = slot;
}

export function userOf(known: KnownOrders, entry: number): number {
  return wordOf(known, entry, USER);
}

/** Number of the order's market; undefined for a tombstone. */
export function marketOf(known: KnownOrders, entry: number): number | undefined {
  const market = wordOf(known, entry, CODES) >>> MARKET_SHIFT;
  return market === NO_MARKET ? undefined : market;
}

export function statusOf(known: KnownOrders, entry: number): OrderStatus {
  return ORDER_STATUSES[wordOf(known, entry, CODES) & 0xf];
}

export function reasonOf(known: KnownOrders, entry: number): EndReason {
  return END_REASONS[(wordOf(known, entry, CODES) >>> REASON_SHIFT) & 0xff];
}

export function isTombstone(known: KnownOrders, entry: number): boolean {
  return (wordOf(known, entry, CODES) & TOMBSTONE_BIT) !== 0;
}

/** True until the final word on the order. */
export function isOpenEntry(known: KnownOrders, entry: number): boolean {
  return (wordOf(known, entry, CODES) & 0xf) <= PARTIALLY_FILLED;
}

/** True when the order was first submitted on terms with this hash. */
export function hasTerms(known: KnownOrders, entry: number, termsHash: readonly [number, number]): boolean {
  return wordOf(known, entry, TERMS) === termsHash[0] && wordOf(known, entry, TERMS + 1) === termsHash[1];
}

export function createdMsOf(known: KnownOrders, entry: number): number {
  return numberOf(known, entry, CREATED);
}

export function updatedMsOf(known: KnownOrders, entry: number): number {
  return numberOf(known, entry, UPDATED);
}

/** Seq of the record that first decided about the order. */
export function seqOf(known: KnownOrders, entry: number): number {
  return numberOf(known, entry, SEQ);
}

export function executedLotsOf(known: KnownOrders, entry: number): number {
  return numberOf(known, entry, EXECUTED_LOTS);
}

/** Executed notional in tick times lot, whole number as text. */
export function executedTickLotsOf(known: KnownOrders, entry: number): string {
  return sumText(numberOf(known, entry, EXECUTED_HIGH), numberOf(known, entry, EXECUTED_LOW));
}

/** Id of an entry as canonical UUID text. */
export function idOf(known: KnownOrders, entry: number): string {
  const hex = [0, 1, 2, 3].map((word) => wordOf(known, entry, word).toString(16).padStart(8, "0")).join("");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** First entry whose seq is above `seq`; the count when there is none. Entries are in order of seq. */
export function firstEntryAfter(known: KnownOrders, seq: number): number {
  let low = 0;
  let high = known.count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (seqOf(known, middle) > seq) high = middle;
    else low = middle + 1;
  }
  return low;
}

/** The memory as bytes in canonical order; what rests where is told by the books. */
export function* knownBytes(known: KnownOrders): Generator<Uint8Array> {
  for (const [index, { numbers, words }] of known.chunks.entries()) {
    const used = Math.min(CHUNK_SIZE, known.count - index * CHUNK_SIZE);
    yield new Uint8Array(numbers.buffer, 0, used * NUMBERS * 8);
    yield new Uint8Array(words.buffer, 0, used * WORDS * 4);
  }
}

function createChunk(): Chunk {
  return {
    numbers: new Float64Array(CHUNK_SIZE * NUMBERS),
    words: new Uint32Array(CHUNK_SIZE * WORDS),
    slots: new Int32Array(CHUNK_SIZE),
  };
}

function wordOf(known: KnownOrders, entry: number, word: number): number {
  return known.chunks[entry >>> CHUNK_BITS].words[(entry & CHUNK_MASK) * WORDS + word];
}

function numberOf(known: KnownOrders, entry: number, column: number): number {
  return known.chunks[entry >>> CHUNK_BITS].numbers[(entry & CHUNK_MASK) * NUMBERS + column];
}

function isId(known: KnownOrders, entry: number, id: Uint32Array): boolean {
  const { words } = known.chunks[entry >>> CHUNK_BITS];
  const at = (entry & CHUNK_MASK) * WORDS;
  return words[at] === id[0] && words[at + 1] === id[1] && words[at + 2] === id[2] && words[at + 3] === id[3];
}

function hash(first: number, last: number): number {
  return (last ^ Math.imul(first, 0x9e3779b1)) >>> 0;
}

function indexEntry(known: KnownOrders, entry: number, id: Uint32Array): void {
  const partNumber = id[0] >>> PART_SHIFT;
  known.partCounts[partNumber] += 1;
  if (known.partCounts[partNumber] * 2 > known.parts[partNumber].length) growPart(known, partNumber);
  place(known.parts[partNumber], entry, hash(id[0], id[3]));
}

function growPart(known: KnownOrders, partNumber: number): void {
  const old = known.parts[partNumber];
  const grown = new Uint32Array(old.length * 2);
  for (const value of old) {
    if (value === 0) continue;
    const entry = value - 1;
    place(grown, entry, hash(wordOf(known, entry, 0), wordOf(known, entry, 3)));
  }
  known.parts[partNumber] = grown;
}

function place(part: Uint32Array, entry: number, hashed: number): void {
  const mask = part.length - 1;
  let at = hashed & mask;
  while (part[at] !== 0) at = (at + 1) & mask;
  part[at] = entry + 1;
}
