import { expect, test } from "vitest";
import type { StoredEntry } from "./log.js";
import { RecentRecords } from "./recent-records.js";

const entry = (seq: number, bytes: number): StoredEntry => ({
  seq,
  epoch: 1 + Math.floor(seq / 50),
  payload: Buffer.alloc(bytes, seq),
  checksum: seq * 7,
});

test("gives back what was added, over many blocks, and drops the oldest", () => {
  const records = new RecentRecords(2_000, 10);
  const added = Array.from({ length: 200 }, (_, index) => entry(11 + index, 1 + ((index * 37) % 90)));
  // Larger than a block, and than all that is kept.
  added[100] = entry(111, 5_000);
  for (const each of added) records.add(each);
  expect(records.lastSeq).toBe(210);
  expect(records.after(10, 1_000)).toBeUndefined();
  const newest = records.after(190, Number.POSITIVE_INFINITY);
  expect(newest).toEqual(added.slice(180));
  const kept = added.findIndex(({ seq }) => records.after(seq - 1, 1) !== undefined);
  const bytes = added.slice(kept).reduce((sum, { payload }) => sum + payload.length, 0);
  expect(bytes).toBeGreaterThan(1_500);
  expect(bytes).toBeLessThan(2_500);
});

test("a batch is bounded by bytes, holds at least one record, and is empty at the end", () => {
  const records = new RecentRecords(1_000_000, 0);
  for (let seq = 1; seq <= 10_000; seq += 1) records.add(entry(seq, 10));
  const seqs = (found: readonly StoredEntry[] | undefined) => found?.map(({ seq }) => seq);
  expect(seqs(records.after(4_094, 40))).toEqual([4_095, 4_096, 4_097, 4_098]);
  expect(seqs(records.after(4_094, 1))).toEqual([4_095]);
  expect(records.after(10_000, 40)).toEqual([]);
});
