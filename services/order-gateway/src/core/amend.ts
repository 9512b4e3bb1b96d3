// Changing an open order: what the client asks, whether the market allows it, and what more to reserve.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import {
  baseAtoms,
  formatPrice,
  formatQuantity,
  type Grid,
  parsePriceTicks,
  parseQuantityLots,
  quoteAtoms,
} from "@bourse/shared/units/market.js";
import { notionalTickLots } from "./funds-needed.js";
import type { MarketRules } from "./market.js";
import { canonical } from "./order-content.js";
import { parseQuantity } from "./order-intent.js";
import type { Amend, OrderState, OrderTerms } from "./order-types.js";

/** A request to amend as it came in. Absent decimals are undefined, never "". */
export interface AmendRequest {
  readonly requestId: string;
  readonly price: string | undefined;
  readonly quantity: string | undefined;
}

/** What the client meant, canonical; "" keeps what the order has. */
export interface AmendContent {
  readonly price: string;
  readonly quantity: string;
}

/** What of an order decides about an amend: price, quantity and budget as last known. */
export type OrderSize = Pick<
  OrderTerms,
  "symbol" | "side" | "type" | "priceTicks" | "stopPriceTicks" | "quantityLots" | "budgetTickLots"
>;

/** An amend to send, and the order as it is if it comes through. */
export interface AmendDecision<T extends OrderSize = OrderSize> {
  readonly change: Pick<Amend, "priceTicks" | "quantityLots" | "legUnits" | "legAmount">;
  readonly after: T;
  /** Asset of the leg. */
  readonly asset: string;
}

/** The terms of an order with price, quantity and budget as its shard says. */
export function termsNow(terms: OrderTerms, state: OrderState): OrderTerms {
  return {
    ...terms,
    priceTicks: state.priceTicks || terms.priceTicks,
    quantityLots: state.quantityLots || terms.quantityLots,
    budgetTickLots: state.terms?.budgetTickLots ?? terms.budgetTickLots,
  };
}

/** Canonical content of a request. Refuses, with the field, what no market could accept. */
export function parseAmend(request: AmendRequest): AmendContent {
  const content = {
    price: canonical("price", request.price, "PRICE_NOT_POSITIVE"),
    quantity: canonical("quantity", request.quantity, "QUANTITY_NOT_POSITIVE"),
  };
  if (content.price === "" && content.quantity === "")
    throw new DomainError("FIELD_REQUIRED", {
      field: "price",
      problem: "price, quantity or both are required",
    });
  return content;
}

/**
 * Decides an amend on the order as last known. The leg covers the worst case of what the order may have
 * executed meanwhile: R(P', Q') − R(P, Q), and R(P', Q' − Q) if all of Q was executed. Refuses by the market's
 * filters; what the state of market and order says is the shard's to decide, which remembers what it decided.
 */
export function decideAmend<T extends OrderSize>(
  content: AmendContent,
  market: MarketRules,
  order: T,
): AmendDecision<T> {
  const { price, quantity } = content;
  if (price !== "" && order.type === "STOP") throw new DomainError("PRICE_NOT_ALLOWED", { field: "price" });
  const change = parseChange(content, market);
  const after = amended(order, change);
  checkSize(after, market, quantity === "" ? "price" : "quantity");
  const more = { ...after, quantityLots: Math.max(0, after.quantityLots - order.quantityLots) };
  const legUnits = Math.max(
    0,
    reserveUnits(after) - reserveUnits(order),
    reserveUnits(withBudget(after, more)),
  );
  const isBuy = order.side === "BUY";
  const atoms = isBuy ? quoteAtoms(market, BigInt(legUnits)) : baseAtoms(market, legUnits);
  const legAmount = legUnits === 0 ? "" : formatAtoms(atoms);
  return {
    change: { ...change, legUnits, legAmount },
    after,
    asset: isBuy ? market.quoteAsset : market.baseAsset,
  };
}

/** The change in ticks and lots alone: for an order that has ended, whose shard only repeats what it said. */
export function parseChange({ price, quantity }: AmendContent, market: MarketRules) {
  return {
    priceTicks: price === "" ? 0 : parsePriceTicks(market, "price", price),
    quantityLots: quantity === "" ? 0 : parseQuantity(market, quantity),
  };
}

/** The same without the market's limits, which may have changed since it was decided. */
export function parseDecided({ price, quantity }: AmendContent, market: MarketRules) {
  return {
    priceTicks: price === "" ? 0 : parsePriceTicks(market, "price", price),
    quantityLots: quantity === "" ? 0 : parseQuantityLots(market, "quantity", quantity),
  };
}

/** First field in which a repeated amend differs from the one that its key stands for; undefined when it does not. */
export function differingAmendField(
  content: AmendContent,
  stored: Pick<Amend, "priceTicks" | "quantityLots">,
  grid: Grid | undefined,
): string | undefined {
  if (grid === undefined) return undefined;
  const price = stored.priceTicks === 0 ? "" : formatPrice(grid, stored.priceTicks);
  if (content.price !== price) return "price";
  const quantity = stored.quantityLots === 0 ? "" : formatQuantity(grid, stored.quantityLots);
  return content.quantity === quantity ? undefined : "quantity";
}

function amended<T extends OrderSize>(order: T, change: { priceTicks: number; quantityLots: number }): T {
  const priceTicks = change.priceTicks || order.priceTicks;
  const quantityLots = change.quantityLots || order.quantityLots;
  return withBudget(order, { ...order, priceTicks, quantityLots });
}

/** A waiting STOP BUY keeps what it may pay for a lot, whatever its quantity. */
function withBudget<T extends OrderSize>(order: OrderSize, after: T): T {
  if (order.type !== "STOP" || order.side !== "BUY") return after;
  const reserveTicks = BigInt(order.budgetTickLots) / BigInt(order.quantityLots);
  return { ...after, budgetTickLots: notionalTickLots(reserveTicks, after.quantityLots) };
}

/** What such an order reserves: lots for a seller, tick × lot for a buyer. */
function reserveUnits({ side, type, priceTicks, quantityLots, budgetTickLots }: OrderSize): number {
  if (side === "SELL") return quantityLots;
  return type === "LIMIT" || type === "STOP_LIMIT" ? priceTicks * quantityLots : budgetTickLots;
}

function checkSize(order: OrderSize, market: MarketRules, field: string): void {
  const { priceTicks, stopPriceTicks, quantityLots } = order;
  const ofLimit = notionalTickLots(priceTicks, quantityLots, field);
  const ofStop = notionalTickLots(stopPriceTicks, quantityLots, field);
  const notionalAtoms = quoteAtoms(market, BigInt(ofLimit || ofStop));
  if (notionalAtoms < market.minNotionalAtoms)
    throw new DomainError("NOTIONAL_TOO_SMALL", { field, limit: formatAtoms(market.minNotionalAtoms) });
}
