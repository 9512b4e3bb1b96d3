// A file of the journal: `<first seq, 20 digits>.log`, of fixed size, zeros where nothing was written yet,
// so that a flush never has to change metadata. Its first 64 bytes:
//
//   "BOURSEJL" | u32 version | u32 shard | u64 first seq | u64 file bytes | u32 epoch | u32 chain before |
//   16 bytes nonce of the journal | u32 incarnation | u32 checksum of the 60 bytes before
//
// The chain of a file starts from its header's checksum. Of every later format these stay where they are: the
// magic, the version, and the checksum of the first 60 bytes. So a version that is older than a journal can
// tell it from a damaged one.
import { randomBytes } from "node:crypto";
import { type FileHandle, open, readdir } from "node:fs/promises";
import { crc32c } from "./crc32c.js";
import { readWhole, writeWhole } from "./frame.js";

export const HEADER_BYTES = 64;
const MAGIC = "BOURSEJL";
/** Newest format that is read, and the one that is written. */
export const FORMAT_VERSION = 1;
const ZEROS = Buffer.alloc(1024 * 1024);
const NAME = /^([0-9]{20})\.log$/;

export interface SegmentHeader {
  readonly shard: number;
  readonly firstSeq: number;
  readonly fileBytes: number;
  readonly epoch: number;
  /** Checksum of the last frame before this file; 0 for the first file. */
  readonly chainBefore: number;
  /** Names the journal, 32 hexadecimal digits: files of another journal never fit. */
  readonly nonce: string;
  /** How often a person gave up what was damaged; each time the journal gets another nonce. */
  readonly incarnation: number;
}

export interface Place {
  readonly file: string;
  readonly offset: number;
  /** Seq that was expected there. */
  readonly seq: number;
}

/** Why a journal is refused; each has an exit code of its own. */
export type RefusalKind =
  /** What had been durable is damaged or gone. */
  | "damaged"
  /** A file, or the whole directory, belongs to another shard or journal. */
  | "foreign"
  /** A newer version wrote it. */
  | "newer"
  /** The bytes are whole, and this version decides otherwise. */
  | "differs";

const ADVICE: Readonly<Record<RefusalKind, (seq: number) => string>> = {
  damaged: (seq) =>
    "Three ways out: put a replica of the directory in its place; restore a snapshot and the files behind it " +
    `from the archive; or give up everything from seq ${seq} on for good with --accept-data-loss=${seq}. ` +
    "Look at the disk first.",
  foreign: () => "Put the right directory in its place.",
  newer: () => "Start the newer version again, or restore a backup from before the upgrade.",
  differs: () =>
    "Start the version that wrote it, and report this: the rules must not change under a journal.",
};

/** The journal cannot be served as it is; a person must decide. */
export class JournalRefused extends Error {
  override name = "JournalRefused";
  readonly kind: RefusalKind;
  readonly file: string;
  readonly offset: number;
  readonly seq: number;

  constructor(
    what: string,
    at: Place,
    { kind = "damaged", ...options }: ErrorOptions & { kind?: RefusalKind } = {},
  ) {
    super(
      `the journal is refused: ${what} (file ${at.file}, offset ${at.offset}, seq ${at.seq}). ` +
        `Nothing was changed. ${ADVICE[kind](at.seq)}`,
      options,
    );
    this.kind = kind;
    this.file = at.file;
    this.offset = at.offset;
    this.seq = at.seq;
  }
}

/** Refuses what a newer version wrote. The disk is well; this version is the wrong one. */
export function writtenByNewer(what: string, at: Place, options?: ErrorOptions): JournalRefused {
  return new JournalRefused(what, at, { ...options, kind: "newer" });
}

export function newNonce(): string {
  return randomBytes(16).toString("hex");
}

export function segmentName(firstSeq: number): string {
  return `${String(firstSeq).padStart(20, "0")}.log`;
}

/** First seq of a file, by its name. */
export function firstSeqOf(name: string): number {
  return Number(NAME.exec(name)?.[1]);
}

/** Names of the files of a journal in order. */
export async function listSegments(directory: string): Promise<string[]> {
  const names = await readdir(directory);
  return names.filter((name) => NAME.test(name)).sort();
}

export function headerBytes(header: SegmentHeader): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(FORMAT_VERSION, 8);
  bytes.writeUInt32LE(header.shard, 12);
  writeWhole(bytes, header.firstSeq, 16);
  writeWhole(bytes, header.fileBytes, 24);
  bytes.writeUInt32LE(header.epoch, 32);
  bytes.writeUInt32LE(header.chainBefore, 36);
  bytes.write(header.nonce, 40, "hex");
  bytes.writeUInt32LE(header.incarnation, 56);
  bytes.writeUInt32LE(crc32c(bytes, 0, 60), 60);
  return bytes;
}

/** Checksum of a header: where the chain of its file starts. */
export function headerChain(header: SegmentHeader): number {
  return headerBytes(header).readUInt32LE(60);
}

/** Why a header is of a newer format; undefined of any other, also of one that is damaged. */
export function newerFormat(bytes: Buffer): string | undefined {
  if (bytes.length < HEADER_BYTES || bytes.toString("latin1", 0, 8) !== MAGIC) return undefined;
  const version = bytes.readUInt32LE(8);
  if (version <= FORMAT_VERSION || bytes.readUInt32LE(60) !== crc32c(bytes, 0, 60)) return undefined;
  return `it is of format ${version}, this version reads up to ${FORMAT_VERSION}`;
}

/** Header of 64 bytes, or what is wrong with it. */
export function parseHeader(bytes: Buffer): SegmentHeader | string {
  if (bytes.length < HEADER_BYTES) return "the file is shorter than its header";
  if (bytes.toString("latin1", 0, 8) !== MAGIC) return "the header is not one of a journal";
  if (bytes.readUInt32LE(60) !== crc32c(bytes, 0, 60)) return "the header is damaged";
  if (bytes.readUInt32LE(8) !== FORMAT_VERSION) return `format ${bytes.readUInt32LE(8)} is not known`;
  return {
    shard: bytes.readUInt32LE(12),
    firstSeq: readWhole(bytes, 16),
    fileBytes: readWhole(bytes, 24),
    epoch: bytes.readUInt32LE(32),
    chainBefore: bytes.readUInt32LE(36),
    nonce: bytes.toString("hex", 40, 56),
    incarnation: bytes.readUInt32LE(56),
  };
}

/** Makes a file of zeros, durable but for its name. Overwrites what is there. */
export async function createZeroed(path: string, fileBytes: number): Promise<FileHandle> {
  const file = await open(path, "w+");
  try {
    for (let at = 0; at < fileBytes; at += ZEROS.length) {
      await writeAll(file, ZEROS.subarray(0, Math.min(ZEROS.length, fileBytes - at)), at);
    }
    await file.sync();
    return file;
  } catch (error) {
    await file.close();
    throw error;
  }
}

/** Writes all bytes at an offset; a short write goes on where it stopped. */
export async function writeAll(file: FileHandle, bytes: Uint8Array, offset: number): Promise<void> {
  let done = 0;
  while (done < bytes.length) {
    const { bytesWritten } = await file.write(bytes, done, bytes.length - done, offset + done);
    done += bytesWritten;
  }
}

/** Makes the names in a directory durable. */
export async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
