// Plays a flow into the matcher's core, in a process of its own. The ids of ended orders stay remembered through
// the whole replay, as in the first ten minutes of a shard's life.
import { percentilesOf, serveLines } from "@bourse/shared/testing/line-server.js";
import { benchShard, CorePlay, prepareIds } from "./core-flow.js";
import { readRows } from "./flow-rows.js";

const flow = readRows(process.argv[2] ?? "");
const ids = prepareIds(flow);

await serveLines({
  play() {
    const play = new CorePlay(benchShard(), flow, ids);
    const startedAt = process.hrtime.bigint();
    for (let index = 0; index < flow.count; index += 1) play.step(index);
    const nanoseconds = Number(process.hrtime.bigint() - startedAt);
    return { nanoseconds, checksum: play.checksum, totals: play.totals() };
  },
  latency() {
    const play = new CorePlay(benchShard(), flow, ids);
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
