// The memory of ids: one index over all that the shard knows, live or ended, and the ended ones in a queue in
// the order of their end, from whose head they are forgotten.
import { hashId } from "./ids.js";
import { CHUNK_BITS, CHUNK_MASK, createPool, giveRecord, NONE, type Pool, takeRecord } from "./pool.js";
import { isIdOfSlot, type Slots } from "./slots.js";

/** Columns of an ended id. The first eight are numbers, all others words. */
export const EndedColumn = {
  CREATED: 0,
  UPDATED: 1,
  /** Seq of the record that first decided about it. */
  SEQ: 2,
  /** Seq of the record that ended it; for a leg whose order was live when it was to be forgotten, a later one. */
  END_SEQ: 3,
  EXECUTED_LOTS: 4,
  EXECUTED_LOW: 5,
  /** Price and quantity at its end where they were not those submitted. */
  PRICE: 6,
  QUANTITY: 7,
  /** Of a leg: words of its order's id, in the place of what it executed. */
  LEG_ORDER: 8,
  ID: 16,
  USER: 20,
  CODES: 21,
  HASH: 22,
  NEXT: 24,
  EXECUTED_HIGH: 25,
} as const;
export const ENDED_NUMBERS = 13;

/** Bits of CODES: status, reason (of a leg: its refusal, 0 for none), flags; the market's number above them. */
export const EndedCode = {
  STATUS_MASK: 0xf,
  REASON_SHIFT: 4,
  REASON_MASK: 0xff,
  TOMBSTONE: 1 << 12,
  LEG: 1 << 13,
  TRIGGERED: 1 << 14,
  MARKET_SHIFT: 16,
  /** Market of a tombstone. */
  NO_MARKET: 0xffff,
} as const;

const { ID, NEXT } = EndedColumn;
const WORDS = ENDED_NUMBERS * 2;

/** Parts of the index, so that one growth moves one part only. */
const PARTS = 64;
const PART_SHIFT = 26;
const PART_WORDS_MIN = 32;

/**
 * Open addressing in parts. A cell is two words: the id's hash, and the ref + 1 of what has it (0: free). A ref
 * is twice the number of a slot, or twice the number of an ended id plus one. `part` and `at` are where the last
 * search ended: at the id, or at the free cell where it would go.
 */
export interface Memory {
  readonly parts: Int32Array[];
  readonly counts: Int32Array;
  part: number;
  at: number;
  hash: number;
  readonly ended: Pool;
  /** Queue of ended ids. */
  oldest: number;
  newest: number;
}

export function createMemory(): Memory {
  return {
    parts: Array.from({ length: PARTS }, () => new Int32Array(PART_WORDS_MIN)),
    counts: new Int32Array(PARTS),
    part: 0,
    at: 0,
    hash: 0,
    ended: createPool(ENDED_NUMBERS, NEXT),
    oldest: NONE,
    newest: NONE,
  };
}

export const refOfSlot = (slot: number) => slot * 2;
export const refOfEnded = (ended: number) => ended * 2 + 1;
export const isEndedRef = (ref: number) => (ref & 1) !== 0;
/** Slot or ended id that a ref means. */
export const recordOf = (ref: number) => ref >> 1;

/** Ref of an id, or NONE. */
export function findId(memory: Memory, slots: Slots, id: Int32Array): number {
  const hash = hashId(id[0], id[1], id[2], id[3]);
  const part = hash >>> PART_SHIFT;
  const cells = memory.parts[part];
  const mask = cells.length - 1;
  let at = (hash << 1) & mask;
  let found = NONE;
  for (;;) {
    const ref = cells[at + 1] - 1;
    if (ref < 0) break;
    if (cells[at] === hash && isIdOf(memory, slots, ref, id)) {
      found = ref;
      break;
    }
    at = (at + 2) & mask;
  }
  memory.part = part;
  memory.at = at;
  memory.hash = hash;
  return found;
}

function isIdOf(memory: Memory, slots: Slots, ref: number, id: Int32Array): boolean {
  if ((ref & 1) === 0) return isIdOfSlot(slots, ref >> 1, id);
  const ended = ref >> 1;
  const words = memory.ended.words[ended >>> CHUNK_BITS];
  const at = (ended & CHUNK_MASK) * WORDS + ID;
  return words[at] === id[0] && words[at + 1] === id[1] && words[at + 2] === id[2] && words[at + 3] === id[3];
}

