import * as zlib from "node:zlib";

/** CRC-32 (IEEE) of ASCII text, unsigned. */
export function crc32(text: string): number {
  return zlib.crc32(text);
}
