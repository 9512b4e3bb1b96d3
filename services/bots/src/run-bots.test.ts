import { gridOf } from "@bourse/shared/units/market.js";
import { expect, test } from "vitest";
import type { BotDesk } from "./bot-desk.js";
import type { RecordedMessage } from "./recording.js";
import { runRecorded } from "./run-recorded.js";
import { runSeeded } from "./run-seeded.js";
import { SeededFlow } from "./seeded-flow.js";

const grid = gridOf({
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "1",
  lotSize: "0.01",
});

/** A desk that writes down what it is asked for; every quote rests. */
function scriptedDesk() {
  const said: string[] = [];
  let id = 0;
  const desk: Pick<BotDesk, "place" | "cancel" | "untilQuiet"> = {
    place(_, { isBuy, isMaker, priceTicks, quantityLots }) {
      id += 1;
      said.push(
        `${isMaker ? "quote" : "take"} ${isBuy ? "buy" : "sell"} ${quantityLots} @ ${priceTicks} as ${id}`,
      );
      return { clientOrderId: `${id}`, rests: Promise.resolve(isMaker) };
    },
    async cancel(_, __, clientOrderId) {
      said.push(`cancel ${clientOrderId}`);
    },
    untilQuiet: async () => undefined,
  };
  return { desk, said };
}

/** A clock on which a sleep takes no time. */
function virtualClock() {
  let nowMs = 0;
  return {
    monotonicMs: () => nowMs,
    sleep: async (ms: number) => {
      nowMs += ms;
    },
  };
}

test("a recording is followed in its own time: quotes once a second, cancels first, trades by takers", async () => {
  const { desk, said } = scriptedDesk();
  const abort = new AbortController();
  const clock = virtualClock();
  const diff = (atMs: number, b: [string, string][], a: [string, string][]): RecordedMessage => ({
    ...{ type: "diff", atMs, lastUpdateId: atMs, levels: { b, a } },
  });
  const trade = (atMs: number, quantity: string, isBuy: boolean): RecordedMessage => ({
    ...{ type: "trade", atMs, price: "101", quantity, isBuy },
  });
  const script: RecordedMessage[] = [
    diff(4_000, [["99", "7"]], []),
    {
      type: "snapshot",
      lastUpdateId: 5_000,
      bids: [
        ["100", "1"],
        ["98", "0.01"],
      ],
      asks: [["101", "2"]],
    },
    diff(5_001, [["99", "1"]], []),
    trade(5_500, "0.04", true),
    trade(5_600, "0.50", true),
    diff(
      5_700,
      [["100", "0.75"]],
      [
        ["101", "0"],
        ["102", "3"],
      ],
    ),
    diff(6_001, [], []),
  ];
  let plays = 0;
  const messages = async function* () {
    plays += 1;
    if (plays > 1) abort.abort();
    yield* script;
  };
  await runRecorded({ desk, grid, minQuantityLots: 5, messages, clock, signal: abort.signal });
  // 98 lies below the minimum, and so does the first trade. What came before the snapshot is in it.
  expect(said).toEqual([
    "quote buy 100 @ 100 as 1",
    "quote buy 100 @ 99 as 2",
    "quote sell 200 @ 101 as 3",
    "take buy 50 @ 101 as 4",
    "cancel 1",
    "cancel 3",
    "quote buy 75 @ 100 as 5",
    "quote sell 300 @ 102 as 6",
  ]);
  expect(clock.monotonicMs()).toBe(1_000);
});

test("seeded bots keep to their rate and spread it over all markets", async () => {
  const { desk, said } = scriptedDesk();
  const abort = new AbortController();
  const clock = virtualClock();
  const flow = () => new SeededFlow({ seed: 1, anchorTicks: 60_000, midTicks: 60_000, minQuantityLots: 10 });
  const sleep = async (ms: number) => {
    await clock.sleep(ms);
    if (clock.monotonicMs() >= 10_000) abort.abort();
  };
  const markets = [flow(), flow(), flow()].map((each) => ({ grid, flow: each }));
  await runSeeded({ desk, markets, rate: 40, sleep, signal: abort.signal });
  expect(said.length).toBeGreaterThan(390);
  expect(said.length).toBeLessThanOrEqual(400);
  for (const market of markets) expect(market.flow.restingCount).toBeGreaterThan(20);
});
