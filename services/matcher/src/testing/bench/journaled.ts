// The journaled matcher in this process, beside raw group commit of the very records that it wrote, on the same
// disk: sequencer, core, codec and journal as main puts them together, with callers in a closed loop.
//   journaled.js FLOW FOLDER: "journaled N WAITING" plays the next N commands, "raw WAITING" writes their records.
import { serveLines } from "@bourse/shared/testing/line-server.js";
import type { Request } from "../../flow/answer.js";
import { openBenchShard } from "./bench-shard.js";
import { commandOf, readRows } from "./flow-rows.js";
import { rawGroupCommit } from "./raw-commit.js";

const [flowPath = "", folder = ""] = process.argv.slice(2);
const flow = readRows(flowPath);
const { shard, journal } = await openBenchShard(folder);
let done = 0;
let records: Uint8Array[] = [];

/** Commands made ready at once: few, so that they die as young as those that come in by the wire. */
const READY = 2_000;

/** Plays the next commands, so many in flight; each caller sends its next one when its answer comes. */
async function playNext(
  count: number,
  waiting: number,
): Promise<{ nanoseconds: number; cpuNanoseconds: number }> {
  let nanoseconds = 0;
  let cpuNanoseconds = 0;
  for (let left = count; left > 0; left -= READY) {
    const requests = requestsFor(Math.min(READY, left));
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    await closedLoop(requests, waiting);
    nanoseconds += (performance.now() - startedAt) * 1e6;
    const { user, system } = process.cpuUsage(cpuBefore);
    cpuNanoseconds += (user + system) * 1e3;
  }
  return { nanoseconds, cpuNanoseconds };
}

function requestsFor(count: number): Request[] {
  const expiresAtMs = shard.time.now() + 55_000;
  const first = done;
  done += count;
  return Array.from({ length: count }, (_, index) => ({
    command: commandOf(flow, first + index, expiresAtMs),
    traceparent: "",
  }));
}

async function closedLoop(requests: readonly Request[], waiting: number): Promise<void> {
  let next = 0;
  const caller = async () => {
    while (next < requests.length) {
      const request = requests[next];
      next += 1;
      const [answer] = await shard.sequencer.order([request]);
      if (answer.type !== "order") throw new Error(`the matcher refused: ${JSON.stringify(answer)}`);
    }
  };
  await Promise.all(Array.from({ length: waiting }, caller));
}

await serveLines({
  async journaled(count, waiting) {
    const before = shard.tail.seq();
    const times = await playNext(Number(count), Number(waiting));
    records = [];
    for await (const { payload } of journal.read(before)) records.push(payload);
    const bytes = records.reduce((sum, { length }) => sum + length, 0);
    return { ...times, records: records.length, bytes };
  },
  async raw(waiting) {
    return { nanoseconds: await rawGroupCommit(folder, records, Number(waiting)), records: records.length };
  },
});
await journal.close();
