// Where ended ids are found: generations in the order of their end. Nearly every look-up is of an id that is new,
// and a filter of two bytes an id says so without touching more; what is forgotten goes with its generation.
//
// Behind the filter an id is found by its bucket, a list that grows at one end: the ends of all lists fit the
// processor's cache, where a hash table of the same ids costs a miss of every cache for each id that ends.
import { chunkWords, type Ended, EndedColumn, wordsAt } from "./ended.js";
import { isIdAt } from "./ids.js";
import { NONE } from "./none.js";

const { ID, CODES } = EndedColumn;
const NOTHING = NONE;

/** Ids of the first generation, and of the largest; each is four times the one before. */
const IDS_MIN = 1 << 10;
const IDS_MAX = 1 << 20;
const GROWTH = 4;
/** Ids of a bucket on average, when its generation is full. */
const IDS_PER_BUCKET = 256;

/** Words of a block of a bucket: where the block before it ends (0: none), one that is free, then hashes and numbers. */
const BLOCK = 32;
const BLOCK_MASK = BLOCK - 1;
const FIRST = 2;
const IDS_PER_BLOCK = (BLOCK - FIRST) / 2;

interface Generation {
  /** Ids that it takes, a power of two. */
  readonly idsMax: number;
  /** Ids that were put into it, and those of them that are not forgotten yet. */
  added: number;
  left: number;
  /** Four bits of one word for each id. */
  readonly filter: Int32Array;
  /** By the upper bits of the hash: where the next id of the bucket goes in `blocks`; at the end of a block in none. */
  readonly ends: Int32Array;
  readonly shift: number;
  readonly blocks: Int32Array;
  /** Where the next block begins. */
  nextBlock: number;
}

export interface EndedIndex {
  /** Oldest first. */
  readonly generations: Generation[];
  /** The largest that was forgotten, to be used again. */
  spare: Generation | undefined;
}

export const createEndedIndex = (): EndedIndex => ({ generations: [], spare: undefined });

function createGeneration(idsMax: number): Generation {
  const buckets = idsMax / IDS_PER_BUCKET;
  return {
    idsMax,
    added: 0,
    left: 0,
    filter: new Int32Array(idsMax / 2),
    ends: new Int32Array(buckets),
    shift: Math.clz32(buckets) + 1,
    blocks: new Int32Array((1 + buckets + Math.ceil(idsMax / IDS_PER_BLOCK)) * BLOCK),
    nextBlock: BLOCK,
  };
}

/** The bits of an id in its word. The lower bits of the hash choose the word, so these rest on the upper ones. */
function bitsOf(hash: number): number {
  const mixed = Math.imul(hash ^ (hash >>> 18), 0x2c1b3c6d);
  // A shift takes the lowest five bits of what it shifts by.
  return (1 << (mixed >>> 27)) | (1 << (mixed >>> 22)) | (1 << (mixed >>> 17)) | (1 << (mixed >>> 12));
}

/** Number of the ended id with these words, or NONE. */
export function findEnded(index: EndedIndex, ended: Ended, hash: number, id: Int32Array): number {
  const { generations } = index;
  const bits = bitsOf(hash);
  for (let place = generations.length - 1; place >= 0; place -= 1) {
    const { filter } = generations[place];
    if ((filter[hash & (filter.length - 1)] & bits) !== bits) continue;
    const found = findIn(generations[place], ended, hash, id);
    if (found !== NOTHING) return found;
  }
  return NOTHING;
}

function findIn({ ends, shift, blocks }: Generation, ended: Ended, hash: number, id: Int32Array): number {
  for (let end = ends[hash >>> shift]; end !== 0; ) {
    const block = (end - 1) & ~BLOCK_MASK;
    for (let at = block + FIRST; at < end; at += 2) {
      if (blocks[at] === hash && isRecord(ended, blocks[at + 1], id)) return blocks[at + 1];
    }
    end = blocks[block];
  }
  return NOTHING;
}

/** Whether a number is that of an id. One that was forgotten has no codes; its place may be another's by now. */
function isRecord(ended: Ended, record: number, id: Int32Array): boolean {
  const words = chunkWords(ended, record);
  const at = wordsAt(record);
  return words[at + CODES] !== 0 && isIdAt(words, at + ID, id);
}

/** Adds the newest of the ended ids. */
export function indexEnded(index: EndedIndex, hash: number, record: number): void {
  let generation = index.generations[index.generations.length - 1];
  if (generation === undefined || generation.added === generation.idsMax) generation = nextGeneration(index);
  const { filter, ends, blocks } = generation;
  generation.added += 1;
  generation.left += 1;
  filter[hash & (filter.length - 1)] |= bitsOf(hash);
  const bucket = hash >>> generation.shift;
  let at = ends[bucket];
  if ((at & BLOCK_MASK) === 0) {
    const block = generation.nextBlock;
    generation.nextBlock = block + BLOCK;
    blocks[block] = at;
    at = block + FIRST;
  }
  blocks[at] = hash;
  blocks[at + 1] = record;
  ends[bucket] = at + 2;
}

function nextGeneration(index: EndedIndex): Generation {
  const { generations, spare } = index;
  const newest = generations[generations.length - 1];
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
  const [oldest] = index.generations;
  oldest.left -= 1;
  if (oldest.left > 0 || oldest.added < oldest.idsMax) return;
  index.generations.shift();
  if (index.spare !== undefined && index.spare.idsMax > oldest.idsMax) return;
  oldest.added = 0;
  oldest.filter.fill(0);
  oldest.ends.fill(0);
  oldest.nextBlock = BLOCK;
  index.spare = oldest;
}

/** Ids that are not forgotten, for checks. */
export const countEnded = ({ generations }: EndedIndex) =>
  generations.reduce((sum, { left }) => sum + left, 0);
