// The memory of ids: one index over all that the shard knows, live or ended, and the ended ones in a queue in
// the order of their end, from whose head they are forgotten.
import {
  appendRecord,
  chunkWords,
  createEnded,
  dropOldest,
  type Ended,
  EndedColumn,
  UNIT_WORDS,
  unitsOf,
  wordsAt,
} from "./ended.js";
import { hashId } from "./ids.js";
import { NONE } from "./none.js";
import { isIdOfSlot, type Slots } from "./slots.js";

const { ID } = EndedColumn;

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
  readonly ended: Ended;
}

export function createMemory(): Memory {
  return {
    parts: Array.from({ length: PARTS }, () => new Int32Array(PART_WORDS_MIN)),
    counts: new Int32Array(PARTS),
    part: 0,
    at: 0,
    hash: 0,
    ended: createEnded(),
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
  const words = chunkWords(memory.ended, ended);
  const at = wordsAt(ended) + ID;
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

/** Lets the id of the last search mean something else, if it is the one that means `from`. */
export function moveFound(memory: Memory, from: number, to: number): boolean {
  const cells = memory.parts[memory.part];
  if (cells[memory.at + 1] !== from + 1) return false;
  cells[memory.at + 1] = to + 1;
  return true;
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
function removeId(memory: Memory, ended: number): void {
  const hash = hashOfEnded(memory, ended);
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

function hashOfEnded({ ended }: Memory, record: number): number {
  const words = chunkWords(ended, record);
  const at = wordsAt(record) + ID;
  return hashId(words[at], words[at + 1], words[at + 2], words[at + 3]);
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
  moveRef(memory, hashOfEnded(memory, oldest), refOfEnded(oldest), refOfEnded(record));
  dropOldest(ended);
}

/** Forgets the oldest of the ended. */
export function forgetOldest(memory: Memory): void {
  removeId(memory, memory.ended.oldest);
  dropOldest(memory.ended);
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
