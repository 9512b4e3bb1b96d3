// A snapshot of a shard: `snap-<seq, 20 digits>`, the state after that record. Little endian:
//
//   "BOURSESN" | u32 version | u32 shard | u64 seq | u32 epoch | u32 checksum of the record |
//   16 bytes nonce of the journal | zeros | u32 CRC32C of the 60 bytes before
//   blocks: u32 length | u32 CRC32C of the block, seeded with the one before | bytes
//   end:    u32 0 | u32 the same of an empty block | 32 bytes SHA-256 of the state | 32 bytes SHA-256 of all before
//
// The first block says where epochs began: u32 epoch, u64 seq each. All others are the state's bytes. Written
// aside, flushed and renamed, so that a file of this name is whole or damaged, never half.
import { createHash, type Hash } from "node:crypto";
import { type FileHandle, open, readdir, rename, rm } from "node:fs/promises";
import { join } from "node:path";
import { crc32c } from "./crc32c.js";
import { readWhole, writeWhole } from "./frame.js";
import { syncDirectory, writeAll } from "./segment.js";

const MAGIC = "BOURSESN";
/** Newest format that is read, and the one that is written. */
export const SNAPSHOT_VERSION = 1;
const HEADER_BYTES = 64;
const BLOCK_HEAD_BYTES = 8;
const HASH_BYTES = 32;
const END_BYTES = BLOCK_HEAD_BYTES + 2 * HASH_BYTES;
const BLOCK_BYTES = 1024 * 1024;
const EPOCH_BYTES = 12;
/** Flushed after so much, so that no flush of the journal waits for all of a snapshot. */
const FLUSH_BYTES = 8 * BLOCK_BYTES;
const NAME = /^snap-([0-9]{20})$/;
const ASIDE = "snap.tmp";

/** Where an epoch began. */
export interface EpochStart {
  readonly epoch: number;
  readonly seq: number;
}

export interface SnapshotFacts {
  readonly shard: number;
  /** Last record that the state contains; its epoch, and its checksum in the chain. */
  readonly seq: number;
  readonly epoch: number;
  readonly checksum: number;
  /** Nonce of the journal that it was made of. */
  readonly nonce: string;
  readonly epochs: readonly EpochStart[];
}

/** A snapshot that was read and whose every byte holds. */
export interface Snapshot extends SnapshotFacts {
  readonly state: Uint8Array;
  /** SHA-256 of the state, lower-case hex. */
  readonly stateHash: string;
}

/** A file of the directory; `problem` says why it is no snapshot. */
export interface StoredSnapshot {
  readonly name: string;
  readonly seq: number;
  readonly snapshot: Snapshot | undefined;
  readonly problem: string;
}

export function snapshotName(seq: number): string {
  return `snap-${String(seq).padStart(20, "0")}`;
}

/** Seq of a snapshot by its name; undefined of any other file. */
export function seqOfSnapshot(name: string): number | undefined {
  const digits = NAME.exec(name)?.[1];
  return digits === undefined ? undefined : Number(digits);
}

/** Seqs of the snapshots of a directory, newest first. */
export async function listSnapshots(directory: string): Promise<number[]> {
  const seqs = (await readdir(directory)).map(seqOfSnapshot).filter((seq) => seq !== undefined);
  return seqs.sort((a, b) => b - a);
}

/** Snapshots of a directory, newest first, each read when it is asked for. */
export async function* readSnapshots(
  directory: string,
  { shard, belowSeq = Number.POSITIVE_INFINITY }: { shard: number; belowSeq?: number | undefined },
): AsyncGenerator<StoredSnapshot> {
  for (const seq of await listSnapshots(directory)) {
    if (seq >= belowSeq) continue;
    const name = snapshotName(seq);
    const read = await readSnapshot(join(directory, name)).catch(undefinedIfGone);
    // Deleted meanwhile: newer ones took its place.
    if (read === undefined) continue;
    const problem = typeof read === "string" ? read : mismatch(read, { shard, seq });
    const snapshot = typeof read === "string" || problem !== "" ? undefined : read;
    yield { name, seq, snapshot, problem };
  }
}

