// Ids as four 32-bit words: what the core compares, hashes and stores. Text is for people and for the edges.
import { assert } from "@bourse/shared/assert.js";

/** Writes the four words of a canonical UUID text into `words` at `at`. */
export function parseIdInto(words: Int32Array, at: number, text: string): void {
  let digits = 0;
  let word = 0;
  for (let place = 0; place < text.length; place += 1) {
    const code = text.charCodeAt(place);
    if (code === 45) continue;
    word = (word << 4) | (code <= 57 ? code - 48 : code - 87);
    digits += 1;
    if ((digits & 7) === 0) words[at + (digits >> 3) - 1] = word;
  }
  assert(digits === 32, "an id has 32 hexadecimal digits");
}

/** Canonical UUID text of the four words at `at`. */
export function idText(words: Int32Array | Float64Array, at: number): string {
  let hex = "";
  for (let word = 0; word < 4; word += 1) hex += (words[at + word] >>> 0).toString(16).padStart(8, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** 32-bit hash of an id. Where an id lies in memory follows from it; no decision does. */
export function hashId(first: number, second: number, third: number, fourth: number): number {
  let hash =
    first ^ Math.imul(second, 0x9e3779b1) ^ Math.imul(third, 0x85ebca6b) ^ Math.imul(fourth, 0xc2b2ae35);
  hash = Math.imul(hash ^ (hash >>> 15), 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}
