// What a command costs the sequencer without a disk, and what a stored record costs replay: decide, apply, encode;
// decode, apply, compare. One process, one thread, nanoseconds of processor time.
//   codec-cost.js FLOW [COUNT]
import { createShard } from "../../core/shard.js";
import { createAdmit } from "../../flow/admit.js";
import { createEpochs } from "../../flow/epochs.js";
import type { Log } from "../../flow/log.js";
import { createSequencer } from "../../flow/sequence.js";
import { createTail } from "../../flow/tail.js";
import { createRecordCodec } from "../../record/record-codec.js";
import { BENCH_MARKET, commandOf, readRows } from "./flow-rows.js";

const [flowPath = "", counted = "300000"] = process.argv.slice(2);
const flow = readRows(flowPath);
const count = Math.min(flow.count, Number(counted));
const WAITING = 64;

const payloads: Uint8Array[] = [];
const log: Log = {
  epoch: () => 0,
  oldestSeq: () => 1,
  room: () => "enough",
  append(entries) {
    for (const { payload } of entries) payloads.push(payload);
    return Promise.resolve(new Uint32Array(entries.length));
  },
  async *read() {},
};
const shard = createShard(0);
const codec = createRecordCodec(0);
const startMs = Date.now();
const sequencer = createSequencer({
  ...{
    shard,
    log,
    codec,
    epochs: createEpochs(),
    tail: createTail(log, 0, 1024 * 1024),
    admit: createAdmit(),
  },
  time: { now: () => startMs, offsetMs: () => 0 },
  meters: { matched() {}, traded() {}, flushed() {} },
  waitingMax: 10_000,
  whyReadOnly: () => undefined,
  fail: (error) => {
    throw error;
  },
});
await sequencer.startEpoch(1);
await sequencer.addMarket(BENCH_MARKET);

/** Processor time of a run per piece, nanoseconds. */
function spent(before: NodeJS.CpuUsage, pieces: number): number {
  const { user, system } = process.cpuUsage(before);
  return Math.round(((user + system) * 1_000) / pieces);
}

/** Puts texts in one piece, as they come from the wire. */
function flat<T extends object>(message: T): T {
  const fields = message as Record<string, unknown>;
  for (const [key, value] of Object.entries(fields)) {
    if (typeof value === "string") fields[key] = Buffer.from(value).toString("latin1");
    else if (typeof value === "object" && value !== null) flat(value);
  }
  return message;
}

const STEP = 50_000;
for (let from = 0; from < count; from += STEP) {
  const to = Math.min(count, from + STEP);
  const requests = Array.from({ length: to - from }, (_, index) => ({
    command: flat(commandOf(flow, from + index, startMs + 55_000)),
    traceparent: "",
  }));
  let next = 0;
  const caller = async () => {
    while (next < requests.length) {
      const request = requests[next];
      next += 1;
      await sequencer.order([request]);
    }
  };
  const before = process.cpuUsage();
  await Promise.all(Array.from({ length: WAITING }, caller));
  process.stdout.write(`order: ${spent(before, to - from)} ns a command\n`);
}

const bytes = Buffer.concat(payloads);
process.stdout.write(
  `${payloads.length} records, ${Math.round(bytes.length / payloads.length)} bytes each\n`,
);
for (let round = 0; round < 4; round += 1) {
  const again = createShard(0);
  let at = 0;
  const before = process.cpuUsage();
  for (const { length } of payloads) {
    if (!codec.replay(again, bytes, at, at + length)) throw new Error(`record ${again.seq} differs`);
    at += length;
  }
  process.stdout.write(`replay: ${spent(before, payloads.length)} ns a record\n`);
}
