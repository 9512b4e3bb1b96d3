import { rm } from "node:fs/promises";
import { OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason, OrderType, OrderStatus as Status } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { verifyJournal } from "../flow/read-journal.js";
import { sha256 } from "../io/digest.js";
import { createRecordCodec } from "../record/record-codec.js";
import { copyOf } from "../testing/journal-folder.js";
import { market, orderId, SYMBOL, userId } from "../testing/orders.js";
import { records, refusal, serveForTests } from "../testing/served.js";
import {
  cancelCommand,
  fundedTerms,
  submitCommand,
  submitted,
  take,
  wireSubmit,
} from "../testing/wire-orders.js";
import { marketInit } from "./market-wire.js";
import { termsInit } from "./matcher-wire.js";

const { start, stop, folder: folderOf } = serveForTests();

describe("orders", () => {
  test("a repeat returns the order as it is, also after a restart and after its end", async () => {
    const first = await start();
    const { order, replayed } = await submitted(first.client, 1, { quantityLots: 5 });
    expect(order).toMatchObject({ status: Status.OPEN, remainingLots: 5n, orderId: orderId(1) });
    expect(replayed).toBe(false);
    expect(await submitted(first.client, 1, { quantityLots: 5 })).toMatchObject({ order, replayed: true });
    await submitted(first.client, 2, { side: "sell", quantityLots: 5 });
    await stop(first);

    const second = await start();
    const again = await submitted(second.client, 1, { quantityLots: 5 });
    expect(again).toMatchObject({
      replayed: true,
      order: { status: Status.FILLED, executedLots: 5n, executedTickLots: "500", remainingLots: 0n },
    });
    expect(again.order.terms).toEqual(order.terms);
    const { order: read } = await second.client.getOrder({ orderId: orderId(1), userId: userId(1) });
    expect(read).toEqual(again.order);
  });

  test("the same id with other terms is refused and names the field, open, ended or before a restart", async () => {
    const first = await start();
    await submitted(first.client, 1);
    const other = () => refusal(first.client.submit({ submit: wireSubmit(1, { quantityLots: 2 }) }));
    expect(await other()).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field: "quantity_lots" },
    });
    await first.client.cancel({ cancel: { orderId: orderId(1), userId: userId(1) } });
    expect(await other()).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field: "quantity_lots" },
    });
    await stop(first);
    const { client } = await start();
    expect(await refusal(client.submit({ submit: wireSubmit(1, { priceTicks: 99 }) }))).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field: "price_ticks" },
    });
  });

  test("a cancelled order answers its cancel again; an unknown or foreign one is not found", async () => {
    const { client } = await start();
    await submitted(client, 1);
    const cancel = { orderId: orderId(1), userId: userId(1) };
    expect(await refusal(client.cancel({ cancel: { ...cancel, userId: userId(2) } }))).toMatchObject({
      reason: "ORDER_NOT_FOUND",
    });
    const first = await client.cancel({ cancel });
    const second = await client.cancel({ cancel });
    expect(first.result?.outcome.value).toMatchObject({ status: Status.CANCELLED, reason: EndReason.USER });
    expect(first.result?.outcome.value).toHaveProperty("terms.clientOrderId", "c-1");
    expect(second.result).toMatchObject({ replayed: true });
    // Memory does not keep what was reserved, the record that placed the order does.
    expect(second.result?.outcome.value).toMatchObject({
      ...first.result?.outcome.value,
      terms: { clientOrderId: "c-1", reservedAmount: "1000000" },
    });
    expect(await refusal(client.getOrder({ orderId: orderId(1), userId: userId(2) }))).toMatchObject({
      reason: "ORDER_NOT_FOUND",
    });
  });

  test("Resolve writes a tombstone that a late Submit meets", async () => {
    const { client } = await start();
    const resolve = {
      orderId: orderId(1),
      userId: userId(1),
      symbol: SYMBOL,
      tombstoneStatus: Status.REJECTED,
      tombstoneReason: EndReason.NOT_SEQUENCED,
      expiresAtMs: BigInt(Date.now() + 30_000),
    };
    await client.resolve({ resolve });
    const { order, replayed } = await submitted(client, 1);
    expect(order).toMatchObject({ status: Status.REJECTED, reason: EndReason.NOT_SEQUENCED });
    expect(order.terms).toBeUndefined();
    expect(replayed).toBe(true);
    expect(
      await refusal(client.resolve({ resolve: { ...resolve, orderId: orderId(2), expiresAtMs: 1n } })),
    ).toMatchObject({ reason: "SUBMIT_EXPIRED" });
  });

  test("what cannot be an order is refused and nothing is journaled", async () => {
    const matcher = await start();
    const before = (await records(matcher)).length;
    const wrong = wireSubmit(1);
    const terms = create(OrderTermsSchema, termsInit(fundedTerms(1)));
    const cases: [ReturnType<typeof wireSubmit>, string][] = [
      [{ ...wrong, terms: { ...terms, type: OrderType.STOP } }, "STOP_PRICE_REQUIRED"],
      [{ ...wrong, terms: { ...terms, priceTicks: 0n } }, "PRICE_REQUIRED"],
      [{ ...wrong, terms: { ...terms, quantityLots: -1n } }, "VALUE_TOO_LARGE"],
      [{ ...wrong, terms: { ...terms, orderId: "x" } }, "INVALID_ORDER_ID"],
      [
        { ...wrong, terms: { ...terms, priceTicks: 9_007_199_254_740_991n, quantityLots: 2n } },
        "NOTIONAL_TOO_LARGE",
      ],
      [{ ...wrong, terms: { ...terms, symbol: "ETH/USDT" } }, "SYMBOL_NOT_FOUND"],
      [{ ...wrong, terms: { ...terms, reservedAmount: "0.00000099" } }, "INVALID_FIELD"],
      [{ ...wrong, terms: { ...terms, reservedAsset: "BTC" } }, "INVALID_FIELD"],
      [{ ...wrong, expiresAtMs: 1n }, "SUBMIT_EXPIRED"],
      [{ ...wrong, expiresAtMs: BigInt(Date.now() + 120_000) }, "SUBMIT_EXPIRED"],
    ];
    for (const [submit, reason] of cases) {
      expect(await refusal(matcher.client.submit({ submit })), reason).toMatchObject({ reason });
    }
    expect((await records(matcher)).length).toBe(before);
  });

  test("a stream answers each command in its place and order, malformed ones too", async () => {
    const { client } = await start();
    const stream = client.commandStream();
    stream.write({ commands: [submitCommand(1), { kind: { case: "tick", value: {} } }, cancelCommand(1)] });
    stream.write({ commands: [submitCommand(2), cancelCommand(3), submitCommand(2)] });
    stream.end();
    const results = (await take(stream, 2)).flatMap((response) => response.results);
    const told = results.map(({ outcome, replayed }) =>
      outcome.case === "failure"
        ? outcome.value.reason
        : `${Status[outcome.value?.status ?? 0]}${replayed ? " again" : ""}`,
    );
    expect(told).toEqual(["OPEN", "INVALID_FIELD", "CANCELLED", "OPEN", "ORDER_NOT_FOUND", "OPEN again"]);
  });

  test("thousands of commands in flight keep their order", async () => {
    const matcher = await start();
    const stream = matcher.client.commandStream();
    const count = 4_000;
    const reading = take(stream, count / 20);
    for (let from = 1; from <= count; from += 20) {
      const batch = Array.from({ length: 20 }, (_, index) => submitCommand(from + index));
      if (!stream.write({ commands: batch })) await stream.drained();
    }
    const results = (await reading).flatMap((response) => response.results);
    stream.end();
    const seqs = results.map(({ seq }) => Number(seq));
    expect(seqs).toHaveLength(count);
    expect(seqs).toEqual([...seqs].sort((a, b) => a - b));
    expect(results.every(({ outcome }) => outcome.case === "order")).toBe(true);
    const page = await matcher.client.listOpenOrders({ pageSize: 1_500 });
    expect(page).toMatchObject({ hasMore: true });
    expect(page.orders).toHaveLength(1_000);
    const rest = await matcher.client.listOpenOrders({ afterSeq: page.orders.at(-1)?.acceptedSeq ?? 0n });
    expect(rest.orders[0]?.orderId).toBe(orderId(1_001));
    const { bids, asks } = await matcher.client.getBook({ symbol: SYMBOL });
    expect(bids).toMatchObject([{ priceTicks: 100n, quantityLots: String(count), orderCount: count }]);
    expect(asks).toEqual([]);
  });
});

