// Records that were read at once, in columns: a replay of millions of records makes no object for any of them.
import type { StoredRecord } from "./segment-reader.js";

/** Frames of the smallest records in a mebibyte. */
const ROOM_MIN = 4_096;

/** Records of one file, in order. Filled again and again by its reader. */
export class RecordBatch {
  /** What the offsets point into. */
  bytes: Buffer = Buffer.alloc(0);
  file = "";
  count = 0;
  /** Where each payload begins and ends in `bytes`. */
  starts = new Int32Array(ROOM_MIN);
  ends = new Int32Array(ROOM_MIN);
  seqs = new Float64Array(ROOM_MIN);
  epochs = new Uint32Array(ROOM_MIN);
  checksums = new Uint32Array(ROOM_MIN);
  /** Chain before each record, and the offset of its frame in the file. */
  chains = new Uint32Array(ROOM_MIN);
  offsets = new Float64Array(ROOM_MIN);

  clear(bytes: Buffer, file: string): void {
    this.bytes = bytes;
    this.file = file;
    this.count = 0;
  }

  /** Index of one more record, whose columns the caller fills. */
  add(): number {
    const index = this.count;
    if (index === this.seqs.length) this.#grow();
    this.count += 1;
    return index;
  }

  /** Leaves the first records out. */
  dropFirst(count: number): void {
    if (count === 0) return;
    for (const column of [
      this.starts,
      this.ends,
      this.seqs,
      this.epochs,
      this.checksums,
      this.chains,
      this.offsets,
    ]) {
      column.copyWithin(0, count, this.count);
    }
    this.count -= count;
  }

  /** One record as an object; its payload is a view. */
  record(index: number): StoredRecord {
    return {
      seq: this.seqs[index],
      epoch: this.epochs[index],
      payload: this.bytes.subarray(this.starts[index], this.ends[index]),
      checksum: this.checksums[index],
      file: this.file,
      offset: this.offsets[index],
      chainBefore: this.chains[index],
    };
  }

  #grow(): void {
    const room = this.seqs.length * 2;
    this.starts = grown(this.starts, new Int32Array(room));
    this.ends = grown(this.ends, new Int32Array(room));
    this.seqs = grown(this.seqs, new Float64Array(room));
    this.epochs = grown(this.epochs, new Uint32Array(room));
    this.checksums = grown(this.checksums, new Uint32Array(room));
    this.chains = grown(this.chains, new Uint32Array(room));
    this.offsets = grown(this.offsets, new Float64Array(room));
  }
}

function grown<T extends Int32Array | Uint32Array | Float64Array>(old: T, room: T): T {
  room.set(old);
  return room;
}
