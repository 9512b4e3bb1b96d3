// Commands from the wire: everything about their form is checked here and nowhere deeper. What lies in the
// journal went through here once.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import type {
  CancelCommand as WireCancel,
  ResolveCommand as WireResolve,
  SubmitCommand as WireSubmit,
  OrderTerms as WireTerms,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Market as WireMarket } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { isUuid } from "@bourse/shared/ids.js";
import { formatAtoms, parseAtoms } from "@bourse/shared/units/atoms.js";
import { gridOf } from "@bourse/shared/units/market.js";
import type { CancelCommand, Market, OrderTerms, ResolveCommand, SubmitCommand } from "../core/types.js";
import {
  marketStateWords,
  sideWords,
  statusWords,
  timeInForceWords,
  typeWords,
  wordOf,
} from "./matcher-words.js";

const CLIENT_ORDER_ID = /^[A-Za-z0-9._:-]{1,64}$/;
const SYMBOL = /^[A-Z0-9]{2,10}\/[A-Z0-9]{2,10}$/;
const ASSET = /^[A-Z0-9]{2,10}$/;
/** Reserved amounts outgrow the 12 digits of the edge. */
const AMOUNT = /^(0|[1-9][0-9]{0,29})(\.[0-9]{1,8})?$/;
const TRACEPARENT = /^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$/;
const PPM_MAX = 999_999;
const BPS_MAX = 1_000_000;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export function parseSubmit(wire: WireSubmit | undefined): SubmitCommand {
  if (wire?.terms === undefined) throw new DomainError("FIELD_REQUIRED", { field: "terms" });
  const expiresAtMs = whole("expires_at_ms", wire.expiresAtMs);
  return { type: "submit", terms: parseTerms(wire.terms), expiresAtMs };
}

export function parseCancel(wire: WireCancel | undefined): CancelCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "cancel" });
  const { orderId, userId } = owner(wire);
  return { type: "cancel", orderId, userId };
}

export function parseResolve(wire: WireResolve | undefined): ResolveCommand {
  if (wire === undefined) throw new DomainError("FIELD_REQUIRED", { field: "resolve" });
  const status = wordOf(statusWords, "tombstone_status", wire.tombstoneStatus);
  if (status !== "CANCELLED" && status !== "REJECTED") {
    throw new DomainError("INVALID_ENUM", { field: "tombstone_status" });
  }
  const tombstoneReason = status === "CANCELLED" ? "USER" : "NOT_SEQUENCED";
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

/** Trace context as it is, or none: a wrong one is nobody's failure. */
export function parseTraceparent(text: string): string {
  return TRACEPARENT.test(text) ? text : "";
}

function owner({ orderId, userId }: { orderId: string; userId: string }) {
  if (!isUuid(orderId)) throw new DomainError("INVALID_ORDER_ID", { field: "order_id" });
  if (!isUuid(userId)) throw new DomainError("INVALID_USER_ID", { field: "user_id" });
  return { orderId, userId };
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
    quantityLots: whole("quantity_lots", wire.quantityLots),
    budgetTickLots: whole("budget_tick_lots", wire.budgetTickLots),
    byQuoteBudget: wire.byQuoteBudget,
    postOnly: wire.postOnly,
    makerFeePpm: within("maker_fee_ppm", wire.makerFeePpm, 0, PPM_MAX),
    takerFeePpm: within("taker_fee_ppm", wire.takerFeePpm, 0, PPM_MAX),
    reservedAsset: matching("reserved_asset", wire.reservedAsset, ASSET, "INVALID_ASSET"),
    reservedAmount: matching("reserved_amount", wire.reservedAmount, AMOUNT, "INVALID_DECIMAL"),
    quoteBudget:
      wire.quoteBudget === "" ? "" : matching("quote_budget", wire.quoteBudget, AMOUNT, "INVALID_DECIMAL"),
  };
  const mistake = terms.type === "LIMIT" ? limitMistake(terms) : marketMistake(terms);
  if (mistake !== undefined) throw new DomainError(mistake[0], { field: mistake[1] });
  return terms;
}

type Mistake = readonly [FailureReason, string];