describe("events", () => {
  test("a reader gets the header, then every record without a gap, and goes on from any position", async () => {
    const matcher = await start();
    for (let number = 1; number <= 30; number += 1) await submitted(matcher.client, number);
    const all = await records(matcher);
    expect(all.map(({ seq }) => Number(seq))).toEqual(all.map((_, index) => index + 1));
    expect(all.slice(0, 2).map(({ command }) => command?.kind.case)).toEqual(["startEpoch", "addMarket"]);
    const rest = await records(matcher, { afterSeq: 20n, afterEpoch: 1n });
    expect(rest).toEqual(all.slice(20));
  });

  test("a record on the stream is what the journal holds, with the ids of its trades", async () => {
    const matcher = await start();
    await submitted(matcher.client, 1, { side: "sell" });
    await submitted(matcher.client, 2);
    const last = (await records(matcher)).findLast(({ events }) =>
      events.some(({ kind }) => kind.case === "trade"),
    );
    expect(last?.events.map(({ kind }) => kind.case)).toEqual(["accepted", "trade", "ended", "ended"]);
    expect(last?.events[1]?.kind.value).toMatchObject({
      tradeId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      maker: { orderId: orderId(1), feePpm: 100, receivedBefore: "0" },
      taker: { orderId: orderId(2), feePpm: 200 },
    });
  });

  test("positions that are not in the journal are refused before anything is sent", async () => {
    const matcher = await start();
    const open = (after: { afterSeq: bigint; afterEpoch: bigint }) =>
      refusal(take(matcher.client.streamEvents(after), 1));
    expect(await open({ afterSeq: 99n, afterEpoch: 1n })).toMatchObject({ reason: "SEQ_IN_FUTURE" });
    expect(await open({ afterSeq: 1n, afterEpoch: 2n })).toMatchObject({ reason: "POSITION_UNKNOWN" });
  });

  test("a reader far behind is served from the disk, whole", async () => {
    const matcher = await start(folderOf(), { settings: { tailBytesMax: 1_000, eventBatchBytesMax: 2_000 } });
    for (let number = 1; number <= 60; number += 1) await submitted(matcher.client, number);
    const all = await records(matcher);
    expect(all.map(({ seq }) => Number(seq))).toEqual(all.map((_, index) => index + 1));
    expect(all.length).toBeGreaterThanOrEqual(62);
  });

  test("watchers get all markets and quotes first, then what changes", async () => {
    const { client } = await start();
    const watch = client.watchShard({})[Symbol.asyncIterator]();
    const first = (await watch.next()).value;
    expect(first).toMatchObject({ isOpen: true, epoch: 1n, markets: [{ symbol: SYMBOL }] });
    await submitted(client, 1, { priceTicks: 101, side: "sell" });
    const second = (await watch.next()).value;
    expect(second).toMatchObject({
      markets: [],
      quotes: [{ symbol: SYMBOL, bestAskTicks: 101n, bestBidTicks: 0n }],
    });
    await watch.return?.();
  });
});

