// Raw group commit: what the disk gives to callers who wait for their record and to nothing else. No frames, no
// checksums, no decisions: the records' bytes into a preallocated file, one fdatasync in flight.
import { type FileHandle, open, rm } from "node:fs/promises";
import { join } from "node:path";

const ZEROS = Buffer.alloc(1024 * 1024);

/** Writes records with so many callers waiting, each for its own; nanoseconds of the whole. */
export async function rawGroupCommit(
  folder: string,
  records: readonly Uint8Array[],
  waiting: number,
): Promise<number> {
  const path = join(folder, "raw.bin");
  const handle = await preallocated(
    path,
    records.reduce((sum, { length }) => sum + length, 0),
  );
  try {
    const commit = groupCommit(handle);
    let next = 0;
    const caller = async () => {
      while (next < records.length) {
        const record = records[next];
        next += 1;
        await commit(record);
      }
    };
    const startedAt = performance.now();
    await Promise.all(Array.from({ length: waiting }, caller));
    return (performance.now() - startedAt) * 1e6;
  } finally {
    await handle.close();
    await rm(path);
  }
}

/** A file of zeros whose blocks are on the disk, so that no later flush changes metadata. */
async function preallocated(path: string, bytes: number): Promise<FileHandle> {
  const handle = await open(path, "w+");
  for (let at = 0; at < bytes; at += ZEROS.length) await handle.write(ZEROS, 0, ZEROS.length, at);
  await handle.sync();
  return handle;
}

function groupCommit(handle: FileHandle): (record: Uint8Array) => Promise<void> {
  const room = Buffer.alloc(4 * 1024 * 1024);
  let records: Uint8Array[] = [];
  let callers: (() => void)[] = [];
  let offset = 0;
  let isFlushing = false;
  const flush = async () => {
    const [batch, waiting] = [records, callers];
    records = [];
    callers = [];
    let length = 0;
    for (const record of batch) {
      room.set(record, length);
      length += record.length;
    }
    await handle.write(room, 0, length, offset);
    await handle.datasync();
    offset += length;
    isFlushing = false;
    for (const wake of waiting) wake();
  };
  return (record) =>
    new Promise((resolve) => {
      records.push(record);
      callers.push(resolve);
      if (isFlushing) return;
      isFlushing = true;
      // Whoever comes in the same turn of the event loop goes along.
      setImmediate(() => void flush());
    });
}