/** Puts a new id where the last search, which did not find it, ended. */
export function insertFound(memory: Memory, ref: number): void {
  const { part } = memory;
  let cells = memory.parts[part];
  memory.counts[part] += 1;
  if (memory.counts[part] * 8 > cells.length * 3) {
    cells = growPart(memory, part);
    memory.at = freeCell(cells, memory.hash);
  }
  cells[memory.at] = memory.hash;
  cells[memory.at + 1] = ref + 1;
}

/** Lets an id, by its hash, mean something else. */
export function moveRef(memory: Memory, hash: number, from: number, to: number): void {
  const cells = memory.parts[hash >>> PART_SHIFT];
  cells[cellOf(cells, hash, from) + 1] = to + 1;
}

function cellOf(cells: Int32Array, hash: number, ref: number): number {
  const mask = cells.length - 1;
  let at = (hash << 1) & mask;
  while (cells[at + 1] !== ref + 1) at = (at + 2) & mask;
  return at;
}

/** Takes an ended id out of the index. What stands behind it in its run moves up, so that runs stay whole. */
export function removeId(memory: Memory, ended: number): void {
  const words = memory.ended.words[ended >>> CHUNK_BITS];
  const first = (ended & CHUNK_MASK) * WORDS + ID;
  const hash = hashId(words[first], words[first + 1], words[first + 2], words[first + 3]);
  const part = hash >>> PART_SHIFT;
  const cells = memory.parts[part];
  const mask = cells.length - 1;
  let hole = cellOf(cells, hash, refOfEnded(ended));
  for (let at = (hole + 2) & mask; cells[at + 1] !== 0; at = (at + 2) & mask) {
    const home = (cells[at] << 1) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    cells[hole] = cells[at];
    cells[hole + 1] = cells[at + 1];
    hole = at;
  }
  cells[hole + 1] = 0;
  memory.counts[part] -= 1;
}

/** Takes a record for an ended id and puts it behind all others in the queue. */
export function appendEnded(memory: Memory): number {
  const ended = takeRecord(memory.ended);
  linkNewest(memory, ended);
  return ended;
}

/** Oldest of the ended leaves the queue and goes to its end. */
export function requeueOldest(memory: Memory): void {
  linkNewest(memory, unlinkOldest(memory));
}

/** Forgets the oldest of the ended. */
export function forgetOldest(memory: Memory): void {
  const ended = unlinkOldest(memory);
  removeId(memory, ended);
  giveRecord(memory.ended, ended);
}

function linkNewest(memory: Memory, ended: number): void {
  setEndedWord(memory, ended, NEXT, NONE);
  if (memory.newest === NONE) memory.oldest = ended;
  else setEndedWord(memory, memory.newest, NEXT, ended);
  memory.newest = ended;
}

function unlinkOldest(memory: Memory): number {
  const ended = memory.oldest;
  memory.oldest = endedWord(memory, ended, NEXT);
  if (memory.oldest === NONE) memory.newest = NONE;
  return ended;
}

export function endedWord(memory: Memory, ended: number, column: number): number {
  return memory.ended.words[ended >>> CHUNK_BITS][(ended & CHUNK_MASK) * WORDS + column];
}

export function setEndedWord(memory: Memory, ended: number, column: number, value: number): void {
  memory.ended.words[ended >>> CHUNK_BITS][(ended & CHUNK_MASK) * WORDS + column] = value;
}

export function endedNumber(memory: Memory, ended: number, column: number): number {
  return memory.ended.numbers[ended >>> CHUNK_BITS][(ended & CHUNK_MASK) * ENDED_NUMBERS + column];
}

export function setEndedNumber(memory: Memory, ended: number, column: number, value: number): void {
  memory.ended.numbers[ended >>> CHUNK_BITS][(ended & CHUNK_MASK) * ENDED_NUMBERS + column] = value;
}

/** Makes room for so many ids at once. */
export function roomFor(memory: Memory, ids: number): void {
  for (let part = 0; part < PARTS; part += 1) {
    while ((ids / PARTS) * 8 > memory.parts[part].length * 3) growPart(memory, part);
  }
}

/** Doubles a part. The hashes lie in the cells, so nothing else is read. */
function growPart(memory: Memory, part: number): Int32Array {
  const old = memory.parts[part];
  const grown = new Int32Array(old.length * 2);
  for (let at = 0; at < old.length; at += 2) {
    if (old[at + 1] === 0) continue;
    const free = freeCell(grown, old[at]);
    grown[free] = old[at];
    grown[free + 1] = old[at + 1];
  }
  memory.parts[part] = grown;
  return grown;
}

function freeCell(cells: Int32Array, hash: number): number {
  const mask = cells.length - 1;
  let at = (hash << 1) & mask;
  while (cells[at + 1] !== 0) at = (at + 2) & mask;
  return at;
}
