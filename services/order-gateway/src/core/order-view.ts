// What an order looks like to its owner, whoever answered: its shard or its reservation.
import { formatNotional, formatPrice, formatQuantity, type Grid } from "@bourse/shared/units/market.js";
import type { OrderContent } from "./order-content.js";
import type { OrderEnd, OrderState, OrderStatus, OrderTerms, Reservation } from "./order-types.js";

/** An order as its owner sees it. Decimals are text, "" where the order has none. */
export interface OrderView {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  /** Wire names; "" when only a tombstone is left. */
  readonly side: string;
  readonly type: string;
  readonly timeInForce: string;
  readonly price: string;
  readonly quantity: string;
  readonly quoteBudget: string;
  readonly stopPrice: string;
  readonly postOnly: boolean;
  readonly selfTradePrevention: string;
  /** True when a stop was triggered. */
  readonly triggered: boolean;
  readonly status: OrderStatus;
  readonly reason: string;
  readonly filledQuantity: string;
  readonly executedQuote: string;
  /** Milliseconds since 1970 UTC; undefined while PENDING. */
  readonly createdMs?: number | undefined;
  readonly updatedMs?: number | undefined;
  readonly acceptedSeq: number;
}

/** How far an order has come. */
export interface Progress {
  readonly status: OrderStatus;
  readonly reason: string;
  readonly executedLots: number;
  readonly executedTickLots: bigint;
  readonly createdMs?: number | undefined;
  readonly updatedMs?: number | undefined;
  readonly acceptedSeq: number;
  /** Limit price and quantity where they are known to be other than the terms say; 0 else. */
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly isTriggered: boolean;
}

const PENDING: Progress = {
  status: "PENDING",
  reason: "",
  executedLots: 0,
  executedTickLots: 0n,
  acceptedSeq: 0,
  priceTicks: 0,
  quantityLots: 0,
  isTriggered: false,
};

/** Progress as the shard says. */
export function progressOfState(state: OrderState): Progress {
  const {
    orderId: _,
    userId: __,
    terms: ___,
    createdAtMs: createdMs,
    updatedAtMs: updatedMs,
    ...rest
  } = state;
  return { ...rest, createdMs, updatedMs };
}

/** Progress as a reservation says: the final word when CLOSED, else PENDING. */
export function progressOfReservation({ end }: Reservation): Progress {
  return end === undefined ? PENDING : progressOfEnd(end);
}

function progressOfEnd(end: OrderEnd): Progress {
  const { status, reason, executedLots, executedTickLots, acceptedSeq } = end;
  const createdMs = end.createdAtMs === 0 ? end.endedAtMs : end.createdAtMs;
  return {
    status,
    reason,
    executedLots,
    executedTickLots,
    acceptedSeq,
    createdMs,
    updatedMs: end.endedAtMs,
    priceTicks: end.amendedPriceTicks,
    quantityLots: end.amendedQuantityLots,
    isTriggered: hadFired(end),
  };
}

/**
 * Whether a stop that ended had fired, as far as its end tells: what traded or expired by a rule of the book had.
 * A STOP_LIMIT that ended untraded by its owner, an operator or the day may have rested before; that is not kept.
 */
function hadFired({ status, reason, executedLots }: OrderEnd): boolean {
  return executedLots > 0 || (status === "EXPIRED" && reason !== "DAY_END");
}

/** The order as its owner sees it, on the grid of its market, with price and quantity as they are now. */
export function viewOf(terms: OrderTerms, grid: Grid, progress: Progress): OrderView {
  const now = {
    ...terms,
    priceTicks: progress.priceTicks || terms.priceTicks,
    quantityLots: progress.quantityLots || terms.quantityLots,
  };
  return {
    orderId: terms.orderId,
    clientOrderId: terms.clientOrderId,
    ...contentOfTerms(now, grid),
    triggered: terms.stopPriceTicks !== 0 && progress.isTriggered,
    ...endOf(progress),
    filledQuantity: formatQuantity(grid, progress.executedLots),
    executedQuote: formatNotional(grid, progress.executedTickLots),
  };
}

/** What is left of an order of which only a tombstone tells. */
export function viewOfTombstone(
  ids: { orderId: string; clientOrderId: string },
  progress: Progress,
): OrderView {
  return {
    ...ids,
    symbol: "",
    side: "",
    type: "",
    timeInForce: "",
    price: "",
    quantity: "",
    quoteBudget: "",
    stopPrice: "",
    postOnly: false,
    selfTradePrevention: "",
    triggered: false,
    ...endOf(progress),
    filledQuantity: "0",
    executedQuote: "0",
  };
}

function endOf({ status, reason, createdMs, updatedMs, acceptedSeq }: Progress) {
  return { status, reason, createdMs, updatedMs, acceptedSeq };
}

/** What the client said when it first placed the order, from its terms. */
export function contentOfTerms(terms: OrderTerms, grid: Grid): OrderContent {
  const { symbol, side, type, timeInForce, postOnly, quoteBudget, selfTradePrevention } = terms;
  const price = terms.priceTicks === 0 ? "" : formatPrice(grid, terms.priceTicks);
  const stopPrice = terms.stopPriceTicks === 0 ? "" : formatPrice(grid, terms.stopPriceTicks);
  const quantity = terms.quantityLots === 0 ? "" : formatQuantity(grid, terms.quantityLots);
  const decimals = { price, quantity, quoteBudget, stopPrice };
  return { symbol, side, type, timeInForce, ...decimals, postOnly, selfTradePrevention };
}

const CONTENT_FIELDS = [
  ["symbol", "symbol"],
  ["side", "side"],
  ["type", "type"],
  ["timeInForce", "time_in_force"],
  ["price", "price"],
  ["quantity", "quantity"],
  ["quoteBudget", "quote_budget"],
  ["stopPrice", "stop_price"],
  ["postOnly", "post_only"],
  ["selfTradePrevention", "self_trade_prevention"],
] as const;

/** First field in which a repeated placement differs from the stored order; undefined when it does not. */
export function differingField(
  content: OrderContent,
  terms: OrderTerms,
  grid: Grid | undefined,
): string | undefined {
  // Without the stored symbol's grid only its symbol can differ: a symbol has one grid for ever.
  if (content.symbol !== terms.symbol || grid === undefined)
    return content.symbol === terms.symbol ? undefined : "symbol";
  const stored = contentOfTerms(terms, grid);
  return CONTENT_FIELDS.find(([key]) => content[key] !== stored[key])?.[1];
}
