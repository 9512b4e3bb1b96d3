// One entry of the journal on disk:
//
//   u32 length | u32 checksum | u64 seq | u32 epoch | u8 type | payload | zeros up to a multiple of 8
//
// Little endian. `length` counts all but the padding. The checksum covers everything but itself, padding
// included, and is seeded with the checksum of the frame before: the chain. So a frame of an older
// incarnation of the same place on disk never passes. A length of zero is where nothing was written yet.
import { crc32c } from "./crc32c.js";

export const FRAME_HEADER_BYTES = 21;
/** What a record may hold: above the largest that the core makes (20,000 trades, about 10 MB). */
export const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;
const TWO_32 = 2 ** 32;
/** A command with its events, or a market, an epoch, a tick: one seq. */
export const RECORD = 1;
/** End of a batch; seq and epoch of the record before. */
export const COMMIT = 2;

const COMMIT_PAYLOAD_BYTES = 20;

/**
 * What a COMMIT says. Everything before `batchOffset` in its file, and all seqs up to `durableSeq`, were
 * durable when the batch was built; `chain` is the checksum before it, so that it proves itself even where
 * the frames before it are lost.
 */
export interface Commit {
  readonly durableSeq: number;
  readonly batchOffset: number;
  readonly chain: number;
}

/** Bytes on disk of a frame with such a payload. */
export function frameSize(payloadBytes: number): number {
  return padded(FRAME_HEADER_BYTES + payloadBytes);
}

export const COMMIT_BYTES = frameSize(COMMIT_PAYLOAD_BYTES);

/** Writes a frame at `offset`, whose bytes must be zero. Returns its checksum. */
export function writeFrame(
  into: Buffer,
  offset: number,
  frame: { type: number; seq: number; epoch: number; payload: Uint8Array; chain: number },
): number {
  const length = FRAME_HEADER_BYTES + frame.payload.length;
  into.writeUInt32LE(length, offset);
  writeWhole(into, frame.seq, offset + 8);
  into.writeUInt32LE(frame.epoch, offset + 16);
  into.writeUInt8(frame.type, offset + 20);
  into.set(frame.payload, offset + FRAME_HEADER_BYTES);
  const checksum = checksumOf(into, offset, padded(length), frame.chain);
  into.writeUInt32LE(checksum, offset + 4);
  return checksum;
}

/** Payload of a COMMIT. */
export function commitPayload({ durableSeq, batchOffset, chain }: Commit): Uint8Array {
  const payload = Buffer.alloc(COMMIT_PAYLOAD_BYTES);
  writeWhole(payload, durableSeq, 0);
  writeWhole(payload, batchOffset, 8);
  payload.writeUInt32LE(chain, 16);
  return payload;
}

/** What the payload of a COMMIT says. */
export function commitOf(payload: Buffer): Commit {
  return {
    durableSeq: readWhole(payload, 0),
    batchOffset: readWhole(payload, 8),
    chain: payload.readUInt32LE(16),
  };
}

/** Bytes of the frame at `offset` by its length; undefined when the length cannot be one. */
export function sizeAt(bytes: Buffer, offset: number): number | undefined {
  if (offset + 4 > bytes.length) return undefined;
  const length = bytes.readUInt32LE(offset);
  const isLength = length >= FRAME_HEADER_BYTES && length <= FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX;
  return isLength ? padded(length) : undefined;
}

/** Whether the frame at `offset`, of this size, has the checksum that follows on `chain`. */
export function holdsAt(bytes: Buffer, offset: number, size: number, chain: number): boolean {
  return checksumOf(bytes, offset, size, chain) === checksumAt(bytes, offset);
}

export function checksumAt(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 4);
}

export function seqAt(bytes: Buffer, offset: number): number {
  return readWhole(bytes, offset + 8);
}

export function epochAt(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 16);
}

export function typeAt(bytes: Buffer, offset: number): number {
  return bytes[offset + 20];
}

/** Offset behind the payload of the frame at `offset`. */
export function payloadEndAt(bytes: Buffer, offset: number): number {
  return offset + bytes.readUInt32LE(offset);
}

/** The COMMIT at `offset` if there is one that proves itself, whatever stands before it. */
export function selfProvingCommitAt(bytes: Buffer, offset: number): Commit | undefined {
  if (sizeAt(bytes, offset) !== COMMIT_BYTES || offset + COMMIT_BYTES > bytes.length) return undefined;
  if (typeAt(bytes, offset) !== COMMIT) return undefined;
  const commit = commitAt(bytes, offset);
  return holdsAt(bytes, offset, COMMIT_BYTES, commit.chain) ? commit : undefined;
}

/** What the COMMIT at `offset` says. */
export function commitAt(bytes: Buffer, offset: number): Commit {
  const start = offset + FRAME_HEADER_BYTES;
  return commitOf(bytes.subarray(start, start + COMMIT_PAYLOAD_BYTES));
}

/** A whole number of 64 bits; safe integers only are ever written. */
export function writeWhole(into: Buffer, value: number, offset: number): void {
  into.writeUInt32LE(value % TWO_32, offset);
  into.writeUInt32LE(Math.floor(value / TWO_32), offset + 4);
}

export function readWhole(bytes: Buffer, offset: number): number {
  return bytes.readUInt32LE(offset + 4) * TWO_32 + bytes.readUInt32LE(offset);
}

function checksumOf(bytes: Buffer, offset: number, size: number, chain: number): number {
  return crc32c(bytes, offset + 8, offset + size, crc32c(bytes, offset, offset + 4, chain));
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}
