import { crc32 } from "node:zlib";
import { MarketState } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { describe, expect, test } from "vitest";
import type { Side } from "../core/events.js";
import { emptyShardView, type MarketView } from "../core/shard-view.js";
import { applyWire } from "../testing/flow-of.js";
import { marketRecord, simpleMatcher } from "../testing/simple-matcher.js";
import { FanOut } from "./fan-out.js";

/** A market with a fan-out over it, and hands on all its parts. */
function stage(options: { tradesQueueMax?: number; subscribersMax?: number } = {}) {
  const clock = manualClock();
  const counts: number[] = [];
  const fanOut = new FanOut({
    clock,
    crc32,
    tradesQueueMax: options.tradesQueueMax ?? 10,
    subscribersMax: options.subscribersMax ?? 10,
    onSubscribers: (count) => counts.push(count),
  });
  const matcher = simpleMatcher();
  const view = emptyShardView(100);
  applyWire(view, marketRecord(matcher));
  const market = view.markets.get("BTC/USDT") as MarketView;
  const place = (side: Side, priceTicks: number, quantityLots: number) =>
    fanOut.publish(applyWire(view, matcher.place({ side, priceTicks, quantityLots })));
  const setState = (state: MarketState, reason: string) =>
    fanOut.publish(applyWire(view, matcher.setState(state, reason)));
  /** Two orders that meet: one trade. */
  const trade = (priceTicks: number) => {
    place("buy", priceTicks, 1);
    place("sell", priceTicks, 1);
  };
  return {
    clock,
    fanOut,
    market,
    matcher,
    view,
    place,
    setState,
    trade,
    counts,
    stop: new AbortController(),
  };
}

describe("a depth subscription", () => {
  test("starts with a snapshot and goes on with one diff for each batch", async () => {
    const { fanOut, market, place, stop } = stage();
    place("buy", 100, 5);
    const messages = fanOut.depth(market, 0, stop.signal);
    expect((await messages.next()).value).toMatchObject({
      type: "snapshot",
      lastUpdateId: 2,
      bids: [{ priceTicks: 100, quantityLots: 5n }],
      asks: [],
    });
    place("sell", 103, 7);
    expect((await messages.next()).value).toMatchObject({
      type: "diff",
      prevUpdateId: 2,
      lastUpdateId: 3,
      asks: [{ priceTicks: 103, quantityLots: 7n }],
    });
    const waiting = messages.next();
    place("sell", 100, 5);
    expect((await waiting).value).toMatchObject({
      prevUpdateId: 3,
      lastUpdateId: 4,
      bids: [{ priceTicks: 100, quantityLots: 0n }],
      asks: [],
    });
  });

  test("of a slow reader gets one diff of the newest quantities", async () => {
    const { fanOut, market, place, stop } = stage();
    const messages = fanOut.depth(market, 0, stop.signal);
    await messages.next();
    for (let turn = 0; turn < 20; turn += 1) place("buy", 100, 1);
    expect((await messages.next()).value).toMatchObject({
      prevUpdateId: 0,
      lastUpdateId: 21,
      bids: [{ priceTicks: 100, quantityLots: 20n }],
    });
  });

  test("gets a heartbeat after 5 s of quiet, and only then", async () => {
    const { clock, fanOut, market, place, stop } = stage();
    const beating = fanOut.heartbeats(stop.signal);
    const messages = fanOut.depth(market, 0, stop.signal);
    await messages.next();
    clock.advance(4_000);
    place("buy", 100, 1);
    expect((await messages.next()).value).toMatchObject({ type: "diff" });
    const waiting = messages.next();
    let isThere = false;
    void waiting.then(() => {
      isThere = true;
    });
    clock.advance(1_000);
    await settled();
    clock.advance(3_999);
    await settled();
    expect(isThere).toBe(false);
    clock.advance(1);
    expect((await waiting).value).toEqual({ type: "heartbeat", lastUpdateId: 2 });
    stop.abort();
    await beating;
  });

  test("ends when its reader goes away", async () => {
    const { fanOut, market, stop, counts } = stage();
    const messages = fanOut.depth(market, 0, stop.signal);
    await messages.next();
    const waiting = messages.next();
    stop.abort();
    expect((await waiting).done).toBe(true);
    expect(counts).toEqual([1, 0]);
  });

  test("ends with MARKET_DATA_UNAVAILABLE when the views are dropped", async () => {
    const { fanOut, market, stop } = stage();
    const messages = fanOut.depth(market, 0, stop.signal);
    await messages.next();
    const waiting = messages.next();
    fanOut.closeAll([market]);
    await expect(waiting).rejects.toMatchObject({ reason: "MARKET_DATA_UNAVAILABLE" });
  });
});

