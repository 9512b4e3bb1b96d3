// Records of numbers and words in chunks of typed arrays: growing copies nothing, and a record lies together,
// so that an order costs one or two cache lines.

/** Records of a chunk, as a power of two. */
export const CHUNK_BITS = 12;
export const CHUNK_SIZE = 1 << CHUNK_BITS;
export const CHUNK_MASK = CHUNK_SIZE - 1;

/** No record: the end of a queue or of a free list. */
export const NONE = -1;

/**
 * Records by number. `numbers` and `words` are two views of the same chunks: a record of n numbers is one of 2n
 * words, and each column is used through one view only.
 */
export interface Pool {
  readonly numbers: Float64Array[];
  readonly words: Int32Array[];
  /** Numbers of one record. */
  readonly stride: number;
  /** Word that links free records. */
  readonly link: number;
  /** Records ever used: what never was is never touched, so it takes no memory yet. */
  used: number;
  free: number;
  /** Records in use. */
  count: number;
}

export function createPool(stride: number, link: number): Pool {
  return { numbers: [], words: [], stride, link, used: 0, free: NONE, count: 0 };
}

/** Takes a free record, with whatever was in it. */
export function takeRecord(pool: Pool): number {
  pool.count += 1;
  const { free } = pool;
  if (free === NONE) return newRecord(pool);
  pool.free = pool.words[free >>> CHUNK_BITS][(free & CHUNK_MASK) * 2 * pool.stride + pool.link];
  return free;
}

function newRecord(pool: Pool): number {
  const record = pool.used;
  if ((record & CHUNK_MASK) === 0) {
    const numbers = new Float64Array(CHUNK_SIZE * pool.stride);
    pool.numbers.push(numbers);
    pool.words.push(new Int32Array(numbers.buffer));
  }
  pool.used += 1;
  return record;
}

export function giveRecord(pool: Pool, record: number): void {
  pool.words[record >>> CHUNK_BITS][(record & CHUNK_MASK) * 2 * pool.stride + pool.link] = pool.free;
  pool.free = record;
  pool.count -= 1;
}