function limitMistake(terms: OrderTerms): Mistake | undefined {
  if (terms.priceTicks === 0) return ["PRICE_REQUIRED", "price_ticks"];
  if (terms.quantityLots === 0) return ["QUANTITY_REQUIRED", "quantity_lots"];
  if (terms.budgetTickLots !== 0 || terms.byQuoteBudget) return ["INVALID_COMBINATION", "budget_tick_lots"];
  if (terms.postOnly && terms.timeInForce !== "GTC") return ["INVALID_COMBINATION", "post_only"];
  // A rounded product is at least 2^53 whenever the exact one is.
  return Number.isSafeInteger(terms.priceTicks * terms.quantityLots)
    ? undefined
    : ["NOTIONAL_TOO_LARGE", "quantity_lots"];
}

function marketMistake(terms: OrderTerms): Mistake | undefined {
  if (terms.priceTicks !== 0) return ["PRICE_NOT_ALLOWED", "price_ticks"];
  if (terms.timeInForce === "GTC") return ["INVALID_COMBINATION", "time_in_force"];
  if (terms.postOnly) return ["INVALID_COMBINATION", "post_only"];
  if (terms.side === "sell" && (terms.budgetTickLots !== 0 || terms.byQuoteBudget)) {
    return ["INVALID_COMBINATION", "budget_tick_lots"];
  }
  if (terms.side === "buy" && terms.budgetTickLots === 0) return ["QUANTITY_REQUIRED", "budget_tick_lots"];
  if (terms.byQuoteBudget !== (terms.quantityLots === 0)) return ["QUANTITY_REQUIRED", "quantity_lots"];
  return undefined;
}

/**
 * A market of this shard, from the catalogue or an operator, in canonical text. Refuses with INVALID_MARKET
 * and the field: a grid that is not whole, limits out of range, another shard.
 */
export function parseMarket(wire: Omit<WireMarket, "$typeName" | "$unknown">, shard: number): Market {
  gridOf(wire);
  if (wire.shard !== shard) throw new DomainError("INVALID_MARKET", { field: "shard" });
  const state = wire.state === 0 ? "TRADING" : wordOf(marketStateWords, "state", wire.state);
  return {
    symbol: wire.symbol,
    baseAsset: wire.baseAsset,
    quoteAsset: wire.quoteAsset,
    tickSize: canonical("tickSize", wire.tickSize),
    lotSize: canonical("lotSize", wire.lotSize),
    minQuantity: canonical("minQuantity", wire.minQuantity),
    maxQuantity: canonical("maxQuantity", wire.maxQuantity),
    minNotional: canonical("minNotional", wire.minNotional),
    shard,
    protectionBps: marketNumber("protectionBps", wire.protectionBps, 1, BPS_MAX),
    bandBps: marketNumber("bandBps", wire.bandBps, 0, BPS_MAX),
    openOrdersMax: marketNumber("openOrdersMax", wire.openOrdersMax, 0, 1_000_000_000),
    makerFeePpm: marketNumber("makerFeePpm", wire.makerFeePpm, 0, PPM_MAX),
    takerFeePpm: marketNumber("takerFeePpm", wire.takerFeePpm, 0, PPM_MAX),
    state,
  };
}

/** A new market, in which some quantity is legal. Refuses with INVALID_MARKET and the field. */
export function checkNewMarket(market: Market): Market {
  const [min, max] = [parseAtoms("", market.minQuantity), parseAtoms("", market.maxQuantity)];
  if (max !== 0n && max < min) throw new DomainError("INVALID_MARKET", { field: "maxQuantity" });
  return market;
}

/** The market of a request, as parseMarket and checkNewMarket; a refused field has the contract's name. */
export function parseNewMarket(wire: WireMarket, shard: number): Market {
  try {
    return checkNewMarket(parseMarket(wire, shard));
  } catch (error) {
    if (!(error instanceof DomainError) || error.facts.field === undefined) throw error;
    const field = error.facts.field.replace(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);
    throw new DomainError(error.reason, { ...error.facts, field: `market.${field}` }, { cause: error });
  }
}

function canonical(field: string, text: string): string {
  try {
    return formatAtoms(parseAtoms(field, text === "" ? "0" : text));
  } catch (cause) {
    throw new DomainError("INVALID_MARKET", { field }, { cause });
  }
}

function marketNumber(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw new DomainError("INVALID_MARKET", { field });
  return value;
}

function whole(field: string, value: bigint): number {
  if (value < 0n || value > SAFE_MAX) throw new DomainError("VALUE_TOO_LARGE", { field });
  return Number(value);
}

function within(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw new DomainError("INVALID_FIELD", { field });
  return value;
}

function matching(field: string, text: string, pattern: RegExp, reason: FailureReason): string {
  if (!pattern.test(text)) throw new DomainError(text === "" ? "FIELD_REQUIRED" : reason, { field });
  return text;
}
