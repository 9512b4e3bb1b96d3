// What an order is, in the gateway's own words. Names in capitals are wire names.

export type Side = "BUY" | "SELL";
export type OrderType = "LIMIT" | "MARKET" | "STOP" | "STOP_LIMIT";
export type TimeInForce = "GTC" | "IOC" | "FOK" | "DAY";
/** What happens when an order would trade with its own owner; the incoming order's word counts. */
export type SelfTradePrevention = "CANCEL_TAKER" | "CANCEL_MAKER" | "CANCEL_BOTH" | "DECREMENT";
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
  /** Limit price; 0 for MARKET and STOP. */
  readonly priceTicks: number;
  /** Stop price of STOP and STOP_LIMIT; 0 for all others. */
  readonly stopPriceTicks: number;
  /** 0 for a MARKET BUY by quote budget. */
  readonly quantityLots: number;
  /** What a MARKET BUY or a STOP BUY may spend in tick × lot; 0 for none. */
  readonly budgetTickLots: number;
  /** True when the client named the budget. */
  readonly byQuoteBudget: boolean;
  readonly postOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention;
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
  readonly reservedAsset: string;
  /** Decimal text in units of the reserved asset. */
  readonly reservedAmount: string;
  /** The budget as the client sent it, canonical; "" for none. */
  readonly quoteBudget: string;
}

/** An order as its shard knows it. `terms` are as of now; absent for a tombstone, and may be for an ended order. */
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
  /** Limit price and quantity now; 0 for none, and once ended unless they were changed. */
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** True when a stop was triggered. */
  readonly isTriggered: boolean;
}

/** Change of an open order as its shard is asked for it. 0 keeps price or quantity. */
export interface Amend {
  readonly orderId: string;
  readonly userId: string;
  /** Key of the amend and of its reservation, if it needs one. */
  readonly legId: string;
  readonly symbol: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** What is reserved for it: tick × lot for a buyer, lots for a seller; 0 for nothing. */
  readonly legUnits: number;
  /** The same as decimal text in units of the order's reserved asset; "" for nothing. */
  readonly legAmount: string;
}

/** What the wallet stores for an order, or for the leg of an amend. */
export interface Reservation {
  readonly orderId: string;
  readonly userId: string;
  readonly state: "ACTIVE" | "CLOSED" | "REFUSED";
  readonly shard: number;
  /** Absent for a tombstone and for a leg. */
  readonly terms?: OrderTerms | undefined;
  /** The amend that a leg was reserved for; absent for an order, and for a leg that was never reserved. */
  readonly leg?: Amend | undefined;
  /** True for the row of a leg. */
  readonly isLeg: boolean;
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
  /** Limit price and quantity at its end when they had been changed; 0 otherwise. */
  readonly amendedPriceTicks: number;
  readonly amendedQuantityLots: number;
}

/** FILLED, CANCELLED, EXPIRED and REJECTED are final. */
export function isTerminal(status: OrderStatus): boolean {
  return status === "FILLED" || status === "CANCELLED" || status === "EXPIRED" || status === "REJECTED";
}
