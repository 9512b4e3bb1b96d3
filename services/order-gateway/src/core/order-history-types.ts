// What the order history is made of: events of a shard, and the row changes that follow from them. Enum
// values are those of the wire.
import type { Grid } from "@bourse/shared/units/market.js";

/** An order as it was accepted or refused. Zero and empty text stand for what the order does not have. */
export interface HistoryTerms {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly type: number;
  readonly timeInForce: number;
  readonly priceTicks: number;
  readonly stopPriceTicks: number;
  readonly quantityLots: number;
  /** Decimal text as the client sent it. */
  readonly quoteBudget: string;
  readonly postOnly: boolean;
  readonly selfTradePrevention: number;
}

/** One order's half of a trade. */
export interface HistoryParty {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly feePpm: number;
  /** What it had received in this role before: lots for a buyer, tick × lot for a seller. */
  readonly receivedBefore: bigint;
  readonly createdAtMs: number;
}

/** What is left open of an order that prevention met. */
export interface PreventedOrder {
  readonly orderId: string;
  readonly remainingLots: number;
}

export type HistoryEvent =
  | { readonly type: "accepted"; readonly terms: HistoryTerms }
  | { readonly type: "stop_placed"; readonly orderId: string }
  | { readonly type: "stop_triggered"; readonly orderId: string; readonly symbol: string }
  | {
      readonly type: "amended";
      readonly orderId: string;
      readonly symbol: string;
      /** Limit price now; 0 for STOP. */
      readonly priceTicks: number;
      /** Quantity now, executed part included. */
      readonly quantityLots: number;
      readonly createdAtMs: number;
    }
  /** Both orders of one owner lost `quantityLots` without a trade: mode DECREMENT. */
  | {
      readonly type: "decremented";
      readonly symbol: string;
      readonly quantityLots: number;
      readonly orders: readonly PreventedOrder[];
    }
  | {
      readonly type: "traded";
      readonly tradeId: string;
      readonly symbol: string;
      readonly priceTicks: number;
      readonly quantityLots: number;
      readonly takerSide: number;
      readonly maker: HistoryParty;
      readonly taker: HistoryParty;
      readonly index: number;
    }
  | {
      readonly type: "ended";
      readonly orderId: string;
      readonly symbol: string;
      readonly status: number;
      readonly reason: number;
      readonly executedLots: number;
      readonly executedTickLots: bigint;
      readonly createdAtMs: number;
      /** Price and quantity at the end when an amend or prevention changed them; 0 otherwise. */
      readonly amendedPriceTicks: number;
      readonly amendedQuantityLots: number;
      /** Terms of an order that was refused; absent for one that was accepted, and for a tombstone. */
      readonly terms: HistoryTerms | undefined;
      readonly isTombstone: boolean;
    }
  | { readonly type: "market_added"; readonly grid: Grid };

/** One record of a shard's journal. */
export interface HistoryRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly events: readonly HistoryEvent[];
}

/** An order as history keeps it and ListOrders shows it. Enums are wire numbers, amounts canonical decimal text. */
export interface OrderRow {
  readonly orderId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly type: number;
  readonly timeInForce: number;
  /** Undefined for MARKET and STOP. As amended last. */
  readonly price: string | undefined;
  /** Undefined but for STOP and STOP_LIMIT. */
  readonly stopPrice: string | undefined;
  /** Undefined for a MARKET BUY by quote budget. */
  readonly quantity: string | undefined;
  /** Undefined unless the client named it. */
  readonly quoteBudget: string | undefined;
  readonly postOnly: boolean;
  readonly selfTradePrevention: number;
  /** True when a stop was triggered. */
  readonly triggered: boolean;
  readonly status: number;
  /** Zero while open and for FILLED. */
  readonly reason: number;
  readonly filledQuantity: string;
  readonly executedQuote: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly acceptedSeq: number;
}

/** An order that a batch brought, in its state after the batch. */
export interface NewOrder extends OrderRow {
  readonly userId: string;
}

/** What a batch did to an order that an earlier one brought. */
export interface OrderUpdate {
  readonly orderId: string;
  /** Undefined when nothing in the batch said it: the row is found by its id alone. */
  readonly createdAtMs: number | undefined;
  /** How the order ended; 0 while it is open: PENDING, OPEN or PARTIALLY_FILLED as its row then says. */
  readonly status: number;
  readonly reason: number;
  /** True when a stop was triggered by this batch. */
  readonly triggered: boolean;
  /** Limit price and quantity now; undefined when no amend changed them. */
  readonly price: string | undefined;
  readonly quantity: string | undefined;
  /** What prevention took off the quantity, after any amend. */
  readonly loweredQuantity: string;
  /** Executed by this batch. */
  readonly addedQuantity: string;
  readonly addedQuote: string;
  /** Executed in all, as the final word says; undefined while the order is open. */
  readonly finalQuantity: string | undefined;
  readonly finalQuote: string | undefined;
  readonly updatedAtMs: number;
}

/** One party's half of a trade. */
export interface Fill {
  readonly tradeId: string;
  readonly executedAtMs: number;
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: number;
  readonly role: number;
  readonly price: string;
  readonly quantity: string;
  readonly fee: string;
  readonly feeAsset: string;
  readonly feePpm: number;
  readonly seq: number;
  readonly index: number;
}

/** Row changes of a batch: each order stands in at most one of `orders` and `updates`. */
export interface HistoryChanges {
  readonly orders: readonly NewOrder[];
  readonly updates: readonly OrderUpdate[];
  readonly fills: readonly Fill[];
}
