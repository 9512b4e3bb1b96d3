// Commands from the wire: everything about their form is checked here and nowhere deeper. What lies in the
// journal went through here once.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import type {
  AmendCommand as WireAmend,
  CancelCommand as WireCancel,
  ResolveCommand as WireResolve,
  SubmitCommand as WireSubmit,
  OrderTerms as WireTerms,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type {
  AmendCommand,
  CancelCommand,
  OrderTerms,
  ResolveCommand,
  SubmitCommand,
} from "../core/types.js";
import {
  AMOUNT,
  ASSET,
  CLIENT_ORDER_ID,
  matching,
  operator,
  owner,
  PPM_MAX,
  SYMBOL,
  uuidField,
  whole,
  within,
} from "./fields.js";
import {
  selfTradeWords,
  sideWords,
  statusWords,
  timeInForceWords,
  tombstoneReasonOf,
  typeWords,
  wordOf,
} from "./matcher-words.js";

const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;

export function parseSubmit(wire: WireSubmit | undefined): SubmitCommand {
  if (wire?.terms === undefined) throw new DomainError("FIELD_REQUIRED", { field: "terms" });
  const expiresAtMs = whole("expires_at_ms", wire.expiresAtMs);
  return { type: "submit", terms: parseTerms(wire.terms), expiresAtMs };
}

export function parseCancel(wire: WireCancel | undefined): CancelCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "cancel" });
  const { orderId, userId } = owner(wire);
  return { type: "cancel", orderId, userId, operatorId: operator(wire.operatorId) };
}

export function parseResolve(wire: WireResolve | undefined): ResolveCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "resolve" });
  const status = wordOf(statusWords, "tombstone_status", wire.tombstoneStatus);
  if (status !== "CANCELLED" && status !== "REJECTED") {
    throw new DomainError("INVALID_ENUM", { field: "tombstone_status" });
  }
  const tombstoneReason = tombstoneReasonOf(status, wire.tombstoneReason);
  const symbol = matching("symbol", wire.symbol, SYMBOL, "INVALID_SYMBOL");
  const { cancelIfOpen } = wire;
  const expiresAtMs = whole("expires_at_ms", wire.expiresAtMs);
  const { orderId, userId } = owner(wire);
  return {
    type: "resolve",
    orderId,
    userId,
    symbol,
    tombstoneStatus: status,
    tombstoneReason,
    expiresAtMs,
    cancelIfOpen,
  };
}

/** A change of an order; what it may change is the core's to say. */
export function parseAmend(wire: WireAmend | undefined): AmendCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "amend" });
  const { orderId, userId } = owner(wire);
  const legId = uuidField("leg_id", wire.legId, "INVALID_REQUEST_ID");
  const symbol = matching("symbol", wire.symbol, SYMBOL, "INVALID_SYMBOL");
  const priceTicks = whole("price_ticks", wire.priceTicks);
  const quantityLots = whole("quantity_lots", wire.quantityLots);
  if (priceTicks === 0 && quantityLots === 0)
    throw new DomainError("FIELD_REQUIRED", { field: "quantity_lots" });
  const legUnits = whole("leg_units", wire.legUnits);
  const legAmount =
    wire.legAmount === "" ? "" : matching("leg_amount", wire.legAmount, AMOUNT, "INVALID_DECIMAL");
  if ((legUnits === 0) !== (legAmount === "")) {
    throw new DomainError("INVALID_COMBINATION", { field: "leg_amount" });
  }
  const expiresAtMs = whole("expires_at_ms", wire.expiresAtMs);
  return {
    type: "amend",
    orderId,
    userId,
    legId,
    symbol,
    priceTicks,
    quantityLots,
    legUnits,
    legAmount,
    expiresAtMs,
  };
}

/** Trace context as it is, or none: a wrong one is nobody's failure. */
export function parseTraceparent(text: string): string {
  return TRACEPARENT.test(text) ? text : "";
}

/** Terms of an order, with every rule that needs no market. */
export function parseTerms(wire: WireTerms): OrderTerms {
  // Written out: a spread in a literal of so many fields takes longer than all the checks together.
  const { orderId, userId } = owner(wire);
  const terms: OrderTerms = {
    orderId,
    userId,
    clientOrderId: matching(
      "client_order_id",
      wire.clientOrderId,
      CLIENT_ORDER_ID,
      "INVALID_CLIENT_ORDER_ID",
    ),
    symbol: matching("symbol", wire.symbol, SYMBOL, "INVALID_SYMBOL"),
    side: wordOf(sideWords, "side", wire.side),
    type: wordOf(typeWords, "type", wire.type),
    timeInForce: wordOf(timeInForceWords, "time_in_force", wire.timeInForce),
    priceTicks: whole("price_ticks", wire.priceTicks),
    stopPriceTicks: whole("stop_price_ticks", wire.stopPriceTicks),
    quantityLots: whole("quantity_lots", wire.quantityLots),
    budgetTickLots: whole("budget_tick_lots", wire.budgetTickLots),
    byQuoteBudget: wire.byQuoteBudget,
    postOnly: wire.postOnly,
    selfTradePrevention:
      wire.selfTradePrevention === 0
        ? "CANCEL_TAKER"
        : wordOf(selfTradeWords, "self_trade_prevention", wire.selfTradePrevention),
    makerFeePpm: within("maker_fee_ppm", wire.makerFeePpm, 0, PPM_MAX),
    takerFeePpm: within("taker_fee_ppm", wire.takerFeePpm, 0, PPM_MAX),
    reservedAsset: matching("reserved_asset", wire.reservedAsset, ASSET, "INVALID_ASSET"),
    reservedAmount: matching("reserved_amount", wire.reservedAmount, AMOUNT, "INVALID_DECIMAL"),
    quoteBudget:
      wire.quoteBudget === "" ? "" : matching("quote_budget", wire.quoteBudget, AMOUNT, "INVALID_DECIMAL"),
  };
  const mistake = MISTAKES[terms.type](terms);
  if (mistake !== undefined) throw new DomainError(mistake[0], { field: mistake[1] });
  return terms;
}