describe("followers as witnesses", () => {
  test("nothing is decided before each named follower has reported a position in the journal", async () => {
    const { client } = await start(folderOf(), { followers: ["wallet", "projector"] });
    expect(await refusal(client.submit({ submit: wireSubmit(1) }))).toMatchObject({
      reason: "SHARD_UNAVAILABLE",
    });
    expect(await refusal(take(client.commandStream(), 1))).toMatchObject({ reason: "SHARD_UNAVAILABLE" });
    expect(await client.reportCursor({ follower: "wallet", epoch: 0n, seq: 0n })).toMatchObject({
      isOpen: false,
    });
    expect(await client.reportCursor({ follower: "projector", epoch: 1n, seq: 1n })).toMatchObject({
      isOpen: true,
    });
    expect((await submitted(client, 1)).order.status).toBe(Status.OPEN);
    const { followers } = await client.getShardState({});
    expect(followers).toEqual({ wallet: 0n, projector: 1n });
  });

  test("a journal that lost what a follower has stored never opens", async () => {
    const first = await start(folderOf(), { followers: ["wallet"] });
    await first.client.reportCursor({ follower: "wallet", epoch: 0n, seq: 0n });
    const { seq: keptSeq } = await submitted(first.client, 1);
    const older = await copyOf(folderOf(), "older");
    const { seq } = await submitted(first.client, 2);
    await first.client.reportCursor({ follower: "wallet", epoch: 1n, seq: BigInt(seq) });
    await stop(first);

    const second = await start(older, { followers: ["wallet"] });
    const { client, refused } = second;
    const lost = { follower: "wallet", epoch: 1n, seq: BigInt(seq) };
    expect(await refusal(client.reportCursor(lost))).toMatchObject({ reason: "POSITION_UNKNOWN" });
    expect(refused).toEqual(["wallet"]);
    expect(await refusal(client.submit({ submit: wireSubmit(3) }))).toMatchObject({
      reason: "SHARD_UNAVAILABLE",
    });
    // What it does have opens it.
    expect(await client.reportCursor({ ...lost, seq: BigInt(keptSeq) })).toMatchObject({ isOpen: true });
    await stop(second);
    await rm(older, { recursive: true });
  });

  test("a follower too far behind leaves only cancels and resolves", async () => {
    const { client } = await start(folderOf(), {
      followers: ["wallet"],
      settings: { followerLagRecordsMax: 5 },
    });
    await client.reportCursor({ follower: "wallet", epoch: 0n, seq: 0n });
    const seqs: number[] = [];
    for (let number = 1; seqs.length < 3; number += 1) seqs.push((await submitted(client, number)).seq);
    const late = await refusal(
      (async () => {
        for (let number = 10; number < 20; number += 1) await submitted(client, number);
      })(),
    );
    expect(late).toMatchObject({ reason: "SHARD_UNAVAILABLE", facts: { follower: "wallet" } });
    const { result } = await client.cancel({ cancel: { orderId: orderId(1), userId: userId(1) } });
    expect(result?.outcome.value).toMatchObject({ status: Status.CANCELLED });
    await client.reportCursor({ follower: "wallet", epoch: 1n, seq: BigInt(seqs[2] ?? 0) });
    expect((await submitted(client, 30)).order.status).toBe(Status.OPEN);
  });
});

