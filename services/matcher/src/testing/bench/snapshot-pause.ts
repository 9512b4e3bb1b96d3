// How long the shard stands still while a snapshot is made: the longest gap between two turns of its event loop,
// beside the longest gap of the same time without a snapshot.
//   snapshot-pause.js FOLDER: "rest N" lets N orders rest, "pause" makes one snapshot
import { monitorEventLoopDelay } from "node:perf_hooks";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { serveLines } from "@bourse/shared/testing/line-server.js";
import type { SubmitCommand } from "../../core/types.js";
import type { MadeSnapshot } from "../../flow/make-snapshot.js";
import { runInThread } from "../../io/snapshot-store.js";
import { openBenchShard } from "./bench-shard.js";
import { BENCH_MARKET, userIdOf, userOf, uuidOf } from "./flow-rows.js";

const BATCH = 1_000;
const LEVELS = 2_000;

const [folder = ""] = process.argv.slice(2);
const { shard } = await openBenchShard(folder);
const { signal } = new AbortController();

function restingOrder(id: number): SubmitCommand {
  const isSell = id % 2 === 0;
  const level = 1 + ((Math.imul(id, 0x9e3779b1) >>> 8) % LEVELS);
  return {
    type: "submit",
    expiresAtMs: shard.time.now() + 55_000,
    terms: {
      orderId: uuidOf(id),
      userId: userIdOf(userOf(isSell ? 1 : 0, id)),
      clientOrderId: `c-${id}`,
      symbol: BENCH_MARKET.symbol,
      side: isSell ? "sell" : "buy",
      type: "LIMIT",
      timeInForce: "GTC",
      priceTicks: 6_500_000 + (isSell ? level : -level),
      stopPriceTicks: 0,
      quantityLots: 10,
      budgetTickLots: 0,
      byQuoteBudget: false,
      postOnly: false,
      selfTradePrevention: "CANCEL_TAKER",
      makerFeePpm: BENCH_MARKET.makerFeePpm,
      takerFeePpm: BENCH_MARKET.takerFeePpm,
      reservedAsset: isSell ? BENCH_MARKET.baseAsset : BENCH_MARKET.quoteAsset,
      reservedAmount: isSell ? "0.0001" : "10",
      quoteBudget: "",
    },
  };
}

/** Longest delay of the event loop while something runs, beyond its own rhythm, and how long that took. */
async function watched(run: () => Promise<unknown>): Promise<{ longestMs: number; tookMs: number }> {
  const delay = monitorEventLoopDelay({ resolution: 1 });
  const startedAt = performance.now();
  delay.enable();
  await run();
  delay.disable();
  return { longestMs: delay.max / 1e6, tookMs: performance.now() - startedAt };
}

function makeSnapshot(): Promise<MadeSnapshot> {
  const isSource = import.meta.url.endsWith(".ts");
  const module = new URL(`../../snapshot-main.${isSource ? "ts" : "js"}`, import.meta.url);
  const task = { directory: folder, shard: 0, durableSeq: shard.tail.seq() };
  return runInThread<MadeSnapshot>(module, task, signal);
}

await serveLines({
  async rest(count) {
    for (let id = 1; id <= Number(count); id += BATCH) {
      const commands = Array.from({ length: BATCH }, (_, index) => restingOrder(id + index));
      const answers = await shard.sequencer.order(commands.map((command) => ({ command, traceparent: "" })));
      const refused = answers.find(({ type }) => type !== "order");
      if (refused !== undefined) throw new Error(`an order was refused: ${JSON.stringify(refused)}`);
    }
    return { seq: shard.tail.seq() };
  },
  async pause() {
    const made = await watched(makeSnapshot);
    const quiet = await watched(() => systemClock.sleep(made.tookMs));
    return { made, quiet };
  },
});
