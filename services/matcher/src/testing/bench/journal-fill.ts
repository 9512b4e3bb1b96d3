// Fills a journal with the commands of a flow as fast as it goes, at 5,000 commands a second of the shard's time:
// followers report, ids are forgotten, snapshots are made, all as they would be. Whoever asked ends it by SIGKILL.
//   journal-fill.js FLOW FOLDER [snapshots]: "fill N" adds N commands, "settle" waits for a snapshot that is due
import { type Clock, systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { keepSnapshots } from "../../flow/keep-snapshots.js";
import type { MadeSnapshot } from "../../flow/make-snapshot.js";
import { openSnapshotStore, runInThread } from "../../io/snapshot-store.js";
import { FOLLOWER, openBenchShard, SNAPSHOT_EVERY_RECORDS } from "./bench-shard.js";
import { commandOf, readRows } from "./flow-rows.js";

const COMMANDS_PER_MS = 5;
const BATCH = 1_000;
const START_MS = 1_700_000_000_000;

const [flowPath = "", folder = "", snapshots = ""] = process.argv.slice(2);
const flow = readRows(flowPath);
let sent = 0;
const clock: Clock = {
  ...systemClock,
  wallMs: () => START_MS + sent / COMMANDS_PER_MS,
  monotonicMs: () => sent / COMMANDS_PER_MS,
};
const { shard, journal } = await openBenchShard(folder, { clock });
const { signal } = new AbortController();
const store = openSnapshotStore(folder);
void shard.learner.run(signal);
if (snapshots === "snapshots") void keepSnapshots(snapshotOptions(), signal);

function snapshotOptions() {
  const isSource = import.meta.url.endsWith(".ts");
  const module = new URL(`../../snapshot-main.${isSource ? "ts" : "js"}`, import.meta.url);
  const nothing = () => {};
  return {
    past: journal,
    store,
    make: (durableSeq: number) =>
      runInThread<MadeSnapshot>(module, { directory: folder, shard: 0, durableSeq }, signal),
    followersSeq: shard.followers.leastSeq,
    everyRecords: SNAPSHOT_EVERY_RECORDS,
    retentionMs: 0,
    clock: systemClock,
    log: createLogger({ service: "matcher", level: "error" }),
    meters: { made: nothing, failed: nothing, kept: nothing },
  };
}

/** Two batches on their way: one on the disk, the next one decided. */
async function fill(count: number): Promise<void> {
  const { sequencer, time, followers, tail, learner } = shard;
  const until = sent + count;
  const sender = async () => {
    while (sent < until) {
      const size = Math.min(BATCH, until - sent);
      const expiresAtMs = time.now() + 30_000;
      const first = sent;
      sent += size;
      await sequencer.order(
        Array.from({ length: size }, (_, index) => ({
          command: commandOf(flow, first + index, expiresAtMs),
          traceparent: "",
        })),
      );
      followers.report(FOLLOWER, { epoch: journal.epoch(), seq: tail.seq() });
      learner.reported();
    }
  };
  await Promise.all([sender(), sender()]);
}

/** Returns when no snapshot is due. */
async function settle(): Promise<void> {
  if (snapshots !== "snapshots") return;
  for (;;) {
    const [newest = 0] = await store.list();
    if (shard.tail.seq() - newest < SNAPSHOT_EVERY_RECORDS) return;
    await systemClock.sleep(200);
  }
}

await serveLines({
  async fill(count) {
    await fill(Number(count));
    return { seq: shard.tail.seq() };
  },
  async settle() {
    await settle();
    return { seq: shard.tail.seq() };
  },
});
