// From what the client meant to what is asked of wallet and shard, in ticks and lots, or the reason why not.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { formatAtoms, parsePositiveAtoms } from "@bourse/shared/units/atoms.js";
import {
  formatQuantity,
  parsePriceTicks,
  parseQuantityLots,
  quoteAtoms,
} from "@bourse/shared/units/market.js";
import type { Tier } from "@bourse/shared/units/tiers.js";
import {
  budgetOfMarketBuy,
  type Funds,
  fundsOfBuy,
  fundsOfSell,
  notionalTickLots,
  referenceTicks,
  reserveTicksOfStopBuy,
  tickLotsOfBudget,
} from "./funds-needed.js";
import { feesOf, type MarketRules, type Quote } from "./market.js";
import type { OrderContent } from "./order-content.js";
import type { OrderTerms } from "./order-types.js";

/** Whose order it is and by which ids it goes. */
export interface OrderKey {
  readonly orderId: string;
  readonly userId: string;
  readonly clientOrderId: string;
  /** Tier of the access token that it came with: decides the fees. */
  readonly tier: Tier;
}

interface Size {
  readonly priceTicks: number;
  readonly stopPriceTicks: number;
  readonly quantityLots: number;
  readonly budgetTickLots: number;
  readonly funds: Funds;
}

/**
 * Terms of an order on its market as it is now. Refuses by the market's state, then its grid, its
 * quantities and its least notional, in this order.
 */
export function decideTerms(
  key: OrderKey,
  content: OrderContent,
  market: MarketRules,
  quote?: Quote,
): OrderTerms {
  const closed = whyNotNow(market, content);
  if (closed !== undefined) throw new DomainError(closed, { field: "symbol" });
  const size = sizeOf(content, market, quote);
  checkNotional(content, market, quote, size);
  return {
    orderId: key.orderId,
    userId: key.userId,
    clientOrderId: key.clientOrderId,
    symbol: content.symbol,
    side: content.side,
    type: content.type,
    timeInForce: content.timeInForce,
    priceTicks: size.priceTicks,
    stopPriceTicks: size.stopPriceTicks,
    quantityLots: size.quantityLots,
    budgetTickLots: size.budgetTickLots,
    byQuoteBudget: content.quoteBudget !== "",
    postOnly: content.postOnly,
    selfTradePrevention: content.selfTradePrevention,
    ...feesOf(market, key.tier),
    reservedAsset: size.funds.asset,
    reservedAmount: formatAtoms(size.funds.amountAtoms),
    quoteBudget: content.quoteBudget,
  };
}

function whyNotNow(market: MarketRules, content: OrderContent): FailureReason | undefined {
  switch (market.state) {
    case "TRADING":
      return undefined;
    case "POST_ONLY":
      // A stop would fire into a market that only takes what rests.
      return content.postOnly && content.type === "LIMIT" ? undefined : "SYMBOL_POST_ONLY";
    case "CANCEL_ONLY":
      return "SYMBOL_CANCEL_ONLY";
    case "HALTED":
      return "SYMBOL_HALTED";
    case "DELISTED":
      return "SYMBOL_DELISTED";
  }
}

function sizeOf(content: OrderContent, market: MarketRules, quote?: Quote): Size {
  switch (content.type) {
    case "LIMIT":
    case "STOP_LIMIT":
      return sizeOfLimit(content, market);
    case "MARKET":
      return sizeOfMarket(content, market, quote);
    case "STOP":
      return sizeOfStop(content, market);
  }
}

/** LIMIT and STOP_LIMIT: whatever happens, a lot never costs more than the limit. */
function sizeOfLimit(content: OrderContent, market: MarketRules): Size {
  const priceTicks = parsePriceTicks(market, "price", content.price);
  const stopPriceTicks = stopPriceTicksOf(content, market);
  const quantityLots = parseQuantity(market, content.quantity);
  const tickLots = notionalTickLots(priceTicks, quantityLots);
  notionalTickLots(stopPriceTicks, quantityLots);
  const funds = content.side === "BUY" ? fundsOfBuy(market, tickLots) : fundsOfSell(market, quantityLots);
  return { priceTicks, stopPriceTicks, quantityLots, budgetTickLots: 0, funds };
}

