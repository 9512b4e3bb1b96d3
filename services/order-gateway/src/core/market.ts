import type { Grid } from "@bourse/shared/units/market.js";
import type { MarketState } from "./order-types.js";

/** A market as its shard last described it. */
export interface MarketRules extends Grid {
  readonly shard: number;
  readonly minQuantityLots: bigint;
  /** 0 is no limit. */
  readonly maxQuantityLots: bigint;
  /** In atoms of the quote asset; 0 is no limit. */
  readonly minNotionalAtoms: bigint;
  readonly protectionBps: number;
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
  readonly state: MarketState;
}

/** What a market's shard last said about its prices, in ticks; 0 for none. */
export interface Quote {
  readonly lastTradeTicks: number;
  readonly bestBidTicks: number;
  readonly bestAskTicks: number;
}
