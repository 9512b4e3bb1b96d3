// Reads a journal from its first file, or from the file of a snapshot, to its last; proves every frame, and
// judges what stands at the end: clean, torn or damaged. Changes nothing.
import { type FileHandle, open } from "node:fs/promises";
import { join } from "node:path";
import { judgeTail, lastCommitOf } from "./journal-tail.js";
import { RecordBatch } from "./record-batch.js";
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
import { type Reached, readRange, SegmentReader, type StoredRecord } from "./segment-reader.js";

const WINDOW_BYTES = 1024 * 1024;

/** Where the journal ends, and how. */
export interface ScanEnd {
  readonly file: string;
  readonly header: SegmentHeader;
  readonly end: Reached;
  /**
   * What stands after the end: zeros, bytes of a batch that was never durable, or what was durable and is
   * given up.
   */
  readonly tail: "clean" | "torn" | "lost";
}

export interface ScanOptions {
  readonly shard?: number;
  /** A record whose effects are known already: only what follows is read, and it must be there. */
  readonly from?: { readonly seq: number; readonly checksum: number };
  /** The files before may be gone: the first one begins where it begins. */
  readonly isPart?: boolean;
  /** Seq of the damage that a person accepts: there the journal ends. */
  readonly acceptLossAt?: number | undefined;
  /** Told of each file before its records. */
  readonly onFile?: (file: string, header: SegmentHeader) => void;
}

/**
 * Every record of a journal in order, in a batch that is used again for the next ones, then how it ends.
 * Throws JournalRefused at the first thing that cannot have come from a crash. The directory may be live:
 * then it ends where the writer was.
 */
export async function* scanJournal(
  directory: string,
  options: ScanOptions = {},
): AsyncGenerator<RecordBatch, ScanEnd | undefined> {
  const batch = new RecordBatch();
  let last: ScanEnd | undefined;
  let names = await listSegments(directory);
  const start = startIndex(names, options.from?.seq ?? 0);
  checkStart(names[start], options);
  await checkEarlier(directory, names.slice(0, start + 1), options);
  for (let index = start; index < names.length; index += 1) {
    const name = names[index];
    const file = await open(join(directory, name), "r");
    let reader: SegmentReader | undefined;
    try {
      const header = await checkedHeader(file, name, { previous: last, ...options });
      options.onFile?.(name, header);
      reader = new SegmentReader(file, {
        name,
        fileBytes: header.fileBytes,
        windowBytes: WINDOW_BYTES,
        keepsWindows: false,
      });
      let reached = startOf(header, last);
      for (;;) {
        reached = yield* scanFile(reader, reached, batch, options);
        // A live writer may have opened the next file meanwhile.
        if (index === names.length - 1) names = await listSegments(directory);
        const verdict = await judgeTail(file, { name, header, end: reached }, index === names.length - 1);
        if (typeof verdict === "string") {
          last = { file: name, header, end: reached, tail: verdict };
          break;
        }
        // What a live writer finished while we looked is no damage: the frame is whole by now.
        if ((await reader.read(reached, new RecordBatch())).offset > reached.offset) continue;
        if (options.acceptLossAt !== reached.seq + 1) throw verdict;
        return { file: name, header, end: reached, tail: "lost" };
      }
    } catch (error) {
      if (last !== undefined && isAccepted(error, last, options)) return { ...last, tail: "lost" };
      throw error;
    } finally {
      await reader?.settle();
      await file.close();
    }
  }
  checkReached(last, options);
  return last;
}

/** Records of a journal one by one, as objects of their own. */
export async function* scanRecords(
  directory: string,
  options: ScanOptions = {},
): AsyncGenerator<StoredRecord, ScanEnd | undefined> {
  const scan = scanJournal(directory, options);
  try {
    for (;;) {
      const step = await scan.next();
      if (step.done === true) return step.value;
      for (let index = 0; index < step.value.count; index += 1) {
        const record = step.value.record(index);
        yield { ...record, payload: Uint8Array.from(record.payload) };
      }
    }
  } finally {
    // Whoever stops half-way leaves no file open.
    await scan.return(undefined);
  }
}

/**
 * Throws JournalRefused when a file is of a newer format: the upgrade may have begun with any of them. Reads
 * headers only, so it can be asked before anything in the directory is touched, the lock included.
 */
export async function refuseNewerFormats(directory: string): Promise<void> {
  for (const name of await listSegments(directory).catch(noneIfAbsent)) {
    const newer = newerFormat(await headerOf(directory, name));
    if (newer !== undefined) throw writtenByNewer(newer, { file: name, offset: 0, seq: firstSeqOf(name) });
  }
}

/** Header of the first file of a journal that is there. */
export async function readFirstHeader(directory: string): Promise<SegmentHeader> {
  const [name] = await listSegments(directory);
  if (name === undefined) throw new Error(`${directory} holds no journal`);
  const file = await open(join(directory, name), "r");
  try {
    return await checkedHeader(file, name, { previous: undefined, isPart: true });
  } finally {
    await file.close();
  }
}

function noneIfAbsent(error: NodeJS.ErrnoException): string[] {
  if (error.code === "ENOENT") return [];
  throw error;
}

async function headerOf(directory: string, name: string): Promise<Buffer> {
  const file = await open(join(directory, name), "r");
  try {
    return await readRange(file, 0, HEADER_BYTES);
  } finally {
    await file.close();
  }
}

/** The file that holds a seq: the last one that begins at or before it. */
function startIndex(names: readonly string[], seq: number): number {
  const index = names.findLastIndex((name) => firstSeqOf(name) <= seq);
  return Math.max(0, index);
}

