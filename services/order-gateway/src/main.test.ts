// The real edge process in front of a wallet and a shard whose answers can be lost.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { readFile, writeFile } from "node:fs/promises";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { fromStatus } from "@bourse/shared/errors/from-wire.js";
import {
  type OrderEntryResponse,
  OrderGatewayService,
  type PlaceOrderRequestSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  EndReason,
  MarketState,
  OrderStatus,
  OrderType,
  Side,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { type Channel, createClient, openChannel } from "@bourse/shared/rpc/client.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Edge, startEdge } from "./testing/edge.js";
import { BTC, startMemoryShard } from "./testing/memory-shard.js";

type Place = MessageInitShape<typeof PlaceOrderRequestSchema>;

/** Polls end as soon as they may; a busy machine gets its time. */
const WAIT = { interval: 10, timeout: 15_000 };

let edge: Edge;
let channel: Channel;

beforeAll(async () => {
  edge = await startEdge();
  channel = openChannel(edge.grpcAddress);
});

afterAll(async () => {
  channel.close();
  await edge.close();
});

/** A user with money and a client that carries the token. */
async function newUser(claims: Record<string, unknown> = {}) {
  const userId = randomUUID();
  edge.wallet.credit(userId, "USDT", "1000000");
  const token = await edge.keys.token({ sub: userId, ...claims });
  const headers = { authorization: `Bearer ${token}` };
  const client = createClient(OrderGatewayService, channel);
  return {
    userId,
    headers,
    client,
    place: (change: Place = {}, timeoutMs = 10_000) =>
      client.placeOrder(order(change), { headers, timeoutMs }),
    cancel: (clientOrderId: string) =>
      client.cancelOrder({ id: { case: "clientOrderId", value: clientOrderId } }, { headers }),
    get: (clientOrderId: string) =>
      client.getOrder({ id: { case: "clientOrderId", value: clientOrderId } }, { headers }),
  };
}

function order(change: Place = {}): Place {
  const base = { symbol: "BTC/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "100", quantity: "1" };
  return { clientOrderId: randomUUID(), ...base, ...change };
}

/** Reason and outcome of a failure. */
async function failureOf<T>(call: Promise<T>): Promise<string> {
  try {
    await call;
    return "OK";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason}/${error.facts.outcome ?? "-"}`;
  }
}

describe("placing", () => {
  test("the same content again is the same order, replayed; other content names the field", async () => {
    const user = await newUser();
    const clientOrderId = "once";
    const first = await user.place({ clientOrderId });
    const again = await user.place({ clientOrderId, price: "100.00", quantity: "1.0" });
    expect(first).toMatchObject({
      replayed: false,
      order: { orderId: orderIdOf(user.userId, clientOrderId) },
    });
    expect(again).toMatchObject({ replayed: true, order: { orderId: first.order?.orderId } });
    const other = user.place({ clientOrderId, quantity: "2" });
    await expect(other).rejects.toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field: "quantity" },
    });
    expect(edge.wallet.available(user.userId, "USDT")).toBe("999900");
  });

  test("a lost answer of the wallet is asked again: one order, one hold", async () => {
    const user = await newUser();
    edge.wallet.loseAnswers(2);
    expect(await user.place()).toMatchObject({ replayed: false, order: { status: OrderStatus.OPEN } });
    expect(edge.wallet.available(user.userId, "USDT")).toBe("999900");
  });

  test("lost answers of the shard are asked again, and the order was made once", async () => {
    const user = await newUser();
    const before = edge.shard.log.length;
    edge.shard.loseAnswers(2);
    const answer = await user.place();
    expect(answer).toMatchObject({ replayed: false, order: { status: OrderStatus.OPEN } });
    expect(edge.shard.log.length - before).toBe(1);
  });

  test("no money is a definite no, also after more came in", async () => {
    const user = await newUser();
    const clientOrderId = "poor";
    expect(await failureOf(user.place({ clientOrderId, quantity: "999.9", price: "1001" }))).toBe(
      "INSUFFICIENT_FUNDS/NOT_ACCEPTED",
    );
    edge.wallet.credit(user.userId, "USDT", "1000000");
    expect(await failureOf(user.place({ clientOrderId, quantity: "999.9", price: "1001" }))).toBe(
      "INSUFFICIENT_FUNDS/NOT_ACCEPTED",
    );
  });

  test("a deadline that passes after the reserve leaves the outcome unknown, and the same call finds the order", async () => {
    const user = await newUser();
    const held = edge.shard.holdAnswers();
    const clientOrderId = "late";
    const url = `${edge.httpUrl}/api/v1/orders`;
    const headers = { ...user.headers, "content-type": "application/json", "x-timeout-ms": "300" };
    const body = {
      clientOrderId,
      symbol: "BTC/USDT",
      side: "SIDE_BUY",
      type: "ORDER_TYPE_LIMIT",
      price: "1",
      quantity: "1",
    };
    const response = await fetch(url, { method: "POST", headers, body: JSON.stringify(body) });
    const { details } = (await response.json()) as {
      details: [{ reason: string; metadata: Record<string, string> }];
    };
    held.release();
    expect(response.status).toBe(504);
    expect(details[0].reason).toBe("OUTCOME_UNKNOWN");
    expect(details[0].metadata).toMatchObject({
      outcome: "UNKNOWN",
      order_id: orderIdOf(user.userId, clientOrderId),
    });
    expect(await user.place({ clientOrderId, price: "1" })).toMatchObject({ replayed: true });
  });

  test("a shard that is away is said before anything is reserved", async () => {
    const user = await newUser();
    edge.shard.show({ isOpen: false, markets: [] });
    await expect.poll(() => failureOf(user.place()), WAIT).toBe("SHARD_UNAVAILABLE/NOT_ATTEMPTED");
    edge.shard.show({ isOpen: true });
    await expect.poll(() => failureOf(user.place()), WAIT).toBe("OK");
  });

  test("rules that changed do not hide an order that exists", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "kept" });
    edge.shard.show({ markets: [{ ...BTC, state: MarketState.HALTED }] });
    await expect.poll(() => failureOf(user.place()), WAIT).toBe("SYMBOL_HALTED/NOT_ATTEMPTED");
    expect(await user.place({ clientOrderId: "kept" })).toMatchObject({ replayed: true });
    expect(await failureOf(user.place({ clientOrderId: "kept", price: "101" }))).toBe(
      "CLIENT_ORDER_ID_REUSED/NOT_ATTEMPTED",
    );
    edge.shard.show({ markets: [BTC] });
    await expect.poll(() => failureOf(user.place()), WAIT).toBe("OK");
  });

  test("an order that has ended is answered from its reservation; the sweep's tombstone is a rejection", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "done" });
    const orderId = orderIdOf(user.userId, "done");
    edge.wallet.closeOrder(orderId, OrderStatus.REJECTED, EndReason.NOT_SEQUENCED);
    const { order: ended, replayed } = await user.place({ clientOrderId: "done" });
    expect(replayed).toBe(true);
    expect(ended).toMatchObject({
      status: OrderStatus.REJECTED,
      reason: EndReason.NOT_SEQUENCED,
      price: "100",
    });
  });
});

describe("cancelling and reading", () => {
  test("an order is cancelled once and answered again", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "c" });
    expect(await user.cancel("c")).toMatchObject({
      replayed: false,
      order: { status: OrderStatus.CANCELLED },
    });
    expect(await user.cancel("c")).toMatchObject({
      replayed: true,
      order: { status: OrderStatus.CANCELLED },
    });
  });

  test("an order that ended otherwise is not open, with its final state", async () => {
    const user = await newUser();
    await user.place({
      clientOrderId: "m",
      type: OrderType.MARKET,
      price: undefined,
      quantity: undefined,
      quoteBudget: "5",
    });
    await expect(user.cancel("m")).rejects.toMatchObject({
      reason: "ORDER_NOT_OPEN",
      facts: { status: "EXPIRED", reason: "INSUFFICIENT_LIQUIDITY", filled_quantity: "0" },
    });
  });

  test("a reserved order that its shard never saw gets a tombstone; an unknown one changes nothing", async () => {
    const user = await newUser();
    const held = edge.wallet.holdAnswers();
    const placed = await failureOf(user.place({ clientOrderId: "unseen" }, 500));
    // Whoever is first, the caller's own deadline or the gateway's word: it is never a no.
    expect(["DEADLINE_EXCEEDED/-", "OUTCOME_UNKNOWN/UNKNOWN"]).toContain(placed);
    const { order: pending } = await user.get("unseen");
    const { order: cancelled } = await user.cancel("unseen");
    held.release();
    expect(pending).toMatchObject({ status: OrderStatus.PENDING, clientOrderId: "unseen" });
    // The tombstone knows no content; the reservation does.
    const content = { symbol: "BTC/USDT", price: "100", clientOrderId: "unseen" };
    expect(cancelled).toMatchObject({ ...content, status: OrderStatus.CANCELLED });
    const before = edge.shard.log.length;
    expect(await failureOf(user.cancel("never"))).toBe("ORDER_NOT_FOUND/NOT_ATTEMPTED");
    expect(edge.shard.log.length).toBe(before);
  });

  test("an id in capitals is the same id", async () => {
    const user = await newUser();
    const { order: placed } = await user.place();
    const id = { case: "orderId", value: (placed?.orderId ?? "").toUpperCase() } as const;
    const { headers, client } = user;
    expect((await client.getOrder({ id }, { headers })).order).toMatchObject({ orderId: placed?.orderId });
    expect((await client.cancelOrder({ id }, { headers })).order?.status).toBe(OrderStatus.CANCELLED);
  });

  test("another user's order is as absent", async () => {
    const [owner, other] = [await newUser(), await newUser()];
    const { order: placed } = await owner.place();
    const id = { case: "orderId", value: placed?.orderId ?? "" } as const;
    const { headers, client } = other;
    expect(await failureOf(client.getOrder({ id }, { headers }))).toBe("ORDER_NOT_FOUND/-");
    expect(await failureOf(client.cancelOrder({ id }, { headers }))).toBe("ORDER_NOT_FOUND/NOT_ATTEMPTED");
    expect(await failureOf(client.cancelOrder({ id, symbol: "BTC/USDT" }, { headers }))).toBe(
      "ORDER_NOT_FOUND/NOT_ATTEMPTED",
    );
    const { order: still } = await owner.client.getOrder({ id }, { headers: owner.headers });
    expect(still?.status).toBe(OrderStatus.OPEN);
  });
});

describe("a stream of commands", () => {
  test("keeps the order through broken connections to wallet and shard", async () => {
    const user = await newUser();
    const names = Array.from({ length: 50 }, (_, index) => `s${index}`);
    const stream = user.client.orderEntry({ headers: user.headers });
    edge.wallet.loseAnswers(1);
    edge.shard.loseAnswers(2);
    for (const [index, name] of names.entries()) {
      stream.write({ command: { case: "place", value: order({ clientOrderId: name }) } });
      if (index % 10 === 9) {
        stream.write({ command: { case: "cancel", value: { id: { case: "clientOrderId", value: name } } } });
      }
    }
    stream.end();
    const kinds: string[] = [];
    for await (const { result } of stream) kinds.push(result.case ?? "none");
    expect(kinds.filter((kind) => kind === "placed")).toHaveLength(50);
    expect(kinds.filter((kind) => kind === "cancelled")).toHaveLength(5);
    const mine = edge.shard.log.filter((entry) => /^[+-]s\d+$/.test(entry));
    const expected = names.flatMap((name, index) =>
      index % 10 === 9 ? [`+${name}`, `-${name}`] : [`+${name}`],
    );
    expect(mine).toEqual(expected);
  });

  test("answers refusals one by one and goes on", async () => {
    const user = await newUser();
    const stream = user.client.orderEntry({ headers: user.headers });
    stream.write({ command: { case: "place", value: order({ price: "100.001" }) } });
    // Permission comes before the form.
    stream.write({ userId: randomUUID(), command: { case: "place", value: order({ symbol: "../x" }) } });
    stream.write({});
    stream.write({ command: { case: "place", value: order() } });
    stream.end();
    expect(await resultsOf(stream)).toEqual([
      "PRICE_OFF_TICK/NOT_ATTEMPTED",
      "INSUFFICIENT_SCOPE/NOT_ATTEMPTED",
      "FIELD_REQUIRED/NOT_ATTEMPTED",
      "placed",
    ]);
  });

  test("with the permission act_for places orders of others", async () => {
    const [owner, agent] = [await newUser(), await newUser({ permissions: ["act_for"] })];
    const stream = agent.client.orderEntry({ headers: agent.headers });
    // In capitals it is the same user, whose key stands for the same order.
    for (const userId of [owner.userId, owner.userId.toUpperCase()]) {
      stream.write({ userId, command: { case: "place", value: order({ clientOrderId: "for" }) } });
    }
    stream.end();
    expect(await resultsOf(stream)).toEqual(["placed", "placed"]);
    expect(await owner.get("for")).toMatchObject({ order: { status: OrderStatus.OPEN } });
    expect(edge.wallet.available(owner.userId, "USDT")).toBe("999900");
  });
});

async function resultsOf(stream: AsyncIterable<OrderEntryResponse>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { result } of stream) {
    const error = result.case === "error" ? fromStatus(result.value) : undefined;
    seen.push(
      error === undefined ? (result.case ?? "none") : `${error.reason}/${error.facts.outcome ?? "-"}`,
    );
  }
  return seen;
}

describe("a key that repeats on its stream", () => {
  test("is known before filters judge what it says now", async () => {
    const user = await newUser();
    const stream = user.client.orderEntry({ headers: user.headers });
    const clientOrderId = randomUUID();
    stream.write({ command: { case: "place", value: order({ clientOrderId }) } });
    stream.write({ command: { case: "place", value: order({ clientOrderId, price: "100.001" }) } });
    // A key of its own is judged by the filters alone.
    stream.write({ command: { case: "place", value: order({ price: "100.001" }) } });
    stream.write({ command: { case: "place", value: order({ clientOrderId }) } });
    stream.end();
    expect(await resultsOf(stream)).toEqual([
      "placed",
      "CLIENT_ORDER_ID_REUSED/NOT_ATTEMPTED",
      "PRICE_OFF_TICK/NOT_ATTEMPTED",
      "placed",
    ]);
  });
});

describe("limits", () => {
  const COMMANDS = 40;

  /** What ten a second and a burst of ten allow; the machine may be slow, so time is measured. */
  function expectLimited(results: readonly string[], startedMs: number): void {
    const allowed = 10 + Math.ceil((performance.now() - startedMs) / 100);
    const refused = results.filter((result) => result === "RATE_LIMITED/NOT_ATTEMPTED").length;
    expect(results.length - refused).toBeGreaterThanOrEqual(10);
    expect(results.length - refused).toBeLessThanOrEqual(allowed);
    expect(results.filter((result) => result === "OK" || result === "placed").length + refused).toBe(
      COMMANDS,
    );
  }

  test("a user gets ten requests a second and no more; cancels have a bucket of their own", async () => {
    const user = await newUser({ tier: "basic" });
    const startedMs = performance.now();
    const places = Array.from({ length: COMMANDS }, (_, index) =>
      failureOf(user.place({ clientOrderId: `r${index}` })),
    );
    const outcomes = await Promise.all(places);
    expectLimited(outcomes, startedMs);
    // Which of them came first is not said: their tokens are verified side by side.
    expect(await failureOf(user.cancel(`r${outcomes.indexOf("OK")}`))).toBe("OK");
  });

  test("commands of a stream count one by one", async () => {
    const user = await newUser({ tier: "basic" });
    const startedMs = performance.now();
    const stream = user.client.orderEntry({ headers: user.headers });
    for (let index = 0; index < COMMANDS; index += 1) {
      stream.write({ command: { case: "place", value: order() } });
    }
    stream.end();
    expectLimited(await resultsOf(stream), startedMs);
  });
});

describe("keys", () => {
  test("a key that is taken out of the file stops working, one that is put in starts", async () => {
    const user = await newUser();
    expect(await failureOf(user.place())).toBe("OK");
    const good = await readFile(edge.keys.jwksFile, "utf8");
    await writeFile(edge.keys.jwksFile, JSON.stringify({ keys: [] }));
    await expect.poll(() => failureOf(user.place()), WAIT).toBe("INVALID_TOKEN/NOT_ATTEMPTED");
    await writeFile(edge.keys.jwksFile, good);
    await expect.poll(() => failureOf(user.place()), WAIT).toBe("OK");
  });
});

// Last: the process that all tests share ends here.
describe("the end", () => {
  test("a drain answers what is in flight, refuses what is new, and the process ends with 0", async () => {
    const ownChannel = openChannel(edge.grpcAddress);
    const userId = randomUUID();
    edge.wallet.credit(userId, "USDT", "1000000");
    const headers = { authorization: `Bearer ${await edge.keys.token({ sub: userId })}` };
    const client = createClient(OrderGatewayService, ownChannel);
    const before = edge.shard.log.length;
    const held = edge.shard.holdAnswers();
    const stream = client.orderEntry({ headers });
    // Read from the start: grpc-js drops what nobody has read when an error comes.
    const seen: string[] = [];
    const end = failureOf(
      (async () => {
        for await (const { result } of stream) seen.push(result.case ?? "none");
      })(),
    );
    stream.write({ command: { case: "place", value: order() } });
    const inFlight = client.placeOrder(order(), { headers });
    const isMine = ({ userId: owner }: { userId: string }) => owner === userId;
    const reserved = () => [...edge.wallet.reservations.values()].filter(isMine).length;
    await expect.poll(() => reserved() === 2 && edge.shard.log.length > before, WAIT).toBe(true);

    const exited = once(edge.process, "exit");
    edge.process.kill("SIGTERM");
    await expect.poll(() => edge.logLines.some((line) => line.includes("draining")), WAIT).toBe(true);
    held.release();
    expect(await failureOf(inFlight)).toBe("OK");
    expect(await end).toBe("DRAINING/-");
    expect(seen).toEqual(["placed"]);
    expect((await exited)[0]).toBe(0);
    ownChannel.close();
  });
});

test("a market on two shards takes no new orders; its orders are found and cancelled where they are", async () => {
  const other = await startMemoryShard([]);
  const two = await startEdge({}, [other]);
  const twoChannel = openChannel(two.grpcAddress);
  try {
    const userId = randomUUID();
    two.wallet.credit(userId, "USDT", "1000000");
    const headers = { authorization: `Bearer ${await two.keys.token({ sub: userId })}` };
    const client = createClient(OrderGatewayService, twoChannel);
    const place = (change: Place) => client.placeOrder(order(change), { headers, timeoutMs: 10_000 });
    const metric = async () => {
      const text = await (await fetch(`${two.adminUrl}/metrics`)).text();
      return /^bourse_markets_on_two_shards\b.* ([0-9]+)$/m.exec(text)?.[1];
    };
    const first = { clientOrderId: "resting" };
    expect(await place(first)).toMatchObject({ replayed: false });
    expect(await metric()).toBe("0");

    // An operator gave the market to shard 1, with another tick.
    other.show({ markets: [{ ...BTC, shard: 1, tickSize: "1" }] });
    await expect.poll(metric, WAIT).toBe("1");
    expect(await failureOf(place({}))).toBe("SHARD_UNAVAILABLE/NOT_ATTEMPTED");
    expect(await failureOf(place({ clientOrderId: "named" }))).toBe("SHARD_UNAVAILABLE/NOT_ATTEMPTED");
    expect(other.orders.size).toBe(0);
    expect(two.logLines.filter((line) => line.includes("two shards have the same market"))).toHaveLength(1);

    // What was placed before: repeated, read and cancelled at its own shard, on its own grid.
    expect(await place(first)).toMatchObject({ replayed: true, order: { price: "100" } });
    const id = { case: "clientOrderId", value: "resting" } as const;
    expect(await client.getOrder({ id }, { headers })).toMatchObject({ order: { price: "100" } });
    const cancelled = await client.cancelOrder({ id, symbol: "BTC/USDT" }, { headers });
    expect(cancelled).toMatchObject({ order: { status: OrderStatus.CANCELLED } });
    expect(two.shard.log).toEqual(["+resting", "-resting"]);

    // Other markets go on.
    other.show({ markets: [{ ...BTC, shard: 1, symbol: "ETH/USDT", baseAsset: "ETH" }] });
    await expect.poll(() => failureOf(place({ symbol: "ETH/USDT" })), WAIT).toBe("OK");
  } finally {
    twoChannel.close();
    await two.close();
    await other.close();
  }
}, 60_000);
