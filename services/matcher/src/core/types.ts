// The words of a shard: what is asked, what is decided. Prices are whole ticks, quantities whole lots,
// times milliseconds since 1970 UTC; all are safe integers.
import type {
  AmendRefused,
  MarketStateChanged,
  OrderAmended,
  StopPlaced,
  StopTriggered,
  SwitchSet,
} from "./change-events.js";

export type Side = "buy" | "sell";
export type OrderType = "LIMIT" | "MARKET" | "STOP" | "STOP_LIMIT";
export type TimeInForce = "GTC" | "IOC" | "FOK" | "DAY";
/** What happens when an order would trade with its own owner; the incoming order's word counts. */
export type SelfTradePrevention = "CANCEL_TAKER" | "CANCEL_MAKER" | "CANCEL_BOTH" | "DECREMENT";
export type MarketState = "TRADING" | "POST_ONLY" | "CANCEL_ONLY" | "HALTED" | "DELISTED";

/** Where an order is in its life. The place of a word is its code in the shard's memory: append only. */
export const ORDER_STATUSES = [
  "OPEN",
  "PARTIALLY_FILLED",
  "FILLED",
  "CANCELLED",
  "EXPIRED",
  "REJECTED",
  "PENDING",
] as const;
export type OrderStatus = (typeof ORDER_STATUSES)[number];
export type FinalStatus = Exclude<OrderStatus, "OPEN" | "PARTIALLY_FILLED" | "PENDING">;

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
  "DAY_END",
  "POST_ONLY_AT_TRIGGER",
  "CANCEL_ALL",
  "DEAD_MAN",
  "OPERATOR",
  "DELISTED",
  "AMENDED",
  "STOP_WOULD_TRIGGER",
] as const;
export type EndReason = (typeof END_REASONS)[number];

/** Why an amend changed nothing. The place of a word is its code in the shard's memory: append only. */
export const AMEND_REFUSALS = [
  "",
  "ORDER_NOT_OPEN",
  "LEG_TOO_SMALL",
  "POST_ONLY_WOULD_TAKE",
  "PRICE_OUT_OF_BAND",
  "SYMBOL_HALTED",
  "SYMBOL_POST_ONLY",
  "SYMBOL_CANCEL_ONLY",
  "SYMBOL_DELISTED",
  "PRICE_NOT_ALLOWED",
  "NOTIONAL_TOO_LARGE",
] as const;
export type AmendRefusal = Exclude<(typeof AMEND_REFUSALS)[number], "">;

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
  /** When DAY orders end, in minutes after 00:00 UTC, 0 to 1,439. */
  readonly sessionEndMinutes: number;
  /** Rates of user tiers, lowest tier first. Kept for gateways: orders carry the rates that hold for them. */
  readonly feeTiers: readonly FeeTier[];
}

export type FeeTier = Pick<Market, "makerFeePpm" | "takerFeePpm"> & { readonly tier: string };

/** An order as it was reserved for. Never changes. */
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
  /** Quantity; 0 for a MARKET BUY by quote budget. */
  readonly quantityLots: number;
  /** What a MARKET BUY or a STOP BUY may spend in tick times lot; 0 for all others. */
  readonly budgetTickLots: number;
  /** True when the client named the budget and no quantity. */
  readonly byQuoteBudget: boolean;
  readonly postOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention;
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
  /** Operator who ends another's order; "" when its owner does. */
  readonly operatorId: string;
}

export interface ResolveCommand {
  readonly type: "resolve";
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
  readonly tombstoneStatus: "CANCELLED" | "REJECTED";
  /** Also of the cancel of a known order: USER unless it says OPERATOR. */
  readonly tombstoneReason: "USER" | "OPERATOR" | "NOT_SEQUENCED";
  readonly expiresAtMs: number;
  readonly cancelIfOpen: boolean;
}

/** Changes an open order. 0 keeps price or quantity; the quantity includes what was executed. */
export interface AmendCommand {
  readonly type: "amend";
  readonly orderId: string;
  readonly userId: string;
  /** Key of the amend: UUID v5 of (order, request id). */
  readonly legId: string;
  readonly symbol: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** What the leg reserved: tick times lot for a buyer, lots for a seller; 0 for no leg. */
  readonly legUnits: number;
  /** The same as decimal text; "" for no leg. */
  readonly legAmount: string;
  readonly expiresAtMs: number;
}

