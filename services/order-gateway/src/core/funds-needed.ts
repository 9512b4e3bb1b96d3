// What an order must reserve: the worst case of the order, so that matching never needs to ask again.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { baseAtoms, quoteAtoms } from "@bourse/shared/units/market.js";
import type { MarketRules, Quote } from "./market.js";

/** Funds to hold for an order. */
export interface Funds {
  readonly asset: string;
  readonly amountAtoms: bigint;
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const BPS = 10_000n;

/** A SELL holds what it sells. */
export function fundsOfSell(market: MarketRules, quantityLots: number): Funds {
  return { asset: market.baseAsset, amountAtoms: baseAtoms(market, quantityLots) };
}

/** A BUY holds what it may pay; fees are taken from what is received, so none is added. */
export function fundsOfBuy(market: MarketRules, tickLots: number): Funds {
  return { asset: market.quoteAsset, amountAtoms: quoteAtoms(market, BigInt(tickLots)) };
}

/** Price × quantity in tick × lot. Refuses what the matcher cannot hold in a safe integer. */
export function notionalTickLots(
  priceTicks: number | bigint,
  quantityLots: number,
  field = "quantity",
): number {
  return safe(BigInt(priceTicks) * BigInt(quantityLots), field);
}

/** A budget in whole tick × lot, rounded down. Refuses what is less than one, and what no safe integer holds. */
export function tickLotsOfBudget(market: MarketRules, budgetAtoms: bigint, field: string): number {
  const tickLots = budgetAtoms / market.quoteAtomsPerTickLot;
  if (tickLots === 0n) throw new DomainError("NOTIONAL_TOO_SMALL", { field });
  return safe(tickLots, field);
}

/**
 * Budget of a MARKET BUY by quantity in atoms, rounded up: quantity × reference × (1 + protection).
 * Refuses with INSUFFICIENT_LIQUIDITY when the market has no price to start from.
 */
export function budgetOfMarketBuy(
  market: MarketRules,
  quote: Quote | undefined,
  quantityLots: number,
): bigint {
  const reference = referenceTicks(quote, "BUY");
  if (reference === 0) throw new DomainError("INSUFFICIENT_LIQUIDITY");
  const atLastTrade = quoteAtoms(market, BigInt(quantityLots) * BigInt(reference));
  return (atLastTrade * (BPS + BigInt(market.protectionBps)) + BPS - 1n) / BPS;
}

/**
 * What a STOP BUY reserves for each lot, in ticks: the highest price that it may pay when it fires at its stop
 * price, stop × (1 + protection), rounded inward.
 */
export function reserveTicksOfStopBuy(market: MarketRules, stopPriceTicks: number): bigint {
  return (BigInt(stopPriceTicks) * (BPS + BigInt(market.protectionBps))) / BPS;
}

/** The price that a MARKET order starts from: last trade, else best opposite, else 0. */
export function referenceTicks(quote: Quote | undefined, side: "BUY" | "SELL"): number {
  if (quote === undefined) return 0;
  if (quote.lastTradeTicks > 0) return quote.lastTradeTicks;
  return side === "BUY" ? quote.bestAskTicks : quote.bestBidTicks;
}

function safe(tickLots: bigint, field: string): number {
  if (tickLots > SAFE_MAX) throw new DomainError("NOTIONAL_TOO_LARGE", { field });
  return Number(tickLots);
}
