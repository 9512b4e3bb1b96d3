// Writes the golden journal of the present rules, once: every kind of command, event, reason and mode. By hand,
// when there are new rules; journals that are there already never change.
//
//   npx tsx --conditions=source services/matcher/src/testing/write-golden.ts services/matcher/golden/format-1/rules-2
import { mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import fc from "fast-check";
import { applyCommand } from "../core/apply.js";
import { readEvents } from "../core/read-events.js";
import { createShard, openCountOf } from "../core/shard.js";
import { applySlow } from "../core/slow-book.js";
import { createSlowShard } from "../core/slow-shard.js";
import { stateBytes } from "../core/state-bytes.js";
import { dueTimer } from "../core/timers.js";
import type { Command, MatcherEvent } from "../core/types.js";
import { openOrdersAfter } from "../core/view.js";
import type { JournalEntry } from "../io/batch-encoder.js";
import { sha256 } from "../io/digest.js";
import { openJournal } from "../io/journal.js";
import { createRecordCodec } from "../record/record-codec.js";
import { optionsOf } from "./journal-folder.js";
import { market, submit, userId } from "./orders.js";
import { type SlowContext, slowStep } from "./slow-steps.js";

const RULES = 2;
const STEPS = 1_100;
const START_MS = 1_700_000_000_000;
const BATCH = 5;

const folder = process.argv[2] ?? "";
await rm(folder, { recursive: true, force: true });
await mkdir(folder, { recursive: true });
const journal = await openJournal(optionsOf(folder, { segmentBytes: 160 * 1024 }));
for await (const _ of journal.replay());
const codec = createRecordCodec(0);
const shard = createShard(0);
const slow = createSlowShard();
const seen = new Map<string, number>();
let pending: JournalEntry[] = [];
let chain = 0;

await run(START_MS, { type: "startEpoch", epoch: 1, rules: RULES });
for (const symbol of ["BTC/USDT", "ETH/USDT"]) {
  const changes = { symbol, baseAsset: symbol.slice(0, 3), protectionBps: 500, bandBps: 1_000 };
  await run(START_MS, { type: "addMarket", market: market({ ...changes, openOrdersMax: 4 }) });
}
const context: SlowContext = { slow, scale: { price: 1, lots: 1 }, orders: 0, legs: 0, submitted: [] };
const steps = fc.sample(slowStep, { seed: 2_026, numRuns: STEPS });
let timeMs = START_MS;
for (const [index, step] of steps.entries()) {
  // Long pauses end most of what is open: few of them.
  timeMs += step.advanceMs > 1_000 && index % 12 !== 0 ? 1 : step.advanceMs;
  await fireTimers(timeMs);
  const command = step.command(context, timeMs);
  // States in which nothing trades: some of them; the last one is at the end.
  if (command.type === "setMarketState" && (command.state === "DELISTED" || index % 3 !== 0)) {
    await run(timeMs, { ...command, state: "TRADING" });
    continue;
  }
  await run(
    timeMs,
    index === 7 ? { type: "tick" } : command,
    index === 9 ? "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01" : "",
  );
  if (index === STEPS / 2) await run(timeMs, { type: "startEpoch", epoch: 2, rules: RULES });
}
await run(timeMs, { type: "learnCursors", throughSeq: shard.seq - 100 });
timeMs += 700_000;
await fireTimers(timeMs);
for (const symbol of ["BTC/USDT", "ETH/USDT"]) {
  const change = { symbol, operatorId: userId(9), reason: "the end" } as const;
  await run(timeMs, { type: "setMarketState", ...change, state: "TRADING" });
  for (let number = 5_000; number < 5_012; number += 1) {
    const order = symbol === "BTC/USDT" ? number : number + 1_000;
    const terms = { symbol, side: number % 2 === 0 ? "buy" : "sell", userId: userId(number % 3) } as const;
    const priceTicks = number % 2 === 0 ? 95 : 105;
    await run(timeMs, submit(order, { ...terms, priceTicks, quantityLots: 3 }, timeMs + 1_000));
  }
  if (symbol === "ETH/USDT") await run(timeMs, { type: "setMarketState", ...change, state: "DELISTED" });
  const late = { symbol, userId: userId(7) };
  await run(timeMs, submit(symbol === "BTC/USDT" ? 8_000 : 8_001, late, timeMs + 1_000));
}
await flush();
await journal.close();
for (const name of ["clean-stop", "spare.tmp"]) await rm(join(folder, name), { force: true });

const { orders } = openOrdersAfter(shard, 0, 10_000);
const open = orders.map(({ orderId, status, remainingLots, executedLots, executedTickLots, acceptedSeq }) => {
  return { orderId, status, remainingLots, executedLots, executedTickLots, acceptedSeq };
});
const expected = {
  seq: shard.seq,
  epoch: shard.epoch,
  timeMs: shard.timeMs,
  chain: chain.toString(16).padStart(8, "0"),
  openOrders: openCountOf(shard),
  open,
  stateHash: sha256(stateBytes(shard)),
};
await writeFile(join(folder, "expected.json"), `${JSON.stringify(expected, null, 2)}\n`);
process.stdout.write(
  `${[...seen]
    .sort()
    .map(([word, count]) => `${word}: ${count}`)
    .join("\n")}\n`,
);

async function fireTimers(untilMs: number): Promise<void> {
  for (;;) {
    const due = dueTimer(shard, untilMs);
    if (due === undefined) return;
    await run(Math.max(due.dueMs, shard.timeMs), due.command);
  }
}

/** Gives a command to the plain model, which says whether it changes anything, and then to the core. */
async function run(atMs: number, command: Command, traceparent = ""): Promise<void> {
  if (applySlow(slow, atMs, command).type !== "applied") return;
  const moment = { seq: shard.seq + 1, timeMs: atMs };
  const events = applyCommand(shard, moment, command);
  const head = { ...moment, epoch: shard.epoch, command, traceparent };
  pending.push({ seq: moment.seq, epoch: shard.epoch, payload: codec.encode(shard, head, events) });
  note(`command ${command.type}`);
  for (const event of readEvents(shard, command)) note(wordOf(event));
  if (pending.length >= BATCH) await flush();
}

async function flush(): Promise<void> {
  if (pending.length === 0) return;
  const checksums = await journal.append(pending);
  pending = [];
  chain = checksums[checksums.length - 1];
}

function note(word: string): void {
  seen.set(word, (seen.get(word) ?? 0) + 1);
}

function wordOf(event: MatcherEvent): string {
  if (event.type === "ended") return `ended ${event.status} ${event.reason}`;
  if (event.type === "selfTradePrevented") return `prevented ${event.mode}`;
  if (event.type === "amendRefused") return `amendRefused ${event.reason}`;
  return `event ${event.type}`;
}
