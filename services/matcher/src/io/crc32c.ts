// CRC32C (Castagnoli, reflected polynomial 0x82F63B78; RFC 3720, B.4), sixteen bytes a step with tables in one
// array: 1.4 GB/s on the machine of the figures, where eight bytes a step in tables of their own gave 0.7.
// zlib's CRC32 is another polynomial.

const POLYNOMIAL = 0x82f63b78;
/** Table k, which moves a byte k places further than table 0, lies at 256 × k. */
const T = makeTables();

/** Checksum of a range of bytes. Given an earlier checksum, that of both ranges one after the other. */
export function crc32c(bytes: Uint8Array, start: number, end: number, before = 0): number {
  let crc = ~before;
  let at = start;
  for (; at + 16 <= end; at += 16) {
    const low = crc ^ (bytes[at] | (bytes[at + 1] << 8) | (bytes[at + 2] << 16) | (bytes[at + 3] << 24));
    crc =
      T[3840 + (low & 0xff)] ^
      T[3584 + ((low >>> 8) & 0xff)] ^
      T[3328 + ((low >>> 16) & 0xff)] ^
      T[3072 + (low >>> 24)] ^
      T[2816 + bytes[at + 4]] ^
      T[2560 + bytes[at + 5]] ^
      T[2304 + bytes[at + 6]] ^
      T[2048 + bytes[at + 7]] ^
      T[1792 + bytes[at + 8]] ^
      T[1536 + bytes[at + 9]] ^
      T[1280 + bytes[at + 10]] ^
      T[1024 + bytes[at + 11]] ^
      T[768 + bytes[at + 12]] ^
      T[512 + bytes[at + 13]] ^
      T[256 + bytes[at + 14]] ^
      T[bytes[at + 15]];
  }
  for (; at < end; at += 1) crc = T[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return ~crc >>> 0;
}

function makeTables(): Int32Array {
  const tables = new Int32Array(16 * 256);
  for (let byte = 0; byte < 256; byte += 1) {
    let crc = byte;
    for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ POLYNOMIAL : crc >>> 1;
    tables[byte] = crc;
  }
  for (let at = 256; at < tables.length; at += 1) {
    const crc = tables[at - 256];
    tables[at] = (crc >>> 8) ^ tables[crc & 0xff];
  }
  return tables;
}
