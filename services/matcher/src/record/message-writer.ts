// Writes protobuf messages into room that is used again and again, without an object on the way. Whole numbers
// are safe integers of at least zero; text is ASCII, but where `utf8` says otherwise.
import { assert } from "@bourse/shared/assert.js";

const VARINT = 0;
const LENGTH_DELIMITED = 2;
const SEVEN_BITS = 0x80;
/** Above it the bits no longer fit the operators on 32 bits. */
const SMALL_MAX = 0x7fffffff;
const TWO_28 = 0x10000000;
/** "0" to "f" by value. */
const HEX = Uint8Array.from(Buffer.from("0123456789abcdef"));
const DASH = 45;
const ZERO = 48;
/** Low part of a sum in two numbers: 15 digits. */
const LOW_DIGITS = 15;

export class MessageWriter {
  bytes: Buffer;
  /** Where the next byte goes. */
  at = 0;
  /** Length of the message that was closed last. */
  lengthClosed = 0;
  #start = 0;
  readonly #chunkBytes: number;

  constructor(chunkBytes: number) {
    this.#chunkBytes = chunkBytes;
    this.bytes = Buffer.allocUnsafeSlow(chunkBytes);
  }

  /** Begins a message behind what was taken; what was not is overwritten. */
  begin(): void {
    this.at = this.#start;
  }

  /** What was written since `begin`, for good: the bytes are not used again. */
  take(): Buffer {
    const taken = this.bytes.subarray(this.#start, this.at);
    this.#start = this.at;
    return taken;
  }

  /** Whether these bytes were written since `begin`. */
  equals(other: Uint8Array, start: number, end: number): boolean {
    const length = this.at - this.#start;
    if (length !== end - start) return false;
    // A call out of JavaScript costs as much as comparing about so many bytes here.
    if (length > 256) return this.bytes.compare(other, start, end, this.#start, this.at) === 0;
    const { bytes } = this;
    const from = this.#start - start;
    for (let at = start; at < end; at += 1) if (bytes[from + at] !== other[at]) return false;
    return true;
  }

  /** Makes sure of room for so many bytes; the methods below look no more. */
  room(bytes: number): void {
    if (this.at + bytes > this.bytes.length) this.#grow(bytes);
  }

  /** A number; nothing when it is zero. */
  whole(no: number, value: number): void {
    if (value === 0) return;
    this.tag(no, VARINT);
    this.varint(value);
  }

  /** True; nothing when it is false. */
  flag(no: number, value: boolean): void {
    if (!value) return;
    this.tag(no, VARINT);
    this.bytes[this.at++] = 1;
  }

  /** ASCII text; nothing when it is empty. */
  text(no: number, value: string): void {
    const { length } = value;
    if (length === 0) return;
    this.tag(no, LENGTH_DELIMITED);
    this.varint(length);
    const { bytes } = this;
    let { at } = this;
    let all = 0;
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      all |= code;
      bytes[at++] = code;
    }
    assert(all < SEVEN_BITS, "text in a record is ASCII");
    this.at = at;
  }

  /** Bytes as they are: text, or a message that is encoded already. Nothing when there are none. */
  copy(no: number, from: Uint8Array, start: number, end: number): void {
    if (start === end) return;
    this.tag(no, LENGTH_DELIMITED);
    this.varint(end - start);
    this.raw(from, start, end);
  }

  /** Bytes without a tag. */
  raw(from: Uint8Array, start: number, end: number): void {
    const { bytes } = this;
    let { at } = this;
    if (end - start > 128) {
      bytes.set(from.subarray(start, end), at);
      this.at = at + end - start;
      return;
    }
    for (let index = start; index < end; index += 1) bytes[at++] = from[index];
    this.at = at;
  }

  /** A UUID of four 32-bit words as canonical text. */
  id(no: number, w0: number, w1: number, w2: number, w3: number): void {
    this.tag(no, LENGTH_DELIMITED);
    const { bytes, at } = this;
    bytes[at] = 36;
    this.#hex4(at + 1, w0 >>> 16);
    this.#hex4(at + 5, w0);
    bytes[at + 9] = DASH;
    this.#hex4(at + 10, w1 >>> 16);
    bytes[at + 14] = DASH;
    this.#hex4(at + 15, w1);
    bytes[at + 19] = DASH;
    this.#hex4(at + 20, w2 >>> 16);
    bytes[at + 24] = DASH;
    this.#hex4(at + 25, w2);
    this.#hex4(at + 29, w3 >>> 16);
    this.#hex4(at + 33, w3);
    this.at = at + 37;
  }

  /** A sum of two numbers, high times 10^15 plus low, as decimal text; "0" too. */
  sum(no: number, high: number, low: number): void {
    this.tag(no, LENGTH_DELIMITED);
    const lengthAt = this.at;
    this.at += 1;
    if (high === 0) {
      this.#digits(low, digitsOf(low));
    } else {
      this.#digits(high, digitsOf(high));
      this.#digits(low, LOW_DIGITS);
    }
    this.bytes[lengthAt] = this.at - lengthAt - 1;
  }

  /** Opens a message whose length will take so many bytes, as far as one can tell; returns where it begins. */
  open(no: number, lengthBytes: number): number {
    this.tag(no, LENGTH_DELIMITED);
    this.at += lengthBytes;
    return this.at - this.#start;
  }

  /** Closes a message; returns how many bytes its length took. What was opened for another number moves. */
  close(opened: number, lengthBytes: number): number {
    const length = this.at - this.#start - opened;
    const needed = length < 0x80 ? 1 : length < 0x4000 ? 2 : length < 0x200000 ? 3 : 4;
    if (needed !== lengthBytes) this.room(needed);
    // Behind the growth: it moves everything.
    const start = this.#start + opened;
    if (needed !== lengthBytes) this.bytes.copyWithin(start + needed - lengthBytes, start, this.at);
    this.at = start - lengthBytes;
    this.varint(length);
    this.at += length;
    this.lengthClosed = length;
    return needed;
  }

  tag(no: number, wireType: number): void {
    // Field numbers above 15 take two bytes.
    if (no < 16) this.bytes[this.at++] = (no << 3) | wireType;
    else this.varint((no << 3) | wireType);
  }

  varint(value: number): void {
    const { bytes } = this;
    let { at } = this;
    let rest = value;
    if (rest > SMALL_MAX) {
      assert(Number.isSafeInteger(rest), "a number in a record is whole");
      const low = rest % TWO_28;
      rest = (rest - low) / TWO_28;
      bytes[at++] = (low & 0x7f) | SEVEN_BITS;
      bytes[at++] = ((low >>> 7) & 0x7f) | SEVEN_BITS;
      bytes[at++] = ((low >>> 14) & 0x7f) | SEVEN_BITS;
      bytes[at++] = (low >>> 21) | SEVEN_BITS;
    }
    assert(rest >= 0, "a number in a record is not negative");
    while (rest >= SEVEN_BITS) {
      bytes[at++] = (rest & 0x7f) | SEVEN_BITS;
      rest >>>= 7;
    }
    bytes[at++] = rest;
    this.at = at;
  }

  #hex4(at: number, word: number): void {
    const { bytes } = this;
    bytes[at] = HEX[(word >>> 12) & 15];
    bytes[at + 1] = HEX[(word >>> 8) & 15];
    bytes[at + 2] = HEX[(word >>> 4) & 15];
    bytes[at + 3] = HEX[word & 15];
  }

