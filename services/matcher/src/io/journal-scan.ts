// Reads a journal from its first file to its last, proves every frame, and judges what stands at the end:
// clean, torn or damaged. Changes nothing.
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import {
  COMMIT,
  COMMIT_BYTES,
  commitOf,
  FRAME_HEADER_BYTES,
  type Frame,
  frameAt,
  RECORD,
  selfProvingCommitAt,
  sizeAt,
} from "./frame.js";
import {
  firstSeqOf,
  HEADER_BYTES,
  headerChain,
  JournalRefused,
  listSegments,
  newerFormat,
  parseHeader,
  type SegmentHeader,
  writtenByNewer,
} from "./segment.js";

/** Read at once; a larger frame is read whole. */
const WINDOW_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(WINDOW_BYTES + COMMIT_BYTES);

/** A place in the journal: where the next frame begins, and what it follows on. */
export interface Position {
  readonly offset: number;
  readonly chain: number;
  /** Seq of the last record before. */
  readonly seq: number;
  readonly epoch: number;
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

/** Where the journal ends, and how. */
export interface ScanEnd {
  readonly file: string;
  readonly header: SegmentHeader;
  readonly end: Position;
  /** Last seq that a COMMIT behind it proves durable. */
  readonly durableSeq: number;
  /** What stands after the end: zeros, or bytes of a batch that was never durable. */
  readonly tail: "clean" | "torn";
}

/** Reads the frames of one file in order. */
export class FrameReader {
  readonly #file: FileHandle;
  readonly #fileBytes: number;
  #window: Buffer = Buffer.alloc(0);
  #windowOffset = 0;

  constructor(file: FileHandle, fileBytes: number) {
    this.#file = file;
    this.#fileBytes = fileBytes;
  }

