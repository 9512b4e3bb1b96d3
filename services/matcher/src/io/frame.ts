// One entry of the journal on disk:
//
//   u32 length | u32 checksum | u64 seq | u32 epoch | u8 type | payload | zeros up to a multiple of 8
//
// Little endian. `length` counts all but the padding. The checksum covers everything but itself, padding
// included, and is seeded with the checksum of the frame before: the chain. So a frame of an older
// incarnation of the same place on disk never passes. A length of zero is where nothing was written yet.
import { crc32c } from "./crc32c.js";

export const FRAME_HEADER_BYTES = 21;
/** What a record may hold: far above the largest that the core makes (about 2.3 MB). */
export const PAYLOAD_BYTES_MAX = 8 * 1024 * 1024;
/** A command with its events, or a market, an epoch, a tick: one seq. */
export const RECORD = 1;
/** End of a batch; seq and epoch of the record before. */
export const COMMIT = 2;

const COMMIT_PAYLOAD_BYTES = 20;

/** A valid frame; `payload` is a view. */
export interface Frame {
  readonly type: number;
  readonly seq: number;
  readonly epoch: number;
  readonly checksum: number;
  /** Bytes on disk, padding included. */
  readonly size: number;
  readonly payload: Uint8Array;
}

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
  into.writeBigUInt64LE(BigInt(frame.seq), offset + 8);
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
  payload.writeBigUInt64LE(BigInt(durableSeq), 0);
  payload.writeBigUInt64LE(BigInt(batchOffset), 8);
  payload.writeUInt32LE(chain, 16);
  return payload;
}

/** What the payload of a COMMIT says. */
export function commitOf(payload: Uint8Array): Commit {
  const bytes = Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
  return {
    durableSeq: Number(bytes.readBigUInt64LE(0)),
    batchOffset: Number(bytes.readBigUInt64LE(8)),
    chain: bytes.readUInt32LE(16),
  };
}

/** Bytes of the frame at `offset` by its length; undefined when the length cannot be one. */
export function sizeAt(bytes: Buffer, offset: number): number | undefined {
  if (offset + 4 > bytes.length) return undefined;
  const length = bytes.readUInt32LE(offset);
  const isLength = length >= FRAME_HEADER_BYTES && length <= FRAME_HEADER_BYTES + PAYLOAD_BYTES_MAX;
  return isLength ? padded(length) : undefined;
}

/** The frame at `offset` if it is whole and its checksum follows on `chain`. */
export function frameAt(bytes: Buffer, offset: number, chain: number): Frame | undefined {
  const size = sizeAt(bytes, offset);
  if (size === undefined || offset + size > bytes.length) return undefined;
  const checksum = bytes.readUInt32LE(offset + 4);
  if (checksumOf(bytes, offset, size, chain) !== checksum) return undefined;
  return {
    type: bytes.readUInt8(offset + 20),
    seq: Number(bytes.readBigUInt64LE(offset + 8)),
    epoch: bytes.readUInt32LE(offset + 16),
    checksum,
    size,
    payload: bytes.subarray(offset + FRAME_HEADER_BYTES, offset + bytes.readUInt32LE(offset)),
  };
}

/** The COMMIT at `offset` if there is one that proves itself, whatever stands before it. */
export function selfProvingCommitAt(bytes: Buffer, offset: number): Commit | undefined {
  if (sizeAt(bytes, offset) !== COMMIT_BYTES || offset + COMMIT_BYTES > bytes.length) return undefined;
  if (bytes.readUInt8(offset + 20) !== COMMIT) return undefined;
  const start = offset + FRAME_HEADER_BYTES;
  const commit = commitOf(bytes.subarray(start, start + COMMIT_PAYLOAD_BYTES));
  return frameAt(bytes, offset, commit.chain) === undefined ? undefined : commit;
}

function checksumOf(bytes: Buffer, offset: number, size: number, chain: number): number {
  return crc32c(bytes, offset + 8, offset + size, crc32c(bytes, offset, offset + 4, chain));
}

function padded(bytes: number): number {
  return (bytes + 7) & ~7;
}