function undefinedIfGone(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOENT") throw error;
}

function mismatch(snapshot: Snapshot, expected: { shard: number; seq: number }): string {
  if (snapshot.shard !== expected.shard) return `it belongs to shard ${snapshot.shard}`;
  return snapshot.seq === expected.seq ? "" : `it is of seq ${snapshot.seq}, its name says otherwise`;
}

export async function deleteSnapshot(directory: string, seq: number): Promise<void> {
  await rm(join(directory, snapshotName(seq)), { force: true });
}

/** Writes a snapshot; it has its name when it is durable. Returns its size and the hash of the state. */
export async function writeSnapshot(
  directory: string,
  facts: SnapshotFacts,
  state: Iterable<Uint8Array>,
): Promise<{ bytes: number; stateHash: string }> {
  const aside = join(directory, ASIDE);
  const file = await open(aside, "w");
  try {
    const writer = new BlockWriter(file, headerOf(facts));
    await writer.block(epochBytes(facts.epochs));
    const room = Buffer.allocUnsafe(BLOCK_BYTES);
    const stateHash = createHash("sha256");
    let used = 0;
    for (const piece of state) {
      for (let at = 0; at < piece.length; ) {
        const count = Math.min(BLOCK_BYTES - used, piece.length - at);
        room.set(piece.subarray(at, at + count), used);
        used += count;
        at += count;
        if (used < BLOCK_BYTES) continue;
        stateHash.update(room);
        await writer.block(room);
        used = 0;
      }
    }
    const rest = room.subarray(0, used);
    stateHash.update(rest);
    if (used > 0) await writer.block(rest);
    const hash = stateHash.digest();
    const bytes = await writer.end(hash);
    await file.sync();
    await file.close();
    await rename(aside, join(directory, snapshotName(facts.seq)));
    await syncDirectory(directory);
    return { bytes, stateHash: hash.toString("hex") };
  } catch (error) {
    await file.close().catch(() => {});
    await rm(aside, { force: true }).catch(() => {});
    throw error;
  }
}

/** Writes blocks behind each other; each checksum goes on from the one before. */
class BlockWriter {
  readonly #file: FileHandle;
  readonly #hash: Hash = createHash("sha256");
  #header: Buffer;
  #at = 0;
  #flushedAt = 0;
  #crc: number;

  constructor(file: FileHandle, header: Buffer) {
    this.#file = file;
    this.#header = header;
    this.#crc = header.readUInt32LE(60);
  }

