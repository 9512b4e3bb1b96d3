// The words of a shard: what is asked, what is decided. Prices are whole ticks, quantities whole lots,
// times milliseconds since 1970 UTC; all are safe integers.

export type Side = "buy" | "sell";
export type OrderType = "LIMIT" | "MARKET";
export type TimeInForce = "GTC" | "IOC" | "FOK";
export type MarketState = "TRADING" | "POST_ONLY" | "CANCEL_ONLY" | "HALTED" | "DELISTED";

/** Where an order is in its life. The place of a word is its code in the shard's memory: append only. */
export const ORDER_STATUSES = [
  "OPEN",
  "PARTIALLY_FILLED",
  "FILLED",
  "CANCELLED",
  "EXPIRED",
  "REJECTED",
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];
export type FinalStatus = Exclude<OrderStatus, "OPEN" | "PARTIALLY_FILLED">;

/** Why an order ended; "" for FILLED. The place of a word is its code in the shard's memory: append only. */
export const END_REASONS = [
  "",
  "IOC_REMAINDER",
  "FOK_NOT_FILLABLE",
  "INSUFFICIENT_LIQUIDITY",
  "BUDGET_EXHAUSTED",
  "PRICE_PROTECTION",
  "SELF_TRADE",
  "PRICE_OUT_OF_BAND",
  "USER",
  "SYMBOL_HALTED",
  "SYMBOL_POST_ONLY",
  "SYMBOL_CANCEL_ONLY",
  "SYMBOL_DELISTED",
  "OPEN_ORDER_LIMIT",
  "POST_ONLY_WOULD_TAKE",
  "NOT_SEQUENCED",
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** A market as the catalogue describes it. Decimal text is kept as text: the core counts ticks and lots. */
export interface Market {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly minQuantity: string;
  readonly maxQuantity: string;
  readonly minNotional: string;
  readonly shard: number;
  readonly protectionBps: number;
  readonly bandBps: number;
  readonly openOrdersMax: number;
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
  readonly state: MarketState;
}

/** An order as it was reserved for. Never changes. */
export interface OrderTerms {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  /** Limit price; 0 for MARKET. */
  readonly priceTicks: number;
  /** Quantity; 0 for a MARKET BUY by quote budget. */
  readonly quantityLots: number;
  /** What a MARKET BUY may spend in tick times lot; 0 for all others. */
  readonly budgetTickLots: number;
  /** True when the client named the budget and no quantity. */
  readonly byQuoteBudget: boolean;
  readonly postOnly: boolean;
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
  readonly reservedAsset: string;
  readonly reservedAmount: string;
  readonly quoteBudget: string;
}

export interface SubmitCommand {
  readonly type: "submit";
  readonly terms: OrderTerms;
  readonly expiresAtMs: number;
}

export interface CancelCommand {
  readonly type: "cancel";
  readonly orderId: string;
  readonly userId: string;
}

export interface ResolveCommand {
  readonly type: "resolve";
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
  readonly tombstoneStatus: "CANCELLED" | "REJECTED";
  readonly tombstoneReason: "USER" | "NOT_SEQUENCED";
  readonly expiresAtMs: number;
  readonly cancelIfOpen: boolean;
}

export interface AddMarketCommand {
  readonly type: "addMarket";
  readonly market: Market;
}

export interface StartEpochCommand {
  readonly type: "startEpoch";
  readonly epoch: number;
}

export interface TickCommand {
  readonly type: "tick";
}

/** What clients of a shard ask about orders. */
export type OrderCommand = SubmitCommand | CancelCommand | ResolveCommand;
/** One entry of the log. */
export type Command = OrderCommand | AddMarketCommand | StartEpochCommand | TickCommand;

export interface OrderAccepted {
  readonly type: "accepted";
  readonly terms: OrderTerms;
}

export interface OrderRested {
  readonly type: "rested";
  readonly orderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly priceTicks: number;
  readonly remainingLots: number;
}

/** One order's half of a trade. */
export interface TradeParty {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  readonly feePpm: number;
  /** Received in this role before: lots for a buyer, tick times lot for a seller; whole number as text. */
  readonly receivedBefore: string;
  readonly createdAtMs: number;
  /** Open quantity after this trade; 0 for an order by quote budget. */
  readonly remainingLots: number;
}

export interface TradeExecuted {
  readonly type: "trade";
  readonly symbol: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly takerSide: Side;
  readonly maker: TradeParty;
  readonly taker: TradeParty;
  /** The buyer's limit; 0 when the buyer has a budget. */
  readonly buyerLimitTicks: number;
  /** Index among the trades of the record. */
  readonly index: number;
}

export interface SelfTradePrevented {
  readonly type: "selfTradePrevented";
  readonly symbol: string;
  readonly takerOrderId: string;
  readonly makerOrderId: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
}

export interface OrderEnded {
  readonly type: "ended";
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
  readonly status: FinalStatus;
  readonly reason: EndReason;
  readonly executedLots: number;
  /** Whole number as text. */
  readonly executedTickLots: string;
  /** Present when the order was resting: what leaves the book, and where. */
  readonly resting: { readonly side: Side; readonly priceTicks: number } | undefined;
  /** Open quantity that ended with it; 0 for an order by quote budget. */
  readonly remainingLots: number;
  readonly createdAtMs: number;
  /** Seq of the record that first decided about the order; its own for a refusal or a tombstone. */
  readonly acceptedSeq: number;
  /** Terms of a refused order, since nothing else tells them. */
  readonly terms: OrderTerms | undefined;
  readonly isTombstone: boolean;
}

export interface MarketAdded {
  readonly type: "marketAdded";
  readonly market: Market;
}

/** One fact of a record. */
export type MatcherEvent =
  | OrderAccepted
  | OrderRested
  | TradeExecuted
  | SelfTradePrevented
  | OrderEnded
  | MarketAdded;

/** One entry of the log: when, what was asked, what happened. */
export interface JournalRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly command: Command;
  readonly traceparent: string;
  readonly events: readonly MatcherEvent[];
}

/** An order as the shard knows it. */
export interface OrderView {
  readonly orderId: string;
  readonly userId: string;
  /** Absent for a tombstone, and for an ended order until its record is looked up. */
  readonly terms: OrderTerms | undefined;
  readonly status: OrderStatus;
  readonly reason: EndReason;
  readonly executedLots: number;
  readonly executedTickLots: string;
  readonly remainingLots: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly acceptedSeq: number;
  readonly isTombstone: boolean;
}
