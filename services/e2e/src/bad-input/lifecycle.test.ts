// RELIABILITY 5.3, rows 67 and 69 to 71 on a running exchange: a cancel against a fill, and the calls of services at
// doors that are not theirs and at the wallet's own.
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import type { User } from "@bourse/local/testing/users.js";
import { OrderStatus, OrderType, Side, TimeInForce } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { JsonObject } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Exchange, startExchange } from "../exchange.js";

let exchange: Exchange;
beforeAll(async () => {
  exchange = await startExchange();
});
afterAll(() => exchange?.close());

const RACES = 100;

test("row 67 · a cancel and a fill of one order race: one of them, and only one, is final", async () => {
  const seen = await Promise.all(["BTC", "ETH"].map(raceIn));
  // Both happened, or nothing was a race.
  for (const { cancelled, filled } of seen) expect(Math.min(cancelled, filled)).toBeGreaterThan(5);
}, 120_000);

/** Races in the market of this asset, one after the other. The cancel starts so late that either may win. */
async function raceIn(asset: string): Promise<{ cancelled: number; filled: number }> {
  const funds = { USDT: "1000000", [asset]: "1000" };
  const [buyer, seller] = [await exchange.newUser({ funds }), await exchange.newUser({ funds })];
  const terms = { symbol: `${asset}/USDT`, type: OrderType.LIMIT, price: "100", quantity: "0.1" };
  const sell = { ...terms, side: Side.SELL, timeInForce: TimeInForce.IOC };
  const seen = { cancelled: 0, filled: 0 };
  let headStartMs = 2;
  for (let race = 0; race < RACES; race += 1) {
    const { order } = await buyer.client.orders.placeOrder({ ...terms, side: Side.BUY });
    const id = { case: "orderId", value: order?.orderId ?? "" } as const;
    const [sold, cancelled] = await Promise.all([
      seller.client.orders.placeOrder(sell),
      setTimeout(headStartMs).then(() => cancel(buyer, id, terms.symbol)),
    ]);
    const isFilled = sold.order?.status === OrderStatus.FILLED;
    expect(cancelled).toMatch(isFilled ? /^ORDER_NOT_OPEN .*FILLED$/ : /^CANCELLED$/);
    seen[isFilled ? "filled" : "cancelled"] += 1;
    headStartMs = Math.max(0, headStartMs + (isFilled ? -1 : 1));
    const { order: final } = await buyer.client.orders.getOrder({ id });
    expect(final).toMatchObject({
      status: isFilled ? OrderStatus.FILLED : OrderStatus.CANCELLED,
      filledQuantity: isFilled ? "0.1" : "0",
    });
  }
  await exchange.evidence.untilSettled();
  const { balances } = await buyer.client.accounts.getBalances({});
  const left = String(1_000_000 - 10 * seen.filled);
  expect(balances).toContainEqual(expect.objectContaining({ asset: "USDT", available: left, reserved: "0" }));
  return seen;
}

/** "CANCELLED", or why not and how the order stands. */
async function cancel(user: User, id: { case: "orderId"; value: string }, symbol: string): Promise<string> {
  try {
    const { order } = await user.client.orders.cancelOrder({ id, symbol });
    return OrderStatus[order?.status ?? OrderStatus.UNSPECIFIED];
  } catch (error) {
    const { reason, facts } = error as { reason: string; facts: Record<string, string> };
    return `${reason} ${facts.status ?? ""}`;
  }
}

/** HTTP status and reason of a POST. */
async function post(url: string, body: object, token?: string): Promise<[number, string, JsonObject]> {
  const response = await fetch(url, {
    method: "POST",
    headers: {
      "content-type": "application/json",
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
    },
    body: JSON.stringify(body),
  });
  const answer = (await response.json()) as JsonObject & { details?: { reason?: string }[] };
  return [response.status, answer.details?.[0]?.reason ?? "", answer];
}

test("rows 69 to 71 · reserve, release and settle at the edge, at the wallet with a token, and as a service", async () => {
  const trader = await exchange.newUser({ funds: { USDT: "10", BTC: "1" } });
  const { order } = await trader.client.orders.placeOrder({
    ...{ symbol: "BTC/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "5", quantity: "1" },
  });
  await exchange.evidence.untilSettled();
  const before = await exchange.evidence.look();
  const walletUrl = `http://127.0.0.1:${exchange.mesh.ports("wallet").http}/api/v1/wallets`;
  const held = { orderId: randomUUID(), userId: trader.id };
  const calls: [string, object][] = [
    ["reserve", { ...held, asset: "USDT", amount: "1" }],
    ["release", { orderId: order?.orderId, userId: trader.id }],
    ["settle-trade", { trade: {} }],
  ];
  const edgeUrl = exchange.mesh.running.httpUrl;
  for (const [name, body] of calls) {
    for (const { token } of [trader, exchange.operator]) {
      expect((await post(`${edgeUrl}/api/v1/wallets/${name}`, body, token)).slice(0, 2)).toEqual([
        404,
        "UNIMPLEMENTED",
      ]);
      expect((await post(`${walletUrl}/${name}`, body, token)).slice(0, 2)).toEqual([403, "FORBIDDEN"]);
    }
  }
  // The order is its shard's, whoever asks.
  const foreign = { orderId: order?.orderId, userId: randomUUID() };
  expect((await post(`${walletUrl}/release`, foreign)).slice(0, 2)).toEqual([400, "RESERVATION_MISMATCH"]);
  const own = { orderId: order?.orderId, userId: trader.id };
  expect((await post(`${walletUrl}/release`, own)).slice(0, 2)).toEqual([400, "OWNED_BY_SHARD"]);
  expect(await exchange.evidence.look()).toEqual(before);

  const reserve = { ...held, asset: "USDT", amount: "4" };
  expect((await post(`${walletUrl}/reserve`, reserve))[0]).toBe(200);
  const id = { case: "orderId", value: held.orderId } as const;
  // What a service holds is no order of the exchange: nobody can make a shard look for it.
  const { orders } = trader.client;
  for (const call of [() => orders.getOrder({ id }), () => orders.cancelOrder({ id })])
    await expect(call()).rejects.toMatchObject({ reason: "ORDER_NOT_FOUND" });
  const more = { ...held, amount: "4.1" };
  expect((await post(`${walletUrl}/release`, more)).slice(0, 2)).toEqual([400, "RESERVATION_MISMATCH"]);
  expect(await post(`${walletUrl}/release`, held)).toMatchObject([200, "", { released: "4" }]);
});
