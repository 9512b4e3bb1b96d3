// Ways to harm a file.
import { open } from "node:fs/promises";

/** Flips one bit of the byte at an offset. */
export async function flip(path: string, offset: number, bit = 0): Promise<void> {
  const file = await open(path, "r+");
  try {
    const byte = Buffer.alloc(1);
    await file.read(byte, 0, 1, offset);
    byte[0] ^= 1 << bit;
    await file.write(byte, 0, 1, offset);
  } finally {
    await file.close();
  }
}
