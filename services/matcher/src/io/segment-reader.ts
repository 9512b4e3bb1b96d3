// Reads the frames of one file of the journal, a window at a time, and proves each of them.
import type { FileHandle } from "node:fs/promises";
import {
  COMMIT,
  checksumAt,
  commitAt,
  epochAt,
  FRAME_HEADER_BYTES,
  holdsAt,
  payloadEndAt,
  RECORD,
  seqAt,
  sizeAt,
  typeAt,
} from "./frame.js";
import type { RecordBatch } from "./record-batch.js";
import { JournalRefused, writtenByNewer } from "./segment.js";

/** A place in the journal: where the next frame begins, and what it follows on. */
export interface Position {
  readonly offset: number;
  readonly chain: number;
  /** Seq of the last record before. */
  readonly seq: number;
  readonly epoch: number;
}

/** A position, and how far the COMMITs before it prove the journal durable. */
export interface Reached extends Position {
  readonly durableSeq: number;
}

/** A record as it is stored. `payload` is a view; whoever keeps it keeps its window. */
export interface StoredRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly payload: Uint8Array;
  readonly checksum: number;
  /** File and offset of its frame. */
  readonly file: string;
  readonly offset: number;
  /** Chain before it: what a reader that starts here goes on from. */
  readonly chainBefore: number;
}

export interface ReaderOptions {
  readonly name: string;
  readonly fileBytes: number;
  /** Bytes that are read at once; a larger frame is read whole. */
  readonly windowBytes: number;
  /** Whether records of earlier batches stay as they are: else one window is used again and again. */
  readonly keepsWindows: boolean;
}

/** Reads the frames of one file in order. */
export class SegmentReader {
  readonly #file: FileHandle;
  readonly #options: ReaderOptions;
  /** Two windows in turn: one is decided about while the other is read. */
  readonly #windows: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];
  #turn = 0;
  #ahead: { readonly offset: number; readonly window: Promise<Buffer> } | undefined;

  constructor(file: FileHandle, options: ReaderOptions) {
    this.#file = file;
    this.#options = options;
  }

  /**
   * Fills the batch with the records of the next window; returns the place behind them. It is `from` when
   * no frame that holds stands there. Throws JournalRefused for a frame that holds but cannot be.
   */
  async read(from: Reached, batch: RecordBatch): Promise<Reached> {
    const { windowBytes, fileBytes, name } = this.#options;
    const ahead = this.#ahead;
    this.#ahead = undefined;
    let window = await (ahead?.offset === from.offset ? ahead.window : this.#load(from.offset, windowBytes));
    const first = sizeAt(window, 0);
    if (first !== undefined && first > window.length && from.offset + first <= fileBytes) {
      window = await this.#load(from.offset, first);
    }
    batch.clear(window, name);
    const reached = this.#take(window, from, batch);
    if (reached.offset > from.offset) this.#readAhead(reached.offset);
    return reached;
  }

  /** Reads the next window while the caller works on this one. */
  #readAhead(offset: number): void {
    const { keepsWindows, windowBytes, fileBytes } = this.#options;
    if (keepsWindows || offset >= fileBytes) return;
    const window = this.#load(offset, windowBytes);
    // Whoever asks for it gets the error; nobody may.
    window.catch(() => {});
    this.#ahead = { offset, window };
  }

  /** Waits for what is on its way: the file may be closed then. */
  async settle(): Promise<void> {
    await this.#ahead?.window.catch(() => {});
  }

  #take(window: Buffer, from: Reached, batch: RecordBatch): Reached {
    let { chain, seq, epoch, durableSeq } = from;
    let at = 0;
    for (;;) {
      const size = sizeAt(window, at);
      if (size === undefined || at + size > window.length || !holdsAt(window, at, size, chain)) break;
      const offset = from.offset + at;
      const type = this.#checked(window, at, { offset, chain, seq, epoch });
      if (type === COMMIT) {
        durableSeq = commitAt(window, at).durableSeq;
      } else {
        const index = batch.add();
        batch.starts[index] = at + FRAME_HEADER_BYTES;
        batch.ends[index] = payloadEndAt(window, at);
        batch.seqs[index] = seqAt(window, at);
        batch.epochs[index] = epochAt(window, at);
        batch.checksums[index] = checksumAt(window, at);
        batch.chains[index] = chain;
        batch.offsets[index] = offset;
      }
      chain = checksumAt(window, at);
      seq = seqAt(window, at);
      epoch = epochAt(window, at);
      at += size;
    }
    return at === 0 ? from : { offset: from.offset + at, chain, seq, epoch, durableSeq };
  }

  /** Type of a frame whose checksum holds; one whose content cannot be was written by other rules. */
  #checked(window: Buffer, at: number, position: Position): number {
    const place = { file: this.#options.name, offset: position.offset, seq: position.seq + 1 };
    const type = typeAt(window, at);
    if (type !== RECORD && type !== COMMIT) {
      throw writtenByNewer(`a frame is of type ${type}, which this version does not know`, place);
    }
    const expectedSeq = type === RECORD ? position.seq + 1 : position.seq;
    const seq = seqAt(window, at);
    if (seq !== expectedSeq)
      throw new JournalRefused(`seq ${seq} stands where ${expectedSeq} belongs`, place);
    const epoch = epochAt(window, at);
    if (epoch < position.epoch) {
      throw new JournalRefused(`epoch ${epoch} follows epoch ${position.epoch}`, place);
    }
    return type;
  }

  async #load(offset: number, bytes: number): Promise<Buffer> {
    const { keepsWindows, fileBytes } = this.#options;
    const length = Math.max(0, Math.min(bytes, fileBytes - offset));
    if (keepsWindows) return readRange(this.#file, offset, length);
    this.#turn = 1 - this.#turn;
    if (this.#windows[this.#turn].length < length) this.#windows[this.#turn] = Buffer.allocUnsafeSlow(length);
    return readInto(this.#file, offset, this.#windows[this.#turn].subarray(0, length));
  }
}

/** Bytes of a range; fewer where the file ends. */
export function readRange(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  return readInto(file, offset, Buffer.allocUnsafeSlow(length));
}

async function readInto(file: FileHandle, offset: number, room: Buffer): Promise<Buffer> {
  let done = 0;
  while (done < room.length) {
    const { bytesRead } = await file.read(room, done, room.length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return room.subarray(0, done);
}
