// The journal of one shard on a local disk: one writer, one append position, one flush in flight.
//
// A batch is written in one piece, ends with a COMMIT and is durable when its fdatasync returns. Whatever
// fails, fails for good: after an error the page cache may show what the disk does not hold, so the journal
// never writes again and the process has to end. A next file that cannot be made for want of room is no such
// failure: what is written goes into files that are there already.

import { type FileHandle, open, readFile, rename, rm, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { assert } from "@bourse/shared/assert.js";
import type { Unlock } from "@bourse/shared/runtime/kernel-lock.js";
import { BatchEncoder, type JournalEntry } from "./batch-encoder.js";
import { lockDirectory } from "./directory-lock.js";
import { COMMIT_BYTES, frameSize } from "./frame.js";
import { giveUpTail, type LostTail } from "./journal-loss.js";
import { JournalMarks } from "./journal-marks.js";
import { readAfter } from "./journal-reader.js";
import { rewrite, setAside } from "./journal-repair.js";
import { refuseNewerFormats, type ScanEnd, scanJournal } from "./journal-scan.js";
import { markedBatches } from "./marked-batches.js";
import type { RecordBatch } from "./record-batch.js";
import {
  HEADER_BYTES,
  headerBytes,
  headerChain,
  newNonce,
  type SegmentHeader,
  segmentName,
  syncDirectory,
  writeAll,
} from "./segment.js";
import type { Position, StoredRecord } from "./segment-reader.js";
import { readSnapshots, type StoredSnapshot } from "./snapshot-file.js";
import { ClosedWithoutRoom, SpareFile } from "./spare-file.js";

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
  /** Told when there is no room on the disk for the next file, and when there is again. */
  readonly onRoom?: (isMissing: boolean, error?: unknown) => void;
  /** Seq of the damage that a person accepts: everything from there on is given up. */
  readonly acceptDataLossAt?: number | undefined;
}

/**
 * Room for records. "low": the next file cannot be made, what is left of the present one is for cancels and
 * timers; "none": for nothing new.
 */
