// One text for what a client meant by an order or an amend. Its hash is the fingerprint under which the wallet keeps
// the hold, for ever: these texts never change. They follow from the client's words, and from the stored terms too.
import { formatPrice, formatQuantity, type Grid } from "./market.js";

/** What a client says of an order; decimals canonical, "" for none. Names in capitals are wire names. */
export interface CanonicalOrder {
  readonly symbol: string;
  readonly side: string;
  readonly type: string;
  readonly timeInForce: string;
  readonly price: string;
  readonly quantity: string;
  readonly quoteBudget: string;
  readonly stopPrice: string;
  readonly postOnly: boolean;
  readonly selfTradePrevention: string;
}

/** Terms of an order, as far as they are the client's. */
export interface ClientTerms
  extends Omit<CanonicalOrder, "price" | "quantity" | "stopPrice" | "quoteBudget"> {
  readonly priceTicks: number;
  readonly stopPriceTicks: number;
  readonly quantityLots: number;
  readonly byQuoteBudget: boolean;
  /** Canonical; "" for none. */
  readonly quoteBudget: string;
}

/** What was added later stands in it only where it says something, so that older keys keep their fingerprints. */
export function canonicalOrder(order: CanonicalOrder): string {
  const { symbol, side, type, timeInForce, price, quantity, quoteBudget, stopPrice, postOnly } = order;
  const text = [symbol, side, type, timeInForce, price, quantity, quoteBudget, stopPrice, postOnly];
  const mode = order.selfTradePrevention;
  return JSON.stringify(mode === "CANCEL_TAKER" ? text : [...text, mode]);
}

/** The same text from the terms that became of the client's words. */
export function canonicalTerms(terms: ClientTerms, grid: Grid): string {
  return canonicalOrder({
    ...terms,
    price: terms.priceTicks === 0 ? "" : formatPrice(grid, terms.priceTicks),
    quantity: terms.byQuoteBudget ? "" : formatQuantity(grid, terms.quantityLots),
    stopPrice: terms.stopPriceTicks === 0 ? "" : formatPrice(grid, terms.stopPriceTicks),
  });
}

/** Text of an amend of an order; "" keeps what the order has. */
export function canonicalAmend(
  orderId: string,
  { price, quantity }: { readonly price: string; readonly quantity: string },
): string {
  return JSON.stringify(["amend", orderId, price, quantity]);
}

/** The same text from price and quantity in ticks and lots; 0 keeps what the order has. */
export function canonicalChange(
  orderId: string,
  change: { readonly priceTicks: number; readonly quantityLots: number },
  grid: Grid,
): string {
  return canonicalAmend(orderId, {
    price: change.priceTicks === 0 ? "" : formatPrice(grid, change.priceTicks),
    quantity: change.quantityLots === 0 ? "" : formatQuantity(grid, change.quantityLots),
  });
}
