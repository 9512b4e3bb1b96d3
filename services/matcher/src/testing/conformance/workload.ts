// Workload files of the public matching-engine benchmark (flash1-dev/matching-engine-benchmark): a header of
// 16 bytes (magic, version, u32 count at 12), then little-endian records of 40 bytes: u8 type (0 new, 1 cancel,
// 2 modify), u8 side (0 buy, 1 sell), u8 immediate-or-cancel, pad, u32 quantity, u64 sequence, u64 order id,
// i64 price in ticks, u64 reserved.
import { readFileSync } from "node:fs";
import { brotliDecompressSync } from "node:zlib";

export const NEW = 0;
export const CANCEL = 1;
export const MODIFY = 2;

const MAGIC = "100_WBEM";
const VERSION = 1;
const HEADER_BYTES = 16;
const RECORD_BYTES = 40;
/** 32-bit words, which is how the records are read: this machine and the files are little-endian. */
const HEADER_WORDS = HEADER_BYTES / 4;
export const RECORD_WORDS = RECORD_BYTES / 4;
const HIGH = 2 ** 32;

/** Messages as they lie in the file. */
export interface Workload {
  readonly count: number;
  /** Words of the file; those of message `i` begin at `wordsOf(i)`. */
  readonly words: Uint32Array;
}

/** A message for people and generators. */
export interface Message {
  readonly type: typeof NEW | typeof CANCEL | typeof MODIFY;
  readonly side: 0 | 1;
  readonly isIoc: boolean;
  readonly quantity: number;
  readonly id: bigint;
  readonly price: number;
}

/** First word of a message: 0 type, side and flag as bytes; 1 quantity; 4, 5 id; 6, 7 price. */
export function wordsOf(message: number): number {
  return HEADER_WORDS + message * RECORD_WORDS;
}

/** Ticks of the price of the message at a word. */
export function priceAt(words: Uint32Array, at: number): number {
  return words[at + 7] * HIGH + words[at + 6];
}

/** Reads a file, plain or compressed with brotli. Throws when it is not a workload. */
export function readWorkload(path: string): Workload {
  const stored = readFileSync(path);
  return parseWorkload(path.endsWith(".br") ? brotliDecompressSync(stored) : stored, path);
}

export function parseWorkload(bytes: Buffer, name: string): Workload {
  if (bytes.length < HEADER_BYTES || bytes.toString("latin1", 0, 8) !== MAGIC) {
    throw new Error(`${name}: not a workload file`);
  }
  if (bytes.readUInt32LE(8) !== VERSION)
    throw new Error(`${name}: version ${bytes.readUInt32LE(8)} is not known`);
  const count = bytes.readUInt32LE(12);
  if (bytes.length !== HEADER_BYTES + count * RECORD_BYTES) {
    throw new Error(`${name}: ${bytes.length} bytes do not hold ${count} messages`);
  }
  const words = new Uint32Array(bytes.length / 4);
  new Uint8Array(words.buffer).set(bytes);
  for (let message = 0; message < count; message += 1) checkMessage(words, message, name);
  return { count, words };
}

function checkMessage(words: Uint32Array, message: number, name: string): void {
  const at = wordsOf(message);
  const isKnown = (words[at] & 0xff) <= MODIFY && ((words[at] >>> 8) & 0xff) <= 1;
  if (!isKnown || words[at + 7] >= 2 ** 21) throw new Error(`${name}: message ${message} is malformed`);
}

export function messageAt({ words }: Workload, message: number): Message {
  const at = wordsOf(message);
  return {
    type: (words[at] & 0xff) as Message["type"],
    side: ((words[at] >>> 8) & 0xff) as Message["side"],
    isIoc: ((words[at] >>> 16) & 0xff) !== 0,
    quantity: words[at + 1],
    id: (BigInt(words[at + 5]) << 32n) | BigInt(words[at + 4]),
    price: priceAt(words, at),
  };
}

/** A workload file of these messages. */
export function workloadBytes(messages: readonly Message[]): Buffer {
  const bytes = Buffer.alloc(HEADER_BYTES + messages.length * RECORD_BYTES);
  bytes.write(MAGIC, 0, "latin1");
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(messages.length, 12);
  for (const [index, message] of messages.entries()) {
    const at = HEADER_BYTES + index * RECORD_BYTES;
    bytes.writeUInt8(message.type, at);
    bytes.writeUInt8(message.side, at + 1);
    bytes.writeUInt8(message.isIoc ? 1 : 0, at + 2);
    bytes.writeUInt32LE(message.quantity, at + 4);
    bytes.writeBigUInt64LE(BigInt(index), at + 8);
    bytes.writeBigUInt64LE(message.id, at + 16);
    bytes.writeBigInt64LE(BigInt(message.price), at + 24);
  }
  return bytes;
}
