// Ids of trades without strings: UUID v5 as shared/ids.ts derives it, for a hot path. The name of a trade and the
// namespace before it always fit one block of SHA-1, so the hash is one round of arithmetic.

/** The namespace of shared/ids.ts. trade-id.test.ts holds the two together. */
const NAMESPACE = [0x6f7d6c1e, 0x5c0a4d0f, 0x9a53b1f2, 0xc7e84d21];
const NAMESPACE_BYTES = 16;
const COLON = 58;
const ZERO = 48;

/** Derives the ids of one shard's trades, each as four 32-bit words. */
export class TradeIds {
  w0 = 0;
  w1 = 0;
  w2 = 0;
  w3 = 0;
  readonly #prefix: Buffer;
  readonly #words = new Int32Array(80);
  readonly #name = new Uint8Array(64);
  #seq = -1;
  #seqEnd = 0;

  constructor(shard: number) {
    this.#prefix = Buffer.from(`trade:${shard}:`);
    this.#name.set(this.#prefix);
  }

  /** The id of the trade at `index` among those of record `seq`, into the four words. */
  derive(seq: number, index: number): void {
    const name = this.#name;
    if (seq !== this.#seq) {
      this.#seqEnd = writeDigits(name, this.#prefix.length, seq);
      name[this.#seqEnd] = COLON;
      this.#seq = seq;
    }
    const end = writeDigits(name, this.#seqEnd + 1, index);
    this.#hash(end);
  }

  #hash(nameBytes: number): void {
    const w = this.#words;
    const name = this.#name;
    name[nameBytes] = 0x80;
    for (let at = nameBytes + 1; (at & 3) !== 0; at += 1) name[at] = 0;
    const nameWords = (nameBytes + 4) >>> 2;
    for (let index = 0; index < 4; index += 1) w[index] = NAMESPACE[index];
    for (let index = 0; index < nameWords; index += 1) {
      const at = index << 2;
      w[4 + index] = (name[at] << 24) | (name[at + 1] << 16) | (name[at + 2] << 8) | name[at + 3];
    }
    for (let index = 4 + nameWords; index < 15; index += 1) w[index] = 0;
    w[15] = (NAMESPACE_BYTES + nameBytes) << 3;
    for (let index = 16; index < 80; index += 1) {
      const mixed = w[index - 3] ^ w[index - 8] ^ w[index - 14] ^ w[index - 16];
      w[index] = (mixed << 1) | (mixed >>> 31);
    }
    let a = 0x67452301;
    let b = 0xefcdab89 | 0;
    let c = 0x98badcfe | 0;
    let d = 0x10325476;
    let e = 0xc3d2e1f0 | 0;
    for (let index = 0; index < 20; index += 1) {
      const next = (((a << 5) | (a >>> 27)) + (d ^ (b & (c ^ d))) + e + 0x5a827999 + w[index]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let index = 20; index < 40; index += 1) {
      const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0x6ed9eba1 + w[index]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let index = 40; index < 60; index += 1) {
      const majority = (b & c) | (d & (b | c));
      const next = (((a << 5) | (a >>> 27)) + majority + e + 0x8f1bbcdc + w[index]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    for (let index = 60; index < 80; index += 1) {
      const next = (((a << 5) | (a >>> 27)) + (b ^ c ^ d) + e + 0xca62c1d6 + w[index]) | 0;
      e = d;
      d = c;
      c = (b << 30) | (b >>> 2);
      b = a;
      a = next;
    }
    this.w0 = (a + 0x67452301) | 0;
    // Version 5 and the variant of RFC 9562.
    this.w1 = (((b + 0xefcdab89) | 0) & 0xffff0fff) | 0x5000 | 0;
    this.w2 = (((c + 0x98badcfe) | 0) & 0x3fffffff) | 0x80000000 | 0;
    this.w3 = (d + 0x10325476) | 0;
  }
}

/** Writes a whole number as decimal text; returns where it ends. */
function writeDigits(bytes: Uint8Array, at: number, value: number): number {
  let count = 1;
  for (let bound = 10; value >= bound; bound *= 10) count += 1;
  let rest = value;
  for (let place = at + count - 1; place >= at; place -= 1) {
    const tens = rest <= 0x7fffffff ? (rest / 10) | 0 : Math.floor(rest / 10);
    bytes[place] = ZERO + (rest - tens * 10);
    rest = tens;
  }
  return at + count;
}
