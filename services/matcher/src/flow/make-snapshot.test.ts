// Snapshots of a real shard: made of the journal, proven, and what a start makes of good ones and bad ones.
import { readdir, readFile, rm, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { expect, test } from "vitest";
import { createShard } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import { sha256 } from "../io/digest.js";
import { openJournal } from "../io/journal.js";
import { JournalRefused, listSegments } from "../io/segment.js";
import { listSnapshots, readSnapshot, snapshotName, writeSnapshot } from "../io/snapshot-file.js";
import { openSnapshotStore, runInThread } from "../io/snapshot-store.js";
import { createRecordCodec } from "../record/record-codec.js";
import { flip } from "../testing/harm.js";
import { optionsOf, withFolder } from "../testing/journal-folder.js";
import { writeShardJournal } from "../testing/shard-journal.js";
import { keepSnapshots } from "./keep-snapshots.js";
import { type MadeSnapshot, makeSnapshot } from "./make-snapshot.js";
import { recover } from "./recover.js";

const SEGMENT_BYTES = 32 * 1024;
const codec = createRecordCodec(0);
const make = (directory: string, durableSeq: number) =>
  makeSnapshot({ directory, shard: 0, durableSeq, codec, hash: sha256 });

/** What a start comes to, and which snapshots it passed over. */
async function started(folder: string) {
  const journal = await openJournal(optionsOf(folder, { segmentBytes: SEGMENT_BYTES }));
  const bad: string[] = [];
  try {
    const { shard, epochs, checksum, snapshotSeq } = await recover(journal, 0, codec, (name, problem) =>
      bad.push(`${name}: ${problem}`),
    );
    return {
      ...{ seq: shard.seq, hash: sha256(stateBytes(shard)), checksum, snapshotSeq, bad },
      epochs: epochs.starts(),
    };
  } finally {
    await journal.close();
  }
}

/** A journal of about 600 records in two epochs, and what a start without any snapshot comes to. */
async function withShardJournal(
  run: (folder: string, expected: { seq: number; hash: string }) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    await writeShardJournal(folder, { commands: 600, segmentBytes: SEGMENT_BYTES });
    const { seq, hash } = await started(folder);
    await run(folder, { seq, hash });
  });
}

test("a start from a snapshot and the tail comes to the same state as one from the journal alone", () =>
  withShardJournal(async (folder, expected) => {
    const without = await started(folder);
    for (const durableSeq of [3, 200, 201, 500, expected.seq]) {
      const made = await make(folder, durableSeq);
      expect(made.provenTo).toBe(durableSeq);
      expect(made.seq).toBeLessThanOrEqual(durableSeq);
      expect(await started(folder)).toEqual({ ...without, snapshotSeq: made.seq });
    }
  }));

test("the thread makes the same snapshot", () =>
  withShardJournal(async (folder, expected) => {
    const module = new URL("../snapshot-main.ts", import.meta.url);
    const task = { directory: folder, shard: 0, durableSeq: expected.seq };
    const made = await runInThread<MadeSnapshot>(module, task, new AbortController().signal);
    const bytes = await readFile(join(folder, snapshotName(made.seq)));
    await rm(join(folder, snapshotName(made.seq)));
    expect(await make(folder, expected.seq)).toEqual(made);
    expect((await readFile(join(folder, snapshotName(made.seq)))).equals(bytes)).toBe(true);
  }));

test("a bad snapshot is passed over for the one before it, with a warning; without any the journal is enough", () =>
  withShardJournal(async (folder, expected) => {
    const older = await make(folder, 200);
    const newer = await make(folder, 500);
    await flip(join(folder, snapshotName(newer.seq)), 300);
    expect(await started(folder)).toMatchObject({
      ...{ ...expected, snapshotSeq: older.seq },
      bad: [expect.stringMatching(`^${snapshotName(newer.seq)}: the block at offset`)],
    });
    await flip(join(folder, snapshotName(older.seq)), 10);
    const last = await started(folder);
    expect(last).toMatchObject({ ...expected, snapshotSeq: 0 });
    expect(last.bad).toHaveLength(2);
  }));