  /** The frame at an offset, if one is there that follows on the chain. */
  async frame(offset: number, chain: number): Promise<Frame | undefined> {
    const frame = await this.#frame(offset, chain);
    if (frame !== undefined || this.#windowOffset === offset) return frame;
    // The window may be older than the frame: a writer goes on behind us.
    this.#window = Buffer.alloc(0);
    return this.#frame(offset, chain);
  }

  async #frame(offset: number, chain: number): Promise<Frame | undefined> {
    let at = await this.#seek(offset, FRAME_HEADER_BYTES);
    const size = sizeAt(this.#window, at);
    if (size === undefined || offset + size > this.#fileBytes) return undefined;
    at = await this.#seek(offset, size);
    return frameAt(this.#window, at, chain);
  }

  /** Loads so many bytes from an offset on; returns where they begin in the window. */
  async #seek(offset: number, bytes: number): Promise<number> {
    const isLoaded =
      offset >= this.#windowOffset && offset + bytes <= this.#windowOffset + this.#window.length;
    if (!isLoaded) {
      // A new buffer each time: frames that were handed out are views of the old one.
      this.#window = await readRange(this.#file, offset, Math.max(bytes, WINDOW_BYTES));
      this.#windowOffset = offset;
    }
    return offset - this.#windowOffset;
  }
}

/**
 * Every record of a journal in order, then how it ends. Throws JournalRefused at the first thing that
 * cannot have come from a crash. The directory may be live: then it ends where the writer was.
 */
export async function* scanJournal(
  directory: string,
  expected: { shard?: number } = {},
): AsyncGenerator<StoredRecord, ScanEnd | undefined> {
  let last: ScanEnd | undefined;
  let names = await listSegments(directory);
  for (let index = 0; index < names.length; index += 1) {
    const name = names[index];
    const file = await open(join(directory, name), "r");
    try {
      const header = await checkedHeader(file, name, { previous: last, ...expected });
      let reached = startOf(name, header, last);
      for (;;) {
        reached = yield* scanFile(file, reached);
        // A live writer may have opened the next file meanwhile.
        if (index === names.length - 1) names = await listSegments(directory);
        const verdict = await judgeTail(file, reached, index === names.length - 1);
        if (typeof verdict === "string") {
          last = { ...reached, tail: verdict };
          break;
        }
        // What a live writer finished while we looked is no damage: the frame is whole by now.
        if (!(await hasFrame(file, reached))) throw verdict;
      }
    } finally {
      await file.close();
    }
  }
  return last;
}

/**
 * Throws JournalRefused when a file is of a newer format: the upgrade may have begun with any of them. Reads
 * headers only, so it can be asked before anything in the directory is touched, the lock included.
 */
export async function refuseNewerFormats(directory: string): Promise<void> {
  for (const name of await listSegments(directory).catch(noneIfAbsent)) {
    const file = await open(join(directory, name), "r");
    try {
      const newer = newerFormat(await readRange(file, 0, HEADER_BYTES));
      if (newer !== undefined) throw writtenByNewer(newer, { file: name, offset: 0, seq: firstSeqOf(name) });
    } finally {
      await file.close();
    }
  }
}

function noneIfAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}

/** Number of the shard that a journal belongs to. */
export async function readShardNumber(directory: string): Promise<number> {
  const [name] = await listSegments(directory);
  if (name === undefined) throw new Error(`${directory} holds no journal`);
  const file = await open(join(directory, name), "r");
  try {
    return (await checkedHeader(file, name, { previous: undefined })).shard;
  } finally {
    await file.close();
  }
}

async function checkedHeader(
  file: FileHandle,
  name: string,
  expected: { previous: ScanEnd | undefined; shard?: number },
): Promise<SegmentHeader> {
  const { previous } = expected;
  const seq = (previous?.end.seq ?? 0) + 1;
  const refuse = (what: string) => new JournalRefused(what, { file: name, offset: 0, seq });
  const bytes = await readRange(file, 0, HEADER_BYTES);
  const newer = newerFormat(bytes);
  if (newer !== undefined) throw writtenByNewer(newer, { file: name, offset: 0, seq });
  const header = parseHeader(bytes);
  if (typeof header === "string") throw refuse(header);
  const { size } = await file.stat();
  if (size !== header.fileBytes)
    throw refuse(`the file has ${size} bytes, its header says ${header.fileBytes}`);
  if (expected.shard !== undefined && header.shard !== expected.shard) {
    throw refuse(`it belongs to shard ${header.shard}, this is shard ${expected.shard}`);
  }
  if (header.firstSeq !== seq)
    throw refuse(`the file begins with seq ${header.firstSeq}, expected was ${seq}`);
  if (previous !== undefined && header.nonce !== previous.header.nonce) {
    throw refuse("the file belongs to another journal");
  }
  if (previous !== undefined && header.chainBefore !== previous.end.chain) {
    throw refuse("the file does not follow on the one before it");
  }
  return header;
}

function startOf(file: string, header: SegmentHeader, previous: ScanEnd | undefined): ScanEnd {
  const seq = header.firstSeq - 1;
  const epoch = previous?.end.epoch ?? 0;
  const end = { offset: HEADER_BYTES, chain: headerChain(header), seq, epoch };
  // A file is only begun when everything before it is durable.
  return { file, header, end, durableSeq: seq, tail: "clean" };
}

async function* scanFile(file: FileHandle, from: ScanEnd): AsyncGenerator<StoredRecord, ScanEnd> {
  const reader = new FrameReader(file, from.header.fileBytes);
  let at = from.end;
  let { durableSeq } = from;
  for (;;) {
    const frame = await reader.frame(at.offset, at.chain);
    if (frame === undefined) return { ...from, end: at, durableSeq };
    checkFrame(frame, at, from.file);
    if (frame.type === COMMIT) durableSeq = commitOf(frame.payload).durableSeq;
    if (frame.type === RECORD) {
      const { seq, epoch, payload, checksum } = frame;
      yield { seq, epoch, payload, checksum, file: from.file, offset: at.offset, chainBefore: at.chain };
    }
    at = { offset: at.offset + frame.size, chain: frame.checksum, seq: frame.seq, epoch: frame.epoch };
  }
}

async function hasFrame(file: FileHandle, { header, end }: ScanEnd): Promise<boolean> {
  return (await new FrameReader(file, header.fileBytes).frame(end.offset, end.chain)) !== undefined;
}

/** A frame whose checksum holds but whose content cannot be: written by other rules, so never skipped. */
function checkFrame(frame: Frame, at: Position, file: string): void {
  const refuse = (what: string) => new JournalRefused(what, { file, offset: at.offset, seq: at.seq + 1 });
  if (frame.type !== RECORD && frame.type !== COMMIT) {
    const place = { file, offset: at.offset, seq: at.seq + 1 };
    throw writtenByNewer(`a frame is of type ${frame.type}, which this version does not know`, place);
  }
  const expectedSeq = frame.type === RECORD ? at.seq + 1 : at.seq;
  if (frame.seq !== expectedSeq) throw refuse(`seq ${frame.seq} stands where ${expectedSeq} belongs`);
  if (frame.epoch < at.epoch) throw refuse(`epoch ${frame.epoch} follows epoch ${at.epoch}`);
}

/**
 * What stands after the last valid frame. Zeros are a clean end. In the last file a batch that a crash cut
 * short is a torn tail, unless a later COMMIT proves that the place had been durable before: then it was
 * damaged afterwards, as anything but zeros in an earlier file was.
 */
async function judgeTail(
  file: FileHandle,
  scanned: ScanEnd,
  isLast: boolean,
): Promise<"clean" | "torn" | JournalRefused> {
  const { end, header } = scanned;
  const refusal = (what: string) =>
    new JournalRefused(what, { file: scanned.file, offset: end.offset, seq: end.seq + 1 });
  let isClean = true;
  for (let offset = end.offset; offset < header.fileBytes; offset += WINDOW_BYTES) {
    // Windows overlap, so that no COMMIT is missed between two.
    const length = Math.min(WINDOW_BYTES + COMMIT_BYTES, header.fileBytes - offset);
    const bytes = await readRange(file, offset, length);
    if (isZero(bytes)) continue;
    if (!isLast) return refusal("what was durable is damaged: a later file exists");
    isClean = false;
    const later = laterBatchOffset(bytes, end.offset);
    if (later !== undefined) {
      return refusal(`what was durable is damaged: the batch at offset ${later} came after it and is whole`);
    }
  }
  return isClean ? "clean" : "torn";
}

/** Offset of a batch behind `offset` that proves itself and says that all before it was durable. */
function laterBatchOffset(bytes: Buffer, offset: number): number | undefined {
  for (let at = 0; at < bytes.length; at += 8) {
    const commit = selfProvingCommitAt(bytes, at);
    if (commit !== undefined && commit.batchOffset > offset) return commit.batchOffset;
  }
  return undefined;
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}

/** Bytes of a range; fewer where the file ends. */
export async function readRange(file: FileHandle, offset: number, length: number): Promise<Buffer> {
  const bytes = Buffer.allocUnsafeSlow(length);
  let done = 0;
  while (done < length) {
    const { bytesRead } = await file.read(bytes, done, length - done, offset + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return bytes.subarray(0, done);
}
