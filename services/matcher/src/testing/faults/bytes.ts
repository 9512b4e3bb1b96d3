// Every byte of a journal flipped, and the journal cut at every length: what opening it gives is an exact prefix
// of what was written, or a refusal; never anything else.
import { open, readdir, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { seededRandom } from "@bourse/shared/testing/random.js";
import type { TornTail } from "../../io/journal.js";
import { JournalRefused } from "../../io/segment.js";
import { type Read, reopen } from "../journal-folder.js";
import { check, type Extent, type Progress } from "./report.js";
import {
  fastFolder,
  putAlone,
  SAMPLE_BYTES,
  type SampleJournal,
  sampleJournal,
  sampleText,
} from "./sample-journal.js";

interface Opened {
  readonly records: readonly Read[];
  readonly torn: TornTail | undefined;
}

/** Flips one bit in every byte of the file, each alone. Returns how many places were tried. */
export async function flipEveryByte({ oneIn, seed }: Extent, progress: Progress): Promise<number> {
  const random = seededRandom(seed);
  return withSample(async (sample, folder) => {
    let tried = 0;
    for (let offset = 0; offset < SAMPLE_BYTES; offset += 1) {
      if (random() * oneIn >= 1) continue;
      const harmed = Buffer.from([sample.bytes[offset] ^ (1 << Math.floor(random() * 8))]);
      await pwrite(join(folder, sample.name), harmed, offset);
      const outcome = await openHarmed(folder);
      judgeFlip(sample, offset, outcome);
      tried += 1;
      await restore(sample, folder, outcome, offset);
      if (tried % 512 === 0) progress("bytes flipped", offset, SAMPLE_BYTES);
    }
    return tried;
  });
}

/** Zeros from every length on: what a disk shows that lost its newest blocks. */
export async function loseEveryTail({ oneIn, seed }: Extent, progress: Progress): Promise<number> {
  const random = seededRandom(seed);
  return withSample(async (sample, folder) => {
    let tried = 0;
    for (let length = 0; length < sample.lastBatch.end; length += 1) {
      if (random() * oneIn >= 1) continue;
      const lost = Buffer.concat([sample.bytes.subarray(0, length), Buffer.alloc(SAMPLE_BYTES - length)]);
      await putAlone(folder, sample.name, lost);
      judgeLoss(sample, lost, length, await openHarmed(folder));
      tried += 1;
      if (tried % 512 === 0) progress("tails lost", length, sample.lastBatch.end);
    }
    return tried;
  });
}

/** The file itself cut at every length: its size is durable before its first record, so it is always refused. */
export async function cutEveryLength({ oneIn, seed }: Extent, progress: Progress): Promise<number> {
  const random = seededRandom(seed);
  return withSample(async (sample, folder) => {
    let tried = 0;
    for (let length = SAMPLE_BYTES - 1; length >= 0; length -= 1) {
      if (random() * oneIn >= 1) continue;
      const file = await open(join(folder, sample.name), "r+");
      await file.truncate(length);
      await file.close();
      const outcome = await openHarmed(folder);
      check(outcome instanceof JournalRefused, `cut at ${length}: not refused`);
      const left = await readFile(join(folder, sample.name));
      check(left.equals(sample.bytes.subarray(0, length)), `cut at ${length}: the file was changed`);
      tried += 1;
      if (tried % 512 === 0) progress("lengths cut", SAMPLE_BYTES - length, SAMPLE_BYTES);
    }
    return tried;
  });
}

async function withSample(run: (sample: SampleJournal, folder: string) => Promise<number>): Promise<number> {
  const sample = await sampleJournal();
  const folder = await fastFolder();
  try {
    await putAlone(folder, sample.name, sample.bytes);
    return await run(sample, folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function openHarmed(folder: string): Promise<Opened | JournalRefused> {
  try {
    const { journal, records } = await reopen(folder, { segmentBytes: SAMPLE_BYTES });
    const torn = journal.tornTail;
    await journal.close();
    return { records, torn };
  } catch (error) {
    if (error instanceof JournalRefused) return error;
    throw error;
  }
}

function judgeFlip(sample: SampleJournal, offset: number, outcome: Opened | JournalRefused): void {
  const { lastBatch, recordEnds } = sample;
  const where = `flip at ${offset}`;
  if (offset < lastBatch.start) {
    check(outcome instanceof JournalRefused, `${where}: what was proven durable was not refused`);
    return;
  }
  check(!(outcome instanceof JournalRefused), `${where}: refused, though nothing proves it durable`);
  // The first frame that the flip is in, and all behind it, are cut; records before it stay.
  const kept = recordEnds.filter((end) => end <= offset).length;
  checkPrefix(where, outcome, kept);
  checkTold(where, outcome, kept);
}

function judgeLoss(
  sample: SampleJournal,
  lost: Buffer,
  length: number,
  outcome: Opened | JournalRefused,
): void {
  const where = `all zeros from ${length} on`;
  if (outcome instanceof JournalRefused) {
    check(outcome.offset === 0 && length < 64, `${where}: refused at ${outcome.offset}`);
    return;
  }
  const kept = sample.recordEnds.filter((end) => lost.subarray(0, end).equals(sample.bytes.subarray(0, end)));
  checkPrefix(where, outcome, kept.length);
  const end = outcome.torn?.offset ?? lost.length;
  check(
    isZero(lost.subarray(end)) === (outcome.torn === undefined),
    `${where}: the tail is not told rightly`,
  );
}

function checkPrefix(where: string, { records }: Opened, count: number): void {
  check(records.length === count, `${where}: ${records.length} records instead of ${count}`);
  for (const [index, { seq, text }] of records.entries()) {
    check(seq === index + 1 && text === sampleText(seq), `${where}: record ${index + 1} is another one`);
  }
}

function checkTold(where: string, { torn }: Opened, kept: number): void {
  check(torn !== undefined, `${where}: cut, and nothing said`);
  check(torn.seq === kept + 1 && torn.bytes > 0, `${where}: told seq ${torn.seq}, bytes ${torn.bytes}`);
}

/** The file as it was. A refusal changed nothing but what we harmed. */
async function restore(
  sample: SampleJournal,
  folder: string,
  outcome: Opened | JournalRefused,
  offset: number,
): Promise<void> {
  if (!(outcome instanceof JournalRefused)) return putAlone(folder, sample.name, sample.bytes);
  const path = join(folder, sample.name);
  await pwrite(path, sample.bytes.subarray(offset, offset + 1), offset);
  const isWhole = offset % 64 !== 0 || (await readFile(path)).equals(sample.bytes);
  const names = await readdir(folder);
  check(isWhole && names.length === 1, `flip at ${offset}: a refusal changed the directory`);
}

async function pwrite(path: string, bytes: Buffer, offset: number): Promise<void> {
  const file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, offset);
  await file.close();
}

function isZero(bytes: Buffer): boolean {
  return bytes.every((byte) => byte === 0);
}