test("no snapshot that holds and files missing: refused", () =>
  withShardJournal(async (folder) => {
    const made = await make(folder, 500);
    const [first] = await listSegments(folder);
    await rm(join(folder, first));
    expect((await started(folder)).snapshotSeq).toBe(made.seq);
    await flip(join(folder, snapshotName(made.seq)), 100);
    await expect(started(folder)).rejects.toThrow(/begins with seq [0-9]+, expected was 1/);
  }));

test("a journal that ends before its snapshot has lost what was durable: refused", () =>
  withShardJournal(async (folder, expected) => {
    const { seq } = await make(folder, expected.seq);
    for (const name of await listSegments(folder)) {
      if (Number.parseInt(name, 10) > seq - 100) await rm(join(folder, name));
    }
    await expect(started(folder)).rejects.toThrow(`a snapshot was made at seq ${seq}`);
  }));

test("a snapshot whose bytes hold, but which leads elsewhere, is found when the tail is replayed", () =>
  withShardJournal(async (folder, expected) => {
    const { seq } = await make(folder, 400);
    const path = join(folder, snapshotName(seq));
    const snapshot = await readSnapshot(path);
    if (typeof snapshot === "string") throw new Error(snapshot);
    const other = createShard(0);
    other.seq = seq;
    await writeSnapshot(folder, snapshot, stateBytes(other));
    await expect(started(folder)).rejects.toBeInstanceOf(JournalRefused);
    await rm(path);
    expect(await started(folder)).toMatchObject(expected);
  }));

test("the loop makes snapshots when they are due, keeps two, and deletes what nobody needs", () =>
  withShardJournal(async (folder, expected) => {
    const past = Date.now() / 1000 - 7_200;
    for (const name of await listSegments(folder)) await utimes(join(folder, name), past, past);
    await writeFile(join(folder, "snap.tmp"), "half of one");
    const journal = await openJournal(optionsOf(folder, { segmentBytes: SEGMENT_BYTES }));
    await recover(journal, 0, codec);
    const stop = new AbortController();
    let [made, kept, followed] = [0, 0, undefined as number | undefined];
    const loop = keepSnapshots(
      {
        past: { ...pastOf(journal), durableSeq: () => Math.min(expected.seq, 250 + made * 150) },
        store: openSnapshotStore(folder),
        make: (durableSeq) => make(folder, durableSeq),
        followersSeq: () => followed,
        everyRecords: 100,
        retentionMs: 3_600_000,
        clock: { ...systemClock, sleep: (_, signal) => systemClock.sleep(5, signal) },
        log: createLogger({ service: "test", level: "silent" }),
        meters: {
          made: () => {
            made += 1;
          },
          failed: () => {
            throw new Error("a snapshot failed");
          },
          kept: () => {
            kept += 1;
          },
        },
      },
      stop.signal,
    );
    try {
      await expect.poll(() => made, { timeout: 10_000 }).toBeGreaterThanOrEqual(3);
      expect(journal.oldestSeq()).toBe(1);
      followed = 120;
      await expect.poll(() => journal.oldestSeq(), { timeout: 10_000 }).toBeGreaterThan(1);
      expect(journal.oldestSeq()).toBeLessThanOrEqual(120);
      followed = expected.seq;
      const seen = kept;
      await expect.poll(() => kept).toBeGreaterThan(seen + 1);
      const snapshots = await listSnapshots(folder);
      expect(snapshots).toHaveLength(2);
      expect(journal.oldestSeq()).toBeLessThanOrEqual(snapshots[1]);
      expect(journal.oldestSeq()).toBeGreaterThan(120);
    } finally {
      stop.abort();
      await loop;
      await journal.close();
    }
    expect(await started(folder)).toMatchObject(expected);
    expect((await readdir(folder)).filter((name) => name.startsWith("snap-"))).toHaveLength(2);
  }));

function pastOf(journal: Awaited<ReturnType<typeof openJournal>>) {
  return {
    oldestSeq: () => journal.oldestSeq(),
    deleteBelow: (seq: number, beforeMs: number) => journal.deleteBelow(seq, beforeMs),
  };
}
