// Fills a journal with the commands of a flow as fast as it goes, at 5,000 commands a second of the shard's time:
// ids are forgotten as they would be. Ends by SIGKILL, so that what opens it next recovers.
//   journal-fill.js FLOW FOLDER: "fill N" adds N commands
import { type Clock, systemClock } from "@bourse/shared/runtime/clock.js";
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { FOLLOWER, openBenchShard } from "./bench-shard.js";
import { commandOf, readRows } from "./flow-rows.js";

const COMMANDS_PER_MS = 5;
const BATCH = 1_000;
const START_MS = 1_700_000_000_000;

const [flowPath = "", folder = ""] = process.argv.slice(2);
const flow = readRows(flowPath);
let sent = 0;
const clock: Clock = {
  ...systemClock,
  wallMs: () => START_MS + sent / COMMANDS_PER_MS,
  monotonicMs: () => sent / COMMANDS_PER_MS,
};
const { shard, journal } = await openBenchShard(folder, { clock });

/** Two batches on their way: one on the disk, the next one decided. */
async function fill(count: number): Promise<void> {
  const { sequencer, time, followers, tail } = shard;
  const until = sent + count;
  const sender = async () => {
    while (sent < until) {
      const size = Math.min(BATCH, until - sent);
      const expiresAtMs = time.now() + 30_000;
      const requests = Array.from({ length: size }, (_, index) => ({
        command: commandOf(flow, sent + index, expiresAtMs),
        traceparent: "",
      }));
      sent += size;
      await sequencer.order(requests);
      followers.report(FOLLOWER, { epoch: journal.epoch(), seq: tail.seq() });
    }
  };
  await Promise.all([sender(), sender()]);
}

await serveLines({
  async fill(count) {
    await fill(Number(count));
    return { seq: shard.tail.seq() };
  },
});
process.kill(process.pid, "SIGKILL");