type Mistake = readonly [FailureReason, string];

/** What is wrong with the fields of an order of each type; the first that is found. */
const MISTAKES: Readonly<Record<OrderTerms["type"], (terms: OrderTerms) => Mistake | undefined>> = {
  LIMIT: (terms) => (terms.stopPriceTicks === 0 ? limitMistake(terms) : STOP_PRICE),
  MARKET: (terms) => (terms.stopPriceTicks === 0 ? marketMistake(terms) : STOP_PRICE),
  STOP: stopMistake,
  STOP_LIMIT: (terms) => (terms.stopPriceTicks === 0 ? NO_STOP_PRICE : limitMistake(terms)),
};
const STOP_PRICE: Mistake = ["STOP_PRICE_NOT_ALLOWED", "stop_price_ticks"];
const NO_STOP_PRICE: Mistake = ["STOP_PRICE_REQUIRED", "stop_price_ticks"];

/** LIMIT, and STOP_LIMIT, which becomes one. */
function limitMistake(terms: OrderTerms): Mistake | undefined {
  if (terms.priceTicks === 0) return ["PRICE_REQUIRED", "price_ticks"];
  if (terms.quantityLots === 0) return ["QUANTITY_REQUIRED", "quantity_lots"];
  if (terms.budgetTickLots !== 0 || terms.byQuoteBudget) return ["INVALID_COMBINATION", "budget_tick_lots"];
  const mayRest = terms.timeInForce === "GTC" || terms.timeInForce === "DAY";
  if (terms.postOnly && !mayRest) return ["INVALID_COMBINATION", "post_only"];
  return notionalMistake(terms);
}

function marketMistake(terms: OrderTerms): Mistake | undefined {
  if (terms.priceTicks !== 0) return ["PRICE_NOT_ALLOWED", "price_ticks"];
  if (terms.timeInForce === "GTC" || terms.timeInForce === "DAY")
    return ["INVALID_COMBINATION", "time_in_force"];
  if (terms.postOnly) return ["INVALID_COMBINATION", "post_only"];
  if (terms.side === "sell" && (terms.budgetTickLots !== 0 || terms.byQuoteBudget)) {
    return ["INVALID_COMBINATION", "budget_tick_lots"];
  }
  if (terms.side === "buy" && terms.budgetTickLots === 0) return ["QUANTITY_REQUIRED", "budget_tick_lots"];
  if (terms.byQuoteBudget !== (terms.quantityLots === 0)) return ["QUANTITY_REQUIRED", "quantity_lots"];
  return undefined;
}

/** A STOP becomes a MARKET: its budget was reserved, but a client cannot name one. */
function stopMistake(terms: OrderTerms): Mistake | undefined {
  if (terms.stopPriceTicks === 0) return NO_STOP_PRICE;
  if (terms.priceTicks !== 0) return ["PRICE_NOT_ALLOWED", "price_ticks"];
  if (terms.timeInForce === "GTC") return ["INVALID_COMBINATION", "time_in_force"];
  if (terms.postOnly) return ["INVALID_COMBINATION", "post_only"];
  if (terms.byQuoteBudget || (terms.side === "sell" && terms.budgetTickLots !== 0))
    return ["INVALID_COMBINATION", "budget_tick_lots"];
  if (terms.quantityLots === 0) return ["QUANTITY_REQUIRED", "quantity_lots"];
  if (terms.side === "buy" && terms.budgetTickLots === 0) return ["QUANTITY_REQUIRED", "budget_tick_lots"];
  return notionalMistake(terms);
}

/** Limit and stop price, each times quantity, are exact. A rounded product is at least 2^53 whenever the exact one is. */
function notionalMistake({ priceTicks, stopPriceTicks, quantityLots }: OrderTerms): Mistake | undefined {
  const largest = Math.max(priceTicks, stopPriceTicks) * quantityLots;
  return Number.isSafeInteger(largest) ? undefined : ["NOTIONAL_TOO_LARGE", "quantity_lots"];
}
