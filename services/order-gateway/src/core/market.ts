import type { Grid } from "@bourse/shared/units/market.js";
import type { Tier } from "@bourse/shared/units/tiers.js";
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
  /** Rates of tiers that pay other than that. */
  readonly feeTiers: readonly FeeRates[];
  readonly state: MarketState;
}

/** What users of a tier pay, in parts per million of what they receive. */
export interface FeeRates {
  readonly tier: string;
  readonly makerFeePpm: number;
  readonly takerFeePpm: number;
}

/** What a user of a tier pays for an order that is placed now: the rates of the tier, else the market's own. */
export function feesOf(market: MarketRules, tier: Tier): Omit<FeeRates, "tier"> {
  const { makerFeePpm, takerFeePpm } = market.feeTiers.find((each) => each.tier === tier) ?? market;
  return { makerFeePpm, takerFeePpm };
}

/** What a market's shard last said about its prices, in ticks; 0 for none. */
export interface Quote {
  readonly lastTradeTicks: number;
  readonly bestBidTicks: number;
  readonly bestAskTicks: number;
}
