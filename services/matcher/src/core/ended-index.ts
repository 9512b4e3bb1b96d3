// Where ended ids are found: generations in the order of their end. Nearly every look-up is of an id that is new,
// and a filter of two bytes an id says so without touching more; what is forgotten goes with its generation.
import { chunkWords, type Ended, EndedColumn, wordsAt } from "./ended.js";
import { isIdAt } from "./ids.js";
import { NONE } from "./none.js";

const { ID, CODES } = EndedColumn;

/** Ids of the first generation, and of the largest; each is four times the one before. */
const IDS_MIN = 1 << 10;
const IDS_MAX = 1 << 18;
const GROWTH = 4;

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
  /** The last one of the largest that was forgotten, to be used again. */
  spare: Generation | undefined;
}

export const createEndedIndex = (): EndedIndex => ({ generations: [], spare: undefined });

function createGeneration(idsMax: number): Generation {
  return {
    idsMax,
    added: 0,
    left: 0,
    filter: new Int32Array(idsMax / 2),
    table: new Int32Array(idsMax * 2),
    shift: Math.clz32(idsMax * 2) + 1,
  };
}

/** The bits of an id in its word; the word is chosen by other bits of the hash. */
function bitsOf(hash: number): number {
  return (1 << (hash >>> 27)) | (1 << ((hash >>> 22) & 31)) | (1 << ((hash >>> 17) & 31));
}

const cellOf = (generation: Generation, hash: number) => Math.imul(hash, 0x9e3779b1) >>> generation.shift;

/** Number of the ended id with these words, or NONE. */
export function findEnded(index: EndedIndex, ended: Ended, hash: number, id: Int32Array): number {
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

function findIn(generation: Generation, ended: Ended, hash: number, id: Int32Array): number {
  const { table } = generation;
  const mask = table.length - 1;
  for (let cell = cellOf(generation, hash); table[cell] !== 0; cell = (cell + 1) & mask) {
    const record = table[cell] - 1;
    const words = chunkWords(ended, record);
    const at = wordsAt(record);
    // One that was forgotten has no codes; its place may be another's by now.
    if (words[at + CODES] !== 0 && isIdAt(words, at + ID, id)) return record;
  }
  return NONE;
}

/** Adds the newest of the ended ids. */
export function indexEnded(index: EndedIndex, hash: number, record: number): void {
  let generation = index.generations[index.generations.length - 1];
  if (generation === undefined || generation.added === generation.idsMax) generation = nextGeneration(index);
  const { filter, table } = generation;
  filter[hash & (filter.length - 1)] |= bitsOf(hash);
  const mask = table.length - 1;
  let cell = cellOf(generation, hash);
  while (table[cell] !== 0) cell = (cell + 1) & mask;
  table[cell] = record + 1;
  generation.added += 1;
  generation.left += 1;
}

function nextGeneration(index: EndedIndex): Generation {
  const { generations, spare } = index;
  const before = generations[generations.length - 1];
  const idsMax = before === undefined ? IDS_MIN : Math.min(before.idsMax * GROWTH, IDS_MAX);
  const isSpare = spare !== undefined && spare.idsMax === idsMax;
  if (isSpare) index.spare = undefined;
  const generation = isSpare ? spare : createGeneration(idsMax);
  generations.push(generation);
  return generation;
}

/** Forgets the oldest of the ended ids; its codes must be cleared, too. */
export function unindexOldest(index: EndedIndex): void {
  const [oldest] = index.generations;
  oldest.left -= 1;
  if (oldest.left > 0 || oldest.added < oldest.idsMax) return;
  index.generations.shift();
  oldest.added = 0;
  oldest.filter.fill(0);
  oldest.table.fill(0);
  index.spare = oldest;
}

/** Ids that are not forgotten, for checks. */
export const countEnded = ({ generations }: EndedIndex) =>
  generations.reduce((sum, { left }) => sum + left, 0);
