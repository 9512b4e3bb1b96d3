// Reads protobuf messages in place. What is not as our own writer writes it (a field that is not known, a
// number above 2^53) throws: a record of a newer version, never something to pass over.

/** Wire type of what has a length. */
const LENGTH_DELIMITED = 2;

/** Values of "0" to "9" and "a" to "f" by their bytes. */
const NIBBLES = new Uint8Array(256);
for (const [value, digit] of [..."0123456789abcdef"].entries()) NIBBLES[digit.charCodeAt(0)] = value;

export class UnreadableBytes extends Error {
  override name = "UnreadableBytes";
}

export class ByteReader {
  bytes: Buffer = Buffer.alloc(0);
  at = 0;
  end = 0;
  /** Content of the field that `range` found last. */
  from = 0;
  to = 0;

  /** Takes a message of these bytes. */
  over(bytes: Buffer, start: number, end: number): this {
    this.bytes = bytes;
    this.at = start;
    this.end = end;
    return this;
  }

  /** A tag or a number; at most 2^53 - 1. */
  varint(): number {
    const { bytes } = this;
    let byte = bytes[this.at++];
    if (byte < 0x80) return byte;
    let value = byte & 0x7f;
    byte = bytes[this.at++];
    value |= (byte & 0x7f) << 7;
    if (byte < 0x80) return value;
    byte = bytes[this.at++];
    value |= (byte & 0x7f) << 14;
    if (byte < 0x80) return value;
    byte = bytes[this.at++];
    value |= (byte & 0x7f) << 21;
    if (byte < 0x80) return value;
    let times = 0x10000000;
    for (let count = 0; count < 4; count += 1) {
      byte = bytes[this.at++];
      value += (byte & 0x7f) * times;
      if (byte < 0x80) {
        if (value > Number.MAX_SAFE_INTEGER) break;
        return value;
      }
      times *= 0x80;
    }
    throw new UnreadableBytes("a number is out of range");
  }

  /** Reads a length and returns where what it counts ends. */
  extent(): number {
    const length = this.varint();
    const end = this.at + length;
    if (!(end <= this.end)) throw new UnreadableBytes("a length leads outside its message");
    return end;
  }

  /** The number of a field that comes next; 0 when another does. Fields come in the order of their numbers. */
  whole(tag: number): number {
    return this.#isNext(tag) ? this.varint() : 0;
  }

  flag(tag: number): boolean {
    return this.whole(tag) !== 0;
  }

  /** ASCII text of a field that comes next; empty when another does. */
  text(tag: number): string {
    this.range(tag);
    const { from, to } = this;
    return from === to ? "" : this.bytes.toString("latin1", from, to);
  }

  /** Where the content of a field that comes next stands, in `from` and `to`; equal when another does. */
  range(tag: number): void {
    this.from = this.at;
    this.to = this.at;
    if (!this.#isNext(tag)) return;
    this.to = this.extent();
    this.from = this.at;
    this.at = this.to;
  }

  /** Goes into the message of a field that must come next; returns where the one around it ends. */
  enter(tag: number): number {
    if (!this.#isNext(tag)) throw new UnreadableBytes(`field ${tag >>> 3} is missing`);
    const { end } = this;
    this.end = this.extent();
    return end;
  }

  /** Leaves it at its end. */
  leave(end: number): void {
    if (this.at !== this.end) this.unknown(this.varint());
    this.end = end;
  }

  /** A UUID in canonical text that must come next, as four 32-bit words into `words` at `at`. */
  id(tag: number, words: Int32Array, at: number): void {
    if (!this.#isNext(tag) || this.bytes[this.at] !== 36 || this.at + 37 > this.end)
      throw new UnreadableBytes("an id has 36 characters");
    const start = this.at + 1;
    this.at = start + 36;
    // The dashes stand at 8, 13, 18 and 23.
    words[at] = (this.#hex4(start) << 16) | this.#hex4(start + 4);
    words[at + 1] = (this.#hex4(start + 9) << 16) | this.#hex4(start + 14);
    words[at + 2] = (this.#hex4(start + 19) << 16) | this.#hex4(start + 24);
    words[at + 3] = (this.#hex4(start + 28) << 16) | this.#hex4(start + 32);
  }

  /** Takes the tag when it is the next one. */
  #isNext(tag: number): boolean {
    const { bytes, at } = this;
    if (at >= this.end) return false;
    if (tag < 0x80) {
      if (bytes[at] !== tag) return false;
      this.at = at + 1;
      return true;
    }
    // Field numbers above 15 take two bytes.
    if (bytes[at] !== ((tag & 0x7f) | 0x80) || bytes[at + 1] !== tag >>> 7) return false;
    this.at = at + 2;
    return true;
  }

  #hex4(at: number): number {
    const { bytes } = this;
    return (
      (NIBBLES[bytes[at]] << 12) |
      (NIBBLES[bytes[at + 1]] << 8) |
      (NIBBLES[bytes[at + 2]] << 4) |
      NIBBLES[bytes[at + 3]]
    );
  }

  /** Throws for a field that nobody here knows. */
  unknown(tag: number): never {
    throw new UnreadableBytes(`field ${tag >>> 3} is not known`);
  }
}

/** Where the content of a field stands in a message; undefined when it is not there. The first one counts. */
export function fieldOf(
  bytes: Uint8Array,
  start: number,
  end: number,
  no: number,
): { start: number; end: number } | undefined {
  const reader = new ByteReader().over(bytes as Buffer, start, end);
  while (reader.at < end) {
    const tag = reader.varint();
    if ((tag & 7) !== LENGTH_DELIMITED) {
      reader.varint();
      continue;
    }
    const fieldEnd = reader.extent();
    if (tag >>> 3 === no) return { start: reader.at, end: fieldEnd };
    reader.at = fieldEnd;
  }
  return undefined;
}
