// A journal as a later version would begin it: what stays where it is in every format (see
// services/matcher/src/io/segment.ts) is right, and the version is above every one there is.

/** A program for `node -e` that writes the first 64 bytes of such a journal into a folder. */
export function newerJournalScript(folder: string): string {
  return `
const bytes = Buffer.alloc(64);
bytes.write("BOURSEJL", 0, "latin1");
bytes.writeUInt32LE(1000, 8);
bytes.writeBigUInt64LE(1n, 16);
bytes.writeBigUInt64LE(64n, 24);
let crc = 0xffffffff;
for (const byte of bytes.subarray(0, 60)) {
  crc ^= byte;
  for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0x82f63b78 : 0);
}
bytes.writeUInt32LE((crc ^ 0xffffffff) >>> 0, 60);
require("fs").writeFileSync(${JSON.stringify(folder)} + "/" + "1".padStart(20, "0") + ".log", bytes);
`;
}