/** Ends open orders of one user; symbol "" and side "" are all. */
export interface CancelAllCommand {
  readonly type: "cancelAll";
  readonly userId: string;
  readonly requestId: string;
  readonly symbol: string;
  readonly side: Side | "";
  readonly expiresAtMs: number;
  /** Operator who ends another's orders; "" when their owner does. */
  readonly operatorId: string;
}

export interface SetMarketStateCommand {
  readonly type: "setMarketState";
  readonly symbol: string;
  readonly state: MarketState;
  readonly operatorId: string;
  readonly reason: string;
}

/** Dead-man switch; no symbols are all markets that the shard has now, timeout 0 disables. */
export interface SetSwitchCommand {
  readonly type: "setSwitch";
  readonly userId: string;
  readonly symbols: readonly string[];
  readonly timeoutMs: number;
}

/** The session of a market ended: its DAY orders end. */
export interface EndDayCommand {
  readonly type: "endDay";
  readonly symbol: string;
}

/** A dead-man switch fired. */
export interface FireSwitchCommand {
  readonly type: "fireSwitch";
  readonly userId: string;
  readonly symbol: string;
}

/** Goes on ending orders of a delisted market. */
export interface SweepMarketCommand {
  readonly type: "sweepMarket";
  readonly symbol: string;
}

/** Wallet and projector have both passed a seq. */
export interface LearnCursorsCommand {
  readonly type: "learnCursors";
  readonly throughSeq: number;
}

/** Forgets ids that ended no later than a seq. */
export interface ForgetCommand {
  readonly type: "forget";
  readonly throughSeq: number;
}

export interface AddMarketCommand {
  readonly type: "addMarket";
  readonly market: Market;
}

export interface StartEpochCommand {
  readonly type: "startEpoch";
  readonly epoch: number;
  /** Version of the rules that decide everything after it. */
  readonly rules: number;
}

export interface TickCommand {
  readonly type: "tick";
}

/** What clients of a shard ask about orders. */
export type OrderCommand = SubmitCommand | CancelCommand | ResolveCommand | AmendCommand;
/** What is asked about many orders or about markets. */
export type ControlCommand = CancelAllCommand | SetMarketStateCommand | SetSwitchCommand | AddMarketCommand;
/** What the shard does by itself because its time came. Each is a record of its own. */
export type TimerCommand = EndDayCommand | FireSwitchCommand | SweepMarketCommand | ForgetCommand;
/** One entry of the log. */
export type Command =
  | OrderCommand
  | ControlCommand
  | TimerCommand
  | LearnCursorsCommand
  | StartEpochCommand
  | TickCommand;

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
  readonly userId: string;
  readonly takerSide: Side;
  readonly priceTicks: number;
  /** What would have traded. */
  readonly quantityLots: number;
  readonly mode: SelfTradePrevention;
  /** Open quantity after it; 0 for an order by quote budget. */
  readonly takerRemainingLots: number;
  /** What it still needs reserved: tick times lot for a buyer, lots for a seller. */
  readonly takerReservedUnits: number;
  readonly makerRemainingLots: number;
  readonly makerReservedUnits: number;
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
  /** Limit price at its end when an amend changed it; 0 otherwise. */
  readonly amendedPriceTicks: number;
  /** Quantity at its end when an amend or prevention changed it; 0 otherwise. */
  readonly amendedQuantityLots: number;
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
  | MarketAdded
  | StopPlaced
  | StopTriggered
  | OrderAmended
  | AmendRefused
  | MarketStateChanged
  | SwitchSet;

/** One entry of the log: when, what was asked, what happened. */
export interface JournalRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly command: Command;
  readonly traceparent: string;
  readonly events: readonly MatcherEvent[];
}

/** An order as the shard knows it. Price and quantity are those of now. */
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
  /** Limit price now; 0 for MARKET and STOP, and once ended unless an amend changed it. */
  readonly priceTicks: number;
  /** Quantity now; 0 for an order by quote budget, and once ended unless it was changed. */
  readonly quantityLots: number;
  /** True when a stop was triggered. */
  readonly isTriggered: boolean;
}