function sizeOfStop(content: OrderContent, market: MarketRules): Size {
  const stopPriceTicks = stopPriceTicksOf(content, market);
  const quantityLots = parseQuantity(market, content.quantity);
  notionalTickLots(stopPriceTicks, quantityLots);
  const size = { priceTicks: 0, stopPriceTicks, quantityLots };
  if (content.side === "SELL")
    return { ...size, budgetTickLots: 0, funds: fundsOfSell(market, quantityLots) };
  const budgetTickLots = notionalTickLots(reserveTicksOfStopBuy(market, stopPriceTicks), quantityLots);
  return { ...size, budgetTickLots, funds: fundsOfBuy(market, budgetTickLots) };
}

function stopPriceTicksOf({ stopPrice }: OrderContent, market: MarketRules): number {
  return stopPrice === "" ? 0 : parsePriceTicks(market, "stop_price", stopPrice);
}

function sizeOfMarket(content: OrderContent, market: MarketRules, quote?: Quote): Size {
  const unpriced = { priceTicks: 0, stopPriceTicks: 0 };
  if (content.quoteBudget !== "") {
    const budgetAtoms = parsePositiveAtoms("quote_budget", content.quoteBudget);
    const budgetTickLots = tickLotsOfBudget(market, budgetAtoms, "quote_budget");
    // What is left of it buys nothing and stays available.
    return { ...unpriced, quantityLots: 0, budgetTickLots, funds: fundsOfBuy(market, budgetTickLots) };
  }
  const quantityLots = parseQuantity(market, content.quantity);
  if (content.side === "SELL") {
    return { ...unpriced, quantityLots, budgetTickLots: 0, funds: fundsOfSell(market, quantityLots) };
  }
  const amountAtoms = budgetOfMarketBuy(market, quote, quantityLots);
  const budgetTickLots = tickLotsOfBudget(market, amountAtoms, "quantity");
  return { ...unpriced, quantityLots, budgetTickLots, funds: { asset: market.quoteAsset, amountAtoms } };
}

/** Quantity in lots, within the market's limits. */
export function parseQuantity(market: MarketRules, quantity: string): number {
  const lots = parseQuantityLots(market, "quantity", quantity);
  const limit = (ofLots: bigint) => formatQuantity(market, Number(ofLots));
  if (BigInt(lots) < market.minQuantityLots)
    throw new DomainError("QUANTITY_TOO_SMALL", { field: "quantity", limit: limit(market.minQuantityLots) });
  const isAbove = market.maxQuantityLots > 0n && BigInt(lots) > market.maxQuantityLots;
  if (isAbove)
    throw new DomainError("QUANTITY_TOO_LARGE", { field: "quantity", limit: limit(market.maxQuantityLots) });
  return lots;
}

/** Least notional: of the limit, else the stop price, else the budget, else the last trade or best opposite; no price: passes. */
function checkNotional(
  content: OrderContent,
  market: MarketRules,
  quote: Quote | undefined,
  size: Size,
): void {
  const isByBudget = content.quoteBudget !== "";
  const priceTicks = size.priceTicks || size.stopPriceTicks || referenceTicks(quote, content.side);
  if (!isByBudget && priceTicks === 0) return;
  const notionalAtoms = isByBudget
    ? parsePositiveAtoms("quote_budget", content.quoteBudget)
    : quoteAtoms(market, BigInt(priceTicks) * BigInt(size.quantityLots));
  if (notionalAtoms < market.minNotionalAtoms)
    throw new DomainError("NOTIONAL_TOO_SMALL", {
      field: isByBudget ? "quote_budget" : "quantity",
      limit: formatAtoms(market.minNotionalAtoms),
    });
}
