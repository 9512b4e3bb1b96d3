// Plays a flow into the matcher's core, in a process of its own: into one shard again and again, as one that has run
// for a while. A replay finds an empty book; the ids of what it ended stay remembered until it is over. Needs
// --expose-gc: what a replay was made ready with is collected before the clock runs.
import { percentilesOf, serveLines } from "@bourse/shared/testing/line-server.js";
import { benchShard, CorePlay, emptyShard, prepareIds } from "./core-flow.js";
import { readRows } from "./flow-rows.js";

const flow = readRows(process.argv[2] ?? "");
const shard = benchShard();
let round = 0;

/** A play that is ready to begin; nothing of an earlier one is left. */
function nextPlay(): CorePlay {
  if (round > 0) emptyShard(shard, round);
  round += 1;
  const play = new CorePlay(shard, flow, prepareIds(flow, round));
  globalThis.gc?.();
  return play;
}

await serveLines({
  play() {
    const play = nextPlay();
    const cpuBefore = process.cpuUsage();
    const startedAt = process.hrtime.bigint();
    for (let index = 0; index < flow.count; index += 1) play.step(index);
    const nanoseconds = Number(process.hrtime.bigint() - startedAt);
    const { user, system } = process.cpuUsage(cpuBefore);
    const cpuNanoseconds = (user + system) * 1e3;
    return { nanoseconds, cpuNanoseconds, checksum: play.checksum, totals: play.totals() };
  },
  latency() {
    const play = nextPlay();
    const took = new Float64Array(flow.count);
    const empty = new Float64Array(flow.count);
    for (let index = 0; index < flow.count; index += 1) {
      const startedAt = performance.now();
      empty[index] = performance.now() - startedAt;
    }
    for (let index = 0; index < flow.count; index += 1) {
      const startedAt = performance.now();
      play.step(index);
      took[index] = performance.now() - startedAt;
    }
    const inNs = (values: Float64Array) => percentilesOf(values.map((ms) => ms * 1e6));
    return { command: inNs(took), timer: inNs(empty), totals: play.totals() };
  },
});
