// What the client said, checked without knowing any market, in canonical form.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { formatAtoms, parsePositiveAtoms } from "@bourse/shared/units/atoms.js";
import { canonicalOrder } from "@bourse/shared/units/canonical.js";
import type { OrderType, SelfTradePrevention, Side, TimeInForce } from "./order-types.js";

/** A request to place an order as it came in. Absent decimals are undefined, never "". */
export interface PlaceRequest {
  /** "" lets the gateway make one. */
  readonly clientOrderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce | undefined;
  readonly price: string | undefined;
  readonly quantity: string | undefined;
  readonly quoteBudget: string | undefined;
  readonly stopPrice: string | undefined;
  readonly postOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention | undefined;
}

/**
 * What the client meant: decimals canonical ("" for none), defaults filled in. It alone decides whether
 * two placements under one key are the same; nothing that the gateway derives belongs here.
 */
export interface OrderContent {
  readonly symbol: string;
  readonly side: Side;
  readonly type: OrderType;
  readonly timeInForce: TimeInForce;
  readonly price: string;
  readonly quantity: string;
  readonly quoteBudget: string;
  readonly stopPrice: string;
  readonly postOnly: boolean;
  readonly selfTradePrevention: SelfTradePrevention;
}

interface Decimals {
  readonly price: string;
  readonly quantity: string;
  readonly quoteBudget: string;
  readonly stopPrice: string;
}

interface Refusal {
  readonly reason: FailureReason;
  readonly field: string;
}

/** Canonical content of a request. Refuses, with the field, what no market could accept. */
export function parseContent(request: PlaceRequest): OrderContent {
  const decimals: Decimals = {
    price: canonical("price", request.price, "PRICE_NOT_POSITIVE"),
    quantity: canonical("quantity", request.quantity, "QUANTITY_NOT_POSITIVE"),
    quoteBudget: canonical("quote_budget", request.quoteBudget, "AMOUNT_NOT_POSITIVE"),
    stopPrice: canonical("stop_price", request.stopPrice, "PRICE_NOT_POSITIVE"),
  };
  const refusal = whyNotCombined(request, decimals);
  if (refusal !== undefined) throw new DomainError(refusal.reason, { field: refusal.field });
  return contentOf(request, decimals);
}

/** One text for one content; its hash is the fingerprint of the order, for ever. */
export function canonicalText(content: OrderContent): string {
  return canonicalOrder(content);
}

/** Canonical text of a positive decimal; "" when it was not given. */
export function canonical(field: string, text: string | undefined, whenZero: FailureReason): string {
  return text === undefined ? "" : formatAtoms(parsePositiveAtoms(field, text, whenZero));
}

function whyNotCombined(request: PlaceRequest, decimals: Decimals): Refusal | undefined {
  switch (request.type) {
    case "LIMIT":
      return whyNotLimit(request, decimals);
    case "MARKET":
      return whyNotMarket(request, decimals);
    case "STOP":
      return whyNotStop(request, decimals);
    case "STOP_LIMIT":
      return whyNotStopLimit(request, decimals);
  }
}

function whyNotLimit(request: PlaceRequest, decimals: Decimals): Refusal | undefined {
  if (decimals.price === "") return { reason: "PRICE_REQUIRED", field: "price" };
  if (decimals.stopPrice !== "") return { reason: "STOP_PRICE_NOT_ALLOWED", field: "stop_price" };
  return whyNotSized(decimals) ?? whyNotPostOnly(request);
}

function whyNotMarket(request: PlaceRequest, decimals: Decimals): Refusal | undefined {
  if (decimals.price !== "") return { reason: "PRICE_NOT_ALLOWED", field: "price" };
  if (decimals.stopPrice !== "") return { reason: "STOP_PRICE_NOT_ALLOWED", field: "stop_price" };
  if (request.timeInForce === "GTC" || request.timeInForce === "DAY") {
    return { reason: "INVALID_COMBINATION", field: "time_in_force" };
  }
  if (request.postOnly) return { reason: "INVALID_COMBINATION", field: "post_only" };
  const mayHaveBudget = request.side === "BUY" && decimals.quantity === "";
  if (decimals.quoteBudget !== "" && !mayHaveBudget)
    return { reason: "INVALID_COMBINATION", field: "quote_budget" };
  const hasSize = decimals.quantity !== "" || decimals.quoteBudget !== "";
  return hasSize ? undefined : { reason: "QUANTITY_REQUIRED", field: "quantity" };
}

function whyNotStop(request: PlaceRequest, decimals: Decimals): Refusal | undefined {
  if (decimals.stopPrice === "") return { reason: "STOP_PRICE_REQUIRED", field: "stop_price" };
  if (decimals.price !== "") return { reason: "PRICE_NOT_ALLOWED", field: "price" };
  // A fired STOP is a MARKET order, which never rests; it waits until its owner, or the day, ends it.
  if (request.timeInForce === "GTC") return { reason: "INVALID_COMBINATION", field: "time_in_force" };
  if (request.postOnly) return { reason: "INVALID_COMBINATION", field: "post_only" };
  return whyNotSized(decimals);
}

function whyNotStopLimit(request: PlaceRequest, decimals: Decimals): Refusal | undefined {
  if (decimals.stopPrice === "") return { reason: "STOP_PRICE_REQUIRED", field: "stop_price" };
  if (decimals.price === "") return { reason: "PRICE_REQUIRED", field: "price" };
  return whyNotSized(decimals) ?? whyNotPostOnly(request);
}

/** Everything but a MARKET BUY is sized by quantity alone. */
function whyNotSized({ quantity, quoteBudget }: Decimals): Refusal | undefined {
  if (quoteBudget !== "") return { reason: "INVALID_COMBINATION", field: "quote_budget" };
  return quantity === "" ? { reason: "QUANTITY_REQUIRED", field: "quantity" } : undefined;
}

function whyNotPostOnly({ postOnly, timeInForce }: PlaceRequest): Refusal | undefined {
  const neverRests = timeInForce === "IOC" || timeInForce === "FOK";
  return postOnly && neverRests ? { reason: "INVALID_COMBINATION", field: "post_only" } : undefined;
}

function contentOf(request: PlaceRequest, decimals: Decimals): OrderContent {
  const { symbol, side, type, postOnly } = request;
  const fallback = type === "MARKET" || type === "STOP" ? "IOC" : "GTC";
  const timeInForce = request.timeInForce ?? fallback;
  const selfTradePrevention = request.selfTradePrevention ?? "CANCEL_TAKER";
  return { symbol, side, type, timeInForce, ...decimals, postOnly, selfTradePrevention };
}