describe("state and markets", () => {
  test("the live state's hash is that of a replay, and a restart goes on with it", async () => {
    const matcher = await start();
    for (let number = 1; number <= 20; number += 1) {
      await submitted(matcher.client, number, {
        side: number % 3 === 0 ? "sell" : "buy",
        priceTicks: 95 + (number % 9),
      });
    }
    const live = await matcher.client.getShardState({});
    await stop(matcher);
    const summary = await verifyJournal(folderOf(), {
      codecOf: createRecordCodec,
      hash: sha256,
      toSeq: Number(live.seq),
    });
    expect(summary).toMatchObject({
      stateHash: live.stateHash,
      chain: live.chain,
      seq: Number(live.seq),
      openOrders: Number(live.openOrders),
      unproven: 0,
    });
    const again = await start();
    expect(await again.client.getShardState({})).toMatchObject({ epoch: 2n, openOrders: live.openOrders });
  });

  test("a market is made while the shard runs, once, and is there after a restart", async () => {
    const matcher = await start();
    const eth = marketInit(market({ symbol: "ETH/USDT", baseAsset: "ETH", lotSize: "0.0001" }));
    expect((await matcher.client.addMarket({ market: eth })).market?.symbol).toBe("ETH/USDT");
    expect((await matcher.client.addMarket({ market: eth })).market?.symbol).toBe("ETH/USDT");
    expect(await refusal(matcher.client.addMarket({ market: { ...eth, tickSize: "0.1" } }))).toMatchObject({
      reason: "MARKET_DIFFERS",
    });
    expect(
      await refusal(
        matcher.client.addMarket({ market: { ...eth, symbol: "ETH/EUR", quoteAsset: "EUR", shard: 3 } }),
      ),
    ).toMatchObject({ reason: "INVALID_MARKET", facts: { field: "market.shard" } });
    await stop(matcher);
    const { client } = await start();
    expect(await client.getBook({ symbol: "ETH/USDT" })).toMatchObject({ bids: [], asks: [] });
  });

  test.each([
    [{ lotSize: "0.00000001" }, "INVALID_MARKET", "market.lot_size"],
    [{ baseAsset: "eth" }, "INVALID_MARKET", "market.base_asset"],
    [{ protectionBps: 0 }, "INVALID_MARKET", "market.protection_bps"],
    [{ minQuantity: "2", maxQuantity: "1.99999999" }, "INVALID_MARKET", "market.max_quantity"],
    [{ state: 99 }, "INVALID_ENUM", "market.state"],
    [{ feeTiers: [fees("vip", 0, 0)] }, "INVALID_MARKET", "market.fee_tiers[0].tier"],
    [{ feeTiers: [fees("pro", 0, 0), fees("pro", 1, 1)] }, "INVALID_MARKET", "market.fee_tiers[1].tier"],
    [{ feeTiers: [fees("pro", -1, 0)] }, "INVALID_MARKET", "market.fee_tiers[0].maker_fee_ppm"],
    [
      { feeTiers: [fees("plus", 0, 0), fees("pro", 0, 1_000_000)] },
      "INVALID_MARKET",
      "market.fee_tiers[1].taker_fee_ppm",
    ],
  ])(
    "a market that cannot work is refused, its field named as in the contract: %j",
    async (part, reason, field) => {
      const matcher = await start();
      const fits = marketInit(market({ symbol: "ETH/USDT", baseAsset: "ETH" }));
      const eth = { ...fits, ...part };
      expect(await refusal(matcher.client.addMarket({ market: eth }))).toMatchObject({
        reason,
        facts: { field },
      });
      const made = { ...fits, minQuantity: "2", maxQuantity: "2" };
      expect((await matcher.client.addMarket({ market: made })).market?.maxQuantity).toBe("2");
    },
  );

  test("fee tiers are kept lowest first, in whatever order they came, also over a restart", async () => {
    const matcher = await start();
    const fits = marketInit(market({ symbol: "ETH/USDT", baseAsset: "ETH" }));
    const eth = { ...fits, feeTiers: [fees("pro", 0, 999_999), fees("basic", 5, 6)] };
    const tiers = [fees("basic", 5, 6), fees("pro", 0, 999_999)];
    expect((await matcher.client.addMarket({ market: eth })).market?.feeTiers).toMatchObject(tiers);
    const sorted = { ...eth, feeTiers: tiers };
    expect((await matcher.client.addMarket({ market: sorted })).market?.feeTiers).toMatchObject(tiers);
    const other = { ...eth, feeTiers: [fees("basic", 5, 7), fees("pro", 0, 999_999)] };
    expect(await refusal(matcher.client.addMarket({ market: other }))).toMatchObject({
      reason: "MARKET_DIFFERS",
    });
    await stop(matcher);
    const { client } = await start();
    expect((await client.addMarket({ market: eth })).market?.feeTiers).toMatchObject(tiers);
  });

  test("a settings file that changes what never changes is refused at start, naming the key", async () => {
    await stop(await start());
    await expect(start(folderOf(), { markets: [market({ tickSize: "0.1" })] })).rejects.toThrow(
      "markets.0.tickSize: BTC/USDT has 0.01 for ever, not 0.1",
    );
    await expect(start(folderOf(), { markets: [market({ shard: 4 })] })).rejects.toThrow("markets.0.shard");
  });
});

function fees(tier: string, makerFeePpm: number, takerFeePpm: number) {
  return { tier, makerFeePpm, takerFeePpm };
}
