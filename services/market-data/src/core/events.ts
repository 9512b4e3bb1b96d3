// What a shard said, as far as the public views need it: prices in ticks, quantities in lots.
import type { Grid } from "@bourse/shared/units/market.js";

/** Side of the book, or of an order. */
export type Side = "buy" | "sell";

/** A market as it is listed: the fields of `bourse.types.v1.Market`. Decimal text, numbers as named. */
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
  readonly state: number;
  readonly sessionEndMinutes: number;
  readonly feeTiers: {
    readonly tier: string;
    readonly makerFeePpm: number;
    readonly takerFeePpm: number;
  }[];
}

/** A market and the grid that its prices and quantities lie on. */
export interface ListedMarket {
  readonly listing: Market;
  readonly grid: Grid;
}

/** An order, or what is left of it, waits in the book. */
export interface Rested {
  readonly type: "rested";
  readonly symbol: string;
  readonly side: Side;
  readonly priceTicks: number;
  readonly quantityLots: number;
}

/** Two orders met; the maker's level shrinks. */
export interface Traded {
  readonly type: "traded";
  readonly symbol: string;
  readonly tradeId: string;
  readonly takerSide: Side;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** Place among the trades of its record, from 0. */
  readonly index: number;
}

/** Something of a resting order leaves the book without a trade: its end, an amend, or prevention. */
export interface Left {
  readonly type: "left";
  readonly symbol: string;
  readonly side: Side;
  readonly priceTicks: number;
  /** Zero when trades of the same record took it all. */
  readonly quantityLots: number;
}

/** The market accepts something else from here on. */
export interface StateChanged {
  readonly type: "state_changed";
  readonly symbol: string;
  /** `bourse.types.v1.MarketState`. */
  readonly state: number;
  /** Why, as the operator said. */
  readonly reason: string;
}

/** A market exists from here on. */
export interface MarketAdded {
  readonly type: "market_added";
  readonly market: ListedMarket;
}

export type MarketEvent = Rested | Traded | Left | StateChanged | MarketAdded;

/** All that rests at one price. Sums of lots may exceed 2^53, hence a bigint; zero says: no level. */
export interface Level {
  readonly priceTicks: number;
  readonly quantityLots: bigint;
}

/** The book of one market, whole. */
export interface ShardBook {
  readonly market: ListedMarket;
  /** Best first, as the asks. */
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** One record of a shard's journal. Seqs have no gaps, epochs and times never fall. */
export interface ShardRecord {
  readonly seq: number;
  readonly epoch: number;
  readonly timeMs: number;
  readonly events: readonly MarketEvent[];
}
