// The memory of ids: heads of chains that run through the slots of live orders, small and always in use, and the ended
// ones in a queue in the order of their end, from whose head they are forgotten, with an index of their own.
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
import { SLOT_MASK, SLOT_WORDS, SlotColumn, type Slots } from "./slots.js";

const { ID, CODES } = EndedColumn;
const { ID: S_ID, CHAIN } = SlotColumn;
const WORDS = SLOT_WORDS;
const MASK = SLOT_MASK;
const NOTHING = NONE;

/** Parts of the heads, so that one growth moves one part only. */
const PARTS = 64;
export const PART_SHIFT = 26;
const PART = PART_SHIFT;
const PART_HEADS_MIN = 16;

/** A head is the slot + 1 of the newest order of its chain, 0 for none; there are at least as many as live orders. */
export interface Memory {
  readonly heads: Int32Array[];
  readonly counts: Int32Array;
  /** Hash of the id that was looked up last. */
  hash: number;
  readonly ended: Ended;
  readonly endedIndex: EndedIndex;
}

export function createMemory(): Memory {
  return {
    heads: Array.from({ length: PARTS }, () => new Int32Array(PART_HEADS_MIN)),
    counts: new Int32Array(PARTS),
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
  const first = id[0];
  const second = id[1];
  const third = id[2];
  const fourth = id[3];
  const hash = hashId(first, second, third, fourth);
  memory.hash = hash;
  const heads = memory.heads[hash >>> PART_SHIFT];
  const { words } = slots;
  for (let link = heads[hash & (heads.length - 1)]; link !== 0; ) {
    const at = ((link - 1) & MASK) * WORDS;
    const isSame =
      words[at + S_ID] === first &&
      words[at + S_ID + 1] === second &&
      words[at + S_ID + 2] === third &&
      words[at + S_ID + 3] === fourth;
    if (isSame) return (link - 1) * 2;
    link = words[at + CHAIN];
  }
  const ended = findEnded(memory.endedIndex, memory.ended, hash, id);
  return ended === NOTHING ? NOTHING : ended * 2 + 1;
}

/** Puts the id of a slot, which the last search did not find, at the head of its chain. */
export function insertFound(memory: Memory, slots: Slots, slot: number): void {
  const { hash } = memory;
  const part = hash >>> PART_SHIFT;
  let heads = memory.heads[part];
  const count = memory.counts[part] + 1;
  memory.counts[part] = count;
  if (count > heads.length) heads = growPart(memory, slots, part);
  const home = hash & (heads.length - 1);
  slots.words[(slot & MASK) * WORDS + CHAIN] = heads[home];
  heads[home] = slot + 1;
}

/** Remembers the id of a slot, which is no longer live, as an ended one. */
export function moveToEnded(memory: Memory, slots: Slots, slot: number, record: number): void {
  indexEnded(memory.endedIndex, unchain(memory, slots, slot), record);
}

/** Takes the id of a slot out of its chain. Returns its hash. */
export function unchain(memory: Memory, { words }: Slots, slot: number): number {
  const at = (slot & MASK) * WORDS;
  const hash = hashId(words[at + S_ID], words[at + S_ID + 1], words[at + S_ID + 2], words[at + S_ID + 3]);
  const part = hash >>> PART;
  const heads = memory.heads[part];
  const home = hash & (heads.length - 1);
  const next = words[at + CHAIN];
  memory.counts[part] -= 1;
  if (heads[home] === slot + 1) {
    heads[home] = next;
    return hash;
  }
  let before = ((heads[home] - 1) & MASK) * WORDS;
  while (words[before + CHAIN] !== slot + 1) before = ((words[before + CHAIN] - 1) & MASK) * WORDS;
  words[before + CHAIN] = next;
  return hash;
}

/** Remembers an id that was never live: the one that the last search did not find. */
export function insertEnded(memory: Memory, record: number): void {
  indexEnded(memory.endedIndex, memory.hash, record);
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

/** Doubles a part: each of its chains becomes two. */
function growPart(memory: Memory, { words }: Slots, part: number): Int32Array {
  const old = memory.heads[part];
  const grown = new Int32Array(old.length * 2);
  for (const head of old) {
    for (let link = head; link !== 0; ) {
      const at = ((link - 1) & MASK) * WORDS;
      const home = hashAt(words, at + S_ID) & (grown.length - 1);
      const next = words[at + CHAIN];
      words[at + CHAIN] = grown[home];
      grown[home] = link;
      link = next;
    }
  }
  memory.heads[part] = grown;
  return grown;
}
