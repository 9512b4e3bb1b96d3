import { crc32 } from "node:zlib";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  MarketDataService,
  type StreamOrderBookResponse,
} from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { MarketState, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import { type GrpcServer, serveGrpc } from "@bourse/shared/rpc/server.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { type Timestamp, timestampMs } from "@bufbuild/protobuf/wkt";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { FanOut } from "../flow/fan-out.js";
import { followEvents } from "../flow/follow-events.js";
import { createMarketReads } from "../flow/read-markets.js";
import { createShardFeed, isCurrent } from "../flow/shard-feed.js";
import { type FakeShard, fakeShard } from "../testing/fake-shard.js";
import { marketRecord, type SimpleMatcher, simpleMatcher, timeOf } from "../testing/simple-matcher.js";
import { marketDataService } from "./market-data-service.js";

const log = createLogger({ service: "test", level: "silent" });
const symbol = "BTC/USDT";

let stop: AbortController;
let server: GrpcServer;
let shard: FakeShard;
let matcher: SimpleMatcher;
let subscribers = 0;
let client: ServiceClient<typeof MarketDataService>;
let close: () => Promise<void>;

beforeEach(async () => {
  stop = new AbortController();
  shard = fakeShard();
  matcher = simpleMatcher();
  shard.append(
    marketRecord(matcher),
    matcher.place({ side: "buy", priceTicks: 4_999_950, quantityLots: 150_000 }),
    matcher.place({ side: "buy", priceTicks: 5_000_000, quantityLots: 100 }),
    matcher.place({ side: "sell", priceTicks: 5_000_100, quantityLots: 25_000 }),
  );
  const feed = createShardFeed(0, 100);
  const onSubscribers = (count: number) => {
    subscribers = count;
  };
  const fanOut = new FanOut({ clock, crc32, tradesQueueMax: 100, subscribersMax: 10, onSubscribers });
  const ready = new Promise<void>((resolve) => {
    const onProgress = () => isCurrent(feed) && resolve();
    const following = followEvents(feed, {
      matcher: shard.matcher,
      signal: stop.signal,
      clock,
      log,
      fanOut,
      onProgress,
    });
    close = async () => {
      stop.abort();
      channel.close();
      await server.close();
      await following;
    };
  });
  const services = [marketDataService({ reads: createMarketReads([feed], { clock, crc32 }), fanOut, clock })];
  const metrics = createMetrics("test");
  server = await serveGrpc({ host: "127.0.0.1", port: 0, services, log, metrics, isReady: () => true });
  const channel = openChannel(`127.0.0.1:${server.port}`);
  client = createClient(MarketDataService, channel);
  await ready;
});
afterEach(() => close());

test("markets are listed whole", async () => {
  const { markets } = await client.listMarkets({});
  expect(markets).toMatchObject([
    { symbol, baseAsset: "BTC", tickSize: "0.01", lotSize: "0.00001", state: 1 },
  ]);
});

test("a book is shown as decimal text, with its checksum", async () => {
  const book = await client.getOrderBook({ symbol });
  expect(book).toMatchObject({ symbol, epoch: 1n, lastUpdateId: 4n, sequence: 4n });
  expect(book.bids).toMatchObject([
    { price: "50000", quantity: "0.001" },
    { price: "49999.5", quantity: "1.5" },
  ]);
  expect(book.asks).toMatchObject([{ price: "50001", quantity: "0.25" }]);
  expect(book.checksum).toBe(crc32("50000:0.001,49999.5:1.5,50001:0.25"));
  const top = await client.getOrderBook({ symbol, levels: 1 });
  expect(top.bids).toHaveLength(1);
});

test("a book waits for the sequence of an acknowledgement, at most until the deadline", async () => {
  const waiting = client.getOrderBook({ symbol, minSequence: 5n }, { timeoutMs: 10_000 });
  shard.append(matcher.place({ side: "sell", priceTicks: 5_000_000, quantityLots: 40 }));
  expect((await waiting).bids[0]).toMatchObject({ price: "50000", quantity: "0.0006" });
  await expect(client.getOrderBook({ symbol, minSequence: 99n }, { timeoutMs: 50 })).rejects.toMatchObject({
    reason: "DEADLINE_EXCEEDED",
  });
});

test("a book's stream is a snapshot and then diffs that follow one another", async () => {
  const stream = client.streamOrderBook({ symbol })[Symbol.asyncIterator]();
  const next = async () => ((await stream.next()).value as StreamOrderBookResponse).kind;
  expect(await next()).toMatchObject({ case: "snapshot", value: { symbol, lastUpdateId: 4n } });
  shard.append(matcher.place({ side: "sell", priceTicks: 5_000_000, quantityLots: 100 }));
  const diff = await next();
  expect(diff).toMatchObject({
    case: "diff",
    value: { epoch: 1n, prevUpdateId: 4n, firstUpdateId: 5n, lastUpdateId: 5n, asks: [] },
  });
  const bids = [{ price: "50000", quantity: "0" }];
  expect(diff).toMatchObject({ value: { bids, checksum: crc32("49999.5:1.5,50001:0.25") } });
  await stream.return?.();
});

test("trades are streamed as they happen and listed newest first", async () => {
  const stream = client.streamTrades({ symbol })[Symbol.asyncIterator]();
  const first = stream.next();
  // The subscription stands when the server has counted it; a trade made before would be missed.
  await expect.poll(() => subscribers).toBe(1);
  shard.append(matcher.place({ side: "sell", priceTicks: 4_999_950, quantityLots: 150 }));
  expect((await first).value).toMatchObject({
    trade: { symbol, price: "50000", quantity: "0.001", takerSide: Side.SELL, sequence: 5n, index: 0 },
  });
  expect((await stream.next()).value).toMatchObject({
    trade: { price: "49999.5", quantity: "0.0005", index: 1 },
  });
  const { trades } = await client.listRecentTrades({ symbol, pageSize: 5 });
  expect(trades.map(({ price }) => price)).toEqual(["49999.5", "50000"]);
  expect((await client.listRecentTrades({ symbol, pageSize: 1_000_000_000 })).trades).toHaveLength(2);
  await stream.return?.();
});

test("a market's state is streamed, and listed as it is now", async () => {
  const stream = client.streamMarketStatus({ symbol })[Symbol.asyncIterator]();
  expect((await stream.next()).value).toMatchObject({ symbol, state: MarketState.TRADING, sequence: 1n });
  shard.append(matcher.setState(MarketState.HALTED, "news"));
  const { value } = await stream.next();
  expect(value).toMatchObject({ symbol, state: MarketState.HALTED, reason: "news", sequence: 5n });
  expect(timestampMs(value?.changedTime as Timestamp)).toBe(timeOf(5));
  const { markets } = await client.listMarkets({});
  expect(markets).toMatchObject([{ symbol, state: MarketState.HALTED, sessionEndMinutes: 60 }]);
  await stream.return?.();
});

describe("bad input", () => {
  test.each<[string, () => Promise<unknown>, string, string]>([
    ["no symbol", () => client.getOrderBook({}), "FIELD_REQUIRED", "symbol"],
    ["no such market", () => client.getOrderBook({ symbol: "BTC/EUR" }), "SYMBOL_NOT_FOUND", "symbol"],
    [
      "a symbol in small letters",
      () => client.listRecentTrades({ symbol: "btc/usdt" }),
      "SYMBOL_NOT_FOUND",
      "symbol",
    ],
    ["a path as symbol", () => client.getOrderBook({ symbol: "../x" }), "INVALID_SYMBOL", "symbol"],
    ["negative levels", () => client.getOrderBook({ symbol, levels: -1 }), "INVALID_LEVELS", "levels"],
    ["too many levels", () => client.getOrderBook({ symbol, levels: 5_001 }), "INVALID_LEVELS", "levels"],
    [
      "a negative page",
      () => client.listRecentTrades({ symbol, pageSize: -1 }),
      "INVALID_PAGE_SIZE",
      "page_size",
    ],
    [
      "a stream of nothing",
      () => firstOf(client.streamOrderBook({ symbol: "A/B" })),
      "SYMBOL_NOT_FOUND",
      "symbol",
    ],
    [
      "the state of nothing",
      () => firstOf(client.streamMarketStatus({ symbol: "A/B" })),
      "SYMBOL_NOT_FOUND",
      "symbol",
    ],
    ["trades of nothing", () => firstOf(client.streamTrades({ symbol: "/" })), "INVALID_SYMBOL", "symbol"],
  ])("%s", async (_, call, reason, field) => {
    const failure: unknown = await call().catch((error: unknown) => error);
    expect(failure).toBeInstanceOf(DomainError);
    expect(failure).toMatchObject({ reason, facts: { field } });
  });
});

async function firstOf(stream: AsyncIterable<unknown>): Promise<unknown> {
  for await (const message of stream) return message;
  return undefined;
}