/** The record that a snapshot was made of must be in the journal: it proves that both belong together. */
function checkStart(name: string | undefined, { from }: ScanOptions): void {
  if (name === undefined || from === undefined || firstSeqOf(name) <= from.seq) return;
  const place = { file: name, offset: 0, seq: from.seq };
  throw new JournalRefused(`files are missing between the snapshot at seq ${from.seq} and this one`, place);
}

/** Files before the one where reading starts: each must end where the next one begins. */
async function checkEarlier(
  directory: string,
  names: readonly string[],
  options: ScanOptions,
): Promise<void> {
  let previous: { header: SegmentHeader; end: { seq: number; chain: number } } | undefined;
  for (const [index, name] of names.entries()) {
    const file = await open(join(directory, name), "r");
    try {
      const header = await checkedHeader(file, name, { ...options, previous, isPart: index === 0 });
      options.onFile?.(name, header);
      if (index === names.length - 1) return;
      const end = await lastCommitOf(file, header);
      if (end === undefined) {
        const place = { file: name, offset: HEADER_BYTES, seq: header.firstSeq };
        throw new JournalRefused(
          "what was durable is damaged: the file does not end with a whole batch",
          place,
        );
      }
      previous = { header, end };
    } finally {
      await file.close();
    }
  }
}

async function checkedHeader(
  file: FileHandle,
  name: string,
  expected: ScanOptions & {
    previous: { header: SegmentHeader; end: { seq: number; chain: number } } | undefined;
  },
): Promise<SegmentHeader> {
  const { previous, from, isPart } = expected;
  const mayBeginAnywhere = previous === undefined && (isPart === true || from !== undefined);
  const seq = mayBeginAnywhere ? firstSeqOf(name) : (previous?.end.seq ?? 0) + 1;
  const place = { file: name, offset: 0, seq };
  const bytes = await readRange(file, 0, HEADER_BYTES);
  const newer = newerFormat(bytes);
  if (newer !== undefined) throw writtenByNewer(newer, place);
  const header = parseHeader(bytes);
  if (typeof header === "string") throw new JournalRefused(header, place);
  if (expected.shard !== undefined && header.shard !== expected.shard) {
    const what = `it belongs to shard ${header.shard}, this is shard ${expected.shard}`;
    throw new JournalRefused(what, place, { kind: "foreign" });
  }
  const { size } = await file.stat();
  if (size !== header.fileBytes) {
    throw new JournalRefused(`the file has ${size} bytes, its header says ${header.fileBytes}`, place);
  }
  if (header.firstSeq !== firstSeqOf(name)) {
    throw new JournalRefused(`the file begins with seq ${header.firstSeq}, its name says otherwise`, place);
  }
  if (header.firstSeq !== seq) {
    throw new JournalRefused(`the file begins with seq ${header.firstSeq}, expected was ${seq}`, place);
  }
  if (previous !== undefined) checkFollows(header, previous, place);
  return header;
}

function checkFollows(
  header: SegmentHeader,
  previous: { header: SegmentHeader; end: { chain: number } },
  place: { file: string; offset: number; seq: number },
): void {
  // Where a person gave up what was damaged, a new incarnation of the journal begins.
  const isNext = header.incarnation === previous.header.incarnation + 1;
  if (header.nonce !== previous.header.nonce && !isNext) {
    throw new JournalRefused("the file belongs to another journal", place, { kind: "foreign" });
  }
  if (header.chainBefore !== previous.end.chain) {
    throw new JournalRefused("the file does not follow on the one before it", place);
  }
}

function startOf(header: SegmentHeader, previous: ScanEnd | undefined): Reached {
  const seq = header.firstSeq - 1;
  const epoch = previous?.end.epoch ?? 0;
  // A file is only begun when everything before it is durable.
  return { offset: HEADER_BYTES, chain: headerChain(header), seq, epoch, durableSeq: seq };
}

async function* scanFile(
  reader: SegmentReader,
  start: Reached,
  batch: RecordBatch,
  { from }: ScanOptions,
): AsyncGenerator<RecordBatch, Reached> {
  let at = start;
  for (;;) {
    const reached = await reader.read(at, batch);
    if (reached.offset === at.offset) return at;
    if (from !== undefined && at.seq < from.seq) dropKnown(batch, from);
    if (batch.count > 0) yield batch;
    at = reached;
  }
}

/** Leaves only what follows on a known record, and makes sure that it is the same record. */
function dropKnown(batch: RecordBatch, from: { seq: number; checksum: number }): void {
  let known = 0;
  while (known < batch.count && batch.seqs[known] <= from.seq) known += 1;
  if (known > 0 && batch.seqs[known - 1] === from.seq && batch.checksums[known - 1] !== from.checksum) {
    const { file, offset, seq } = batch.record(known - 1);
    throw new JournalRefused("the record is not the one that the snapshot was made of", {
      file,
      offset,
      seq,
    });
  }
  batch.dropFirst(known);
}

/** A snapshot was made of durable records: a journal that ends before it has lost some. */
function checkReached(last: ScanEnd | undefined, { from }: ScanOptions): void {
  if (from === undefined || (last?.end.seq ?? 0) >= from.seq) return;
  const place = { file: last?.file ?? "-", offset: last?.end.offset ?? 0, seq: (last?.end.seq ?? 0) + 1 };
  throw new JournalRefused(`what was durable is gone: a snapshot was made at seq ${from.seq}`, place);
}

/** Whether a file that cannot follow is the damage that a person accepts. */
function isAccepted(error: unknown, last: ScanEnd, { acceptLossAt }: ScanOptions): boolean {
  return error instanceof JournalRefused && error.kind === "damaged" && acceptLossAt === last.end.seq + 1;
}
