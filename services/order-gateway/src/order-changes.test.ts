// What the edge does beside placing one order: stops, amends, batches, cancel-all, switches, market states,
// each over gRPC and REST, in front of a wallet and a shard in memory.
import { randomUUID } from "node:crypto";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { fromStatus } from "@bourse/shared/errors/from-wire.js";
import { AmendRefusal } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  type BatchItemSchema,
  type BatchResult,
  OrderGatewayService,
  type PlaceOrderRequestSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import {
  EndReason,
  MarketState,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { ReservationState } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { legIdOf, orderIdOf } from "@bourse/shared/ids.js";
import { type Channel, createClient, openChannel } from "@bourse/shared/rpc/client.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Edge, startEdge } from "./testing/edge.js";
import { BTC } from "./testing/memory-shard.js";

type Place = MessageInitShape<typeof PlaceOrderRequestSchema>;
type Change = { requestId: string; price?: string; quantity?: string };
type Item = MessageInitShape<typeof BatchItemSchema>;

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

const named = (clientOrderId: string) => ({ case: "clientOrderId", value: clientOrderId }) as const;

/** A user with money, over gRPC and REST. */
async function newUser(claims: Record<string, unknown> = {}) {
  const userId = randomUUID();
  edge.wallet.credit(userId, "USDT", "1000");
  edge.wallet.credit(userId, "BTC", "10");
  const headers = { authorization: `Bearer ${await edge.keys.token({ sub: userId, ...claims })}` };
  const client = createClient(OrderGatewayService, channel);
  return {
    userId,
    headers,
    client,
    place: (change: Place = {}) => client.placeOrder(order(change), { headers }),
    amend: (name: string, change: Change) => client.amendOrder({ id: named(name), ...change }, { headers }),
    get: async (name: string) => (await client.getOrder({ id: named(name) }, { headers })).order,
    batch: async (items: Item[]) => (await client.batchOrders({ items }, { headers })).results.map(resultOf),
    /** "status reason field outcome" of a REST call, or its body. */
    rest: async (verb: string, path: string, body?: unknown) => {
      const response = await fetch(`${edge.httpUrl}/api/v1/${path}`, {
        method: verb,
        headers: body === undefined ? headers : { ...headers, "content-type": "application/json" },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      const json = (await response.json()) as Record<string, never>;
      if (response.status === 200) return json as Record<string, unknown>;
      const [info] = json.details as unknown as { reason: string; metadata: Record<string, string> }[];
      return [response.status, info?.reason, info?.metadata.field, info?.metadata.outcome].join(" ");
    },
    usdt: () => edge.wallet.available(userId, "USDT"),
  };
}

function order(change: Place = {}): Place {
  const base = { symbol: "BTC/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "100", quantity: "1" };
  return { clientOrderId: randomUUID(), ...base, ...change };
}

/** "placed STATUS", or "REASON/outcome field". */
function resultOf({ result }: BatchResult): string {
  if (result.case === undefined) return "none";
  if (result.case !== "error") return `${result.case} ${OrderStatus[result.value.order?.status ?? 0]}`;
  const error = fromStatus(result.value);
  return `${error?.reason}/${error?.facts.outcome} ${error?.facts.field ?? ""}`.trim();
}

async function failureOf(call: Promise<unknown>): Promise<string> {
  try {
    await call;
    return "OK";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason}/${error.facts.outcome ?? "-"} ${error.facts.field ?? ""}`.trim();
  }
}

describe("stops, DAY and modes of self-trade prevention", () => {
  const stop: Place = { type: OrderType.STOP, price: undefined, stopPrice: "100" };

  test("a waiting stop is PENDING, and its owner sees what was asked", async () => {
    const user = await newUser();
    const day = { timeInForce: TimeInForce.DAY, selfTradePrevention: SelfTradePrevention.DECREMENT };
    const { order: placed } = await user.place({ clientOrderId: "s", ...stop, ...day });
    expect(placed).toMatchObject({ status: OrderStatus.PENDING, stopPrice: "100", price: "", ...day });
    expect(placed).toMatchObject({ type: OrderType.STOP, triggered: false, quantity: "1" });
    // The market's protection is 5 %.
    expect(user.usdt()).toBe("895");
    expect(await user.rest("GET", "client-orders/s")).toMatchObject({
      order: { status: "ORDER_STATUS_PENDING", stopPrice: "100", timeInForce: "TIME_IN_FORCE_DAY" },
    });
    expect(await user.place({ clientOrderId: "s", ...stop, ...day })).toMatchObject({ replayed: true });
    expect(await failureOf(user.place({ clientOrderId: "s", ...stop, ...day, stopPrice: "99" }))).toBe(
      "CLIENT_ORDER_ID_REUSED/NOT_ATTEMPTED stop_price",
    );
    expect(await failureOf(user.place({ clientOrderId: "s", ...stop, ...day, selfTradePrevention: 0 }))).toBe(
      "CLIENT_ORDER_ID_REUSED/NOT_ATTEMPTED self_trade_prevention",
    );
    const { order: cancelled } = await user.client.cancelOrder({ id: named("s") }, { headers: user.headers });
    expect(cancelled).toMatchObject({ status: OrderStatus.CANCELLED, stopPrice: "100" });
  });

  test("a stop limit holds its limit, stops to sell hold the base asset", async () => {
    const user = await newUser();
    await user.place({ type: OrderType.STOP_LIMIT, stopPrice: "120", price: "110" });
    expect(user.usdt()).toBe("890");
    await user.place({ ...stop, side: Side.SELL });
    expect(edge.wallet.available(user.userId, "BTC")).toBe("9");
  });

  test.each<[string, Place, string]>([
    [
      "a STOP without a stop price",
      { ...stop, stopPrice: undefined },
      "STOP_PRICE_REQUIRED/NOT_ATTEMPTED stop_price",
    ],
    ["a LIMIT with one", { stopPrice: "1" }, "STOP_PRICE_NOT_ALLOWED/NOT_ATTEMPTED stop_price"],
    ["a STOP with a price", { ...stop, price: "1" }, "PRICE_NOT_ALLOWED/NOT_ATTEMPTED price"],
    [
      "a STOP that is good till cancelled",
      { ...stop, timeInForce: TimeInForce.GTC },
      "INVALID_COMBINATION/NOT_ATTEMPTED time_in_force",
    ],
    ["a stop price off the tick", { ...stop, stopPrice: "1.001" }, "PRICE_OFF_TICK/NOT_ATTEMPTED stop_price"],
    [
      "a mode that does not exist",
      { selfTradePrevention: 9 as SelfTradePrevention },
      "INVALID_ENUM/NOT_ATTEMPTED self_trade_prevention",
    ],
  ])("%s is refused", async (_, change, verdict) => {
    expect(await failureOf((await newUser()).place(change))).toBe(verdict);
  });
});

describe("amending", () => {
  test("an increase reserves the difference under a leg of its own, a repeat nothing more", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "a" });
    const change = { requestId: "1", price: "110", quantity: "2" };
    expect(await user.amend("a", change)).toMatchObject({
      replayed: false,
      order: { price: "110", quantity: "2", status: OrderStatus.OPEN, clientOrderId: "a" },
    });
    const leg = edge.wallet.reservations.get(legIdOf(orderIdOf(user.userId, "a"), "1"));
    expect(leg).toMatchObject({ amount: "120", legOfOrderId: orderIdOf(user.userId, "a") });
    expect(user.usdt()).toBe("780");
    expect(await user.amend("a", change)).toMatchObject({ replayed: true, order: { price: "110" } });
    expect(await user.amend("a", { ...change, price: "110.0" })).toMatchObject({ replayed: true });
    expect(user.usdt()).toBe("780");
    expect(await user.get("a")).toMatchObject({ price: "110", quantity: "2" });
  });

  test("works alike over REST, by either id", async () => {
    const user = await newUser();
    const { order: placed } = await user.place({ clientOrderId: "r" });
    expect(await user.rest("PATCH", "client-orders/r", { requestId: "1", quantity: "0.5" })).toMatchObject({
      order: { quantity: "0.5", status: "ORDER_STATUS_OPEN" },
      replayed: false,
    });
    const path = `orders/${placed?.orderId}`;
    expect(await user.rest("PATCH", path, { request_id: "2", price: "99" })).toMatchObject({
      order: { price: "99", quantity: "0.5" },
    });
    expect(user.usdt()).toBe("900");
    expect(await user.rest("PATCH", path, { requestId: "3", price: "99.001" })).toBe(
      "400 PRICE_OFF_TICK price NOT_ATTEMPTED",
    );
    expect(await user.rest("PATCH", path, { price: "99" })).toBe(
      "400 FIELD_REQUIRED request_id NOT_ATTEMPTED",
    );
    expect(await user.rest("PATCH", path, { requestId: "4" })).toBe("400 FIELD_REQUIRED price NOT_ATTEMPTED");
    expect(await user.rest("PATCH", path, { requestId: "4", price: 99 })).toBe(
      "400 INVALID_TYPE price NOT_ATTEMPTED",
    );
    expect(await user.rest("PATCH", path, { requestId: "a b", price: "99" })).toBe(
      "400 INVALID_REQUEST_ID request_id NOT_ATTEMPTED",
    );
    expect(await user.rest("PATCH", "orders/batch", { requestId: "4", price: "99" })).toBe(
      "400 INVALID_ORDER_ID order_id NOT_ATTEMPTED",
    );
    expect(await user.rest("PATCH", path, { requestId: "4", price: "99", orderId: placed?.orderId })).toBe(
      "400 MALFORMED_REQUEST order_id NOT_ATTEMPTED",
    );
  });

  test("other content under one request id names the field", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "o" });
    await user.amend("o", { requestId: "1", quantity: "2" });
    expect(await failureOf(user.amend("o", { requestId: "1", quantity: "3" }))).toBe(
      "REQUEST_ID_REUSED/NOT_ATTEMPTED quantity",
    );
    expect(await user.rest("PATCH", "client-orders/o", { requestId: "1", quantity: "2", price: "101" })).toBe(
      "409 REQUEST_ID_REUSED price NOT_ATTEMPTED",
    );
  });

  test("also where the first needed no money", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "o" });
    await user.amend("o", { requestId: "1", quantity: "0.5" });
    expect(await failureOf(user.amend("o", { requestId: "1", quantity: "0.25" }))).toBe(
      "REQUEST_ID_REUSED/NOT_ATTEMPTED quantity",
    );
    expect(await failureOf(user.amend("o", { requestId: "1", quantity: "0.50" }))).toBe("OK");
  });

  test("no money is a definite no for the request id, and leaves the order as it was", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "p" });
    for (const _ of ["first", "again"]) {
      expect(await failureOf(user.amend("p", { requestId: "1", quantity: "11" }))).toBe(
        "INSUFFICIENT_FUNDS/NOT_ACCEPTED",
      );
      edge.wallet.credit(user.userId, "USDT", "1000");
    }
    expect(await user.get("p")).toMatchObject({ quantity: "1", status: OrderStatus.OPEN });
    expect(await failureOf(user.amend("p", { requestId: "2", quantity: "11" }))).toBe("OK");
  });

  test.each([
    AmendRefusal.LEG_TOO_SMALL,
    AmendRefusal.POST_ONLY_WOULD_TAKE,
    AmendRefusal.PRICE_OUT_OF_BAND,
    AmendRefusal.SYMBOL_HALTED,
    AmendRefusal.SYMBOL_POST_ONLY,
    AmendRefusal.SYMBOL_CANCEL_ONLY,
    AmendRefusal.SYMBOL_DELISTED,
    AmendRefusal.PRICE_NOT_ALLOWED,
    AmendRefusal.NOTIONAL_TOO_LARGE,
  ])("the shard's refusal %i comes through by its name", async (refusal) => {
    const user = await newUser();
    await user.place({ clientOrderId: "x" });
    edge.shard.refusal = refusal;
    const reason = AmendRefusal[refusal];
    const isOfPrice = /^(?:PRICE|POST_ONLY)_/.test(reason ?? "");
    const field = isOfPrice ? "price" : "";
    expect(await failureOf(user.amend("x", { requestId: "1", price: "99" }))).toBe(
      `${reason}/NOT_ACCEPTED ${field}`.trim(),
    );
    edge.shard.refusal = undefined;
    // Decided once: the repeat gets the same word.
    expect(await user.rest("PATCH", "client-orders/x", { requestId: "1", price: "99" })).toBe(
      `400 ${reason} ${field} NOT_ACCEPTED`,
    );
    expect(await failureOf(user.amend("x", { requestId: "2", price: "99" }))).toBe("OK");
  });

  test("an order that has ended is not open, with how it ended; an unknown one is not found", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "e" });
    await user.client.cancelOrder({ id: named("e") }, { headers: user.headers });
    await expect(user.amend("e", { requestId: "1", price: "99" })).rejects.toMatchObject({
      reason: "ORDER_NOT_OPEN",
      facts: { status: "CANCELLED", reason: "USER", filled_quantity: "0", outcome: "NOT_ACCEPTED" },
    });
    expect(await failureOf(user.amend("never", { requestId: "1", price: "99" }))).toBe(
      "ORDER_NOT_FOUND/NOT_ATTEMPTED",
    );
    const other = await newUser();
    const id = { case: "orderId", value: orderIdOf(user.userId, "e") } as const;
    const foreign = other.client.amendOrder({ id, requestId: "1", price: "99" }, { headers: other.headers });
    expect(await failureOf(foreign)).toBe("ORDER_NOT_FOUND/NOT_ATTEMPTED");
  });

  test("lost answers of wallet and shard are asked again: one leg, one amend", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "l" });
    edge.wallet.loseAnswers(2);
    edge.shard.loseAnswers(2);
    expect(await user.amend("l", { requestId: "1", quantity: "2" })).toMatchObject({
      replayed: false,
      order: { quantity: "2" },
    });
    expect(user.usdt()).toBe("800");
  });

  test("a leg is nobody's order", async () => {
    const user = await newUser();
    await user.place({ clientOrderId: "n" });
    await user.amend("n", { requestId: "1", quantity: "2" });
    const id = { case: "orderId", value: legIdOf(orderIdOf(user.userId, "n"), "1") } as const;
    const { client, headers } = user;
    expect(await failureOf(client.getOrder({ id }, { headers }))).toBe("ORDER_NOT_FOUND/-");
    expect(await failureOf(client.cancelOrder({ id }, { headers }))).toBe("ORDER_NOT_FOUND/NOT_ATTEMPTED");
    expect(await failureOf(client.amendOrder({ id, requestId: "2", price: "1" }, { headers }))).toBe(
      "ORDER_NOT_FOUND/NOT_ATTEMPTED",
    );
    expect(edge.wallet.reservations.get(id.value)?.state).toBe(ReservationState.ACTIVE);
  });

  test("on a stream amends go out in the order sent, right behind what they amend", async () => {
    const user = await newUser();
    const stream = user.client.orderEntry({ headers: user.headers });
    const amend = (requestId: string, quantity: string) =>
      stream.write({ command: { case: "amend", value: { id: named("t"), requestId, quantity } } });
    stream.write({ command: { case: "place", value: order({ clientOrderId: "t" }) } });
    amend("1", "0.5");
    amend("2", "1.5");
    stream.write({ command: { case: "amend", value: { id: named("t"), requestId: "", quantity: "1" } } });
    stream.write({ command: { case: "amend", value: { id: named("t"), requestId: "3", quantity: "x" } } });
    stream.write({ command: { case: "cancel", value: { id: named("t") } } });
    stream.end();
    const seen: string[] = [];
    for await (const { result } of stream) seen.push(resultOf({ result } as unknown as BatchResult));
    expect(seen).toEqual([
      "placed OPEN",
      "amended OPEN",
      "amended OPEN",
      "FIELD_REQUIRED/NOT_ATTEMPTED request_id",
      "INVALID_DECIMAL/NOT_ATTEMPTED quantity",
      "cancelled CANCELLED",
    ]);
    expect(edge.shard.log.filter((entry) => /^[-+~]t$/.test(entry))).toEqual(["+t", "~t", "~t", "-t"]);
    const legs = [...edge.shard.amends.values()].filter(({ amend: { userId } }) => userId === user.userId);
    expect(legs.map(({ amend: { legAmount } }) => legAmount)).toEqual(["", "100"]);
  });
});

describe("a batch", () => {
  const place = (change: Place = {}): Item => ({ command: { case: "place", value: order(change) } });

  test("carries out its items in order, each with a result of its own", async () => {
    const user = await newUser();
    const results = await user.batch([
      place({ clientOrderId: "b" }),
      { command: { case: "amend", value: { id: named("b"), requestId: "1", quantity: "2" } } },
      place({ price: "1.001" }),
      place({ symbol: "../x" }),
      {},
      { command: { case: "cancel", value: { id: named("b") } } },
      { command: { case: "cancel", value: { id: named("nobody") } } },
      place({ quantity: "11" }),
      place({ clientOrderId: "last" }),
    ]);
    expect(results).toEqual([
      "placed OPEN",
      "amended OPEN",
      "PRICE_OFF_TICK/NOT_ATTEMPTED price",
      "INVALID_SYMBOL/NOT_ATTEMPTED symbol",
      "FIELD_REQUIRED/NOT_ATTEMPTED command",
      "cancelled CANCELLED",
      "ORDER_NOT_FOUND/NOT_ATTEMPTED",
      "INSUFFICIENT_FUNDS/NOT_ACCEPTED",
      "placed OPEN",
    ]);
    expect(edge.shard.log.filter((entry) => /^[-+~](b|last)$/.test(entry))).toEqual([
      "+b",
      "~b",
      "-b",
      "+last",
    ]);
  });

  test("works alike over REST, errors with their details", async () => {
    const user = await newUser();
    const item = {
      symbol: "BTC/USDT",
      side: "SIDE_BUY",
      type: "ORDER_TYPE_LIMIT",
      price: "100",
      quantity: "1",
    };
    const body = { items: [{ place: item }, { place: { ...item, price: "1e3" } }] };
    const { results } = (await user.rest("POST", "orders/batch", body)) as {
      results: Record<string, never>[];
    };
    expect(results[0]).toMatchObject({ placed: { order: { status: "ORDER_STATUS_OPEN" } } });
    expect(results[1]).toMatchObject({
      error: {
        code: 3,
        details: [{ reason: "INVALID_DECIMAL", metadata: { field: "price", outcome: "NOT_ATTEMPTED" } }, {}],
      },
    });
    // What cannot be read at all is the batch's failure.
    expect(await user.rest("POST", "orders/batch", { items: [{ place: { ...item, price: 1 } }] })).toBe(
      "400 INVALID_TYPE items[0].place.price NOT_ATTEMPTED",
    );
    const two = { place: item, cancel: { clientOrderId: "x" } };
    expect(await user.rest("POST", "orders/batch", { items: [{ place: item }, two] })).toBe(
      "400 MALFORMED_REQUEST items[1].cancel NOT_ATTEMPTED",
    );
  });

  test("has 1 to 20 items", async () => {
    const user = await newUser();
    expect(await failureOf(user.batch([]))).toBe("INVALID_FIELD/NOT_ATTEMPTED items");
    expect(await failureOf(user.batch(Array.from({ length: 21 }, () => place())))).toBe(
      "INVALID_FIELD/NOT_ATTEMPTED items",
    );
    const results = await user.batch(Array.from({ length: 20 }, () => place({ price: "1" })));
    expect(results).toEqual(Array.from({ length: 20 }, () => "placed OPEN"));
  });

  test("whose time is over answers the rest NOT_ATTEMPTED", async () => {
    const user = await newUser();
    const held = edge.shard.holdAnswers();
    const items = [place({ clientOrderId: "slow" }), place({ clientOrderId: "rest" })];
    const { client, headers } = user;
    const { results } = await client.batchOrders({ items }, { headers, timeoutMs: 1_500 });
    held.release();
    expect(results.map(resultOf)).toEqual(["OUTCOME_UNKNOWN/UNKNOWN", "DEADLINE_EXCEEDED/NOT_ATTEMPTED"]);
    expect(await user.batch(items)).toEqual(["placed OPEN", "placed OPEN"]);
  });

  test("counts as its items do one by one, and pays back what is more than a second's worth", async () => {
    const user = await newUser({ tier: "basic" });
    // Side by side, since time fills the bucket; bad items cost as much as good ones, and take none.
    const items = Array.from({ length: 20 }, () => place({ price: "x" }));
    const said = await Promise.all([0, 1].map(() => failureOf(user.batch(items))));
    expect(said.sort()).toEqual(["OK", "RATE_LIMITED/NOT_ATTEMPTED"]);
    // Cancels have a bucket of their own, in a batch too.
    expect(await user.batch([{ command: { case: "cancel", value: { id: named("x") } } }])).toEqual([
      "ORDER_NOT_FOUND/NOT_ATTEMPTED",
    ]);
    expect(await failureOf(user.client.cancelAllOrders({}, { headers: user.headers }))).toBe("OK");
  });
});

describe("cancel all", () => {
  test("ends what it names and nothing else; a repeat under its key ends nothing new", async () => {
    const user = await newUser();
    const other = await newUser();
    await user.place({ clientOrderId: "buy" });
    await user.place({ clientOrderId: "sell", side: Side.SELL, price: "200" });
    await user.place({
      clientOrderId: "stop",
      side: Side.SELL,
      type: OrderType.STOP,
      price: undefined,
      stopPrice: "50",
    });
    await other.place({ clientOrderId: "theirs" });
    const sells = { symbol: "BTC/USDT", side: Side.SELL, requestId: "1" };
    const { headers, client } = user;
    expect(await client.cancelAllOrders(sells, { headers })).toMatchObject({ cancelled: 2, requestId: "1" });
    expect(await user.get("stop")).toMatchObject({
      status: OrderStatus.CANCELLED,
      reason: EndReason.CANCEL_ALL,
    });
    await user.place({ clientOrderId: "later", side: Side.SELL, price: "200" });
    expect(await client.cancelAllOrders(sells, { headers })).toMatchObject({ cancelled: 2 });
    expect(await user.get("later")).toMatchObject({ status: OrderStatus.OPEN });
    expect(await failureOf(client.cancelAllOrders({ ...sells, side: Side.BUY }, { headers }))).toBe(
      "REQUEST_ID_REUSED/NOT_ATTEMPTED request_id",
    );
    expect(await user.rest("DELETE", "orders?symbol=BTC%2FUSDT&side=SIDE_SELL")).toMatchObject({
      cancelled: 1,
    });
    const { requestId } = (await user.rest("DELETE", "orders")) as { requestId: string };
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
    expect(await user.get("buy")).toMatchObject({ status: OrderStatus.CANCELLED });
    expect(await other.get("theirs")).toMatchObject({ status: OrderStatus.OPEN });
  });

  test("a lost answer is asked again under the same key; what stays away leaves the outcome unknown", async () => {
    const user = await newUser();
    await user.place();
    edge.shard.failure = new DomainError("TRANSPORT_FAILED");
    expect(await user.rest("DELETE", "orders")).toMatchObject({ cancelled: 1 });
    edge.shard.failure = new DomainError("INTERNAL");
    expect(await user.rest("DELETE", "orders?request_id=7")).toBe("503 SHARD_UNAVAILABLE  UNKNOWN");
  });

  test.each([
    ["an unknown market", "symbol=X%2FY", "404 SYMBOL_NOT_FOUND symbol NOT_ATTEMPTED"],
    ["no market", "symbol=..", "400 INVALID_SYMBOL symbol NOT_ATTEMPTED"],
    ["a side that does not exist", "side=9", "400 INVALID_ENUM side NOT_ATTEMPTED"],
    ["a request id that is none", "request_id=a%20b", "400 INVALID_REQUEST_ID request_id NOT_ATTEMPTED"],
    ["what is no user", "user_id=x", "400 INVALID_USER_ID user_id NOT_ATTEMPTED"],
    ["a field that is not known", "user=x", "400 UNKNOWN_FIELD user NOT_ATTEMPTED"],
  ])("%s is refused", async (_, query, verdict) => {
    expect(await (await newUser()).rest("DELETE", `orders?${query}`)).toBe(verdict);
  });
});

describe("the dead-man switch", () => {
  test("is set, renewed and disabled at the shard", async () => {
    const user = await newUser();
    const { headers, client } = user;
    // The shard's clock stands at one second.
    expect(await client.cancelAllAfter({ timeoutMs: 60_000n }, { headers })).toMatchObject({
      dueTime: { seconds: 61n },
    });
    const body = { timeoutMs: "5000", symbols: ["BTC/USDT"] };
    expect(await user.rest("POST", "orders/cancel-all-after", body)).toEqual({
      dueTime: "1970-01-01T00:00:06Z",
    });
    expect((await client.cancelAllAfter({ timeoutMs: 0n }, { headers })).dueTime).toBeUndefined();
    const mine = edge.shard.switches.filter(({ userId }) => userId === user.userId);
    expect(mine.map(({ timeoutMs, symbols }) => [timeoutMs, symbols])).toEqual([
      [60_000n, []],
      [5_000n, ["BTC/USDT"]],
      [0n, []],
    ]);
  });

  test.each([
    ["more than a day", { timeoutMs: "86400001" }, "400 INVALID_FIELD timeout_ms NOT_ATTEMPTED"],
    ["less than nothing", { timeoutMs: "-1" }, "400 INVALID_FIELD timeout_ms NOT_ATTEMPTED"],
    [
      "an unknown market",
      { timeoutMs: "1", symbols: ["X/Y"] },
      "404 SYMBOL_NOT_FOUND symbols[0] NOT_ATTEMPTED",
    ],
    [
      "a second market that is unknown",
      { timeoutMs: "1", symbols: ["BTC/USDT", "X/Y"] },
      "404 SYMBOL_NOT_FOUND symbols[1] NOT_ATTEMPTED",
    ],
    [
      "no market",
      { timeoutMs: "1", symbols: ["BTC/USDT", ".."] },
      "400 INVALID_SYMBOL symbols[1] NOT_ATTEMPTED",
    ],
    [
      "more than 100 markets",
      { timeoutMs: "1", symbols: Array.from({ length: 101 }, () => "BTC/USDT") },
      "400 INVALID_FIELD symbols NOT_ATTEMPTED",
    ],
    ["no timeout", {}, "400 FIELD_REQUIRED timeout_ms NOT_ATTEMPTED"],
    ["a timeout of null", { timeoutMs: null }, "400 FIELD_REQUIRED timeout_ms NOT_ATTEMPTED"],
  ])("%s is refused", async (_, body, verdict) => {
    expect(await (await newUser()).rest("POST", "orders/cancel-all-after", body)).toBe(verdict);
  });

  test("is never disarmed by a call that names no timeout, on any surface", async () => {
    const { client, headers, userId } = await newUser();
    await client.cancelAllAfter({ timeoutMs: 60_000n }, { headers });
    expect(await failureOf(client.cancelAllAfter({}, { headers }))).toBe(
      "FIELD_REQUIRED/NOT_ATTEMPTED timeout_ms",
    );
    const url = `${edge.httpUrl}/bourse.order_gateway.v1.OrderGatewayService/CancelAllAfter`;
    const json = { ...headers, "content-type": "application/json" };
    const { status } = await fetch(url, { method: "POST", headers: json, body: "{}" });
    expect(status).toBe(400);
    const mine = edge.shard.switches.filter((each) => each.userId === userId);
    expect(mine.map(({ timeoutMs }) => timeoutMs)).toEqual([60_000n]);
  });
});

describe("market states", () => {
  const halt = { symbol: "BTC/USDT", state: MarketState.HALTED, reason: "a test" };

  test("are an operator's, with a reason, and hold from the answer on", async () => {
    const [trader, operator] = [await newUser(), await newUser({ roles: ["operator"] })];
    const { client } = operator;
    expect(await failureOf(client.setMarketState(halt, { headers: trader.headers }))).toBe(
      "INSUFFICIENT_SCOPE/NOT_ATTEMPTED",
    );
    await trader.place({ clientOrderId: "resting" });
    const changed = await client.setMarketState(halt, { headers: operator.headers });
    expect(changed.market).toMatchObject({ symbol: "BTC/USDT", state: MarketState.HALTED });
    expect(await failureOf(trader.place())).toBe("SYMBOL_HALTED/NOT_ATTEMPTED symbol");
    const path = "markets/BTC/USDT/state";
    for (const [state, plain, postOnly] of [
      ["POST_ONLY", "SYMBOL_POST_ONLY/NOT_ATTEMPTED symbol", "OK"],
      ["CANCEL_ONLY", "SYMBOL_CANCEL_ONLY/NOT_ATTEMPTED symbol", "SYMBOL_CANCEL_ONLY/NOT_ATTEMPTED symbol"],
    ]) {
      await operator.rest("POST", path, { state: `MARKET_STATE_${state}`, reason: "a test" });
      expect(await failureOf(trader.place())).toBe(plain);
      expect(await failureOf(trader.place({ postOnly: true }))).toBe(postOnly);
      const stop = { type: OrderType.STOP_LIMIT, stopPrice: "120", postOnly: true };
      expect(await failureOf(trader.place(stop))).toBe(plain);
    }
    const { headers } = trader;
    expect(await failureOf(trader.client.cancelOrder({ id: named("resting") }, { headers }))).toBe("OK");
    await operator.rest("POST", path, { state: "MARKET_STATE_TRADING", reason: "over" });
    expect(await failureOf(trader.place())).toBe("OK");
  });

  test.each([
    ["no reason", { state: "MARKET_STATE_HALTED" }, "400 FIELD_REQUIRED reason NOT_ATTEMPTED"],
    [
      "a long reason",
      { state: "MARKET_STATE_HALTED", reason: "x".repeat(201) },
      "400 INVALID_FIELD reason NOT_ATTEMPTED",
    ],
    ["no state", { reason: "x" }, "400 FIELD_REQUIRED state NOT_ATTEMPTED"],
    ["a state that does not exist", { state: "HALTED", reason: "x" }, "400 INVALID_ENUM state NOT_ATTEMPTED"],
  ])("%s is refused", async (_, body, verdict) => {
    const operator = await newUser({ roles: ["operator"] });
    expect(await operator.rest("POST", "markets/BTC/USDT/state", body)).toBe(verdict);
    expect(await operator.rest("POST", "markets/NO/MARKET/state", { state: 4, reason: "x" })).toBe(
      "404 SYMBOL_NOT_FOUND symbol NOT_ATTEMPTED",
    );
  });

  test("a delisted market stays so", async () => {
    const operator = await newUser({ roles: ["operator"] });
    edge.shard.show({
      markets: [BTC, { ...BTC, symbol: "OLD/USDT", baseAsset: "OLD", state: MarketState.DELISTED }],
    });
    const body = { state: "MARKET_STATE_TRADING", reason: "x" };
    await expect
      .poll(() => operator.rest("POST", "markets/OLD/USDT/state", body), WAIT)
      .toBe("400 SYMBOL_DELISTED  NOT_ATTEMPTED");
  });
});

test("a shard without room takes no new order, and nothing is reserved; what exists can be changed and ended", async () => {
  const user = await newUser();
  await user.place({ clientOrderId: "old" });
  edge.shard.show({ isReadOnly: true });
  await expect.poll(() => failureOf(user.place()), WAIT).toBe("SHARD_READ_ONLY/NOT_ATTEMPTED");
  const body = { symbol: "BTC/USDT", side: "SIDE_BUY", type: "ORDER_TYPE_LIMIT", price: "1", quantity: "1" };
  expect(await user.rest("POST", "orders", body)).toBe("503 SHARD_READ_ONLY  NOT_ATTEMPTED");
  expect(await user.place({ clientOrderId: "old" })).toMatchObject({ replayed: true });
  expect(await failureOf(user.amend("old", { requestId: "1", quantity: "0.5" }))).toBe("OK");
  expect(await failureOf(user.client.cancelOrder({ id: named("old") }, { headers: user.headers }))).toBe(
    "OK",
  );
  edge.shard.show({ isReadOnly: false });
  await expect.poll(() => failureOf(user.place()), WAIT).toBe("OK");
});

describe("an operator", () => {
  test("ends a user's order, once, by its id or the user's own name for it", async () => {
    const [trader, operator] = [await newUser(), await newUser({ roles: ["operator"] })];
    const { client, headers } = operator;
    const { userId } = trader;
    const by = { headers };
    await trader.place({ clientOrderId: "one" });
    const { order: two } = await trader.place({ clientOrderId: "two" });
    const ended = { status: OrderStatus.CANCELLED, reason: EndReason.OPERATOR };
    const cancel = { id: named("one"), userId: userId.toUpperCase() };
    expect(await client.cancelOrder(cancel, by)).toMatchObject({ order: ended, replayed: false });
    expect(await client.cancelOrder(cancel, by)).toMatchObject({ order: ended, replayed: true });
    const own = { headers: trader.headers };
    expect(await client.cancelOrder({ id: named("one"), userId }, own)).toMatchObject({ order: ended });
    expect(await trader.get("one")).toMatchObject(ended);
    expect(await operator.rest("DELETE", `orders/${two?.orderId}?user_id=${userId}`)).toMatchObject({
      order: { status: "ORDER_STATUS_CANCELLED", reason: "END_REASON_OPERATOR" },
    });
    await trader.place({ clientOrderId: "three" });
    const path = `client-orders/three?user_id=${userId}&symbol=BTC%2FUSDT`;
    expect(await operator.rest("DELETE", path)).toMatchObject({ order: { reason: "END_REASON_OPERATOR" } });
    // Without the owner's name it is an order of the operator's, who has none.
    expect(await failureOf(client.cancelOrder({ id: named("three") }, by))).toBe(
      "ORDER_NOT_FOUND/NOT_ATTEMPTED",
    );
  });

  test("ends it on a stream and in a batch too, and places nothing there", async () => {
    const [trader, operator] = [await newUser(), await newUser({ roles: ["operator"] })];
    await trader.place({ clientOrderId: "one" });
    await trader.place({ clientOrderId: "two" });
    const stream = operator.client.orderEntry({ headers: operator.headers });
    const cancel = (name: string) =>
      ({ case: "cancel", value: { id: named(name), userId: trader.userId } }) as const;
    stream.write({ command: cancel("one") });
    stream.write({ command: { case: "place", value: order() } });
    stream.end();
    const said: string[] = [];
    for await (const { result } of stream) said.push(result.case ?? "none");
    expect(said).toEqual(["cancelled", "error"]);
    expect(await trader.get("one")).toMatchObject({ reason: EndReason.OPERATOR });
    expect(await trader.batch([{ command: cancel("two") }])).toEqual(["cancelled CANCELLED"]);
    expect(await trader.get("two")).toMatchObject({ reason: EndReason.USER });
    const both = await newUser({ roles: ["trader", "operator"] });
    await trader.place({ clientOrderId: "three" });
    expect(await both.batch([{ command: cancel("three") }])).toEqual(["cancelled CANCELLED"]);
    expect(await trader.get("three")).toMatchObject({ reason: EndReason.OPERATOR });
  });

  test("ends all of a user's orders", async () => {
    const [trader, operator] = [await newUser(), await newUser({ roles: ["operator"] })];
    const { client, headers } = operator;
    for (const name of ["a", "b"]) await trader.place({ clientOrderId: name });
    const all = { userId: trader.userId, requestId: "r" };
    expect(await client.cancelAllOrders(all, { headers })).toMatchObject({ cancelled: 2 });
    expect(await client.cancelAllOrders(all, { headers })).toMatchObject({ cancelled: 2 });
    for (const name of ["a", "b"])
      expect(await trader.get(name)).toMatchObject({ reason: EndReason.OPERATOR });
    await trader.place({ clientOrderId: "c" });
    expect(await operator.rest("DELETE", `orders?user_id=${trader.userId}`)).toMatchObject({ cancelled: 1 });
    expect(await trader.get("c")).toMatchObject({ reason: EndReason.OPERATOR });
  });

  test("leaves a tombstone with that word for an order that its shard never saw", async () => {
    const [trader, operator] = [await newUser(), await newUser({ roles: ["operator"] })];
    const { client, headers } = operator;
    const held = edge.wallet.holdAnswers();
    const unseen = order({ clientOrderId: "unseen" });
    await failureOf(trader.client.placeOrder(unseen, { headers: trader.headers, timeoutMs: 500 }));
    const cancel = { id: named("unseen"), userId: trader.userId };
    const { order: ended } = await client.cancelOrder(cancel, { headers });
    held.release();
    const word = { status: OrderStatus.CANCELLED, reason: EndReason.OPERATOR };
    expect(ended).toMatchObject({ ...word, clientOrderId: "unseen", price: "100" });
    expect(await trader.get("unseen")).toMatchObject(word);
    expect(await trader.place({ clientOrderId: "unseen" })).toMatchObject({ order: word, replayed: true });
  });

  test("is who may; others end nothing of another user", async () => {
    const [trader, other] = [await newUser(), await newUser()];
    const { order: theirs } = await other.place({ clientOrderId: "x" });
    const { client, headers, userId } = trader;
    const id = { case: "orderId", value: theirs?.orderId ?? "" } as const;
    const no = "INSUFFICIENT_SCOPE/NOT_ATTEMPTED user_id";
    const whose = { userId: other.userId };
    expect(await failureOf(client.cancelOrder({ id, ...whose }, { headers }))).toBe(no);
    expect(await failureOf(client.cancelAllOrders(whose, { headers }))).toBe(no);
    expect(await trader.rest("DELETE", `orders?user_id=${other.userId}`)).toBe(
      "403 INSUFFICIENT_SCOPE user_id NOT_ATTEMPTED",
    );
    expect(await trader.batch([{ command: { case: "cancel", value: { id, ...whose } } }])).toEqual([no]);
    expect(await failureOf(client.cancelAllOrders({ userId: "x" }, { headers }))).toBe(
      "INVALID_USER_ID/NOT_ATTEMPTED user_id",
    );
    expect(await client.cancelAllOrders({ userId }, { headers })).toMatchObject({ cancelled: 0 });
    expect(await other.get("x")).toMatchObject({ status: OrderStatus.OPEN });
  });
});

test("auditors and operators change no orders", async () => {
  for (const role of ["auditor", "operator"]) {
    const user = await newUser({ roles: [role] });
    const { client, headers } = user;
    const calls = [
      client.amendOrder({ id: named("x"), requestId: "1", price: "1" }, { headers }),
      client.batchOrders({ items: [{}] }, { headers }),
      client.cancelAllAfter({}, { headers }),
      ...(role === "auditor"
        ? [client.cancelAllOrders({}, { headers }), client.cancelOrder({ id: named("x") }, { headers })]
        : []),
    ];
    const said = await Promise.all(calls.map((call: Promise<unknown>) => failureOf(call)));
    expect(new Set(said)).toEqual(new Set(["INSUFFICIENT_SCOPE/NOT_ATTEMPTED"]));
  }
});
