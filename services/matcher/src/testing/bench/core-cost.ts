// What commands and resting orders cost the heap. Needs --expose-gc and a young generation that is larger than
// anything a run allocates, so that what was allocated can be read off the heap's size.
import { readFileSync } from "node:fs";
import { PerformanceObserver } from "node:perf_hooks";
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { placeOrder } from "../../core/apply.js";
import { OrderInput } from "../../core/order-input.js";
import { openCountOf } from "../../core/shard.js";
import { SLOT_NUMBERS } from "../../core/slots.js";
import { benchShard, CorePlay, emptyShard, prepareIds } from "./core-flow.js";
import { BENCH_MARKET, type FlowRows, idWords, readRows, USERS_PER_SIDE } from "./flow-rows.js";

const [flowPath = ""] = process.argv.slice(2);
/** Levels on each side. */
const LEVELS = 2_000;

/** When collections began, milliseconds of this process. */
const collections: number[] = [];
new PerformanceObserver((list) => {
  for (const { startTime } of list.getEntries()) collections.push(startTime);
}).observe({ entryTypes: ["gc"] });

function collect(): void {
  if (globalThis.gc === undefined) throw new Error("this needs node --expose-gc");
  globalThis.gc();
  globalThis.gc();
}

function used(): { heap: number; buffers: number } {
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return { heap: heapUsed, buffers: arrayBuffers };
}

const nextTurn = () => new Promise((resolve) => setImmediate(resolve));

/** Bytes that one round of the flow allocates when rounds before it have warmed everything up. */
async function allocation(flow: FlowRows, warmUps: number) {
  const shard = benchShard();
  for (let round = 0; round < warmUps; round += 1) {
    playRound(new CorePlay(shard, flow, prepareIds(flow, round)), flow.count);
    emptyShard(shard, round);
  }
  const play = new CorePlay(shard, flow, prepareIds(flow, warmUps));
  collect();
  const startedAt = performance.now();
  const before = used();
  playRound(play, flow.count);
  const after = used();
  const endedAt = performance.now();
  await nextTurn();
  return {
    commands: flow.count,
    heapBytes: after.heap - before.heap,
    bufferBytes: after.buffers - before.buffers,
    collections: collections.filter((at) => at >= startedAt && at <= endedAt).length,
    checksum: play.checksum,
  };
}

function playRound(play: CorePlay, count: number): void {
  for (let index = 0; index < count; index += 1) play.step(index);
}

/** Bytes that the process has in memory: typed arrays that were reserved and never touched are not there. */
function residentBytes(): number {
  const text = readFileSync("/proc/self/smaps_rollup", "utf8");
  return Number(/^Rss:\s+(\d+) kB$/m.exec(text)?.[1] ?? Number.NaN) * 1_024;
}

/** Bytes of a resting order, heap and typed arrays together. */
function resting(orders: number, withText: boolean) {
  const shard = benchShard();
  const input = new OrderInput();
  const words = new Uint32Array(4);
  const moment = { seq: 0, timeMs: 0 };
  input.makerFeePpm = BENCH_MARKET.makerFeePpm;
  input.takerFeePpm = BENCH_MARKET.takerFeePpm;
  collect();
  const residentBefore = residentBytes();
  const before = used();
  for (let id = 1; id <= orders; id += 1) {
    idWords(id, words, 0);
    input.id0 = words[0] | 0;
    input.id1 = words[1] | 0;
    input.id2 = words[2] | 0;
    input.id3 = words[3] | 0;
    input.isSell = id % 2 === 0;
    input.user = (input.isSell ? USERS_PER_SIDE : 0) + (id % USERS_PER_SIDE);
    const level = 1 + ((Math.imul(id, 0x9e3779b1) >>> 8) % LEVELS);
    input.priceTicks = 6_500_000 + (input.isSell ? level : -level);
    input.quantityLots = 1 + (id % 1_000);
    input.hash0 = words[0] | 0;
    input.hash1 = words[3] | 0;
    // As long as what clients send: `mm-<number>-<number>`.
    input.clientOrderId = withText
      ? Buffer.from(`mm-${1_700_000_000 + id}-${id % 97}`).toString("latin1")
      : "";
    moment.seq = shard.seq + 1;
    moment.timeMs = shard.timeMs + (id & 1);
    placeOrder(shard, moment, input);
  }
  input.clientOrderId = "";
  collect();
  const after = used();
  if (openCountOf(shard) !== orders) throw new Error(`${openCountOf(shard)} of ${orders} orders rest`);
  return {
    orders,
    heapBytes: after.heap - before.heap,
    bufferBytes: after.buffers - before.buffers,
    residentBytes: residentBytes() - residentBefore,
    // Room to grow: reserved, and given by the system only when it is touched.
    spareBytes: shard.slots.numbers.byteLength - shard.slots.used * SLOT_NUMBERS * 8,
  };
}

await serveLines({
  allocation: (warmUps) => allocation(readRows(flowPath), Number(warmUps)),
  resting: (orders, text) => resting(Number(orders), text === "text"),
});
