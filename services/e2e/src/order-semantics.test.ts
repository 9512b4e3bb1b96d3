// Orders that wait, change, meet their own owner or end with many others: from the client to the ledger.
import { createHash, randomUUID } from "node:crypto";
import type { User } from "@bourse/local/testing/users.js";
import { fromStatus } from "@bourse/shared/errors/from-wire.js";
import { AmendCommandSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type {
  BatchItemSchema,
  Order,
  PlaceOrderRequestSchema,
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
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { legIdOf } from "@bourse/shared/ids.js";
import { createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { runTool } from "./tool.js";

type Place = MessageInitShape<typeof PlaceOrderRequestSchema>;
type Item = MessageInitShape<typeof BatchItemSchema>;

const MINUTES_OF_DAY = 1_440;

let exchange: Exchange;
/** DAY orders in a market whose session ends with the next minute, placed before all other tests. */
let day: { readonly user: User; readonly rests: string; readonly waits: string; readonly stays: string };

beforeAll(async () => {
  exchange = await startExchange();
  const minute = Math.floor(Date.now() / 60_000) + 1;
  await createMarket("DAY/USDT", { sessionEndMinutes: minute % MINUTES_OF_DAY });
  symbol = "DAY/USDT";
  const user = await exchange.newUser({ funds: { USDT: "1000" } });
  const dayOrder = { timeInForce: TimeInForce.DAY };
  const rests = await place(user, limit(Side.BUY, "10", "1", dayOrder));
  const waits = await place(user, stop(Side.BUY, "100", "1", dayOrder));
  const stays = await place(user, limit(Side.BUY, "9", "1"));
  day = { user, rests: rests.orderId, waits: waits.orderId, stays: stays.orderId };
});
afterAll(() => exchange?.close());

// Users and a market of their own for each test, so that no book is shared.
let symbol = "";
let seller: User;
let buyer: User;
let markets = 0;
beforeEach(async () => {
  markets += 1;
  symbol = `S${markets}/USDT`;
  await createMarket(symbol);
  seller = await exchange.newUser({ funds: { [`S${markets}`]: "100", USDT: "10000" } });
  buyer = await exchange.newUser({ funds: { [`S${markets}`]: "100", USDT: "10000" } });
});

/** No fees, so that balances say what traded. */
async function createMarket(name: string, more: Record<string, unknown> = {}): Promise<void> {
  const [baseAsset = "", quoteAsset = ""] = name.split("/");
  const grid = {
    symbol: name,
    baseAsset,
    quoteAsset,
    tickSize: "0.01",
    lotSize: "0.001",
    minQuantity: "0.001",
  };
  const market = { ...grid, shard: markets % 2, protectionBps: 1_000, ...more };
  await exchange.operator.client.orders.createMarket({ market });
}

function limit(side: Side, price: string, quantity: string, more: Place = {}): Place {
  return { clientOrderId: randomUUID(), symbol, side, type: OrderType.LIMIT, price, quantity, ...more };
}

function stop(side: Side, stopPrice: string, quantity: string, more: Place = {}): Place {
  return { clientOrderId: randomUUID(), symbol, side, type: OrderType.STOP, stopPrice, quantity, ...more };
}

function stopLimit(side: Side, stopPrice: string, price: string, quantity: string, more: Place = {}): Place {
  return { ...stop(side, stopPrice, quantity, more), type: OrderType.STOP_LIMIT, price };
}

async function place(user: User, request: Place): Promise<Order> {
  const { order } = await user.client.orders.placeOrder(request);
  if (order === undefined) throw new Error("a placement answers with its order");
  return order;
}

const byId = (orderId: string) => ({ case: "orderId", value: orderId }) as const;

/** "STATUS REASON filled/quantity" of an order as it is now. */
async function look(user: User, orderId: string): Promise<string> {
  const { order } = await user.client.orders.getOrder({ id: byId(orderId) });
  return words(order);
}

function words(order: Order | undefined): string {
  if (order === undefined) return "none";
  const reason = order.reason === EndReason.UNSPECIFIED ? "" : `${EndReason[order.reason]} `;
  return `${OrderStatus[order.status]} ${reason}${order.filledQuantity}/${order.quantity}`;
}

/** A trade at a price between two others, which moves the market's last price. */
async function tradeAt(price: string, quantity = "0.001"): Promise<void> {
  const funds = { [symbol.split("/")[0] ?? ""]: "10", USDT: "10000" };
  const [one, two] = [await exchange.newUser({ funds }), await exchange.newUser({ funds })];
  await place(one, limit(Side.SELL, price, quantity));
  expect(words(await place(two, limit(Side.BUY, price, quantity)))).toMatch(/^FILLED/);
}

/** "base available/reserved, USDT available/reserved" of a user, once everything decided is settled. */
async function balancesOf(user: User): Promise<string> {
  await exchange.evidence.untilSettled();
  const { balances } = await user.client.accounts.getBalances({});
  const all = balances.map(({ asset, available, reserved }) => {
    return `${asset === "USDT" ? "USDT" : "base"} ${available}/${reserved}`;
  });
  return all.join(", ");
}

/** The shard's own time, in which commands expire. */
async function shardNow(matcher: ServiceClient<typeof MatcherService>): Promise<{ timeMs: bigint }> {
  for await (const { timeMs } of matcher.watchShard({}, { timeoutMs: 10_000 })) return { timeMs };
  throw new Error("a shard tells its time at once");
}

async function failureOf(call: Promise<unknown>): Promise<string> {
  const error = await call.then(
    () => undefined,
    (reason: { reason: string; facts: Record<string, string> }) => reason,
  );
  return error === undefined ? "OK" : `${error.reason} ${error.facts.outcome}`;
}

describe("stops", () => {
  test("a STOP BUY waits with its budget, fires as a MARKET order and gives the rest back", async () => {
    await tradeAt("100");
    const waiting = await place(buyer, stop(Side.BUY, "110", "2"));
    expect(waiting).toMatchObject({
      status: OrderStatus.PENDING,
      stopPrice: "110",
      price: "",
      triggered: false,
    });
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9758/242");
    await place(seller, limit(Side.SELL, "111", "1"));
    await place(seller, limit(Side.SELL, "112", "5"));
    await tradeAt("110");
    const { order } = await buyer.client.orders.getOrder({ id: byId(waiting.orderId) });
    expect(order).toMatchObject({ triggered: true, executedQuote: "223", type: OrderType.STOP });
    expect(words(order)).toBe("FILLED 2/2");
    expect(await balancesOf(buyer)).toBe("base 102/0, USDT 9777/0");
    const { orders } = await buyer.client.orders.listOrders({});
    expect(orders.map(words)).toEqual(["FILLED 2/2"]);
  });

  test("one trade fires a cascade: a stop's own trades fire the next", async () => {
    await tradeAt("100");
    await place(buyer, limit(Side.BUY, "95", "1"));
    await place(buyer, limit(Side.BUY, "90", "1"));
    const first = await place(seller, stop(Side.SELL, "99", "1"));
    const second = await place(seller, stopLimit(Side.SELL, "95", "80", "1"));
    const third = await place(seller, stop(Side.SELL, "80", "1"));
    await tradeAt("99");
    expect(await look(seller, first.orderId)).toBe("FILLED 1/1");
    expect(await look(seller, second.orderId)).toBe("FILLED 1/1");
    expect(await look(seller, third.orderId)).toBe("PENDING 0/1");
    expect(await balancesOf(seller)).toBe("base 97/1, USDT 10185/0");
  });

  test("one that would fire at once is rejected and reserves nothing; without a trade it waits", async () => {
    const dormant = await place(seller, stop(Side.SELL, "1000", "1"));
    expect(words(dormant)).toBe("PENDING 0/1");
    await seller.client.orders.cancelOrder({ id: byId(dormant.orderId) });
    await tradeAt("100");
    expect(words(await place(buyer, stop(Side.BUY, "100", "1")))).toBe("REJECTED STOP_WOULD_TRIGGER 0/1");
    expect(words(await place(seller, stopLimit(Side.SELL, "100", "90", "1")))).toBe(
      "REJECTED STOP_WOULD_TRIGGER 0/1",
    );
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 10000/0");
    expect(await balancesOf(seller)).toBe("base 100/0, USDT 10000/0");
  });

  test("a fired STOP_LIMIT rests, expires post-only at its trigger, or fills or is killed", async () => {
    await tradeAt("100");
    await place(seller, limit(Side.SELL, "120", "1"));
    const rests = await place(buyer, stopLimit(Side.BUY, "105", "106", "1"));
    const takes = await place(buyer, stopLimit(Side.BUY, "105", "120", "1", { postOnly: true }));
    const killed = await place(
      buyer,
      stopLimit(Side.BUY, "105", "106", "1", { timeInForce: TimeInForce.FOK }),
    );
    const empty = await place(seller, stop(Side.SELL, "50", "1"));
    await tradeAt("105");
    expect(await look(buyer, rests.orderId)).toBe("OPEN 0/1");
    expect(await look(buyer, takes.orderId)).toBe("EXPIRED POST_ONLY_AT_TRIGGER 0/1");
    expect(await look(buyer, killed.orderId)).toBe("EXPIRED FOK_NOT_FILLABLE 0/1");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9894/106");
    await seller.client.orders.cancelOrder({ id: byId(empty.orderId) });
    expect(await balancesOf(seller)).toBe("base 99/1, USDT 10000/0");
  });
});

test("a stop whose market jumped over it never pays more than it has, nor leaves its band", async () => {
  symbol = `J${symbol}`;
  await createMarket(symbol, { bandBps: 2_000, protectionBps: 1_000 });
  const rich = await exchange.newUser({ funds: { USDT: "10000" } });
  await tradeAt("100");
  const far = await place(rich, stopLimit(Side.BUY, "105", "200", "1"));
  const market = await place(rich, stop(Side.BUY, "105", "1"));
  const asks = await exchange.newUser({ funds: { [symbol.split("/")[0] ?? ""]: "10" } });
  await tradeAt("119");
  expect(await look(rich, far.orderId)).toBe("EXPIRED PRICE_OUT_OF_BAND 0/1");
  expect(await look(rich, market.orderId)).toBe("EXPIRED INSUFFICIENT_LIQUIDITY 0/1");
  await tradeAt("100");
  await place(asks, limit(Side.SELL, "120", "5"));
  const jumped = await place(rich, stop(Side.BUY, "105", "1"));
  await tradeAt("119");
  // 105 + 10 % for one: its 115.5 buy 0.962 of what costs 120, inside the protection of 119 + 10 %.
  expect(await look(rich, jumped.orderId)).toBe("EXPIRED BUDGET_EXHAUSTED 0.962/1");
  expect(await balancesOf(rich)).toBe("base 0.962/0, USDT 9884.56/0");
});

describe("self-trade prevention", () => {
  test.each([
    [SelfTradePrevention.CANCEL_TAKER, "EXPIRED SELF_TRADE 1/5", "OPEN 0/3", "base 98/3, USDT 9900/0"],
    [
      SelfTradePrevention.CANCEL_MAKER,
      "PARTIALLY_FILLED 1/5",
      "EXPIRED SELF_TRADE 0/3",
      "base 101/0, USDT 9500/400",
    ],
    [
      SelfTradePrevention.CANCEL_BOTH,
      "EXPIRED SELF_TRADE 1/5",
      "EXPIRED SELF_TRADE 0/3",
      "base 101/0, USDT 9900/0",
    ],
    // Both lose three: one traded, one is left to rest.
    [
      SelfTradePrevention.DECREMENT,
      "PARTIALLY_FILLED 1/2",
      "EXPIRED SELF_TRADE 0/3",
      "base 101/0, USDT 9800/100",
    ],
  ])(
    "mode %i leaves taker and maker, and their money, as it says",
    async (mode, takerWords, makerWords, balances) => {
      await place(seller, limit(Side.SELL, "100", "1"));
      const maker = await place(buyer, limit(Side.SELL, "100", "3"));
      const taker = await place(buyer, limit(Side.BUY, "100", "5", { selfTradePrevention: mode }));
      expect(words(taker)).toBe(takerWords);
      expect(taker.selfTradePrevention).toBe(mode);
      expect(await look(buyer, maker.orderId)).toBe(makerWords);
      expect(await balancesOf(buyer)).toBe(balances);
      // Once settled, whoever is asked says the same.
      expect(await look(buyer, taker.orderId)).toBe(takerWords);
      expect(await look(buyer, maker.orderId)).toBe(makerWords);
      const { orders } = await buyer.client.orders.listOrders({});
      expect(orders.map(words)).toEqual([takerWords, makerWords]);
    },
  );
});

describe("amends", () => {
  const amend = async (
    user: User,
    order: Order,
    change: { price?: string; quantity?: string },
    requestId: string = randomUUID(),
  ) => {
    const answer = await user.client.orders.amendOrder({ id: byId(order.orderId), requestId, ...change });
    return answer.order;
  };

  test("an increase takes what it needs more, a decrease gives back, and a repeat does nothing", async () => {
    const order = await place(buyer, limit(Side.BUY, "100", "10"));
    expect(await amend(buyer, order, { price: "101", quantity: "12" }, "up")).toMatchObject({
      price: "101",
      quantity: "12",
    });
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 8788/1212");
    for (const when of ["before settlement", "after settlement"]) {
      const again = await buyer.client.orders.amendOrder({
        id: byId(order.orderId),
        requestId: "up",
        price: "101.00",
        quantity: "12",
      });
      expect(again, when).toMatchObject({ replayed: true, order: { price: "101", quantity: "12" } });
      await exchange.evidence.untilSettled();
    }
    const other = amend(buyer, order, { price: "102", quantity: "12" }, "up");
    expect(await failureOf(other)).toBe("REQUEST_ID_REUSED NOT_ATTEMPTED");
    await amend(buyer, order, { quantity: "5" });
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9495/505");
    await buyer.client.orders.cancelOrder({ id: byId(order.orderId) });
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 10000/0");
    const { order: ended } = await buyer.client.orders.getOrder({ id: byId(order.orderId) });
    expect(ended).toMatchObject({ price: "101", quantity: "5", status: OrderStatus.CANCELLED });
    const { orders } = await buyer.client.orders.listOrders({});
    expect(orders).toMatchObject([{ price: "101", quantity: "5" }]);
  });

  test("a seller's larger quantity takes the lots", async () => {
    const order = await place(seller, limit(Side.SELL, "100", "10"));
    await amend(seller, order, { price: "90", quantity: "11.5" });
    expect(await balancesOf(seller)).toBe("base 88.5/11.5, USDT 10000/0");
  });

  test("one that crosses trades as a taker, at the maker's price and with the improvement", async () => {
    await place(seller, limit(Side.SELL, "105", "2"));
    const order = await place(buyer, limit(Side.BUY, "100", "3"));
    const amended = await amend(buyer, order, { price: "110" });
    expect(words(amended)).toBe("PARTIALLY_FILLED 2/3");
    expect(await balancesOf(buyer)).toBe("base 102/0, USDT 9680/110");
    // No more than what was executed: the rest is cancelled.
    expect(words(await amend(buyer, order, { quantity: "2" }))).toMatch(/^CANCELLED AMENDED 2\//);
    expect(await balancesOf(buyer)).toBe("base 102/0, USDT 9790/0");
    expect(await failureOf(amend(buyer, order, { quantity: "1" }))).toBe("ORDER_NOT_OPEN NOT_ACCEPTED");
  });

  test("a decrease keeps its place, an increase loses it", async () => {
    const first = await place(seller, limit(Side.SELL, "100", "3"));
    const second = await place(buyer, limit(Side.SELL, "100", "3"));
    await amend(seller, first, { quantity: "2" });
    const taker = await exchange.newUser({ funds: { USDT: "1000" } });
    await place(taker, limit(Side.BUY, "100", "1"));
    expect(await look(seller, first.orderId)).toBe("PARTIALLY_FILLED 1/2");
    await amend(seller, first, { quantity: "3" });
    await place(taker, limit(Side.BUY, "100", "1"));
    expect(await look(seller, first.orderId)).toBe("PARTIALLY_FILLED 1/3");
    expect(await look(buyer, second.orderId)).toBe("PARTIALLY_FILLED 1/3");
  });

  test("a refused one leaves order and money as they were, for good under its request id", async () => {
    await place(seller, limit(Side.SELL, "105", "1"));
    const order = await place(buyer, limit(Side.BUY, "100", "1", { postOnly: true }));
    for (const _ of ["first", "again"]) {
      expect(await failureOf(amend(buyer, order, { price: "105" }, "cross"))).toBe(
        "POST_ONLY_WOULD_TAKE NOT_ACCEPTED",
      );
      await exchange.evidence.untilSettled();
    }
    expect(await failureOf(amend(buyer, order, { quantity: "101" }, "poor"))).toBe(
      "INSUFFICIENT_FUNDS NOT_ACCEPTED",
    );
    expect(await look(buyer, order.orderId)).toBe("OPEN 0/1");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9900/100");
    // A no stays a no, also when the same would need nothing more by now.
    await amend(buyer, order, { quantity: "101", price: "99" });
    expect(await failureOf(amend(buyer, order, { quantity: "101" }, "poor"))).toBe(
      "INSUFFICIENT_FUNDS NOT_ACCEPTED",
    );
    expect(await look(buyer, order.orderId)).toBe("OPEN 0/101");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 1/9999");
  });

  test("outside the band it is refused", async () => {
    symbol = `N${symbol}`;
    await createMarket(symbol, { bandBps: 1_000 });
    await tradeAt("100");
    const order = await place(buyer, limit(Side.BUY, "95", "1"));
    expect(await failureOf(amend(buyer, order, { price: "80" }))).toBe("PRICE_OUT_OF_BAND NOT_ACCEPTED");
    expect(await failureOf(amend(buyer, order, { price: "91" }))).toBe("OK");
  });

  test("a leg is nobody's order, whoever is asked", async () => {
    const order = await place(buyer, limit(Side.BUY, "100", "1"));
    await amend(buyer, order, { quantity: "2" }, "leg");
    const id = byId(legIdOf(order.orderId, "leg"));
    const { orders } = buyer.client;
    for (const when of ["before settlement", "after settlement"]) {
      for (const hint of ["", symbol]) {
        expect(await failureOf(orders.getOrder({ id, symbol: hint })), when).toMatch(/^ORDER_NOT_FOUND/);
        expect(await failureOf(orders.cancelOrder({ id, symbol: hint })), when).toMatch(/^ORDER_NOT_FOUND/);
        const change = { id, symbol: hint, requestId: "x", quantity: "3" };
        expect(await failureOf(orders.amendOrder(change)), when).toMatch(/^ORDER_NOT_FOUND/);
      }
      await exchange.evidence.untilSettled();
    }
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9800/200");
  });

  test("a leg that is too small by then changes nothing; a new request id does", async () => {
    const clientOrderId = randomUUID();
    const entry = buyer.client.openOrderEntry({ windowMax: 8 });
    const request = limit(Side.BUY, "10", "10", { clientOrderId });
    const { answer } = await entry.send({ command: { case: "place", value: request } });
    const orderId = answer.type === "placed" ? answer.order.orderId : "";
    // Another gateway lowers the quantity; this one, on its stream, still knows the old one.
    const channel = openChannel(`127.0.0.1:${exchange.mesh.ports(`matcher-${markets % 2}`).grpc}`);
    const matcher = createClient(MatcherService, channel);
    const { timeMs } = await shardNow(matcher);
    const less = {
      orderId,
      userId: buyer.id,
      legId: legIdOf(orderId, "elsewhere"),
      symbol,
      quantityLots: 1_000n,
    };
    await matcher.amend({ amend: { ...less, expiresAtMs: timeMs + 30_000n } });
    channel.close();
    const more = (requestId: string) => {
      const id = { case: "clientOrderId", value: clientOrderId } as const;
      return entry.send({ command: { case: "amend", value: { id, requestId, quantity: "11" } } });
    };
    const refused = (await more("1")).answer;
    expect(refused).toMatchObject({
      type: "refused",
      error: { reason: "LEG_TOO_SMALL", facts: { outcome: "NOT_ACCEPTED" } },
    });
    expect(await look(buyer, orderId)).toBe("OPEN 0/1");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9990/10");
    expect((await more("2")).answer).toMatchObject({ type: "amended", order: { quantity: "11" } });
    expect((await more("1")).answer).toMatchObject({ type: "refused", error: { reason: "LEG_TOO_SMALL" } });
    await entry.close();
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9890/110");
  });

  test("a leg whose amend never came is swept: its money comes back, and its key is closed for good", async () => {
    const order = await place(buyer, limit(Side.BUY, "100", "1"));
    const { orderId } = order;
    const legId = legIdOf(orderId, "orphan");
    // A gateway reserved it and died.
    const channel = openChannel(`127.0.0.1:${exchange.mesh.ports("wallet").grpc}`);
    const command = {
      orderId,
      userId: buyer.id,
      legId,
      symbol,
      quantityLots: 3_000n,
      legUnits: 20_000_000n,
      legAmount: "200",
    };
    await createClient(WalletService, channel).reserve({
      orderId: legId,
      userId: buyer.id,
      asset: "USDT",
      amount: "200",
      fingerprint: createHash("sha256")
        .update(JSON.stringify(["amend", orderId, "", "3"]))
        .digest(),
      shard: markets % 2,
      terms: toBinary(AmendCommandSchema, create(AmendCommandSchema, command)),
      legOfOrderId: orderId,
    });
    channel.close();
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9700/300");
    await expect
      .poll(() => balancesOf(buyer), { timeout: 40_000, interval: 250 })
      .toBe("base 100/0, USDT 9900/100");
    expect(await failureOf(amend(buyer, order, { quantity: "3" }, "orphan"))).toBe(
      "SUBMIT_EXPIRED NOT_ACCEPTED",
    );
    expect(await failureOf(amend(buyer, order, { quantity: "4" }, "orphan"))).toBe(
      "REQUEST_ID_REUSED NOT_ATTEMPTED",
    );
    expect(words(await amend(buyer, order, { quantity: "3" }, "next"))).toBe("OPEN 0/3");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9700/300");
  }, 60_000);

  test("a waiting stop changes its quantity, and a stop limit its limit", async () => {
    const market = await place(buyer, stop(Side.BUY, "100", "1"));
    const limited = await place(buyer, stopLimit(Side.BUY, "100", "105", "1"));
    await amend(buyer, market, { quantity: "2" });
    await amend(buyer, limited, { price: "104" });
    // 10 % protection: 220 for the two lots of the STOP.
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9676/324");
    expect(await failureOf(amend(buyer, market, { price: "1" }))).toBe("PRICE_NOT_ALLOWED NOT_ATTEMPTED");
    await place(seller, limit(Side.SELL, "101", "3"));
    await tradeAt("100");
    expect(await look(buyer, market.orderId)).toBe("FILLED 2/2");
    expect(await look(buyer, limited.orderId)).toBe("FILLED 1/1");
    expect(await balancesOf(buyer)).toBe("base 103/0, USDT 9697/0");
  });
});

describe("many orders at once", () => {
  test("cancel-all ends open orders and waiting stops on every shard, once for each request id", async () => {
    const here = symbol;
    markets += 1;
    symbol = `S${markets}/USDT`;
    await createMarket(symbol);
    const there = await place(buyer, limit(Side.BUY, "10", "1"));
    symbol = here;
    const rests = await place(buyer, limit(Side.BUY, "10", "1"));
    const sells = await place(buyer, limit(Side.SELL, "1000", "1"));
    const waits = await place(buyer, stop(Side.BUY, "2000", "1"));
    const others = await place(seller, limit(Side.BUY, "10", "1"));
    expect(await buyer.client.orders.cancelAllOrders({ symbol, side: Side.SELL })).toMatchObject({
      cancelled: 1,
    });
    expect(await look(buyer, sells.orderId)).toBe("CANCELLED CANCEL_ALL 0/1");
    expect(await buyer.client.orders.cancelAllOrders({ requestId: "all" })).toMatchObject({ cancelled: 3 });
    for (const { orderId } of [there, rests, waits])
      expect(await look(buyer, orderId)).toBe("CANCELLED CANCEL_ALL 0/1");
    expect(await look(seller, others.orderId)).toBe("OPEN 0/1");
    const later = await place(buyer, limit(Side.BUY, "10", "1"));
    expect(await buyer.client.orders.cancelAllOrders({ requestId: "all" })).toMatchObject({ cancelled: 3 });
    expect(await look(buyer, later.orderId)).toBe("OPEN 0/1");
    expect(
      await failureOf(buyer.client.orders.cancelAllOrders({ requestId: "all", side: Side.BUY })),
    ).toMatch(/^REQUEST_ID_REUSED/);
    await buyer.client.orders.cancelAllOrders({});
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 10000/0");
  });

  test("an operator ends one order of a user or all; the reason stays with them, and the money comes back", async () => {
    const userId = buyer.id;
    const { orders } = exchange.operator.client;
    const one = await place(buyer, limit(Side.BUY, "10", "1"));
    const rests = await place(buyer, limit(Side.SELL, "1000", "1"));
    const waits = await place(buyer, stop(Side.BUY, "2000", "1"));
    const others = await place(seller, limit(Side.BUY, "10", "1"));
    const theirs = { id: byId(others.orderId), userId: seller.id };
    expect(await failureOf(buyer.client.orders.cancelOrder(theirs))).toBe("INSUFFICIENT_SCOPE NOT_ATTEMPTED");
    const named = { case: "clientOrderId", value: one.clientOrderId } as const;
    for (const replayed of [false, true]) {
      const answer = await orders.cancelOrder({ id: named, userId });
      expect([words(answer.order), answer.replayed]).toEqual(["CANCELLED OPERATOR 0/1", replayed]);
    }
    const all = { userId, requestId: "operator" };
    expect(await orders.cancelAllOrders(all)).toMatchObject({ cancelled: 2 });
    expect(await orders.cancelAllOrders(all)).toMatchObject({ cancelled: 2 });
    expect(await look(seller, others.orderId)).toBe("OPEN 0/1");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 10000/0");
    for (const { orderId } of [one, rests, waits])
      expect(await look(buyer, orderId)).toBe("CANCELLED OPERATOR 0/1");
    const { orders: listed } = await buyer.client.orders.listOrders({ symbol });
    expect(listed.map(words)).toEqual(Array.from({ length: 3 }, () => "CANCELLED OPERATOR 0/1"));
  });

  test("a batch places, amends and cancels in order, each item with its own result", async () => {
    await place(seller, limit(Side.SELL, "100", "1"));
    const clientOrderId = randomUUID();
    const id = { case: "clientOrderId", value: clientOrderId } as const;
    const items: Item["command"][] = [
      { case: "place", value: limit(Side.BUY, "90", "1", { clientOrderId }) },
      { case: "amend", value: { id, requestId: "1", price: "100" } },
      { case: "cancel", value: { id } },
      { case: "place", value: limit(Side.BUY, "100.001", "1") },
      { case: "place", value: limit(Side.BUY, "50", "1", { clientOrderId }) },
    ];
    const { results } = await buyer.client.orders.batchOrders({
      items: items.map((command) => ({ command })) as Item[],
    });
    const said = results.map(({ result }) => {
      if (result.case === "error") return fromStatus(result.value)?.reason;
      return `${result.case} ${words(result.value?.order)}`;
    });
    expect(said).toEqual([
      "placed OPEN 0/1",
      "amended FILLED 1/1",
      "ORDER_NOT_OPEN",
      "PRICE_OFF_TICK",
      "CLIENT_ORDER_ID_REUSED",
    ]);
    expect(await balancesOf(buyer)).toBe("base 101/0, USDT 9900/0");
  });

  test("a dead-man switch that is not renewed ends the orders in its markets", async () => {
    const order = await place(buyer, limit(Side.BUY, "10", "1"));
    const waits = await place(buyer, stop(Side.BUY, "2000", "1"));
    const set = { symbols: [symbol], timeoutMs: 60_000n };
    expect((await buyer.client.orders.cancelAllAfter(set)).dueTime).toBeDefined();
    // Renewed with another timeout: only the last one counts.
    await buyer.client.orders.cancelAllAfter({ ...set, timeoutMs: 300n });
    await expect.poll(() => look(buyer, order.orderId), { timeout: 10_000 }).toBe("CANCELLED DEAD_MAN 0/1");
    expect(await look(buyer, waits.orderId)).toBe("CANCELLED DEAD_MAN 0/1");
    await buyer.client.orders.cancelAllAfter({ ...set, timeoutMs: 300n });
    expect((await buyer.client.orders.cancelAllAfter({ ...set, timeoutMs: 0n })).dueTime).toBeUndefined();
    const stays = await place(buyer, limit(Side.BUY, "10", "1"));
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await look(buyer, stays.orderId)).toBe("OPEN 0/1");
    expect(await balancesOf(buyer)).toBe("base 100/0, USDT 9990/10");
  });
});

test("a market's states: what each refuses, and delisting ends everything", async () => {
  const { orders } = exchange.operator.client;
  const turn = (state: MarketState) => orders.setMarketState({ symbol, state, reason: "a test" });
  const order = await place(buyer, limit(Side.BUY, "10", "1"));
  const waits = await place(seller, stop(Side.SELL, "5", "1"));
  const amend = (price: string) =>
    buyer.client.orders.amendOrder({ id: byId(order.orderId), requestId: randomUUID(), price });
  for (const [state, reason] of [
    [MarketState.HALTED, "SYMBOL_HALTED"],
    [MarketState.CANCEL_ONLY, "SYMBOL_CANCEL_ONLY"],
  ] as const) {
    expect((await turn(state)).market?.state).toBe(state);
    expect(await failureOf(place(buyer, limit(Side.BUY, "10", "1", { postOnly: true })))).toBe(
      `${reason} NOT_ATTEMPTED`,
    );
    expect(await failureOf(amend("11"))).toBe(`${reason} NOT_ACCEPTED`);
  }
  await turn(MarketState.POST_ONLY);
  expect(await failureOf(place(buyer, limit(Side.BUY, "10", "1")))).toBe("SYMBOL_POST_ONLY NOT_ATTEMPTED");
  const ask = await place(seller, limit(Side.SELL, "20", "1", { postOnly: true }));
  expect(await failureOf(amend("20"))).toBe("SYMBOL_POST_ONLY NOT_ACCEPTED");
  expect(await failureOf(amend("12"))).toBe("OK");
  await turn(MarketState.TRADING);
  expect(words(await place(buyer, limit(Side.BUY, "11", "1")))).toBe("OPEN 0/1");
  await turn(MarketState.DELISTED);
  expect(await look(buyer, order.orderId)).toBe("CANCELLED DELISTED 0/1");
  expect(await look(seller, ask.orderId)).toBe("CANCELLED DELISTED 0/1");
  expect(await look(seller, waits.orderId)).toBe("CANCELLED DELISTED 0/1");
  expect(await failureOf(turn(MarketState.TRADING))).toBe("SYMBOL_DELISTED NOT_ATTEMPTED");
  expect(await balancesOf(buyer)).toBe("base 100/0, USDT 10000/0");
  expect(await balancesOf(seller)).toBe("base 100/0, USDT 10000/0");
});

test("DAY orders, resting and waiting, end with the session; others stay", async () => {
  await expect
    .poll(() => look(day.user, day.rests), { timeout: 70_000, interval: 250 })
    .toBe("EXPIRED DAY_END 0/1");
  expect(await look(day.user, day.waits)).toBe("EXPIRED DAY_END 0/1");
  expect(await look(day.user, day.stays)).toBe("OPEN 0/1");
  await exchange.evidence.untilSettled();
  const { balances } = await day.user.client.accounts.getBalances({});
  expect(balances).toMatchObject([{ asset: "USDT", available: "991", reserved: "9" }]);
}, 80_000);

test("the audit is clean", async () => {
  await exchange.evidence.untilSettled();
  const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
  expect(audit.code, audit.output).toBe(0);
});
