// A journal of one file to be harmed in every place: what is in it, and where each frame lies.
import { readdirSync, readFileSync } from "node:fs";
import { access, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { COMMIT, checksumAt, holdsAt, seqAt, sizeAt, typeAt } from "../../io/frame.js";
import { HEADER_BYTES } from "../../io/segment.js";
import { entries, reopen } from "../journal-folder.js";

export const SAMPLE_BYTES = 64 * 1024;

export interface SampleJournal {
  readonly name: string;
  readonly bytes: Buffer;
  /** Offsets behind the frames of records, in order: record k ends at the k-th. */
  readonly recordEnds: readonly number[];
  /** Where the last batch begins and ends: nothing behind it proves that it was durable. */
  readonly lastBatch: { readonly start: number; readonly end: number };
}

/** Text of a record; of many lengths, so that frames end in many ways. */
export function sampleText(seq: number): string {
  return `record ${seq} ${"x".repeat((seq * 37) % 300)}`;
}

/** Where small files are fastest: nothing here asks whether the disk keeps what it is given. */
export async function fastFolder(): Promise<string> {
  const memory = "/dev/shm";
  const base = await access(memory).then(
    () => memory,
    () => tmpdir(),
  );
  return mkdtemp(join(base, "bourse-faults-"));
}

/**
 * A journal of 64 KiB, nearly full, as a kill leaves it: behind the last batch there is nothing. Batches of one
 * to three records.
 */
export async function sampleJournal(): Promise<SampleJournal> {
  const folder = await fastFolder();
  try {
    const { journal } = await reopen(folder, { segmentBytes: SAMPLE_BYTES });
    let bytes: Buffer = Buffer.alloc(0);
    let name = "";
    for (let seq = 1, size = 1; ; size = (size % 3) + 1) {
      const texts = Array.from({ length: size }, (_, index) => sampleText(seq + index));
      await journal.append(entries(seq, texts));
      seq += size;
      // In the same turn: the empty batch that proves this one has not been written yet.
      const names = readdirSync(folder).filter((each) => each.endsWith(".log"));
      if (names.length > 1) break;
      name = names[0] ?? "";
      bytes = readFileSync(join(folder, name));
    }
    await journal.close();
    return { name, bytes, ...framesOf(bytes) };
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function framesOf(bytes: Buffer): Pick<SampleJournal, "recordEnds" | "lastBatch"> {
  const recordEnds: number[] = [];
  let chain = bytes.readUInt32LE(60);
  let [at, batchStart, lastStart] = [HEADER_BYTES, HEADER_BYTES, HEADER_BYTES];
  for (;;) {
    const size = sizeAt(bytes, at);
    if (size === undefined || !holdsAt(bytes, at, size, chain)) break;
    chain = checksumAt(bytes, at);
    const isCommit = typeAt(bytes, at) === COMMIT;
    if (!isCommit) recordEnds[seqAt(bytes, at) - 1] = at + size;
    at += size;
    if (isCommit) [lastStart, batchStart] = [batchStart, at];
  }
  return { recordEnds, lastBatch: { start: lastStart, end: at } };
}

/** Makes the folder hold this file and nothing else. */
export async function putAlone(folder: string, name: string, bytes: Buffer): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder);
  await writeFile(join(folder, name), bytes);
}
