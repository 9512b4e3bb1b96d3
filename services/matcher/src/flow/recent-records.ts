// Records kept in memory as bytes behind each other in a few large blocks: as objects, a quarter of a million of
// them would outlive every collection of garbage and be moved by it twice.
import type { StoredEntry } from "./log.js";

const BLOCK_BYTES_MAX = 1024 * 1024;
/** Blocks that the memory is divided into, so that what is dropped at once is a small part of it. */
const BLOCKS_MIN = 8;
/** Records of a block at most. */
const BLOCK_RECORDS = 4_096;

interface Block {
  readonly bytes: Buffer;
  readonly firstSeq: number;
  count: number;
  /** Where each payload ends; it begins where the one before ends. */
  readonly ends: Int32Array;
  readonly epochs: Uint32Array;
  readonly checksums: Uint32Array;
}

/** The newest records of a log without gaps; of the older ones blocks are dropped. */
export class RecentRecords {
  readonly #bytesMax: number;
  readonly #blockBytes: number;
  #blocks: Block[] = [];
  #bytes = 0;
  #lastSeq: number;

  /** Keeps about so many bytes of payload; the first record follows on `seq`. */
  constructor(bytesMax: number, seq: number) {
    this.#bytesMax = bytesMax;
    this.#blockBytes = Math.min(BLOCK_BYTES_MAX, Math.ceil(bytesMax / BLOCKS_MIN));
    this.#lastSeq = seq;
  }

  get lastSeq(): number {
    return this.#lastSeq;
  }

  add({ seq, epoch, payload, checksum }: StoredEntry): void {
    const { length } = payload;
    const block = this.#blockFor(seq, length);
    const { count, bytes } = block;
    const start = startOf(block, count);
    bytes.set(payload, start);
    block.ends[count] = start + length;
    block.epochs[count] = epoch;
    block.checksums[count] = checksum;
    block.count = count + 1;
    this.#bytes += length;
    this.#lastSeq = seq;
  }

  /** The first records after a seq up to a number of bytes, at least one; undefined when they are no longer here. */
  after(seq: number, bytesMax: number): StoredEntry[] | undefined {
    const entries: StoredEntry[] = [];
    if (seq >= this.#lastSeq) return entries;
    let index = this.#blocks.findLastIndex(({ firstSeq }) => firstSeq <= seq + 1);
    if (index === -1) return undefined;
    let bytes = 0;
    for (let at = seq + 1 - this.#blocks[index].firstSeq; index < this.#blocks.length; index += 1, at = 0) {
      const block = this.#blocks[index];
      for (; at < block.count; at += 1) {
        const start = startOf(block, at);
        bytes += block.ends[at] - start;
        if (bytes > bytesMax && entries.length > 0) return entries;
        entries.push({
          seq: block.firstSeq + at,
          epoch: block.epochs[at],
          payload: block.bytes.subarray(start, block.ends[at]),
          checksum: block.checksums[at],
        });
      }
    }
    return entries;
  }

  /** The last block when it has room, else a fresh one. */
  #blockFor(seq: number, length: number): Block {
    const last = this.#blocks.at(-1);
    if (last !== undefined && last.count < BLOCK_RECORDS) {
      if (startOf(last, last.count) + length <= last.bytes.length) return last;
    }
    this.#trim();
    const bytes = Buffer.allocUnsafeSlow(Math.max(this.#blockBytes, length));
    const columns = {
      ends: new Int32Array(BLOCK_RECORDS),
      epochs: new Uint32Array(BLOCK_RECORDS),
      checksums: new Uint32Array(BLOCK_RECORDS),
    };
    const block: Block = { bytes, firstSeq: seq, count: 0, ...columns };
    this.#blocks.push(block);
    return block;
  }

  #trim(): void {
    let drop = 0;
    for (; this.#bytes > this.#bytesMax; drop += 1) {
      const block = this.#blocks[drop];
      this.#bytes -= startOf(block, block.count);
    }
    if (drop > 0) this.#blocks = this.#blocks.slice(drop);
  }
}

function startOf({ ends }: Block, index: number): number {
  return index === 0 ? 0 : ends[index - 1];
}
