// What stands behind the last frame that holds: nothing, a batch that a crash cut short, or damage.
import type { FileHandle } from "node:fs/promises";
import { COMMIT_BYTES, checksumAt, selfProvingCommitAt, seqAt } from "./frame.js";
import { HEADER_BYTES, JournalRefused, type SegmentHeader } from "./segment.js";
import { type Reached, readRange } from "./segment-reader.js";

const WINDOW_BYTES = 256 * 1024;
const ZEROS = Buffer.alloc(WINDOW_BYTES + COMMIT_BYTES);

/**
 * Zeros up to the end of the file are a clean end. In the last file a batch that a crash cut short is a torn
 * tail, unless a later COMMIT proves that the place had been durable before: then it was damaged afterwards,
 * as anything but zeros in an earlier file was.
 */
export async function judgeTail(
  file: FileHandle,
  { name, header, end }: { name: string; header: SegmentHeader; end: Reached },
  isLast: boolean,
): Promise<"clean" | "torn" | JournalRefused> {
  const refusal = (what: string) =>
    new JournalRefused(what, { file: name, offset: end.offset, seq: end.seq + 1 });
  let isClean = true;
  for (let offset = end.offset; offset < header.fileBytes; offset += WINDOW_BYTES) {
    // Windows overlap, so that no COMMIT is missed between two.
    const length = Math.min(WINDOW_BYTES + COMMIT_BYTES, header.fileBytes - offset);
    const bytes = await readRange(file, offset, length);
    if (isZero(bytes)) continue;
    if (!isLast) return refusal("what was durable is damaged: a later file exists");
    isClean = false;
    const later = laterBatchOffset(bytes, end.offset);
    if (later !== undefined) {
      return refusal(`what was durable is damaged: the batch at offset ${later} came after it and is whole`);
    }
  }
  return isClean ? "clean" : "torn";
}

/** Offset of a batch behind `offset` that proves itself and says that all before it was durable. */
function laterBatchOffset(bytes: Buffer, offset: number): number | undefined {
  for (let at = 0; at < bytes.length; at += 8) {
    const commit = selfProvingCommitAt(bytes, at);
    if (commit !== undefined && commit.batchOffset > offset) return commit.batchOffset;
  }
  return undefined;
}

/**
 * The COMMIT that ends a file which is not read from its start: its last seq and the chain behind it.
 * Undefined when the file does not end with one.
 */
export async function lastCommitOf(
  file: FileHandle,
  header: SegmentHeader,
): Promise<{ seq: number; chain: number } | undefined> {
  const end = await contentEnd(file, HEADER_BYTES, header.fileBytes);
  // Its own last bytes may be zeros.
  const start = Math.max(HEADER_BYTES, ((end - 1) & ~7) - COMMIT_BYTES);
  const bytes = await readRange(file, start, Math.min(header.fileBytes - start, 3 * COMMIT_BYTES));
  for (let at = end - start; at >= 0; at -= 1) {
    if ((at & 7) !== 0 || selfProvingCommitAt(bytes, at) === undefined) continue;
    return { seq: seqAt(bytes, at), chain: checksumAt(bytes, at) };
  }
  return undefined;
}

/** Offset behind the last byte of a range that is not zero; its start when there is none. */
export async function contentEnd(file: FileHandle, start: number, end: number): Promise<number> {
  for (let at = end; at > start; ) {
    const from = Math.max(start, at - WINDOW_BYTES);
    const bytes = await readRange(file, from, at - from);
    let length = bytes.length;
    if (!isZero(bytes)) {
      while (bytes[length - 1] === 0) length -= 1;
      return from + length;
    }
    at = from;
  }
  return start;
}

function isZero(bytes: Buffer): boolean {
  return bytes.equals(ZEROS.subarray(0, bytes.length));
}
