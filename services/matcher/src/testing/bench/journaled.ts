// The journaled matcher in this process, beside raw group commit of the very records that it wrote, on the same
// disk: sequencer, core, codec and journal as main puts them together, with callers in a closed loop.
//   journaled.js FLOW FOLDER: "journaled N WAITING" plays the next N commands, "raw WAITING" writes their records.
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { openBenchShard } from "./bench-shard.js";
import { commandOf, readRows } from "./flow-rows.js";
import { rawGroupCommit } from "./raw-commit.js";

const [flowPath = "", folder = ""] = process.argv.slice(2);
const flow = readRows(flowPath);
const { shard, journal } = await openBenchShard(folder);
let done = 0;
let records: Uint8Array[] = [];

/** Commands that wait, one in flight each; the next one is sent when an answer comes. */
async function playNext(count: number, waiting: number): Promise<number> {
  const { sequencer, time } = shard;
  const requests = Array.from({ length: count }, (_, index) => ({
    command: commandOf(flow, done + index, time.now() + 55_000),
    traceparent: "",
  }));
  done += count;
  let next = 0;
  const caller = async () => {
    while (next < count) {
      const request = requests[next];
      next += 1;
      const [answer] = await sequencer.order([request]);
      if (answer.type !== "order") throw new Error(`the matcher refused: ${JSON.stringify(answer)}`);
    }
  };
  const startedAt = performance.now();
  await Promise.all(Array.from({ length: waiting }, caller));
  return (performance.now() - startedAt) * 1e6;
}

await serveLines({
  async journaled(count, waiting) {
    const before = shard.tail.seq();
    const nanoseconds = await playNext(Number(count), Number(waiting));
    records = [];
    for await (const { payload } of journal.read(before)) records.push(payload);
    const bytes = records.reduce((sum, { length }) => sum + length, 0);
    return { nanoseconds, records: records.length, bytes };
  },
  async raw(waiting) {
    return { nanoseconds: await rawGroupCommit(folder, records, Number(waiting)), records: records.length };
  },
});
await journal.close();
