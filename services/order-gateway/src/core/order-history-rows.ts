// What a batch did to one order, and the row change that follows from it.
import { assert } from "@bourse/shared/assert.js";
import { formatNotional, formatPrice, formatQuantity, type Grid } from "@bourse/shared/units/market.js";
import type { HistoryEvent, HistoryTerms, NewOrder, OrderUpdate } from "./order-history-types.js";

/** Statuses that the fold itself decides on, `bourse.types.v1.OrderStatus`. */
const PENDING = 1;
const OPEN = 2;
const PARTIALLY_FILLED = 3;
/** What an unspecified self-trade prevention means, `bourse.types.v1.SelfTradePrevention`. */
const CANCEL_TAKER = 1;

/** An order in the course of a batch. */
export interface Touched {
  readonly orderId: string;
  /** Undefined until an event says it. */
  createdAtMs: number | undefined;
  readonly grid: Grid;
  /** Present when the batch brought the order. */
  readonly placed: { readonly terms: HistoryTerms; readonly seq: number } | undefined;
  addedLots: number;
  addedTickLots: bigint;
  /** True while the batch knows it as a stop that waits. */
  isWaiting: boolean;
  isTriggered: boolean;
  /** Limit price and quantity as last amended; 0 when they were not. */
  amendedPriceTicks: number;
  amendedLots: number;
  /** What prevention took off the quantity since. */
  loweredLots: number;
  ended: Extract<HistoryEvent, { type: "ended" }> | undefined;
  updatedAtMs: number;
}

/** Row of an order that a batch brought. */
export function newOrderOf(order: Touched, placed: { terms: HistoryTerms; seq: number }): NewOrder {
  const { grid, ended } = order;
  const { terms } = placed;
  if (ended !== undefined) {
    assert(ended.executedLots === order.addedLots, "the final word agrees with the trades on the quantity");
    assert(
      ended.executedTickLots === order.addedTickLots,
      "the final word agrees with the trades on the notional",
    );
  }
  assert(order.createdAtMs !== undefined, "an order's place says when it was created");
  const priceTicks = order.amendedPriceTicks === 0 ? terms.priceTicks : order.amendedPriceTicks;
  const lots = (order.amendedLots === 0 ? terms.quantityLots : order.amendedLots) - order.loweredLots;
  return {
    orderId: order.orderId,
    createdAtMs: order.createdAtMs,
    userId: terms.userId,
    clientOrderId: terms.clientOrderId,
    symbol: terms.symbol,
    side: terms.side,
    type: terms.type,
    timeInForce: terms.timeInForce,
    price: priceText(grid, priceTicks),
    stopPrice: priceText(grid, terms.stopPriceTicks),
    quantity: quantityText(grid, lots),
    quoteBudget: terms.quoteBudget === "" ? undefined : terms.quoteBudget,
    postOnly: terms.postOnly,
    selfTradePrevention: terms.selfTradePrevention === 0 ? CANCEL_TAKER : terms.selfTradePrevention,
    triggered: order.isTriggered,
    status: statusOf(order),
    reason: ended?.reason ?? 0,
    filledQuantity: formatQuantity(grid, order.addedLots),
    executedQuote: formatNotional(grid, order.addedTickLots),
    updatedAtMs: order.updatedAtMs,
    acceptedSeq: placed.seq,
  };
}

/** What a batch did to the row of an order that an earlier one brought. */
export function updateOf(order: Touched): OrderUpdate {
  const { grid, ended } = order;
  return {
    orderId: order.orderId,
    createdAtMs: order.createdAtMs,
    status: ended?.status ?? 0,
    reason: ended?.reason ?? 0,
    triggered: order.isTriggered,
    price: priceText(grid, order.amendedPriceTicks),
    quantity: quantityText(grid, order.amendedLots),
    loweredQuantity: formatQuantity(grid, order.loweredLots),
    addedQuantity: formatQuantity(grid, order.addedLots),
    addedQuote: formatNotional(grid, order.addedTickLots),
    finalQuantity: ended === undefined ? undefined : formatQuantity(grid, ended.executedLots),
    finalQuote: ended === undefined ? undefined : formatNotional(grid, ended.executedTickLots),
    updatedAtMs: order.updatedAtMs,
  };
}

/** Status of an order that the batch brought. */
function statusOf(order: Touched): number {
  if (order.ended !== undefined) return order.ended.status;
  if (order.isWaiting) return PENDING;
  return order.addedLots === 0 ? OPEN : PARTIALLY_FILLED;
}

function priceText(grid: Grid, priceTicks: number): string | undefined {
  return priceTicks === 0 ? undefined : formatPrice(grid, priceTicks);
}

function quantityText(grid: Grid, lots: number): string | undefined {
  return lots === 0 ? undefined : formatQuantity(grid, lots);
}
