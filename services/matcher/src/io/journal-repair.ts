// What recovery does to the last file of a journal after an unclean stop. In pieces: files are large.
import { type FileHandle, open, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { contentEnd } from "./journal-tail.js";
import { createZeroed, syncDirectory, writeAll } from "./segment.js";
import { readRange } from "./segment-reader.js";

const PIECE_BYTES = 1024 * 1024;
const FRESH = "fresh.tmp";

/** Copies everything behind an offset, but for the zeros at its end, to another file. Returns its bytes. */
export async function setAside(path: string, offset: number, copyPath: string): Promise<number> {
  const file = await open(path, "r");
  const copy = await open(copyPath, "wx");
  try {
    const { size } = await file.stat();
    const end = await contentEnd(file, offset, size);
    await copyRange(file, copy, { start: offset, end, to: 0 });
    await copy.sync();
    return end - offset;
  } finally {
    await copy.close();
    await file.close();
  }
}

/**
 * Copies the valid part to a fresh file that replaces the old one: after a failed flush the page cache can
 * show bytes that are not on the disk, and a flush of the old file would not write them again.
 */
export async function rewrite(path: string, fileBytes: number, validBytes: number): Promise<void> {
  const directory = dirname(path);
  const freshPath = join(directory, FRESH);
  const fresh = await createZeroed(freshPath, fileBytes).catch(undefinedWhenFull);
  if (fresh === undefined) {
    await rm(freshPath, { force: true });
    return rewriteInPlace(path, fileBytes, validBytes);
  }
  const file = await open(path, "r");
  try {
    await copyRange(file, fresh, { start: 0, end: validBytes, to: 0 });
    await fresh.sync();
  } finally {
    await fresh.close();
    await file.close();
  }
  await rename(freshPath, path);
  await syncDirectory(directory);
}

function undefinedWhenFull(error: NodeJS.ErrnoException): undefined {
  if (error.code !== "ENOSPC" && error.code !== "EDQUOT") throw error;
}

/** Without room for a copy: the same bytes once more over themselves, so that the flush does write them. */
async function rewriteInPlace(path: string, fileBytes: number, validBytes: number): Promise<void> {
  const file = await open(path, "r+");
  try {
    await copyRange(file, file, { start: 0, end: validBytes, to: 0 });
    const zeros = Buffer.alloc(PIECE_BYTES);
    for (let at = validBytes; at < fileBytes; at += PIECE_BYTES) {
      await writeAll(file, zeros.subarray(0, Math.min(PIECE_BYTES, fileBytes - at)), at);
    }
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copyRange(
  from: FileHandle,
  to: FileHandle,
  range: { start: number; end: number; to: number },
): Promise<void> {
  for (let at = range.start; at < range.end; at += PIECE_BYTES) {
    const piece = await readRange(from, at, Math.min(PIECE_BYTES, range.end - at));
    await writeAll(to, piece, range.to + at - range.start);
  }
}
