// Compares a stored order history with the shard that it was made from.
import { SelfTradePrevention } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { Pool } from "@bourse/shared/postgres/pool.js";
import { formatNotional, formatPrice, formatQuantity, gridOf } from "@bourse/shared/units/market.js";
import { expect } from "vitest";
import { projectedSeq } from "../io/history-cursor.js";
import { listOrders } from "../io/orders-table.js";
import { listTrades } from "../io/trades-table.js";
import { USERS } from "./shard-session.js";
import type { TinyShard } from "./tiny-shard.js";

/** The history is what the shard knows, and every audit view that must be empty is. */
export async function expectHistoryOf(pool: Pool, shard: TinyShard): Promise<void> {
  const grid = gridOf(shard.market);
  const priceText = (ticks = 0) => (ticks === 0 ? undefined : formatPrice(grid, ticks));
  let orders = 0;
  let trades = 0;
  for (const userId of USERS) {
    const page = { userId, symbol: shard.market.symbol, pageSize: 10_000 };
    for (const row of (await listOrders(pool, { ...page, statuses: [] })).orders) {
      const known = shard.orders.get(row.orderId);
      orders += 1;
      expect(row).toMatchObject({
        clientOrderId: known?.terms.clientOrderId,
        price: priceText(known?.priceTicks),
        stopPrice: priceText(Number(known?.terms.stopPriceTicks)),
        quantity: known?.terms.byQuoteBudget ? undefined : formatQuantity(grid, known?.quantityLots ?? 0),
        selfTradePrevention: known?.terms.selfTradePrevention || SelfTradePrevention.CANCEL_TAKER,
        triggered: known?.isTriggered,
        status: known?.status,
        reason: known?.reason,
        filledQuantity: formatQuantity(grid, known?.executedLots ?? 0),
        executedQuote: formatNotional(grid, known?.executedTickLots ?? 0n),
        createdAtMs: known?.createdAtMs,
        acceptedSeq: known?.acceptedSeq,
      });
    }
    trades += (await listTrades(pool, page)).trades.length;
  }
  expect(orders).toBe(shard.orders.size);
  expect(trades).toBe(2 * shard.trades());
  expect(await projectedSeq(pool, shard.shard)).toBe(shard.records.length);
  for (const view of ["audit_order_mismatches", "audit_trade_mismatches", "audit_fee_mismatches"]) {
    expect((await pool.query(`SELECT * FROM orders.${view}`)).rows).toEqual([]);
  }
}
