import { crc32 } from "node:zlib";
import type { Record } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MarketState } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { afterEach, describe, expect, test } from "vitest";
import { bestLevels } from "../core/depth.js";
import type { MarketView } from "../core/shard-view.js";
import { latestTrades } from "../core/trades.js";
import { decodeMarket, decodeRecords } from "../io/matcher-events.js";
import { type FakeShard, fakeShard } from "../testing/fake-shard.js";
import { marketRecord, simpleMatcher } from "../testing/simple-matcher.js";
import { FanOut } from "./fan-out.js";
import { followEvents } from "./follow-events.js";
import { createMarketReads } from "./read-markets.js";
import {
  acceptHeader,
  acceptRecords,
  createShardFeed,
  isCurrent,
  lagRecords,
  type ShardFeed,
} from "./shard-feed.js";

const log = createLogger({ service: "test", level: "silent" });
/** Backoff is not waited for: what matters is what happens after it. */
const clock = { ...systemClock, sleep: () => Promise.resolve() };

let stop = new AbortController();
let following: Promise<void>[] = [];
afterEach(async () => {
  stop.abort();
  await Promise.all(following);
  stop = new AbortController();
  following = [];
});

/** Follows a shard until the test ends. `until` resolves when the feed is as asked. */
function follow(shard: FakeShard) {
  const feed = createShardFeed(0, 100);
  const fanOut = new FanOut({
    clock,
    crc32,
    tradesQueueMax: 10,
    subscribersMax: 10,
    onSubscribers: () => {},
  });
  let wake = () => {};
  const onProgress = () => wake();
  following.push(
    followEvents(feed, { matcher: shard.matcher, signal: stop.signal, clock, log, fanOut, onProgress }),
  );
  const until = async (isSo: (feed: ShardFeed) => boolean) => {
    while (!isSo(feed)) {
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
  return { feed, fanOut, until };
}

function journal() {
  const matcher = simpleMatcher();
  const records: Record[] = [
    marketRecord(matcher),
    matcher.place({ side: "buy", priceTicks: 100, quantityLots: 5 }),
    matcher.place({ side: "sell", priceTicks: 103, quantityLots: 4 }),
  ];
  return { matcher, records };
}

function bids(feed: ShardFeed) {
  const market = feed.view.markets.get("BTC/USDT");
  return market === undefined ? [] : bestLevels(market.depth, "buy");
}

describe("a feed", () => {
  test("is shown once it includes what the shard had when it was first heard", async () => {
    const { records } = journal();
    const shard = fakeShard();
    shard.append(...records);
    const { feed, until } = follow(shard);
    expect(isCurrent(feed)).toBe(false);
    const heard: [number, boolean, number][] = [];
    await until((feed) => {
      heard.push([feed.view.seq, isCurrent(feed), lagRecords(feed)]);
      return isCurrent(feed);
    });
    expect(heard).toContainEqual([0, false, 3]);
    expect(heard.at(-1)).toEqual([3, true, 0]);
  });

  test("goes on where it was when the matcher restarts", async () => {
    const { matcher, records } = journal();
    const shard = fakeShard();
    shard.append(...records);
    const { feed, until } = follow(shard);
    await until(isCurrent);
    shard.disconnect();
    await until(() => shard.asked.length === 2);
    shard.append({ ...matcher.place({ side: "buy", priceTicks: 101, quantityLots: 1 }), epoch: 2n });
    await until(({ view }) => view.seq === 4);
    expect(shard.asked).toEqual([0, 3]);
    expect(bids(feed).map(({ priceTicks }) => priceTicks)).toEqual([101, 100]);
    expect(feed.view.epoch).toBe(2);
  });

  test("drops all state and rebuilds when the journal ends before the views do", async () => {
    const { matcher, records } = journal();
    const shard = fakeShard();
    shard.append(...records);
    const { feed, fanOut, until } = follow(shard);
    await until(isCurrent);
    const market = feed.view.markets.get("BTC/USDT");
    const reader = fanOut.depth(market as never, 0, stop.signal);
    await reader.next();
    const waiting = reader.next();
    shard.restore(records.slice(0, 2), 7);
    await expect(waiting).rejects.toMatchObject({ reason: "MARKET_DATA_UNAVAILABLE" });
    await until((feed) => isCurrent(feed) && feed.view.seq === 2);
    expect(bids(feed)).toEqual([{ priceTicks: 100, quantityLots: 5n }]);
    expect(shard.asked).toEqual([0, 3, 0]);
    shard.append(matcher.place({ side: "buy", priceTicks: 99, quantityLots: 1 }));
  });

  test("drops all state and rebuilds when a lower epoch serves", async () => {
    const { records } = journal();
    const shard = fakeShard();
    shard.restore(records, 5);
    const { feed, until } = follow(shard);
    await until(isCurrent);
    shard.restore(records, 4);
    await until(({ headerEpoch }) => headerEpoch === 4);
    await until(isCurrent);
    expect(shard.asked).toEqual([0, 3, 0]);
    expect(bids(feed)).toEqual([{ priceTicks: 100, quantityLots: 5n }]);
  });

  test("drops all state and rebuilds when a record is missing", async () => {
    const { matcher, records } = journal();
    const shard = fakeShard();
    shard.append(...records);
    const { feed, until } = follow(shard);
    await until(isCurrent);
    const next = matcher.place({ side: "buy", priceTicks: 101, quantityLots: 1 });
    shard.append({ ...next, seq: next.seq + 1n });
    await until(({ showFromSeq }) => showFromSeq === undefined);
    expect(feed.view.seq).toBe(0);
    shard.restore([...records, next], 1);
    await until((feed) => isCurrent(feed) && feed.view.seq === 4);
    expect(bids(feed)).toHaveLength(2);
  });
});

describe("a shard that no longer keeps the first records", () => {
  const { HALTED, TRADING } = MarketState;

  test("is shown from its books on", async () => {
    const { matcher, records } = journal();
    const shard = fakeShard({ books: () => [matcher.book()] });
    shard.append(...records);
    shard.forget(2);
    const { feed, until } = follow(shard);
    await until(isCurrent);
    expect(shard.asked).toEqual([0, "books"]);
    expect(bids(feed)).toEqual([{ priceTicks: 100, quantityLots: 5n }]);
    const market = feed.view.markets.get("BTC/USDT");
    expect(market?.depth.lastUpdateId).toBe(3);
    expect(market?.status).toEqual({ state: TRADING, reason: "", changedAtMs: undefined, seq: 3 });
    shard.append(matcher.place({ side: "sell", priceTicks: 100, quantityLots: 2 }));
    await until(({ view }) => view.seq === 4);
    expect(bids(feed)).toEqual([{ priceTicks: 100, quantityLots: 3n }]);
    // A restart: the position behind the books is one like any other.
    shard.disconnect();
    await until(() => shard.asked.length === 3);
    expect(shard.asked).toEqual([0, "books", 4]);
  });

  test("gives readers of depth a snapshot and ends those of trades, which missed some", async () => {
    const { matcher, records } = journal();
    let state = TRADING;
    const shard = fakeShard({ books: () => [matcher.book(state)] });
    shard.append(...records);
    const { feed, fanOut, until } = follow(shard);
    await until(isCurrent);
    const market = feed.view.markets.get("BTC/USDT") as MarketView;
    const depth = fanOut.depth(market, 0, stop.signal);
    const statuses = fanOut.statuses(market, stop.signal);
    const trade = fanOut.trades(market, stop.signal).next();
    expect((await depth.next()).value).toMatchObject({ type: "snapshot", lastUpdateId: 3 });
    await statuses.next();
    // While nobody listens the shard trades, halts, and forgets how it came to that.
    shard.atNextConnection(() => {
      shard.append(
        matcher.place({ side: "sell", priceTicks: 99, quantityLots: 5 }),
        matcher.place({ side: "sell", priceTicks: 101, quantityLots: 1 }),
        matcher.setState(HALTED, "nobody heard"),
      );
      state = HALTED;
      shard.forget(5);
    });
    shard.disconnect();
    expect((await depth.next()).value).toMatchObject({
      ...{ type: "snapshot", lastUpdateId: 6, bids: [] },
      asks: [
        { priceTicks: 101, quantityLots: 1n },
        { priceTicks: 103, quantityLots: 4n },
      ],
    });
    await expect(trade).rejects.toMatchObject({ reason: "MARKET_DATA_UNAVAILABLE" });
    expect((await statuses.next()).value).toMatchObject({ state: HALTED, reason: "", seq: 6 });
    expect(shard.asked).toEqual([0, 3, "books"]);
    expect(feed.view.markets.get("BTC/USDT")).toBe(market);
    expect(latestTrades(market.trades, 9)).toEqual([]);
    shard.append(matcher.place({ side: "buy", priceTicks: 101, quantityLots: 1 }));
    expect((await depth.next()).value).toMatchObject({ type: "diff", prevUpdateId: 6, lastUpdateId: 7 });
  });

  test("waits until the books of all markets are there", async () => {
    const { matcher, records } = journal();
    let connections = 0;
    const books = () => {
      connections += 1;
      return connections === 1 ? [] : [matcher.book()];
    };
    const shard = fakeShard({ books });
    shard.append(...records);
    shard.forget(2);
    const { feed, until } = follow(shard);
    await until(({ showFromSeq }) => showFromSeq !== undefined);
    await new Promise((resolve) => setImmediate(resolve));
    expect(isCurrent(feed)).toBe(false);
    shard.disconnect();
    await until(isCurrent);
    expect(shard.asked).toEqual([0, "books", "books"]);
  });
});

describe("reads", () => {
  test("say what is not certain yet, and what is", async () => {
    const shard = fakeShard();
    const { feed, until } = follow(shard);
    const silent = createShardFeed(1, 10);
    const both = createMarketReads([feed, silent], { clock, crc32 });
    const one = createMarketReads([feed], { clock, crc32 });
    expect(() => both.list()).toThrow(expect.objectContaining({ reason: "MARKET_DATA_UNAVAILABLE" }));
    shard.append(...journal().records);
    await until(({ view }) => view.seq === 3);
    expect(one.list().map(({ symbol }) => symbol)).toEqual(["BTC/USDT"]);
    expect(both.find("BTC/USDT").symbol).toBe("BTC/USDT");
    expect(() => both.find("XRP/USDT")).toThrow(
      expect.objectContaining({ reason: "MARKET_DATA_UNAVAILABLE" }),
    );
    expect(() => one.find("XRP/USDT")).toThrow(expect.objectContaining({ reason: "SYMBOL_NOT_FOUND" }));
  });

  test("of a book wait until it includes the seq that was asked for", async () => {
    const { matcher, records } = journal();
    const shard = fakeShard();
    shard.append(...records);
    const { feed, until } = follow(shard);
    await until(isCurrent);
    const reads = createMarketReads([feed], { clock: systemClock, crc32 });
    const ask = { symbol: "BTC/USDT", levels: 1, signal: stop.signal };
    const waiting = reads.book({ ...ask, minSeq: 5, timeoutMs: 20_000 });
    shard.append(matcher.place({ side: "buy", priceTicks: 101, quantityLots: 1 }), matcher.tick());
    expect(await waiting).toMatchObject({
      seq: 5,
      lastUpdateId: 4,
      bids: [{ priceTicks: 101, quantityLots: 1n }],
      asks: [{ priceTicks: 103, quantityLots: 4n }],
    });
    const late = reads.book({ ...ask, minSeq: 99, timeoutMs: 5 });
    await expect(late).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(feed.waiting.size).toBe(0);
  });

  test("of a book wait for a shard that is catching up, but only when a seq is asked for", async () => {
    const { matcher, records } = journal();
    const feed = createShardFeed(0, 10);
    acceptHeader(feed, { epoch: 1, endSeq: 3, markets: [decodeMarket(matcher.market)] });
    const reads = createMarketReads([feed], { clock: systemClock, crc32 });
    const ask = { symbol: "BTC/USDT", levels: 1, timeoutMs: 20_000, signal: stop.signal };
    await expect(reads.book({ ...ask, minSeq: 0 })).rejects.toMatchObject({
      reason: "MARKET_DATA_UNAVAILABLE",
    });
    const waiting = reads.book({ ...ask, minSeq: 2 });
    acceptRecords(feed, decodeRecords(records.slice(0, 2)));
    acceptRecords(feed, decodeRecords(records.slice(2)));
    expect(await waiting).toMatchObject({ seq: 3, lastUpdateId: 3 });
  });
});