  async block(bytes: Uint8Array): Promise<void> {
    const head = Buffer.alloc(BLOCK_HEAD_BYTES);
    head.writeUInt32LE(bytes.length, 0);
    this.#crc = crc32c(bytes, 0, bytes.length, crc32c(head, 0, 4, this.#crc));
    head.writeUInt32LE(this.#crc, 4);
    const start = this.#header;
    this.#header = Buffer.alloc(0);
    for (const piece of [start, head, bytes]) await this.#put(piece);
  }

  async end(stateHash: Uint8Array): Promise<number> {
    await this.block(new Uint8Array(0));
    await this.#put(stateHash);
    await writeAll(this.#file, this.#hash.digest(), this.#at);
    return this.#at + HASH_BYTES;
  }

  async #put(bytes: Uint8Array): Promise<void> {
    this.#hash.update(bytes);
    await writeAll(this.#file, bytes, this.#at);
    this.#at += bytes.length;
    if (this.#at - this.#flushedAt < FLUSH_BYTES) return;
    await this.#file.datasync();
    this.#flushedAt = this.#at;
  }
}

function headerOf(facts: SnapshotFacts): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(SNAPSHOT_VERSION, 8);
  bytes.writeUInt32LE(facts.shard, 12);
  writeWhole(bytes, facts.seq, 16);
  bytes.writeUInt32LE(facts.epoch, 24);
  bytes.writeUInt32LE(facts.checksum, 28);
  bytes.write(facts.nonce, 32, "hex");
  bytes.writeUInt32LE(crc32c(bytes, 0, 60), 60);
  return bytes;
}

function epochBytes(epochs: readonly EpochStart[]): Buffer {
  const bytes = Buffer.alloc(epochs.length * EPOCH_BYTES);
  for (const [index, { epoch, seq }] of epochs.entries()) {
    bytes.writeUInt32LE(epoch, index * EPOCH_BYTES);
    writeWhole(bytes, seq, index * EPOCH_BYTES + 4);
  }
  return bytes;
}

/** Reads a snapshot and proves every byte of it; says in words what is wrong with it. */
export async function readSnapshot(path: string): Promise<Snapshot | string> {
  const file = await open(path, "r");
  try {
    const { size } = await file.stat();
    if (size < HEADER_BYTES + BLOCK_HEAD_BYTES + END_BYTES) return "it is too short";
    const bytes = Buffer.allocUnsafeSlow(size);
    for (let done = 0; done < size; ) {
      const { bytesRead } = await file.read(bytes, done, Math.min(size - done, 64 * BLOCK_BYTES), done);
      if (bytesRead === 0) return "it is cut short";
      done += bytesRead;
    }
    return parseSnapshot(bytes);
  } finally {
    await file.close();
  }
}

function parseSnapshot(bytes: Buffer): Snapshot | string {
  if (bytes.toString("latin1", 0, 8) !== MAGIC) return "it is no snapshot";
  if (bytes.readUInt32LE(60) !== crc32c(bytes, 0, 60)) return "its header is damaged";
  const version = bytes.readUInt32LE(8);
  if (version !== SNAPSHOT_VERSION)
    return `it is of format ${version}, this version reads ${SNAPSHOT_VERSION}`;
  const state = Buffer.allocUnsafeSlow(bytes.length);
  let stateBytes = 0;
  let epochs: EpochStart[] | undefined;
  let crc = bytes.readUInt32LE(60);
  let at = HEADER_BYTES;
  for (;;) {
    if (at + BLOCK_HEAD_BYTES > bytes.length) return "it is cut short";
    const length = bytes.readUInt32LE(at);
    const end = at + BLOCK_HEAD_BYTES + length;
    if (end > bytes.length) return `the block at offset ${at} is damaged`;
    crc = crc32c(bytes, at + BLOCK_HEAD_BYTES, end, crc32c(bytes, at, at + 4, crc));
    if (crc !== bytes.readUInt32LE(at + 4)) return `the block at offset ${at} is damaged`;
    const start = at + BLOCK_HEAD_BYTES;
    at = end;
    // The epochs are never empty: only the end is.
    if (length === 0) break;
    if (epochs === undefined) epochs = epochsOf(bytes.subarray(start, end));
    else stateBytes += bytes.copy(state, stateBytes, start, end);
  }
  if (at + 2 * HASH_BYTES !== bytes.length) return "it does not end where it should";
  const hash = createHash("sha256")
    .update(bytes.subarray(0, at + HASH_BYTES))
    .digest();
  if (!hash.equals(bytes.subarray(at + HASH_BYTES))) return "its hash is another one";
  return {
    shard: bytes.readUInt32LE(12),
    seq: readWhole(bytes, 16),
    epoch: bytes.readUInt32LE(24),
    checksum: bytes.readUInt32LE(28),
    nonce: bytes.toString("hex", 32, 48),
    epochs: epochs ?? [],
    state: state.subarray(0, stateBytes),
    stateHash: bytes.toString("hex", at, at + HASH_BYTES),
  };
}

function epochsOf(bytes: Buffer): EpochStart[] {
  return Array.from({ length: Math.floor(bytes.length / EPOCH_BYTES) }, (_, index) => ({
    epoch: bytes.readUInt32LE(index * EPOCH_BYTES),
    seq: readWhole(bytes, index * EPOCH_BYTES + 4),
  }));
}