export type Room = "enough" | "low" | "none";

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
/** Part of a file below which there is room for nothing new while the next one cannot be made. */
const NO_ROOM_PART = 8;

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
  readonly #spare: SpareFile;
  readonly #marks = new JournalMarks();
  #running: Promise<unknown> = Promise.resolve();
  #waitingBytes = 0;
  #idle: NodeJS.Timeout | undefined;
  #hasFailed = false;
  readonly #encoder = new BatchEncoder();
  #torn: TornTail | undefined;
  #lost: LostTail | undefined;

  constructor(options: JournalOptions, unlock: Unlock) {
    const { directory, segmentBytes, onRoom = () => {} } = options;
    this.#options = options;
    this.#unlock = unlock;
    this.#spare = new SpareFile({ path: join(directory, SPARE), bytes: segmentBytes, onRoom });
  }

  /** What recovery cut off, if anything. */
  get tornTail(): TornTail | undefined {
    return this.#torn;
  }

  /** What was given up because a person said so, if anything. */
  get lostTail(): LostTail | undefined {
    return this.#lost;
  }

  /** Epoch of the last record; 0 of an empty journal. */
  epoch(): number {
    return this.#at.epoch;
  }

  /** Last record that is durable. */
  durableSeq(): number {
    return this.#durableSeq;
  }

  /** First record that is still there. */
  oldestSeq(): number {
    return this.#marks.oldestSeq();
  }

  room(): Room {
    if (this.#file === undefined || !this.#spare.isMissing) return "enough";
    const { fileBytes } = this.#file.header;
    const left = fileBytes - this.#at.offset - this.#waitingBytes;
    return left > fileBytes / NO_ROOM_PART ? "low" : "none";
  }

  /** Snapshots beside the journal, newest first; those that cannot be read say why. */
  snapshots(): AsyncIterable<StoredSnapshot> {
    const { directory, shard, acceptDataLossAt } = this.#options;
    return readSnapshots(directory, { shard, belowSeq: acceptDataLossAt });
  }

  /**
   * Every stored record in order, or those after a known one, in a batch that is used again; when the last was
   * taken, the journal is ready to append. A torn tail is set aside and cut then. Throws JournalRefused for any
   * other damage.
   */
  async *replay(from?: { seq: number; checksum: number }): AsyncGenerator<RecordBatch> {
    const { directory, shard, acceptDataLossAt } = this.#options;
    const onFile = (file: string, header: SegmentHeader) => this.#markFile(file, header);
    const scan = scanJournal(directory, {
      shard,
      ...(from === undefined ? {} : { from }),
      acceptLossAt: acceptDataLossAt,
      onFile,
    });
    const end = yield* markedBatches(scan, this.#marks);
    await rm(join(directory, SPARE), { force: true });
    if (end !== undefined) return this.#resume(end);
    await this.#begin(1, { chain: 0, seq: 0, epoch: 0 }, { nonce: newNonce(), incarnation: 0 });
  }

  /**
   * Writes a batch and returns when it is durable, with the checksum of each record. Batches are written in
   * the order of the calls. After a failure it never settles: nothing may be answered any more. With a full
   * disk it waits.
   */
  append(entries: readonly JournalEntry[]): Promise<Uint32Array> {
    clearTimeout(this.#idle);
    const bytes = entries.reduce((sum, { payload }) => sum + frameSize(payload.length), 0);
    this.#waitingBytes += bytes;
    return this.#exclusive(async () => {
      const checksums = new Uint32Array(entries.length);
      for (let done = 0; done < entries.length; ) {
        const count = await this.#fit(entries, done);
        await this.#write(entries.slice(done, done + count), checksums.subarray(done, done + count));
        done += count;
      }
      this.#waitingBytes -= bytes;
      this.#armIdleCommit();
      return checksums;
    });
  }

  /** Durable records after a seq, in order, up to what is durable when the end is reached. */
  read(afterSeq: number): AsyncGenerator<StoredRecord> {
    const { directory } = this.#options;
    return readAfter({ directory, marks: this.#marks, durableSeq: () => this.#durableSeq }, afterSeq);
  }

  /**
   * Deletes the files whose records all lie below a seq and that were last written before a time (milliseconds
   * since 1970), oldest first. Returns how many.
   */
  async deleteBelow(seq: number, writtenBeforeMs: number): Promise<number> {
    const { directory } = this.#options;
    let deleted = 0;
    for (const file of this.#marks.filesBelow(seq)) {
      const path = join(directory, file);
      if ((await stat(path)).mtimeMs > writtenBeforeMs) break;
      // Readers learn that it is gone before it is.
      this.#marks.dropFirst();
      await unlink(path);
      deleted += 1;
    }
    if (deleted > 0) await syncDirectory(directory);
    return deleted;
  }

  /** Waits for what runs, proves the last batch, and gives the directory back. */
  async close(): Promise<void> {
    clearTimeout(this.#idle);
    this.#spare.stopWaiting();
    await this.#running;
    if (this.#file !== undefined && !this.#hasFailed) {
      await this.#exclusive(() => this.#write([], new Uint32Array(0)));
      await this.#markCleanStop();
    }
    await this.#file?.handle.close();
    await this.#spare.close();
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
          if (!(error instanceof ClosedWithoutRoom)) this.#options.onFailure(error);
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
    const { bytes, end } = this.#encoder.encode(entries, this.#at, this.#durableSeq, checksums);
    if (start + bytes.length > header.fileBytes) {
      assert(entries.length === 0, "a batch with records has its room");
      return;
    }
    this.#markRecords(name, entries, checksums);
    await writeAll(handle, bytes, start);
    const startedAt = performance.now();
    await handle.datasync();
    this.#options.onFlush((performance.now() - startedAt) / 1000);
    this.#at = end;
    this.#durableSeq = end.seq;
    if (end.offset > header.fileBytes / 2) this.#spare.prepare();
  }

  #armIdleCommit(): void {
    clearTimeout(this.#idle);
    this.#idle = setTimeout(() => {
      void this.#exclusive(() => this.#write([], new Uint32Array(0)));
    }, IDLE_COMMIT_MS);
    this.#idle.unref();
  }

  async #roll(neededBytes: number): Promise<void> {
    const { handle, header } = this.#openFile();
    const { chain, seq, epoch } = this.#at;
    await this.#begin(seq + 1, { chain, seq, epoch }, header, neededBytes);
    await handle.close();
  }

  /** Makes a file durable under its final name and goes on in it. */
  async #begin(
    firstSeq: number,
    { chain, seq, epoch }: Omit<Position, "offset">,
    { nonce, incarnation }: { nonce: string; incarnation: number },
    neededBytes = 0,
  ): Promise<void> {
    const { directory, shard, segmentBytes } = this.#options;
    const fileBytes = Math.max(segmentBytes, neededBytes + HEADER_BYTES);
    const handle = await this.#spare.take(fileBytes);
    const header = { shard, firstSeq, fileBytes, epoch, chainBefore: chain, nonce, incarnation };
    await writeAll(handle, headerBytes(header), 0);
    await handle.sync();
    const name = segmentName(firstSeq);
    await rename(join(directory, SPARE), join(directory, name));
    await syncDirectory(directory);
    this.#file = { name, header, handle };
    this.#markFile(name, header);
    this.#at = { offset: HEADER_BYTES, chain: headerChain(header), seq, epoch };
  }

  #markRecords(file: string, entries: readonly JournalEntry[], checksums: Uint32Array): void {
    let { offset, chain } = this.#at;
    for (const [index, { seq, payload }] of entries.entries()) {
      this.#marks.note(file, seq, offset, chain);
      offset += frameSize(payload.length);
      chain = checksums[index];
    }
  }

  #markFile(file: string, header: SegmentHeader): void {
    this.#marks.addFile({ seq: header.firstSeq, file, offset: HEADER_BYTES, chain: headerChain(header) });
  }

  /** Goes on behind what was scanned; after an unclean stop in a fresh copy of the last file. */
  async #resume(scanned: ScanEnd): Promise<void> {
    if (scanned.tail === "lost") return this.#resumeBehindLoss(scanned);
    const { file, header, end, tail } = scanned;
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
    this.#at = end;
    this.#durableSeq = end.seq;
    if (end.offset > header.fileBytes / 2) this.#spare.prepare();
  }

  /** Gives up what a person said, and goes on in a new incarnation of the journal. */
  async #resumeBehindLoss(scanned: ScanEnd): Promise<void> {
    const { directory, wallMs } = this.#options;
    const { header, end } = scanned;
    const incarnation = { nonce: newNonce(), incarnation: header.incarnation + 1 };
    this.#lost = await giveUpTail(directory, scanned, { wallMs: wallMs(), newNonce: incarnation.nonce });
    // A file of which nothing is left is replaced; else the new one follows on what is left of it.
    const isReplaced = end.offset === HEADER_BYTES;
    const chain = isReplaced ? header.chainBefore : end.chain;
    await this.#begin(end.seq + 1, { ...end, chain }, incarnation);
    if (!isReplaced) await rewrite(join(directory, scanned.file), header.fileBytes, end.offset);
    await rm(join(directory, CLEAN_STOP), { force: true });
    this.#durableSeq = end.seq;
  }

  #openFile(): OpenFile {
    assert(this.#file !== undefined, "the journal is replayed before it is appended to");
    return this.#file;
  }
}
