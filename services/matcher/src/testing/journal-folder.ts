// Journals of their own for tests, and copies of them as a crash would leave them.
import { createHash } from "node:crypto";
import { cp, mkdtemp, open, readdir, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { JournalEntry } from "../io/batch-encoder.js";
import { crc32c } from "../io/crc32c.js";
import { checksumAt, holdsAt, sizeAt } from "../io/frame.js";
import { type Journal, type JournalOptions, openJournal } from "../io/journal.js";
import { HEADER_BYTES } from "../io/segment.js";

/** Runs a test with an empty directory that is gone afterwards. */
export async function withFolder<T>(run: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-journal-"));
  try {
    return await run(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** A copy of a directory as it is now: what a kill would leave. */
export async function copyOf(folder: string, name: string): Promise<string> {
  const copy = `${folder}-${name}`;
  await rm(copy, { recursive: true, force: true });
  await cp(folder, copy, { recursive: true });
  return copy;
}

/** Makes the last file one of a later format, as an upgrade that went on in it would. Returns its name. */
export async function upgradeLastFile(folder: string, version: number): Promise<string> {
  const name = (await readdir(folder))
    .filter((each) => each.endsWith(".log"))
    .sort()
    .at(-1);
  if (name === undefined) throw new Error(`${folder} holds no journal`);
  const file = await open(join(folder, name), "r+");
  try {
    const header = Buffer.alloc(64);
    await file.read(header, 0, 64, 0);
    header.writeUInt32LE(version, 8);
    header.writeUInt32LE(crc32c(header, 0, 60), 60);
    await file.write(header, 0, 64, 0);
  } finally {
    await file.close();
  }
  return name;
}

/** Offset behind the last frame of a file that holds. The last bytes of a frame may be zeros. */
export async function framesEnd(path: string): Promise<number> {
  const bytes = await readFile(path);
  let chain = bytes.readUInt32LE(60);
  let at = HEADER_BYTES;
  for (;;) {
    const size = sizeAt(bytes, at);
    if (size === undefined || !holdsAt(bytes, at, size, chain)) return at;
    chain = checksumAt(bytes, at);
    at += size;
  }
}

/** Names and contents of a directory: whether anything was changed. */
export async function contentOf(folder: string): Promise<Record<string, string>> {
  const names = (await readdir(folder)).sort();
  const files = names.map(async (name) => {
    const bytes = await readFile(join(folder, name));
    return [name, createHash("sha256").update(bytes).digest("hex")] as const;
  });
  return Object.fromEntries(await Promise.all(files));
}

export function optionsOf(directory: string, changes: Partial<JournalOptions> = {}): JournalOptions {
  return {
    directory,
    shard: 0,
    segmentBytes: 64 * 1024,
    wallMs: () => 1_700_000_000_000,
    onFlush: () => {},
    onFailure: (error) => {
      throw error;
    },
    ...changes,
  };
}

/** What a reader gets of a record. */
export interface Read {
  readonly seq: number;
  readonly text: string;
}

/** Opens and replays a journal of text records. */
export async function reopen(
  directory: string,
  changes: Partial<JournalOptions> = {},
): Promise<{ journal: Journal; records: Read[] }> {
  const journal = await openJournal(optionsOf(directory, changes));
  try {
    const records: Read[] = [];
    for await (const batch of journal.replay()) {
      for (let index = 0; index < batch.count; index += 1) {
        const { seq, payload } = batch.record(index);
        records.push({ seq, text: textOf(payload) });
      }
    }
    return { journal, records };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** Opens a journal for a test and closes it behind it, however that ends. */
export async function withJournal<T>(
  directory: string,
  changes: Partial<JournalOptions>,
  run: (opened: { journal: Journal; records: Read[] }) => Promise<T>,
): Promise<T> {
  const opened = await reopen(directory, changes);
  try {
    return await run(opened);
  } finally {
    await opened.journal.close();
  }
}

/** Records of text from a seq on. */
export function entries(firstSeq: number, texts: readonly string[], epoch = 1): JournalEntry[] {
  return texts.map((text, index) => ({ seq: firstSeq + index, epoch, payload: Buffer.from(text) }));
}

export function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}
