// What lies behind a journal: a known record to start from, files that may go, damage that is given up.
import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { flip } from "../testing/harm.js";
import { entries, type Read, reopen, textOf, withFolder, withJournal } from "../testing/journal-folder.js";
import { scanRecords } from "./journal-scan.js";
import { HEADER_BYTES, JournalRefused, listSegments } from "./segment.js";
import { writeSnapshot } from "./snapshot-file.js";

const SEGMENT = { segmentBytes: 4_096 };
const text = (seq: number) => `record ${seq} ${"x".repeat(200)}`;
const expected = (from: number, to: number): Read[] =>
  Array.from({ length: to - from + 1 }, (_, index) => ({ seq: from + index, text: text(from + index) }));

/** A journal of many files; returns the checksum of each record by its seq. */
async function fill(folder: string, count: number): Promise<number[]> {
  const checksums = [0];
  await withJournal(folder, SEGMENT, async ({ journal }) => {
    for (let seq = 1; seq <= count; seq += 1) {
      checksums.push(...(await journal.append(entries(seq, [text(seq)]))));
    }
  });
  await rm(join(folder, "clean-stop"));
  return checksums;
}

async function readFrom(folder: string, from: { seq: number; checksum: number }): Promise<Read[]> {
  const read: Read[] = [];
  for await (const { seq, payload } of scanRecords(folder, { from }))
    read.push({ seq, text: textOf(payload) });
  return read;
}

test("reading starts behind a known record, wherever that lies", () =>
  withFolder(async (folder) => {
    const checksums = await fill(folder, 100);
    for (let seq = 1; seq <= 100; seq += 1) {
      expect(await readFrom(folder, { seq, checksum: checksums[seq] })).toEqual(expected(seq + 1, 100));
    }
  }));

test("a known record that is another one, is gone, or lies behind the end is refused", () =>
  withFolder(async (folder) => {
    const checksums = await fill(folder, 100);
    await expect(readFrom(folder, { seq: 50, checksum: 1 })).rejects.toThrow(
      "is not the one that the snapshot",
    );
    await expect(readFrom(folder, { seq: 101, checksum: 1 })).rejects.toThrow(
      "what was durable is gone: a snapshot was made at seq 101",
    );
    const names = await listSegments(folder);
    const second = Number.parseInt(names[1], 10);
    await rm(join(folder, names[0]));
    const before = { seq: second - 1, checksum: checksums[second - 1] };
    await expect(readFrom(folder, before)).rejects.toThrow("files are missing between the snapshot");
    expect(await readFrom(folder, { seq: second, checksum: checksums[second] })).toEqual(
      expected(second + 1, 100),
    );
  }));

test("a file before the known record that is missing or ends otherwise is refused all the same", () =>
  withFolder(async (folder) => {
    const checksums = await fill(folder, 100);
    const names = await listSegments(folder);
    const from = { seq: 100, checksum: checksums[100] };
    const third = join(folder, names[2]);
    const bytes = await readFile(third);
    await rm(third);
    await expect(readFrom(folder, from)).rejects.toThrow("begins with seq");
    await writeFile(third, bytes.fill(0, 2_000));
    await expect(readFrom(folder, from)).rejects.toThrow("does not end with a whole batch");
  }));

test("files go oldest first, never the last, never one with a record that is still asked for, never a young one", () =>
  withFolder(async (folder) => {
    await fill(folder, 100);
    const names = await listSegments(folder);
    const hourAgo = Date.now() / 1000 - 3_600;
    for (const name of names.slice(0, 4)) await utimes(join(folder, name), hourAgo, hourAgo);
    await withJournal(folder, SEGMENT, async ({ journal }) => {
      const third = Number.parseInt(names[2], 10);
      const [older, always] = [Date.now() - 60_000, Date.now() + 60_000];
      expect(journal.oldestSeq()).toBe(1);
      expect(await journal.deleteBelow(1, always)).toBe(0);
      expect(await journal.deleteBelow(third - 1, always)).toBe(1);
      expect(await journal.deleteBelow(third, always)).toBe(1);
      expect(journal.oldestSeq()).toBe(third);
      expect(await journal.deleteBelow(1_000_000, older)).toBe(2);
      const fifth = Number.parseInt(names[4], 10);
      expect(journal.oldestSeq()).toBe(fifth);
      await expect(journal.read(fifth - 2).next()).rejects.toMatchObject({ reason: "SEQ_TOO_OLD" });
      const read: Read[] = [];
      for await (const record of journal.read(fifth - 1)) {
        read.push({ seq: record.seq, text: textOf(record.payload) });
      }
      expect(read).toEqual(expected(fifth, 100));
      await journal.deleteBelow(1_000_000, always);
      expect(await listSegments(folder)).toEqual(names.slice(-1));
      await journal.append(entries(101, [text(101)]));
    });
    await expect(reopen(folder, SEGMENT)).rejects.toThrow(/begins with seq [0-9]+, expected was 1/);
  }));

test("damage is given up only at the seq that a person names; it is kept, written down, and a new incarnation begins", () =>
  withFolder(async (folder) => {
    await fill(folder, 100);
    const names = await listSegments(folder);
    const lost = Number.parseInt(names[3], 10);
    const facts = { shard: 0, epoch: 1, checksum: 0, nonce: "00".repeat(16), epochs: [{ epoch: 1, seq: 1 }] };
    await writeSnapshot(folder, { ...facts, seq: lost + 3 }, []);
    await flip(join(folder, names[3]), HEADER_BYTES + 30);
    await expect(reopen(folder, SEGMENT)).rejects.toThrow(`--accept-data-loss=${lost}`);
    await expect(reopen(folder, { ...SEGMENT, acceptDataLossAt: lost + 1 })).rejects.toThrow(JournalRefused);
    await withJournal(folder, { ...SEGMENT, acceptDataLossAt: lost }, async ({ journal, records }) => {
      expect(records).toEqual(expected(1, lost - 1));
      expect(journal.lostTail).toMatchObject({ seq: lost, file: names[3], offset: HEADER_BYTES });
      const audit = JSON.parse(await readFile(join(folder, journal.lostTail?.audit ?? ""), "utf8"));
      expect(audit).toMatchObject({ seq: lost, shard: 0 });
      expect(audit.nonceAfter).not.toBe(audit.nonceBefore);
      expect((await readdir(folder)).filter((name) => name.includes(".lost-")).sort()).toEqual(
        [...(journal.lostTail?.savedAs ?? [])].sort(),
      );
      await journal.append(entries(lost, [text(lost)], 2));
    });
    await withJournal(folder, SEGMENT, async ({ records }) => expect(records).toEqual(expected(1, lost)));
  }));

test("damage in the middle of a file is given up from its record on", () =>
  withFolder(async (folder) => {
    await fill(folder, 100);
    const names = await listSegments(folder);
    await flip(join(folder, names[3]), 2_000);
    const refused = await reopen(folder, SEGMENT).catch((error: unknown) => error);
    if (!(refused instanceof JournalRefused)) throw refused;
    await withJournal(folder, { ...SEGMENT, acceptDataLossAt: refused.seq }, async ({ journal, records }) => {
      expect(records).toEqual(expected(1, refused.seq - 1));
      await journal.append(entries(refused.seq, [text(refused.seq)], 2));
    });
    await withJournal(folder, SEGMENT, async ({ records }) =>
      expect(records).toEqual(expected(1, refused.seq)),
    );
  }));
