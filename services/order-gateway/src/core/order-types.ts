// What an order is, in the gateway's own words. Names in capitals are wire names.

export type Side = "BUY" | "SELL";
export type OrderType = "LIMIT" | "MARKET" | "STOP" | "STOP_LIMIT";
export type TimeInForce = "GTC" | "IOC" | "FOK" | "DAY";
export type OrderStatus =
  | "PENDING"
  | "OPEN"
  | "PARTIALLY_FILLED"
  | "FILLED"
  | "CANCELLED"
  | "EXPIRED"
  | "REJECTED";
export type MarketState = "TRADING" | "POST_ONLY" | "CANCEL_ONLY" | "HALTED" | "DELISTED";

/** An order as its shard and its reservation carry it: fixed at the first placement, never changed. */
export interface OrderTerms {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  /** 0 for MARKET. */
  readonly priceTicks: number;
  /** 0 for a MARKET BUY by quote budget. */
  readonly quantityLots: number;
  /** What a MARKET BUY may spend in tick × lot; 0 for none. */
  readonly budgetTickLots: number;
  /** True when the client named the budget. */
  readonly byQuoteBudget: boolean;
  readonly postOnly: boolean;
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
  readonly reservedAsset: string;
  /** Decimal text in units of the reserved asset. */
  readonly reservedAmount: string;
  /** The budget as the client sent it, canonical; "" for none. */
  readonly quoteBudget: string;
}

/** An order as its shard knows it. `terms` are absent for a tombstone. */
export interface OrderState {
  readonly orderId: string;
  readonly userId: string;
  readonly terms?: OrderTerms | undefined;
  readonly status: OrderStatus;
  /** Wire name of the reason; "" while open and for FILLED. */
  readonly reason: string;
  readonly executedLots: number;
  readonly executedTickLots: bigint;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly acceptedSeq: number;
}

/** What the wallet stores for an order. */
export interface Reservation {
  readonly orderId: string;
  readonly userId: string;
  readonly state: "ACTIVE" | "CLOSED" | "REFUSED";
  readonly shard: number;
  /** Absent for a tombstone. */
  readonly terms?: OrderTerms | undefined;
  /** How the order ended, when CLOSED. */
  readonly end?: OrderEnd | undefined;
}

/** The final word on an order, as its closed reservation keeps it. */
export interface OrderEnd {
  readonly status: OrderStatus;
  readonly reason: string;
  readonly executedLots: number;
  readonly executedTickLots: bigint;
  readonly createdAtMs: number;
  readonly endedAtMs: number;
  readonly endedSeq: number;
  /** Seq of the record that first decided about the order; 0 when the row does not know it. */
  readonly acceptedSeq: number;
}

/** FILLED, CANCELLED, EXPIRED and REJECTED are final. */
export function isTerminal(status: OrderStatus): boolean {
  return status === "FILLED" || status === "CANCELLED" || status === "EXPIRED" || status === "REJECTED";
}