describe("a trade subscription", () => {
  test("gets every trade from its start on, in order", async () => {
    const { fanOut, market, trade, stop } = stage();
    trade(99);
    const trades = fanOut.trades(market, stop.signal);
    const first = trades.next();
    await settled();
    trade(100);
    trade(101);
    expect((await first).value).toMatchObject({ priceTicks: 100, seq: 5, index: 0 });
    expect((await trades.next()).value).toMatchObject({ priceTicks: 101, seq: 7, index: 0 });
  });

  test("of a reader that is too slow is closed, and told which trade comes next", async () => {
    const { fanOut, market, trade, stop, counts } = stage({ tradesQueueMax: 3 });
    const trades = fanOut.trades(market, stop.signal);
    const first = trades.next();
    await settled();
    trade(100);
    expect((await first).value).toMatchObject({ priceTicks: 100, seq: 3 });
    for (const price of [101, 102, 103, 104, 105]) trade(price);
    await expect(trades.next()).rejects.toMatchObject({
      reason: "SLOW_CONSUMER",
      // The trade at 101: 100 was sent.
      facts: { resume_sequence: "5", resume_index: "0" },
    });
    expect(counts).toEqual([1, 0]);
  });
});

test("one record with more trades than a queue holds closes nobody who is in step", async () => {
  const { fanOut, market, matcher, place, view, stop } = stage({ tradesQueueMax: 3 });
  const trades = fanOut.trades(market, stop.signal);
  const first = trades.next();
  await settled();
  for (let turn = 0; turn < 8; turn += 1) place("sell", 100 + turn, 1);
  fanOut.publish(applyWire(view, matcher.place({ side: "buy", priceTicks: 200, quantityLots: 8 })));
  expect((await first).value).toMatchObject({ priceTicks: 100, index: 0 });
  for (let index = 1; index < 8; index += 1)
    expect((await trades.next()).value).toMatchObject({ priceTicks: 100 + index, index });
});

describe("a status subscription", () => {
  const { TRADING, HALTED, POST_ONLY } = MarketState;

  test("starts with what the market accepts now and gets every change", async () => {
    const { fanOut, market, setState, stop } = stage();
    setState(POST_ONLY, "news");
    const statuses = fanOut.statuses(market, stop.signal);
    expect((await statuses.next()).value).toMatchObject({ state: POST_ONLY, reason: "news", seq: 2 });
    const waiting = statuses.next();
    await settled();
    setState(HALTED, "worse");
    setState(TRADING, "better");
    expect((await waiting).value).toMatchObject({ state: HALTED, reason: "worse", seq: 3 });
    expect((await statuses.next()).value).toMatchObject({ state: TRADING, reason: "better", seq: 4 });
  });

  test("of a reader that is too slow is closed", async () => {
    const { fanOut, market, setState, stop } = stage();
    const statuses = fanOut.statuses(market, stop.signal);
    expect((await statuses.next()).value).toMatchObject({ state: TRADING });
    for (let turn = 0; turn <= 256; turn += 1) setState(turn % 2 === 0 ? HALTED : TRADING, "again");
    await expect(statuses.next()).rejects.toMatchObject({ reason: "SLOW_CONSUMER" });
  });

  test("ends with MARKET_DATA_UNAVAILABLE when the views are dropped", async () => {
    const { fanOut, market, stop } = stage();
    const statuses = fanOut.statuses(market, stop.signal);
    await statuses.next();
    fanOut.closeAll([market]);
    await expect(statuses.next()).rejects.toMatchObject({ reason: "MARKET_DATA_UNAVAILABLE" });
  });
});

test("more subscriptions than allowed are refused, and places come free", async () => {
  const { fanOut, market, stop } = stage({ subscribersMax: 1 });
  const one = fanOut.depth(market, 0, stop.signal);
  await one.next();
  await expect(fanOut.trades(market, stop.signal).next()).rejects.toMatchObject({ reason: "OVERLOADED" });
  await one.return();
  await expect(fanOut.depth(market, 0, stop.signal).next()).resolves.toMatchObject({ done: false });
});

/** Lets everything run that is ready to run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
