import { AmendRefusal } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type {
  StreamEventsResponse,
  WatchShardResponse,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import {
  EndReason,
  MarketState,
  OrderStatus as Status,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { describe, expect, test } from "vitest";
import type { Room } from "../flow/log.js";
import { movableClock } from "../testing/matcher.js";
import { legId, market, orderId, SYMBOL, userId } from "../testing/orders.js";
import { records, refusal, serveForTests } from "../testing/served.js";
import { submitted, take, wireAmend, wireSubmit } from "../testing/wire-orders.js";

const { start, stop, folder } = serveForTests();

describe("amends", () => {
  test("go with submits on one stream, answer with the order as it is, and answer again when repeated", async () => {
    const matcher = await start();
    const stream = matcher.client.commandStream();
    const amends = [
      wireAmend(1, 1, { quantityLots: 3 }),
      wireAmend(2, 1, { quantityLots: 9, legUnits: 1, legAmount: "1" }),
      wireAmend(1, 1, { quantityLots: 3 }),
    ];
    const submit = { kind: { case: "submit" as const, value: wireSubmit(1, { quantityLots: 5 }) } };
    stream.write({
      commands: [submit, ...amends.map((value) => ({ kind: { case: "amend" as const, value } }))],
    });
    stream.end();
    const [{ results } = { results: [] }] = await take(stream, 1);
    const told = results.map(({ outcome, amendRefusal, replayed }) => {
      const order = outcome.case === "order" ? outcome.value : undefined;
      return [order?.orderId, Number(order?.quantityLots), AmendRefusal[amendRefusal], replayed];
    });
    expect(told).toEqual([
      [orderId(1), 5, "UNSPECIFIED", false],
      [orderId(1), 3, "UNSPECIFIED", false],
      [orderId(1), 3, "LEG_TOO_SMALL", false],
      [orderId(1), 3, "UNSPECIFIED", true],
    ]);
    // The order as of now, whatever was submitted.
    const { order } = await matcher.client.getOrder({ orderId: orderId(1), userId: userId(1) });
    expect(order).toMatchObject({ quantityLots: 3n, priceTicks: 100n, terms: { quantityLots: 3n } });
    const { order: repeated } = await submitted(matcher.client, 1, { quantityLots: 5 });
    expect(repeated).toMatchObject({ quantityLots: 3n, terms: { quantityLots: 3n } });
    const kinds = (await records(matcher)).slice(-2).map(({ events }) => events.map(({ kind }) => kind.case));
    expect(kinds).toEqual([["amended"], ["amendRefused"]]);
  });

  test("a tombstone for their key answers whatever comes late, and a known key answers its Resolve", async () => {
    const matcher = await start();
    const { client } = matcher;
    await submitted(client, 1, { quantityLots: 5 });
    const expiresAtMs = BigInt(Date.now() + 30_000);
    const [tombstoneStatus, tombstoneReason] = [Status.REJECTED, EndReason.NOT_SEQUENCED];
    const word = { userId: userId(1), symbol: SYMBOL, tombstoneStatus, tombstoneReason, expiresAtMs };
    await client.resolve({ resolve: { ...word, orderId: legId(1) } });
    const before = (await records(matcher)).length;
    const late = await client.amend({ amend: wireAmend(1, 1, { quantityLots: 3 }) });
    expect(late.result).toMatchObject({
      replayed: true,
      outcome: { value: { orderId: legId(1), status: Status.REJECTED, reason: EndReason.NOT_SEQUENCED } },
    });
    expect((await records(matcher)).length).toBe(before);
    await client.amend({ amend: wireAmend(2, 1, { quantityLots: 4 }) });
    const { result } = await client.resolve({ resolve: { ...word, orderId: legId(2) } });
    expect(result).toMatchObject({
      replayed: true,
      amendRefusal: AmendRefusal.UNSPECIFIED,
      outcome: { value: { orderId: orderId(1), quantityLots: 4n } },
    });
  });
});

describe("cancel-all", () => {
  test("ends what it names once, and a repeat returns the count of the first", async () => {
    const { client } = await start();
    for (const number of [1, 2, 3])
      await submitted(client, number, { userId: userId(7), priceTicks: 90 + number });
    await submitted(client, 4, { userId: userId(8) });
    const cancelAll = { userId: userId(7), requestId: "r-1", expiresAtMs: BigInt(Date.now() + 30_000) };
    expect(await client.cancelAll({ cancelAll })).toMatchObject({ cancelled: 3, replayed: false });
    await submitted(client, 5, { userId: userId(7) });
    expect(await client.cancelAll({ cancelAll })).toMatchObject({ cancelled: 3, replayed: true });
    const other = { cancelAll: { ...cancelAll, symbol: SYMBOL } };
    expect(await refusal(client.cancelAll(other))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
      facts: { field: "symbol" },
    });
    const { orders } = await client.listOpenOrders({});
    expect(orders.map((order) => order.orderId)).toEqual([orderId(4), orderId(5)]);
  });
});

describe("time", () => {
  test("a dead-man switch fires on a shard that nobody speaks to", async () => {
    const { client } = await start();
    await submitted(client, 1);
    const { dueAtMs, timeMs } = await client.setSwitch({
      setSwitch: { userId: userId(1), symbols: [], timeoutMs: 150n },
    });
    expect(dueAtMs - timeMs).toBe(150n);
    let status = Status.OPEN;
    for (let tries = 0; status === Status.OPEN && tries < 400; tries += 1) {
      await new Promise((resolve) => setTimeout(resolve, 25));
      const { order } = await client.getOrder({ orderId: orderId(1), userId: userId(1) });
      status = order?.status ?? status;
    }
    expect(status).toBe(Status.CANCELLED);
  });

  test("what fell due while the shard was away is decided before the first client's command", async () => {
    const moved = movableClock();
    const first = await start(undefined, { clock: moved.clock });
    await first.client.submit({ submit: wireSubmit(1, { timeInForce: "DAY" }, moved.wallMs() + 30_000) });
    await first.client.setSwitch({ setSwitch: { userId: userId(2), symbols: [], timeoutMs: 60_000n } });
    await first.client.submit({ submit: wireSubmit(2, {}, moved.wallMs() + 30_000) });
    await stop(first);
    moved.move(25 * 60 * 60_000);
    const second = await start(undefined, { clock: moved.clock });
    // It would have met the DAY order.
    const sell = wireSubmit(3, { side: "sell" }, moved.wallMs() + 30_000);
    const { result } = await second.client.submit({ submit: sell });
    expect(result?.outcome.value).toMatchObject({ status: Status.OPEN });
    const all = (await records(second)).map(({ command }) => command?.kind.case);
    const after = all.slice(all.lastIndexOf("startEpoch")).filter((kind) => kind !== "tick");
    expect([...after.slice(0, 1), ...after.slice(1, 3).sort(), ...after.slice(3)]).toEqual([
      ...["startEpoch", "endDay", "fireSwitch", "submit"],
    ]);
  });

  test("followers that came further are learned, and what they passed is forgotten in the end", async () => {
    const moved = movableClock();
    const matcher = await start(undefined, { clock: moved.clock, followers: ["wallet"] });
    const { client } = matcher;
    await client.reportCursor({ follower: "wallet", epoch: 0n, seq: 0n });
    const stream = client.commandStream();
    const count = 2_600;
    const reading = take(stream, count / 100);
    for (let from = 1; from <= count; from += 100) {
      const numbers = Array.from({ length: 100 }, (_, index) => from + index);
      const commands = numbers.flatMap((number) => [
        { kind: { case: "submit" as const, value: wireSubmit(number, {}, moved.wallMs() + 30_000) } },
        { kind: { case: "cancel" as const, value: { orderId: orderId(number), userId: userId(number) } } },
      ]);
      stream.write({ commands });
    }
    await reading;
    stream.end();
    const names = { orderId: orderId(1), userId: userId(1) };
    await client.reportCursor({ follower: "wallet", epoch: 1n, seq: 5_100n });
    expect((await client.getOrder(names)).order?.status).toBe(Status.CANCELLED);
    moved.move(599_000);
    await client.submit({ submit: wireSubmit(9_001, {}, moved.wallMs() + 30_000) });
    expect((await client.getOrder(names)).order?.status).toBe(Status.CANCELLED);
    moved.move(2_000);
    await client.submit({ submit: wireSubmit(9_002, {}, moved.wallMs() + 30_000) });
    expect(await refusal(client.getOrder(names))).toMatchObject({ reason: "ORDER_NOT_FOUND" });
    const kept = { orderId: orderId(2_590), userId: userId(2_590) };
    expect((await client.getOrder(kept)).order?.status).toBe(Status.CANCELLED);
  });
});

describe("status", () => {
  test("watchers are told of a market's new state, and when new orders are no longer taken", async () => {
    const state = { room: "enough" as Room };
    const matcher = await start(undefined, { room: () => state.room });
    const { client, shard } = matcher;
    const watch = client.watchShard({})[Symbol.asyncIterator]();
    /** Reads on to the first message that says so: what changes fast may come in one or in several. */
    const told = async (says: (status: WatchShardResponse) => boolean) => {
      for (;;) {
        const { value, done } = await watch.next();
        if (done === true) throw new Error("the stream ended");
        if (says(value)) return value;
      }
    };
    expect(await told(() => true)).toMatchObject({
      isReadOnly: false,
      markets: [{ state: MarketState.TRADING }],
    });
    const change = { symbol: SYMBOL, state: MarketState.HALTED, operatorId: userId(1), reason: "news" };
    const { market: halted } = await client.setMarketState({ setMarketState: change });
    expect(halted).toMatchObject({ symbol: SYMBOL, state: MarketState.HALTED });
    const [now] = (await told(({ markets }) => markets.length > 0)).markets;
    expect(now).toMatchObject({ symbol: SYMBOL, state: MarketState.HALTED });
    const before = (await records(matcher)).length;
    await client.setMarketState({ setMarketState: change });
    expect((await records(matcher)).length).toBe(before);
    await client.setMarketState({ setMarketState: { ...change, state: MarketState.TRADING } });
    await submitted(client, 1);

    state.room = "low";
    shard.statusChanged.wake();
    await told(({ isReadOnly }) => isReadOnly);
    expect(await refusal(client.submit({ submit: wireSubmit(2) }))).toMatchObject({
      reason: "SHARD_READ_ONLY",
    });
    const { result } = await client.cancel({ cancel: { orderId: orderId(1), userId: userId(1) } });
    expect(result?.outcome.value).toMatchObject({ status: Status.CANCELLED });
    await watch.return?.();
  });
});

describe("events from the books", () => {
  /** What a reader that keeps no history makes of a stream. */
  async function readBooks(messages: AsyncIterable<StreamEventsResponse>, count: number) {
    return (await take(messages, count)).map(({ kind }) => kind);
  }

  test("come as header, one book for each market, then the records after the header's end", async () => {
    const other = market({ symbol: "ETH/USDT", baseAsset: "ETH", lotSize: "0.0001" });
    const { client } = await start(folder(), { markets: [market(), other] });
    await submitted(client, 1, { quantityLots: 4 });
    await submitted(client, 2, { priceTicks: 99, quantityLots: 2 });
    await submitted(client, 3, { side: "sell", quantityLots: 1 });
    const messages = client.streamEvents({ fromSnapshot: true });
    const reading = readBooks(messages, 4);
    const { seq } = await submitted(client, 4);
    const [header, btc, eth, batch] = await reading;
    expect(header?.value).toMatchObject({ markets: [{ symbol: SYMBOL }, { symbol: "ETH/USDT" }] });
    expect(btc?.value).toMatchObject({
      market: { symbol: SYMBOL },
      bids: [
        { priceTicks: 100n, quantityLots: expect.stringMatching(/^[34]$/) },
        { priceTicks: 99n, quantityLots: "2", orderCount: 1 },
      ],
      asks: [],
      lastTradeTicks: 100n,
    });
    expect(eth?.value).toMatchObject({
      market: { symbol: "ETH/USDT" },
      bids: [],
      asks: [],
      lastTradeTicks: 0n,
    });
    if (header?.case !== "header" || batch?.case !== "batch") throw new Error("a header and a batch");
    expect(batch.value.records[0]?.seq).toBe(header.value.endSeq + 1n);
    expect(batch.value.records.map((record) => Number(record.seq))).toContain(seq);
  });
});
