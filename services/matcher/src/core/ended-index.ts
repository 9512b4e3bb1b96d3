// Where ended ids are found: generations in the order of their end. Nearly every look-up is of an id that is new,
// and a filter of one byte an id says so without touching more; what is forgotten goes with its generation.
import { chunkWords, type Ended, EndedColumn, wordsAt } from "./ended.js";
import { isIdAt } from "./ids.js";
import { NONE } from "./none.js";

const { ID, CODES } = EndedColumn;

/** Ids of the first generation, and of the largest; each is four times the one before. */
const IDS_MIN = 1 << 10;
const IDS_MAX = 1 << 20;
const GROWTH = 4;

/**
 * Ids that wait for filter and table. Each of these is a miss of the caches: together the processor fetches them at
 * once, one by one it waits for each.
 */
const WAITING = 32;
/** Marks of the waiting ids: one byte for each hash, so that a look-up seldom goes through them in vain. */
const MARKS = 4_096;

interface Generation {
  /** Ids that it takes, a power of two. */
  readonly idsMax: number;
  /** Ids that were put into it, and those of them that are not forgotten yet. */
  added: number;
  left: number;
  /** Three bits of one word for each id. */
  readonly filter: Int32Array;
  /** Open addressing, at most half full: number of the ended id + 1, 0 is free. */
  readonly table: Int32Array;
  readonly shift: number;
}

export interface EndedIndex {
  /** Oldest first. */
  readonly generations: Generation[];
  /** The largest that was forgotten, to be used again. */
  spare: Generation | undefined;
  /** Hashes and numbers of the newest ids. */
  readonly hashes: Int32Array;
  readonly records: Int32Array;
  waiting: number;
  readonly marks: Uint8Array;
}

export const createEndedIndex = (): EndedIndex => ({
  generations: [],
  spare: undefined,
  hashes: new Int32Array(WAITING),
  records: new Int32Array(WAITING),
  waiting: 0,
  marks: new Uint8Array(MARKS),
});

function createGeneration(idsMax: number): Generation {
  return {
    idsMax,
    added: 0,
    left: 0,
    filter: new Int32Array(idsMax / 4),
    table: new Int32Array(idsMax * 2),
    shift: Math.clz32(idsMax * 2) + 1,
  };
}

/** The bits of an id in its word; the word is chosen by other bits of the hash. */
function bitsOf(hash: number): number {
  const mixed = Math.imul(hash, 0x2c1b3c6d);
  return (1 << (mixed >>> 27)) | (1 << ((mixed >>> 22) & 31)) | (1 << ((mixed >>> 17) & 31));
}

const cellOf = (generation: Generation, hash: number) => Math.imul(hash, 0x9e3779b1) >>> generation.shift;

/** Number of the ended id with these words, or NONE. */
export function findEnded(index: EndedIndex, ended: Ended, hash: number, id: Int32Array): number {
  if (index.marks[hash & (MARKS - 1)] !== 0) {
    const found = findWaiting(index, ended, hash, id);
    if (found !== NONE) return found;
  }
  const { generations } = index;
  const bits = bitsOf(hash);
  for (let place = generations.length - 1; place >= 0; place -= 1) {
    const { filter } = generations[place];
    if ((filter[hash & (filter.length - 1)] & bits) !== bits) continue;
    const found = findIn(generations[place], ended, hash, id);
    if (found !== NONE) return found;
  }
  return NONE;
}

function findWaiting(index: EndedIndex, ended: Ended, hash: number, id: Int32Array): number {
  for (let place = 0; place < index.waiting; place += 1) {
    const record = index.records[place];
    if (index.hashes[place] === hash && isRecord(ended, record, id)) return record;
  }
  return NONE;
}

function findIn(generation: Generation, ended: Ended, hash: number, id: Int32Array): number {
  const { table } = generation;
  const mask = table.length - 1;
  for (let cell = cellOf(generation, hash); table[cell] !== 0; cell = (cell + 1) & mask) {
    if (isRecord(ended, table[cell] - 1, id)) return table[cell] - 1;
  }
  return NONE;
}

/** Whether a number is that of an id. One that was forgotten has no codes; its place may be another's by now. */
function isRecord(ended: Ended, record: number, id: Int32Array): boolean {
  const words = chunkWords(ended, record);
  const at = wordsAt(record);
  return words[at + CODES] !== 0 && isIdAt(words, at + ID, id);
}

/** Adds the newest of the ended ids. */
export function indexEnded(index: EndedIndex, hash: number, record: number): void {
  const place = index.waiting;
  index.hashes[place] = hash;
  index.records[place] = record;
  index.marks[hash & (MARKS - 1)] = 1;
  index.waiting = place + 1;
  if (place + 1 === WAITING) indexWaiting(index);
}

/** Puts those that wait where they stay. */
function indexWaiting(index: EndedIndex): void {
  const { hashes, records, marks, waiting } = index;
  for (let from = 0; from < waiting; ) {
    const generation = roomyGeneration(index);
    const until = Math.min(waiting, from + generation.idsMax - generation.added);
    const { filter, table } = generation;
    const mask = table.length - 1;
    for (let place = from; place < until; place += 1) {
      const hash = hashes[place];
      filter[hash & (filter.length - 1)] |= bitsOf(hash);
      let cell = cellOf(generation, hash);
      while (table[cell] !== 0) cell = (cell + 1) & mask;
      table[cell] = records[place] + 1;
      marks[hash & (MARKS - 1)] = 0;
    }
    generation.added += until - from;
    generation.left += until - from;
    from = until;
  }
  index.waiting = 0;
}

/** The newest generation, or the next when it is full. */
function roomyGeneration(index: EndedIndex): Generation {
  const { generations, spare } = index;
  const newest = generations[generations.length - 1];
  if (newest !== undefined && newest.added < newest.idsMax) return newest;
  // What has been large once will be so again.
  const least = Math.max(IDS_MIN, spare?.idsMax ?? 0);
  const idsMax = newest === undefined ? least : Math.min(newest.idsMax * GROWTH, IDS_MAX);
  const isSpare = spare !== undefined && spare.idsMax === idsMax;
  if (isSpare) index.spare = undefined;
  const generation = isSpare ? spare : createGeneration(idsMax);
  generations.push(generation);
  return generation;
}

/** Forgets the oldest of the ended ids; its codes must be cleared, too. */
export function unindexOldest(index: EndedIndex): void {
  if (index.waiting > 0) indexWaiting(index);
  const [oldest] = index.generations;
  oldest.left -= 1;
  if (oldest.left > 0 || oldest.added < oldest.idsMax) return;
  index.generations.shift();
  if (index.spare !== undefined && index.spare.idsMax > oldest.idsMax) return;
  oldest.added = 0;
  oldest.filter.fill(0);
  oldest.table.fill(0);
  index.spare = oldest;
}

/** Ids that are not forgotten, for checks. */
export const countEnded = ({ generations, waiting }: EndedIndex) =>
  generations.reduce((sum, { left }) => sum + left, waiting);