  #digits(value: number, count: number): void {
    const { bytes, at } = this;
    let rest = value;
    let place = at + count - 1;
    // Two divisions on doubles at most; the rest is done on 32 bits, which is several times as fast.
    for (; rest > SMALL_MAX; place -= 8) {
      const low = rest % 1e8;
      rest = (rest - low) / 1e8;
      this.#eight(place, low);
    }
    for (; place >= at; place -= 1) {
      const tens = (rest / 10) | 0;
      bytes[place] = ZERO + rest - tens * 10;
      rest = tens;
    }
    this.at = at + count;
  }

  #eight(last: number, value: number): void {
    let rest = value | 0;
    for (let place = last; place > last - 8; place -= 1) {
      const tens = (rest / 10) | 0;
      this.bytes[place] = ZERO + rest - tens * 10;
      rest = tens;
    }
  }

  #grow(bytes: number): void {
    const written = this.at - this.#start;
    const fresh = Buffer.allocUnsafeSlow(Math.max(this.#chunkBytes, 2 * (written + bytes)));
    this.bytes.copy(fresh, 0, this.#start, this.at);
    this.bytes = fresh;
    this.#start = 0;
    this.at = written;
  }
}

function digitsOf(value: number): number {
  if (value < 10) return 1;
  if (value < 100) return 2;
  if (value < 1_000) return 3;
  if (value < 10_000) return 4;
  if (value < 100_000) return 5;
  if (value < 1_000_000) return 6;
  let count = 7;
  for (let bound = 1e7; value >= bound; bound *= 10) count += 1;
  return count;
}
