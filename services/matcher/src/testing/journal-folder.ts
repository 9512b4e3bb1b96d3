// Journals of their own for tests, and copies of them as a crash would leave them.
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Journal, type JournalEntry, type JournalOptions, openJournal } from "../io/journal.js";

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
    for await (const { seq, payload } of journal.replay()) records.push({ seq, text: textOf(payload) });
    return { journal, records };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** Records of text from a seq on. */
export function entries(firstSeq: number, texts: readonly string[], epoch = 1): JournalEntry[] {
  return texts.map((text, index) => ({ seq: firstSeq + index, epoch, payload: Buffer.from(text) }));
}

export function textOf(payload: Uint8Array): string {
  return Buffer.from(payload).toString();
}
