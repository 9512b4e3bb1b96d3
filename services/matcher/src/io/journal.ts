// The journal of one shard on a local disk: one writer, one append position, one flush in flight.
//
// A batch is written in one piece, ends with a COMMIT and is durable when its fdatasync returns. Whatever
// fails, fails for good: after an error the page cache may show what the disk does not hold, so the journal
// never writes again and the process has to end.

import { type FileHandle, open, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "@bourse/shared/assert.js";
import type { Unlock } from "@bourse/shared/runtime/kernel-lock.js";
import { lockDirectory } from "./directory-lock.js";
import {
  COMMIT,
  COMMIT_BYTES,
  commitPayload,
  frameSize,
  PAYLOAD_BYTES_MAX,
  RECORD,
  writeFrame,
} from "./frame.js";
import { JournalMarks, type Mark } from "./journal-marks.js";
import { rewrite, setAside } from "./journal-repair.js";
import {
  FrameReader,
  type Position,
  refuseNewerFormats,
  type ScanEnd,
  type StoredRecord,
  scanJournal,
} from "./journal-scan.js";
import {
  createZeroed,
  HEADER_BYTES,
  headerBytes,
  headerChain,
  JournalRefused,
  newNonce,
  type SegmentHeader,
  segmentName,
  syncDirectory,
  writeAll,
} from "./segment.js";

/** One record to append. */
export interface JournalEntry {
  readonly seq: number;
  readonly epoch: number;
  readonly payload: Uint8Array;
}

export interface JournalOptions {
  readonly directory: string;
  readonly shard: number;
  /** Size of a file. A batch that is larger gets a larger file. */
  readonly segmentBytes: number;
  /** Wall clock in milliseconds, for the name of a tail that is set aside. */
  readonly wallMs: () => number;
  /** Seconds of each flush. */
  readonly onFlush: (seconds: number) => void;
  /** Called once, at the first write that fails; the process must end. */
  readonly onFailure: (error: unknown) => void;
}

/** What a crash left behind and recovery cut off. */
export interface TornTail {
  readonly file: string;
  readonly offset: number;
  /** Seq of the record that would have come next. */
  readonly seq: number;
  readonly bytes: number;
  readonly savedAs: string;
}

/** Present when the last process closed the journal in good order: nothing is in the page cache only. */
const CLEAN_STOP = "clean-stop";
const SPARE = "spare.tmp";
/** An idle journal proves its last batch by an empty one within this time. */
const IDLE_COMMIT_MS = 5;
interface OpenFile {
  readonly name: string;
  readonly header: SegmentHeader;
  readonly handle: FileHandle;
}

/** Opens the journal of a shard; throws DirectoryLocked or JournalRefused. Replay it before appending. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  await refuseNewerFormats(options.directory);
  return new Journal(options, await lockDirectory(options.directory));
}

/** See the head of the file. States: replaying → appending → failed or closed. */
export class Journal {
  readonly #options: JournalOptions;
  readonly #unlock: Unlock;
  #file: OpenFile | undefined;
  #at: Position = { offset: HEADER_BYTES, chain: 0, seq: 0, epoch: 0 };
  #durableSeq = 0;
  #spare: Promise<FileHandle | undefined> | undefined;
  readonly #marks = new JournalMarks();
  #running: Promise<unknown> = Promise.resolve();
  #idle: NodeJS.Timeout | undefined;
  #hasFailed = false;
  #scratch = Buffer.alloc(0);
  #torn: TornTail | undefined;

  constructor(options: JournalOptions, unlock: Unlock) {
    this.#options = options;
    this.#unlock = unlock;
  }

  /** What recovery cut off, if anything. */
  get tornTail(): TornTail | undefined {
    return this.#torn;
  }

  /** Epoch of the last record; 0 of an empty journal. */
  epoch(): number {
    return this.#at.epoch;
  }

  /**
   * Every stored record in order; when the last was taken, the journal is ready to append. A torn tail is
   * set aside and cut then. Throws JournalRefused for any other damage.
   */
  async *replay(): AsyncGenerator<StoredRecord> {
    const { directory, shard } = this.#options;
    const scan = scanJournal(directory, { shard });
    let step = await scan.next();
    for (; step.done !== true; step = await scan.next()) {
      this.#marks.note(step.value.file, step.value);
      yield step.value;
    }
    await rm(join(directory, SPARE), { force: true });
    if (step.value === undefined) await this.#begin(1, { chain: 0, seq: 0, epoch: 0 }, newNonce());
    else await this.#resume(step.value);
  }

  /**
   * Writes a batch and returns when it is durable, with the checksum of each record. Batches are written in
   * the order of the calls. After a failure it never settles: nothing may be answered any more.
   */
  append(entries: readonly JournalEntry[]): Promise<Uint32Array> {
    clearTimeout(this.#idle);
    return this.#exclusive(async () => {
      const checksums = new Uint32Array(entries.length);
      for (let done = 0; done < entries.length; ) {
        const count = await this.#fit(entries, done);
        await this.#write(entries.slice(done, done + count), checksums.subarray(done, done + count));
        done += count;
      }
      this.#armIdleCommit();
      return checksums;
    });
  }

  /** Durable records after a seq, in order, up to what is durable when the end is reached. */
  async *read(afterSeq: number): AsyncGenerator<StoredRecord> {
    let mark = this.#marks.before(afterSeq + 1);
    let next = afterSeq + 1;
    while (mark !== undefined && next <= this.#durableSeq) {
      const { file } = mark;
      for await (const record of this.#readFile(mark)) {
        if (record.seq < next) continue;
        if (record.seq > next)
          throw new JournalRefused("a durable record cannot be read", { ...record, seq: next });
        next += 1;
        yield record;
        if (next > this.#durableSeq) return;
      }
      mark = this.#marks.startAfter(file);
    }
  }

  /** Waits for what runs, proves the last batch, and gives the directory back. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    await this.#running;
    if (this.#file !== undefined && !this.#hasFailed) {
      await this.#exclusive(() => this.#write([], new Uint32Array(0)));
      await this.#markCleanStop();
    }
    await this.#file?.handle.close();
    const spare = await this.#spare;
    await spare?.close();
    await this.#unlock();
  }

  async #markCleanStop(): Promise<void> {
    const { directory } = this.#options;
    const { seq, offset } = this.#at;
    await writeFile(join(directory, CLEAN_STOP), `${JSON.stringify({ seq, offset })}\n`, { flush: true });
    await syncDirectory(directory);
  }

  /** One operation at a time; the first that fails is the last. */
  #exclusive<T>(run: () => Promise<T>): Promise<T> {
    const result = new Promise<T>((resolve) => {
      this.#running = this.#running.then(async () => {
        if (this.#hasFailed) return;
        try {
          resolve(await run());
        } catch (error) {
          this.#hasFailed = true;
          this.#options.onFailure(error);
        }
      });
    });
    return result;
  }

  /** How many entries from `from` on go into the present file; opens the next one when none does. */
  async #fit(entries: readonly JournalEntry[], from: number): Promise<number> {
    const file = this.#openFile();
    const first = frameSize(entries[from].payload.length) + COMMIT_BYTES;
    // Room for the empty batch that proves the last one stays free.
    if (this.#at.offset + first + COMMIT_BYTES > file.header.fileBytes)
      await this.#roll(first + COMMIT_BYTES);
    const room = this.#openFile().header.fileBytes - this.#at.offset - 2 * COMMIT_BYTES;
    let count = 0;
    for (let bytes = 0; from + count < entries.length; count += 1) {
      bytes += frameSize(entries[from + count].payload.length);
      if (bytes > room) break;
    }
    assert(count > 0, "a file has room for at least one record");
    return count;
  }

  async #write(entries: readonly JournalEntry[], checksums: Uint32Array): Promise<void> {
    const { handle, name, header } = this.#openFile();
    const start = this.#at.offset;
    const { bytes, end } = this.#encode(entries, checksums, name);
    if (start + bytes.length > header.fileBytes) {
      assert(entries.length === 0, "a batch with records has its room");
      return;
    }
    await writeAll(handle, bytes, start);
    const startedAt = performance.now();
    await handle.datasync();
    this.#options.onFlush((performance.now() - startedAt) / 1000);
    this.#at = end;
    this.#durableSeq = end.seq;
    if (end.offset > header.fileBytes / 2) this.#prepareSpare();
  }

  #encode(
    entries: readonly JournalEntry[],
    checksums: Uint32Array,
    file: string,
  ): { bytes: Buffer; end: Position } {
    const start = this.#at.offset;
    const size = entries.reduce((sum, { payload }) => sum + frameSize(payload.length), COMMIT_BYTES);
    const bytes = this.#room(size);
    let { offset, chain, seq, epoch } = this.#at;
    for (const [index, entry] of entries.entries()) {
      assert(entry.seq === seq + 1, "the journal has no gaps");
      assert(entry.payload.length <= PAYLOAD_BYTES_MAX, "a record fits a frame");
      const chainBefore = chain;
      const { payload } = entry;
      ({ seq, epoch } = entry);
      chain = writeFrame(bytes, offset - start, { type: RECORD, seq, epoch, payload, chain });
      checksums[index] = chain;
      this.#marks.note(file, { seq, offset, chainBefore });
      offset += frameSize(payload.length);
    }
    const payload = commitPayload({ durableSeq: this.#durableSeq, batchOffset: start, chain });
    chain = writeFrame(bytes, offset - start, { type: COMMIT, seq, epoch, payload, chain });
    return { bytes, end: { offset: offset + COMMIT_BYTES, chain, seq, epoch } };
  }

  /** Zeroed room for a batch; kept for the next one unless it is large. */
  #room(size: number): Buffer {
    if (size > 1024 * 1024) return Buffer.alloc(size);
    if (this.#scratch.length < size) this.#scratch = Buffer.alloc(Math.max(16 * 1024, size * 2));
    return this.#scratch.subarray(0, size).fill(0);
  }

  #armIdleCommit(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      void this.#exclusive(() => this.#write([], new Uint32Array(0)));
    }, IDLE_COMMIT_MS);
    this.#idle.unref();
  }

  /** Zeroes the next file ahead, so that no batch waits for it and a full disk is met early. */
  #prepareSpare(): void {
    this.#spare ??= createZeroed(join(this.#options.directory, SPARE), this.#options.segmentBytes).catch(
      // Met again, and then for good, when the file is needed.
      () => undefined,
    );
  }

  async #roll(neededBytes: number): Promise<void> {
    const old = this.#openFile();
    const spare = await this.#spare;
    this.#spare = undefined;
    const fits = neededBytes + HEADER_BYTES <= this.#options.segmentBytes;
    if (!fits) await spare?.close();
    const { chain, seq, epoch } = this.#at;
    await this.#begin(seq + 1, { chain, seq, epoch }, old.header.nonce, {
      bytes: Math.max(this.#options.segmentBytes, neededBytes + HEADER_BYTES),
      spare: fits ? spare : undefined,
    });
    await old.handle.close();
  }

  /** Makes a file durable under its final name and goes on in it. */
  async #begin(
    firstSeq: number,
    { chain, seq, epoch }: Omit<Position, "offset">,
    nonce: string,
    made: { bytes?: number; spare?: FileHandle | undefined } = {},
  ): Promise<void> {
    const { directory, shard, segmentBytes } = this.#options;
    const fileBytes = made.bytes ?? segmentBytes;
    const spare = join(directory, SPARE);
    const handle = made.spare ?? (await createZeroed(spare, fileBytes));
    const header: SegmentHeader = { shard, firstSeq, fileBytes, epoch, chainBefore: chain, nonce };
    await writeAll(handle, headerBytes(header), 0);
    await handle.sync();
    const name = segmentName(firstSeq);
    await rename(spare, join(directory, name));
    await syncDirectory(directory);
    this.#file = { name, header, handle };
    this.#marks.noteFile(name);
    this.#at = { offset: HEADER_BYTES, chain: headerChain(header), seq, epoch };
  }

  /** Goes on behind what was scanned; after an unclean stop in a fresh copy of the last file. */
  async #resume({ file, header, end, tail }: ScanEnd): Promise<void> {
    const { directory } = this.#options;
    const path = join(directory, file);
    const cleanStop = await readFile(join(directory, CLEAN_STOP), "utf8").catch(() => undefined);
    if (tail === "torn") {
      const savedAs = `${file}.torn-${this.#options.wallMs()}`;
      const bytes = await setAside(path, end.offset, join(directory, savedAs));
      this.#torn = { file, offset: end.offset, seq: end.seq + 1, bytes, savedAs };
    }
    if (cleanStop === undefined || tail === "torn") await rewrite(path, header.fileBytes, end.offset);
    await rm(join(directory, CLEAN_STOP), { force: true });
    await syncDirectory(directory);
    this.#file = { name: file, header, handle: await open(path, "r+") };
    this.#marks.noteFile(file);
    this.#at = end;
    this.#durableSeq = end.seq;
  }

  /** Durable records of a file from a mark on. */
  async *#readFile(mark: Mark): AsyncGenerator<StoredRecord> {
    const handle = await open(join(this.#options.directory, mark.file), "r");
    try {
      const { size } = await handle.stat();
      const reader = new FrameReader(handle, size);
      let { offset, chain } = mark;
      for (let seq = mark.seq - 1; ; ) {
        if (seq >= this.#durableSeq) return;
        const frame = await reader.frame(offset, chain);
        if (frame === undefined) {
          // The end of an earlier file: the next one goes on with the next seq, or the caller refuses.
          if (!this.#marks.isLastFile(mark.file)) return;
          throw new JournalRefused("a durable record cannot be read", {
            file: mark.file,
            offset,
            seq: seq + 1,
          });
        }
        if (frame.type === RECORD) {
          seq = frame.seq;
          const { epoch, payload, checksum } = frame;
          yield { seq, epoch, payload, checksum, file: mark.file, offset, chainBefore: chain };
        }
        offset += frame.size;
        chain = frame.checksum;
      }
    } finally {
      await handle.close();
    }
  }

  #openFile(): OpenFile {
    assert(this.#file !== undefined, "the journal is replayed before it is appended to");
    return this.#file;
  }
}
