// Writes one protobuf message into room that is used again and again. Whole numbers are safe integers of at
// least zero; text is ASCII, as everything in a record is.
import { assert } from "@bourse/shared/assert.js";
import { WireType } from "@bufbuild/protobuf/wire";

/** Room for a tag and a varint of a safe integer. */
const NUMBER_BYTES_MAX = 16;
const SEVEN_BITS = 0x80;
/** Above it the bits no longer fit the operators on 32 bits. */
const SMALL_MAX = 0x7fffffff;

export class MessageWriter {
  #bytes = Buffer.allocUnsafeSlow(4 * 1024);
  #at = 0;
  /** The message that `same` wrote last, and the object that it is of. */
  readonly #kept: { of: object | undefined; bytes: Buffer; length: number } = {
    of: undefined,
    bytes: Buffer.allocUnsafeSlow(1024),
    length: 0,
  };

  /** A number; nothing when it is zero. */
  whole(no: number, value: number): void {
    if (value === 0) return;
    assert(value > 0 && Number.isSafeInteger(value), "a number in a record is whole and not negative");
    this.#grow(NUMBER_BYTES_MAX);
    this.#tag(no, WireType.Varint);
    this.#varint(value);
  }

  /** True; nothing when it is false. */
  flag(no: number, value: boolean): void {
    if (value) this.whole(no, 1);
  }

  /** ASCII text; nothing when it is empty. */
  text(no: number, value: string): void {
    const { length } = value;
    if (length === 0) return;
    this.#grow(NUMBER_BYTES_MAX + length);
    this.#tag(no, WireType.LengthDelimited);
    this.#varint(length);
    for (let index = 0; index < length; index += 1) {
      const code = value.charCodeAt(index);
      assert(code < SEVEN_BITS, "text in a record is ASCII");
      this.#bytes[this.#at + index] = code;
    }
    this.#at += length;
  }

  /** Bytes of a message that is encoded already. */
  bytes(no: number, value: Uint8Array): void {
    this.#grow(NUMBER_BYTES_MAX + value.length);
    this.#tag(no, WireType.LengthDelimited);
    this.#varint(value.length);
    this.#bytes.set(value, this.#at);
    this.#at += value.length;
  }

  /** A message of its own, also an empty one. */
  message(no: number, write: () => void): void {
    this.#grow(NUMBER_BYTES_MAX);
    this.#tag(no, WireType.LengthDelimited);
    // Most are shorter than 128 bytes; a longer one moves by what its length takes more.
    const start = this.#at + 1;
    this.#at = start;
    write();
    const length = this.#at - start;
    const more = lengthOfVarint(length) - 1;
    this.#grow(more);
    if (more > 0) this.#bytes.copyWithin(start + more, start, start + length);
    this.#at = start - 1;
    this.#varint(length);
    this.#at += length;
  }

  /** A message as `message` writes it; one of the same object as before is copied instead. */
  same(no: number, of: object, write: () => void): void {
    if (this.#kept.of === of) return this.bytes(no, this.#kept.bytes.subarray(0, this.#kept.length));
    this.message(no, () => {
      const start = this.#at;
      write();
      const length = this.#at - start;
      if (this.#kept.bytes.length < length) this.#kept.bytes = Buffer.allocUnsafeSlow(2 * length);
      this.#bytes.copy(this.#kept.bytes, 0, start, this.#at);
      this.#kept.of = of;
      this.#kept.length = length;
    });
  }

  /** A copy of what was written; the room is free again. */
  take(): Uint8Array {
    const taken = new Uint8Array(this.#bytes.subarray(0, this.#at));
    this.#clear();
    return taken;
  }

  /** Whether these bytes were written; the room is free again. */
  equals(bytes: Uint8Array): boolean {
    const isEqual =
      this.#at === bytes.length && this.#bytes.compare(bytes, 0, bytes.length, 0, this.#at) === 0;
    this.#clear();
    return isEqual;
  }

  #clear(): void {
    this.#at = 0;
    this.#kept.of = undefined;
  }

  #tag(no: number, wireType: WireType): void {
    this.#varint(no * 8 + wireType);
  }

  #varint(value: number): void {
    let rest = value;
    while (rest > SMALL_MAX) {
      this.#bytes[this.#at++] = (rest % SEVEN_BITS) + SEVEN_BITS;
      rest = Math.floor(rest / SEVEN_BITS);
    }
    while (rest >= SEVEN_BITS) {
      this.#bytes[this.#at++] = (rest & 0x7f) | SEVEN_BITS;
      rest >>>= 7;
    }
    this.#bytes[this.#at++] = rest;
  }

  #grow(bytes: number): void {
    if (this.#at + bytes <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafeSlow(2 * (this.#at + bytes));
    larger.set(this.#bytes.subarray(0, this.#at));
    this.#bytes = larger;
  }
}

function lengthOfVarint(value: number): number {
  let length = 1;
  for (let rest = value; rest >= SEVEN_BITS; rest = Math.floor(rest / SEVEN_BITS)) length += 1;
  return length;
}
