// What a person gives up with --accept-data-loss: kept beside the journal, written down, and taken out of it.
import { readdir, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setAside } from "./journal-repair.js";
import type { ScanEnd } from "./journal-scan.js";
import { firstSeqOf, listSegments, syncDirectory } from "./segment.js";
import { seqOfSnapshot } from "./snapshot-file.js";

/** What is no longer part of the journal. */
export interface LostTail {
  /** First seq that was given up. */
  readonly seq: number;
  readonly file: string;
  readonly offset: number;
  readonly bytes: number;
  /** Everything that was set aside. */
  readonly savedAs: readonly string[];
  readonly audit: string;
}

/**
 * Sets aside the rest of the last good file and every file and snapshot behind it, newest first, so that a crash
 * on the way leaves the same damage to accept again; the audit record is durable before anything moves.
 */
export async function giveUpTail(
  directory: string,
  { file, header, end }: ScanEnd,
  { wallMs, newNonce }: { wallMs: number; newNonce: string },
): Promise<LostTail> {
  const seq = end.seq + 1;
  const suffix = `.lost-${wallMs}`;
  const segments = (await listSegments(directory)).filter((name) => name > file);
  const snapshots = (await readdir(directory)).filter((name) => (seqOfSnapshot(name) ?? 0) >= seq);
  const later = [...snapshots, ...segments.sort((a, b) => firstSeqOf(b) - firstSeqOf(a))];
  const audit = `data-loss-${wallMs}.json`;
  const tail = `${file}${suffix}`;
  const bytes = await setAside(join(directory, file), end.offset, join(directory, tail));
  const savedAs = [tail, ...later.map((name) => `${name}${suffix}`)];
  const facts = {
    acceptedAt: new Date(wallMs).toISOString(),
    shard: header.shard,
    seq,
    file,
    offset: end.offset,
    bytes,
    savedAs,
    nonceBefore: header.nonce,
    nonceAfter: newNonce,
  };
  await writeFile(join(directory, audit), `${JSON.stringify(facts, null, 2)}\n`, { flush: true });
  await syncDirectory(directory);
  for (const name of later) await rename(join(directory, name), join(directory, `${name}${suffix}`));
  await syncDirectory(directory);
  return { seq, file, offset: end.offset, bytes, savedAs, audit };
}
