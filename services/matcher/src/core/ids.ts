// Ids as four 32-bit words: what the core compares, hashes and stores. Text is for people and for the edges.
import { assert } from "@bourse/shared/assert.js";

/** The texts that were parsed last: a command asks for its order and its owner again and again. */
const parsed = ["", ""];
const parsedWords = new Int32Array(8);
let older = 0;

/** Writes the four words of a canonical UUID text into `words` at `at`. */
export function parseIdInto(words: Int32Array, at: number, text: string): void {
  const known = text === parsed[0] ? 0 : text === parsed[1] ? 1 : parse(text);
  words[at] = parsedWords[known * 4];
  words[at + 1] = parsedWords[known * 4 + 1];
  words[at + 2] = parsedWords[known * 4 + 2];
  words[at + 3] = parsedWords[known * 4 + 3];
}

function parse(text: string): number {
  const place = older;
  parsed[place] = "";
  let digits = 0;
  let word = 0;
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index);
    if (code === 45) continue;
    word = (word << 4) | (code <= 57 ? code - 48 : code - 87);
    digits += 1;
    if ((digits & 7) === 0) parsedWords[place * 4 + (digits >> 3) - 1] = word;
  }
  assert(digits === 32, "an id has 32 hexadecimal digits");
  parsed[place] = text;
  older = 1 - place;
  return place;
}

/** "0" to "f" by value, and room for one text with its dashes. */
const HEX = Uint8Array.from("0123456789abcdef", (digit) => digit.charCodeAt(0));
const text = Buffer.from("00000000-0000-0000-0000-000000000000");

/** Canonical UUID text of the four words at `at`. */
export function idText(words: Int32Array | Float64Array, at: number): string {
  let place = 0;
  for (let half = 0; half < 8; half += 1) {
    const word = words[at + (half >> 1)] >>> ((half & 1) === 0 ? 16 : 0);
    text[place] = HEX[(word >>> 12) & 15];
    text[place + 1] = HEX[(word >>> 8) & 15];
    text[place + 2] = HEX[(word >>> 4) & 15];
    text[place + 3] = HEX[word & 15];
    // A dash follows the second, third, fourth and fifth half.
    place += half >= 1 && half <= 4 ? 5 : 4;
  }
  // One string of bytes is made several times as fast as one of pieces.
  return text.toString("latin1");
}

/** 32-bit hash of an id. Where an id lies in memory follows from it; no decision does. */
export function hashId(first: number, second: number, third: number, fourth: number): number {
  const left = Math.imul(first ^ (first >>> 15) ^ second, 0x9e3779b1);
  const right = Math.imul(third ^ (third >>> 15) ^ fourth, 0x85ebca6b);
  const hash = Math.imul(left ^ (left >>> 15) ^ right, 0x2c1b3c6d);
  return hash ^ (hash >>> 13);
}

/** Hash of the id whose words stand at `at`. */
export const hashAt = (words: Int32Array, at: number) =>
  hashId(words[at], words[at + 1], words[at + 2], words[at + 3]);

/** Whether the words at `at` are those of an id. */
export function isIdAt(words: Int32Array, at: number, id: Int32Array): boolean {
  return words[at] === id[0] && words[at + 1] === id[1] && words[at + 2] === id[2] && words[at + 3] === id[3];
}
