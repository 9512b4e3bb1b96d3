import { manualClock } from "@bourse/shared/testing/clock.js";
import { describe, expect, test } from "vitest";
import { createEpochs } from "./epochs.js";
import type { Log, StoredEntry } from "./log.js";
import { createEventReaders } from "./serve-events.js";
import { createTail } from "./tail.js";

const entry = (seq: number, epoch = 1): StoredEntry => ({
  seq,
  epoch,
  payload: Buffer.alloc(100, seq),
  checksum: seq,
});

/** Readers of a log in memory, of which the tail keeps only the newest. */
function readersOf(options: { readersMax?: number; batchBytesMax?: number; tailBytesMax?: number } = {}) {
  const stored: StoredEntry[] = [];
  const reads: number[] = [];
  const kept = { oldestSeq: 1 };
  const log: Log = {
    epoch: () => 1,
    oldestSeq: () => kept.oldestSeq,
    room: () => "enough",
    append: () => Promise.resolve(new Uint32Array()),
    async *read(afterSeq) {
      reads.push(afterSeq);
      for (const each of stored) if (each.seq > afterSeq) yield each;
    },
  };
  const clock = manualClock();
  const epochs = createEpochs();
  const tail = createTail(log, 0, options.tailBytesMax ?? 10_000);
  const counts: number[] = [];
  const readers = createEventReaders({
    tail,
    epochs,
    clock,
    batchBytesMax: options.batchBytesMax ?? 1_000,
    readersMax: options.readersMax ?? 2,
    stallMsMax: 5_000,
    onCount: (count) => counts.push(count),
  });
  const publish = (...entries: StoredEntry[]) => {
    stored.push(...entries);
    for (const { epoch, seq } of entries) epochs.note(epoch, seq);
    tail.publish(entries);
  };
  return { readers, publish, clock, counts, reads, kept };
}

const start = { epoch: 0, seq: 0 };
const never = () => new AbortController().signal;
const range = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => entry(from + index));

describe("a reader", () => {
  test("gets what is there in bounded batches, then waits and goes on", async () => {
    const { readers, publish } = readersOf({ batchBytesMax: 300 });
    publish(...range(1, 5));
    const events = readers.open(start, never());
    const seqs = async () => (await events.next()).value?.map(({ seq }: StoredEntry) => seq);
    expect(await seqs()).toEqual([1, 2, 3]);
    expect(await seqs()).toEqual([4, 5]);
    const waiting = seqs();
    publish(entry(6));
    expect(await waiting).toEqual([6]);
  });

  test("gets a record larger than a batch alone", async () => {
    const { readers, publish } = readersOf({ batchBytesMax: 10 });
    publish(...range(1, 2));
    const events = readers.open(start, never());
    expect((await events.next()).value).toHaveLength(1);
    expect((await events.next()).value).toHaveLength(1);
  });

  test("is served from the log when memory no longer holds its place", async () => {
    const { readers, publish, reads } = readersOf({ tailBytesMax: 200, batchBytesMax: 100_000 });
    for (let seq = 1; seq <= 20; seq += 1) publish(entry(seq));
    const events = readers.open({ epoch: 1, seq: 3 }, never());
    const { value } = await events.next();
    expect(value?.map(({ seq }: StoredEntry) => seq)).toEqual(range(4, 20).map(({ seq }) => seq));
    expect(reads).toEqual([3]);
  });

  test("that takes nothing for too long is ended, and may come back to its place", async () => {
    const { readers, publish, clock, counts } = readersOf();
    publish(entry(1));
    const events = readers.open(start, never());
    await events.next();
    clock.advance(5_001);
    await expect(events.next()).rejects.toMatchObject({ reason: "SLOW_CONSUMER", facts: { seq: "1" } });
    expect(counts).toEqual([1, 0]);
    publish(entry(2));
    const again = readers.open({ epoch: 1, seq: 1 }, never());
    expect((await again.next()).value).toMatchObject([{ seq: 2 }]);
  });

  test("ends when it goes away, also while it waits", async () => {
    const { readers, publish, counts } = readersOf();
    publish(entry(1));
    const gone = new AbortController();
    const events = readers.open({ epoch: 1, seq: 1 }, gone.signal);
    const waiting = events.next();
    gone.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(counts).toEqual([1, 0]);
  });
});

test("readers beyond the bound and positions outside the journal are refused at once", async () => {
  const { readers, publish } = readersOf({ readersMax: 1 });
  publish(entry(1, 1), entry(2, 2));
  expect(() => readers.open({ epoch: 2, seq: 3 }, never())).toThrow(
    expect.objectContaining({ reason: "SEQ_IN_FUTURE" }),
  );
  expect(() => readers.open({ epoch: 1, seq: 2 }, never())).toThrow(
    expect.objectContaining({ reason: "POSITION_UNKNOWN" }),
  );
  const events = readers.open({ epoch: 1, seq: 1 }, never());
  await events.next();
  expect(() => readers.open(start, never())).toThrow(expect.objectContaining({ reason: "OVERLOADED" }));
});

test("a position before the oldest record is refused with what it could start from, also while it is read", async () => {
  const { readers, publish, kept } = readersOf({ tailBytesMax: 200, batchBytesMax: 100 });
  for (let seq = 1; seq <= 20; seq += 1) publish(entry(seq));
  const events = readers.open({ epoch: 1, seq: 4 }, never());
  await events.next();
  kept.oldestSeq = 8;
  const tooOld = { reason: "SEQ_TOO_OLD", facts: { oldest_seq: "8", snapshot_seq: "20" } };
  await expect(events.next()).rejects.toMatchObject(tooOld);
  expect(() => readers.open({ epoch: 1, seq: 6 }, never())).toThrow(
    expect.objectContaining({
      reason: "SEQ_TOO_OLD",
      facts: { seq: "6", oldest_seq: "8", snapshot_seq: "20" },
    }),
  );
  // What is not in the journal at all is the graver word.
  expect(() => readers.open({ epoch: 9, seq: 6 }, never())).toThrow(
    expect.objectContaining({ reason: "POSITION_UNKNOWN" }),
  );
  const value = (await readers.open({ epoch: 1, seq: 7 }, never()).next()).value;
  expect(value?.[0]?.seq).toBe(8);
});
