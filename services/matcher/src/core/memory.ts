// The memory of ids: a table of the live ones, small and always in use, and the ended ones in a queue in the order of
// their end, from whose head they are forgotten, with an index of their own.
import {
  appendRecord,
  chunkWords,
  createEnded,
  dropOldest,
  type Ended,
  EndedColumn,
  setEndedWord,
  UNIT_WORDS,
  unitsOf,
  wordsAt,
} from "./ended.js";
import { createEndedIndex, type EndedIndex, findEnded, indexEnded, unindexOldest } from "./ended-index.js";
import { hashAt, hashId } from "./ids.js";
import { NONE } from "./none.js";
import { hashOfSlot, isIdOfSlot, type Slots } from "./slots.js";

const { ID, CODES } = EndedColumn;

/** Parts of the table, so that one growth moves one part only. */
const PARTS = 64;
const PART_SHIFT = 26;
const PART_WORDS_MIN = 32;

/**
 * Open addressing in parts, at most half full. A cell is two words: the id's hash, and its slot + 1 (0: free). `part`,
 * `at` and `hash` are where the last search ended: at the id, or at the free cell where it would go.
 */
export interface Memory {
  readonly parts: Int32Array[];
  readonly counts: Int32Array;
  part: number;
  at: number;
  hash: number;
  readonly ended: Ended;
  readonly endedIndex: EndedIndex;
}

export function createMemory(): Memory {
  return {
    parts: Array.from({ length: PARTS }, () => new Int32Array(PART_WORDS_MIN)),
    counts: new Int32Array(PARTS),
    part: 0,
    at: 0,
    hash: 0,
    ended: createEnded(),
    endedIndex: createEndedIndex(),
  };
}

/** What an id means: a ref is twice the number of a slot, or twice the number of an ended id plus one. */
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
  memory.part = part;
  memory.hash = hash;
  for (; cells[at + 1] !== 0; at = (at + 2) & mask) {
    const slot = cells[at + 1] - 1;
    if (cells[at] !== hash || !isIdOfSlot(slots, slot, id)) continue;
    memory.at = at;
    return refOfSlot(slot);
  }
  memory.at = at;
  const ended = findEnded(memory.endedIndex, memory.ended, hash, id);
  return ended === NONE ? NONE : refOfEnded(ended);
}

/** Puts a new id, which the last search did not find, where that search ended. */
export function insertFound(memory: Memory, slot: number): void {
  const { part } = memory;
  let cells = memory.parts[part];
  memory.counts[part] += 1;
  if (memory.counts[part] * 4 > cells.length) {
    cells = growPart(memory, part);
    memory.at = freeCell(cells, memory.hash);
  }
  cells[memory.at] = memory.hash;
  cells[memory.at + 1] = slot + 1;
}

/** Remembers the id of a slot, which is no longer live, as an ended one. */
export function moveToEnded(memory: Memory, slots: Slots, slot: number, record: number): void {
  // What is cancelled was just looked up; a maker was not.
  if (memory.parts[memory.part][memory.at + 1] !== slot + 1) searchSlot(memory, slots, slot);
  // Of the cell, not of the search: when a maker left it, the taker may have moved up into it.
  const hash = memory.parts[memory.part][memory.at];
  removeFound(memory);
  indexEnded(memory.endedIndex, hash, record);
}

/** Remembers an id that was never live: the one that the last search did not find. */
export function insertEnded(memory: Memory, record: number): void {
  indexEnded(memory.endedIndex, memory.hash, record);
}

function searchSlot(memory: Memory, slots: Slots, slot: number): void {
  const hash = hashOfSlot(slots, slot);
  const part = hash >>> PART_SHIFT;
  const cells = memory.parts[part];
  const mask = cells.length - 1;
  let at = (hash << 1) & mask;
  while (cells[at + 1] !== slot + 1) at = (at + 2) & mask;
  memory.part = part;
  memory.at = at;
  memory.hash = hash;
}

/** Empties the cell of the last search. What stands behind it in its run moves up, so that runs stay whole. */
function removeFound(memory: Memory): void {
  const cells = memory.parts[memory.part];
  const mask = cells.length - 1;
  let hole = memory.at;
  for (let at = (hole + 2) & mask; cells[at + 1] !== 0; at = (at + 2) & mask) {
    const home = (cells[at] << 1) & mask;
    if (((at - home) & mask) < ((at - hole) & mask)) continue;
    cells[hole] = cells[at];
    cells[hole + 1] = cells[at + 1];
    hole = at;
  }
  cells[hole + 1] = 0;
  memory.counts[memory.part] -= 1;
}

/** Oldest of the ended leaves the queue and goes to its end. */
export function requeueOldest(memory: Memory): void {
  const { ended } = memory;
  const { oldest } = ended;
  const units = unitsOf(ended, oldest);
  const record = appendRecord(ended, units);
  const from = wordsAt(oldest);
  const words = chunkWords(ended, oldest).slice(from, from + units * UNIT_WORDS);
  chunkWords(ended, record).set(words, wordsAt(record));
  indexEnded(memory.endedIndex, hashAt(words, ID), record);
  forgetOldest(memory);
}

/** Forgets the oldest of the ended. */
export function forgetOldest(memory: Memory): void {
  const { ended, endedIndex } = memory;
  const { oldest } = ended;
  dropOldest(ended);
  setEndedWord(ended, oldest, CODES, 0);
  unindexOldest(endedIndex);
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
