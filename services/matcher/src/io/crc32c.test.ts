import { expect, test } from "vitest";
import { crc32c } from "./crc32c.js";

/** The definition, bit by bit. */
function plainCrc32c(bytes: Uint8Array, before: number): number {
  let crc = ~before;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}

test("a range of any length at any place, of a view at any place, has the checksum of its bytes", () => {
  const memory = new ArrayBuffer(200);
  const all = new Uint8Array(memory);
  for (let at = 0; at < all.length; at += 1) all[at] = Math.imul(at + 1, 0x9e3779b1) >>> 11;
  for (let offset = 0; offset < 9; offset += 1) {
    const view = new Uint8Array(memory, offset, 150);
    for (let start = 0; start < 9; start += 1) {
      for (let end = start; end <= 100; end += 1) {
        const before = Math.imul(end, 0x85ebca6b) >>> 0;
        expect(crc32c(view, start, end, before)).toBe(plainCrc32c(view.subarray(start, end), before));
      }
    }
  }
});

test("bytes that changed since have another checksum", () => {
  const bytes = new Uint8Array(64);
  const before = crc32c(bytes, 0, 64);
  bytes[40] = 1;
  expect(crc32c(bytes, 0, 64)).not.toBe(before);
});
