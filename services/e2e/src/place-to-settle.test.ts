// An order from the client to the ledger: every process plays its part, and each of them can be asked.
import { randomUUID } from "node:crypto";
import type { User } from "@bourse/local/testing/users.js";
import {
  EndReason,
  OrderStatus,
  OrderType,
  Side,
  TimeInForce,
  TradeRole,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { runTool } from "./tool.js";

let exchange: Exchange;
beforeAll(async () => {
  exchange = await startExchange();
});
afterAll(() => exchange?.close());

// Users and a market of their own for each test, so that no book is shared.
let symbol = "";
let seller: User;
let buyer: User;
let markets = 0;
beforeEach(async () => {
  markets += 1;
  const baseAsset = `T${markets}`;
  symbol = `${baseAsset}/USDT`;
  const market = {
    symbol,
    baseAsset,
    quoteAsset: "USDT",
    tickSize: "0.01",
    lotSize: "0.001",
    minQuantity: "0.001",
    shard: markets % 2,
    protectionBps: 500,
    makerFeePpm: 1_000,
    takerFeePpm: 2_000,
  };
  await exchange.operator.client.orders.createMarket({ market });
  seller = await exchange.newUser({ funds: { [baseAsset]: "100" } });
  buyer = await exchange.newUser({ funds: { USDT: "100000" } });
});

const limit = (side: Side, price: string, quantity: string, more = {}) => ({
  clientOrderId: randomUUID(),
  symbol,
  side,
  type: OrderType.LIMIT,
  price,
  quantity,
  ...more,
});

/** "asset available/reserved" of a user, once everything decided is settled. */
async function balancesOf(user: User): Promise<string[]> {
  await exchange.evidence.untilSettled();
  const { balances } = await user.client.accounts.getBalances({});
  return balances.map(
    ({ asset, available, reserved }) => `${asset.startsWith("T") ? "base" : asset} ${available}/${reserved}`,
  );
}

test("a limit order rests, trades at its price and pays out, fees and improvement included", async () => {
  const rest = await seller.client.orders.placeOrder(limit(Side.SELL, "100", "3"));
  expect(rest.order).toMatchObject({ status: OrderStatus.OPEN, filledQuantity: "0" });
  expect(await balancesOf(seller)).toEqual(["base 97/3"]);

  const take = await buyer.client.orders.placeOrder(limit(Side.BUY, "101", "2"));
  expect(take.order).toMatchObject({ status: OrderStatus.FILLED, filledQuantity: "2", executedQuote: "200" });
  // The buyer paid 200, not 202, and 0.2 % of what it received; the seller 0.1 % of 200.
  expect(await balancesOf(buyer)).toEqual(["base 1.996/0", "USDT 99800/0"]);
  expect(await balancesOf(seller)).toEqual(["base 97/1", "USDT 199.8/0"]);

  const id = { case: "orderId", value: rest.order?.orderId ?? "" } as const;
  expect((await seller.client.orders.getOrder({ id })).order).toMatchObject({
    status: OrderStatus.PARTIALLY_FILLED,
    filledQuantity: "2",
  });
  await seller.client.orders.cancelOrder({ id });
  expect(await balancesOf(seller)).toEqual(["base 98/0", "USDT 199.8/0"]);
});

test("an order keeps its place in the log when it has ended, whoever is asked", async () => {
  const terms = limit(Side.SELL, "100", "1");
  const filled = (await seller.client.orders.placeOrder(terms)).order;
  const cancelled = (await seller.client.orders.placeOrder(limit(Side.SELL, "105", "1"))).order;
  await buyer.client.orders.placeOrder(limit(Side.BUY, "100", "1"));
  await seller.client.orders.cancelOrder({ id: { case: "orderId", value: cancelled?.orderId ?? "" } });
  await exchange.evidence.untilSettled();

  const { orders } = await seller.client.orders.listOrders({});
  for (const placed of [filled, cancelled]) {
    const orderId = placed?.orderId ?? "";
    expect(placed?.acceptedSequence).toBeGreaterThan(0n);
    const { order } = await seller.client.orders.getOrder({ id: { case: "orderId", value: orderId } });
    expect(order?.status).toBe(placed === filled ? OrderStatus.FILLED : OrderStatus.CANCELLED);
    expect(order?.acceptedSequence).toBe(placed?.acceptedSequence);
    const listed = orders.find((each) => each.orderId === orderId);
    expect(listed?.acceptedSequence).toBe(placed?.acceptedSequence);
  }
  const replay = await seller.client.orders.placeOrder(terms);
  expect(replay).toMatchObject({ replayed: true, order: { acceptedSequence: filled?.acceptedSequence } });
  const id = { case: "orderId", value: cancelled?.orderId ?? "" } as const;
  const again = await seller.client.orders.cancelOrder({ id });
  expect(again.order?.acceptedSequence).toBe(cancelled?.acceptedSequence);
  // A filled order stays filled, and a cancel says how it ended.
  const late = seller.client.orders.cancelOrder({ id: { case: "orderId", value: filled?.orderId ?? "" } });
  await expect(late).rejects.toMatchObject({
    reason: "ORDER_NOT_OPEN",
    facts: { status: "FILLED", filled_quantity: "1" },
  });
});

test("history, depth and trades show it, each to whom it concerns", async () => {
  const rest = await seller.client.orders.placeOrder(limit(Side.SELL, "100", "3"));
  const take = await buyer.client.orders.placeOrder(limit(Side.BUY, "100", "2"));
  const { orders } = await buyer.client.orders.listOrders({});
  expect(orders.map(({ orderId, status }) => [orderId, status])).toEqual([
    [take.order?.orderId, OrderStatus.FILLED],
  ]);
  const [bought] = (await buyer.client.orders.listTrades({})).trades;
  expect(bought).toMatchObject({
    price: "100",
    quantity: "2",
    role: TradeRole.TAKER,
    side: Side.BUY,
    fee: "0.004",
  });
  await exchange.evidence.untilSettled();
  const [sold] = (await seller.client.orders.listTrades({ orderId: rest.order?.orderId ?? "" })).trades;
  expect(sold).toMatchObject({
    tradeId: bought?.tradeId,
    role: TradeRole.MAKER,
    fee: "0.2",
    feeAsset: "USDT",
  });

  const depth = await buyer.client.marketData.getOrderBook({ symbol, minSequence: take.sequence });
  expect(depth).toMatchObject({ bids: [], asks: [{ price: "100", quantity: "1" }] });
  const { trades } = await buyer.client.marketData.listRecentTrades({ symbol });
  expect(trades).toMatchObject([
    { tradeId: bought?.tradeId, price: "100", quantity: "2", takerSide: Side.BUY },
  ]);
});

test("MARKET by budget spends at most the budget and gives the rest back", async () => {
  await seller.client.orders.placeOrder(limit(Side.SELL, "100", "1"));
  await seller.client.orders.placeOrder(limit(Side.SELL, "101", "1"));
  const { order } = await buyer.client.orders.placeOrder({
    clientOrderId: randomUUID(),
    symbol,
    side: Side.BUY,
    type: OrderType.MARKET,
    quoteBudget: "150.555",
  });
  // 100 for the first lot-wise unit, then 0.5 at 101 = 50.5: 0.055 buys no further lot of 0.101.
  expect(order).toMatchObject({ status: OrderStatus.FILLED, filledQuantity: "1.5", executedQuote: "150.5" });
  expect(await balancesOf(buyer)).toEqual(["base 1.497/0", "USDT 99849.5/0"]);
});

test("MARKET by quantity, IOC and FOK leave nothing behind", async () => {
  await seller.client.orders.placeOrder(limit(Side.SELL, "100", "1"));
  const fok = await buyer.client.orders.placeOrder(
    limit(Side.BUY, "100", "2", { timeInForce: TimeInForce.FOK }),
  );
  expect(fok.order).toMatchObject({
    status: OrderStatus.EXPIRED,
    reason: EndReason.FOK_NOT_FILLABLE,
    filledQuantity: "0",
  });
  const ioc = await buyer.client.orders.placeOrder(
    limit(Side.BUY, "100", "0.4", { timeInForce: TimeInForce.IOC }),
  );
  expect(ioc.order).toMatchObject({ status: OrderStatus.FILLED });
  const rest = await buyer.client.orders.placeOrder(
    limit(Side.BUY, "100", "5", { timeInForce: TimeInForce.IOC }),
  );
  expect(rest.order).toMatchObject({
    status: OrderStatus.EXPIRED,
    reason: EndReason.IOC_REMAINDER,
    filledQuantity: "0.6",
  });
  const market = await buyer.client.orders.placeOrder({
    clientOrderId: randomUUID(),
    symbol,
    side: Side.BUY,
    type: OrderType.MARKET,
    quantity: "1",
  });
  expect(market.order).toMatchObject({
    status: OrderStatus.EXPIRED,
    reason: EndReason.INSUFFICIENT_LIQUIDITY,
  });
  expect(await balancesOf(buyer)).toEqual(["base 0.998/0", "USDT 99900/0"]);
});

test("an order with oneself is prevented: the taker ends, the maker stays, no money moves", async () => {
  await exchange.operator.client.accounts.deposit({
    userId: seller.id,
    asset: "USDT",
    amount: "1000",
    requestId: randomUUID(),
  });
  await seller.client.orders.placeOrder(limit(Side.SELL, "100", "1"));
  const { order } = await seller.client.orders.placeOrder(limit(Side.BUY, "100", "1"));
  expect(order).toMatchObject({
    status: OrderStatus.EXPIRED,
    reason: EndReason.SELF_TRADE,
    filledQuantity: "0",
  });
  expect(await balancesOf(seller)).toEqual(["base 99/1", "USDT 1000/0"]);
});

test("a stream of commands is answered in order, cancels included", async () => {
  const entry = seller.client.openOrderEntry({ windowMax: 64 });
  const ids = Array.from({ length: 50 }, () => randomUUID());
  const answers = ids.flatMap((clientOrderId) => [
    entry.send({ command: { case: "place", value: { ...limit(Side.SELL, "100", "1"), clientOrderId } } }),
    entry.send({
      command: { case: "cancel", value: { id: { case: "clientOrderId", value: clientOrderId } } },
    }),
  ]);
  const kinds = (await Promise.all(answers)).map(({ answer }) => answer.type);
  await entry.close();
  expect(kinds).toEqual(ids.flatMap(() => ["placed", "cancelled"]));
  expect(await balancesOf(seller)).toEqual(["base 100/0"]);
});

test("the ledger sums to zero in every asset, and the audit is clean", async () => {
  await seller.client.orders.placeOrder(limit(Side.SELL, "99.99", "0.333"));
  await buyer.client.orders.placeOrder(limit(Side.BUY, "99.99", "0.333"));
  await exchange.evidence.untilSettled();
  const sums = await exchange.evidence.query<{ asset: string; sum: string }>(
    "SELECT asset, sum(available + reserved) FROM wallet.accounts GROUP BY asset",
  );
  expect(sums.length).toBeGreaterThan(1);
  for (const { asset, sum } of sums) expect(formatAtoms(atomsOfNumeric(sum)), asset).toBe("0");
  const audit = await runTool("audit", [], { BOURSE_HOME: exchange.mesh.home });
  expect(audit.code, audit.output).toBe(0);
});
