// The words of the core and the numbers of the contract.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { AmendRefusal as WireRefusal } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason as WireReason,
  Side as WireSide,
  MarketState as WireState,
  OrderStatus as WireStatus,
  SelfTradePrevention as WireStp,
  TimeInForce as WireTif,
  OrderType as WireType,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type {
  AmendRefusal,
  EndReason,
  MarketState,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "../core/types.js";

export const sides = {
  buy: WireSide.BUY,
  sell: WireSide.SELL,
} as const satisfies Record<Side, WireSide>;

export const types = {
  LIMIT: WireType.LIMIT,
  MARKET: WireType.MARKET,
  STOP: WireType.STOP,
  STOP_LIMIT: WireType.STOP_LIMIT,
} as const satisfies Record<OrderType, WireType>;

export const timesInForce = {
  GTC: WireTif.GTC,
  IOC: WireTif.IOC,
  FOK: WireTif.FOK,
  DAY: WireTif.DAY,
} as const satisfies Record<TimeInForce, WireTif>;

export const selfTradeModes = {
  CANCEL_TAKER: WireStp.CANCEL_TAKER,
  CANCEL_MAKER: WireStp.CANCEL_MAKER,
  CANCEL_BOTH: WireStp.CANCEL_BOTH,
  DECREMENT: WireStp.DECREMENT,
} as const satisfies Record<SelfTradePrevention, WireStp>;

export const statuses = {
  OPEN: WireStatus.OPEN,
  PARTIALLY_FILLED: WireStatus.PARTIALLY_FILLED,
  FILLED: WireStatus.FILLED,
  CANCELLED: WireStatus.CANCELLED,
  EXPIRED: WireStatus.EXPIRED,
  REJECTED: WireStatus.REJECTED,
  PENDING: WireStatus.PENDING,
} as const satisfies Record<OrderStatus, WireStatus>;

export const reasons = {
  "": WireReason.UNSPECIFIED,
  IOC_REMAINDER: WireReason.IOC_REMAINDER,
  FOK_NOT_FILLABLE: WireReason.FOK_NOT_FILLABLE,
  INSUFFICIENT_LIQUIDITY: WireReason.INSUFFICIENT_LIQUIDITY,
  BUDGET_EXHAUSTED: WireReason.BUDGET_EXHAUSTED,
  PRICE_PROTECTION: WireReason.PRICE_PROTECTION,
  SELF_TRADE: WireReason.SELF_TRADE,
  PRICE_OUT_OF_BAND: WireReason.PRICE_OUT_OF_BAND,
  USER: WireReason.USER,
  SYMBOL_HALTED: WireReason.SYMBOL_HALTED,
  SYMBOL_POST_ONLY: WireReason.SYMBOL_POST_ONLY,
  SYMBOL_CANCEL_ONLY: WireReason.SYMBOL_CANCEL_ONLY,
  SYMBOL_DELISTED: WireReason.SYMBOL_DELISTED,
  OPEN_ORDER_LIMIT: WireReason.OPEN_ORDER_LIMIT,
  POST_ONLY_WOULD_TAKE: WireReason.POST_ONLY_WOULD_TAKE,
  NOT_SEQUENCED: WireReason.NOT_SEQUENCED,
  DAY_END: WireReason.DAY_END,
  POST_ONLY_AT_TRIGGER: WireReason.POST_ONLY_AT_TRIGGER,
  CANCEL_ALL: WireReason.CANCEL_ALL,
  DEAD_MAN: WireReason.DEAD_MAN,
  OPERATOR: WireReason.OPERATOR,
  DELISTED: WireReason.DELISTED,
  AMENDED: WireReason.AMENDED,
  STOP_WOULD_TRIGGER: WireReason.STOP_WOULD_TRIGGER,
} as const satisfies Record<EndReason, WireReason>;

export const amendRefusals = {
  ORDER_NOT_OPEN: WireRefusal.ORDER_NOT_OPEN,
  LEG_TOO_SMALL: WireRefusal.LEG_TOO_SMALL,
  POST_ONLY_WOULD_TAKE: WireRefusal.POST_ONLY_WOULD_TAKE,
  PRICE_OUT_OF_BAND: WireRefusal.PRICE_OUT_OF_BAND,
  SYMBOL_HALTED: WireRefusal.SYMBOL_HALTED,
  SYMBOL_POST_ONLY: WireRefusal.SYMBOL_POST_ONLY,
  SYMBOL_CANCEL_ONLY: WireRefusal.SYMBOL_CANCEL_ONLY,
  SYMBOL_DELISTED: WireRefusal.SYMBOL_DELISTED,
  PRICE_NOT_ALLOWED: WireRefusal.PRICE_NOT_ALLOWED,
  NOTIONAL_TOO_LARGE: WireRefusal.NOTIONAL_TOO_LARGE,
} as const satisfies Record<AmendRefusal, WireRefusal>;

export const marketStates = {
  TRADING: WireState.TRADING,
  POST_ONLY: WireState.POST_ONLY,
  CANCEL_ONLY: WireState.CANCEL_ONLY,
  HALTED: WireState.HALTED,
  DELISTED: WireState.DELISTED,
} as const satisfies Record<MarketState, WireState>;

/** A vocabulary read backwards: the word of each number. */
function wordsByNumber<W extends string>(words: Readonly<Record<W, number>>): readonly (W | undefined)[] {
  const byNumber: (W | undefined)[] = [];
  for (const word in words) byNumber[words[word]] = word;
  return byNumber;
}

export const sideWords = wordsByNumber(sides);
export const typeWords = wordsByNumber(types);
export const timeInForceWords = wordsByNumber(timesInForce);
export const selfTradeWords = wordsByNumber(selfTradeModes);
export const statusWords = wordsByNumber(statuses);
export const marketStateWords = wordsByNumber(marketStates);

/** What a tombstone says: it follows from the status, but for the word of an operator. */
export function tombstoneReasonOf(
  status: "CANCELLED" | "REJECTED",
  reason: WireReason,
): "USER" | "OPERATOR" | "NOT_SEQUENCED" {
  if (status === "REJECTED") return "NOT_SEQUENCED";
  return reason === WireReason.OPERATOR ? "OPERATOR" : "USER";
}

/** The word of a number; refuses what the core does not know. */
export function wordOf<W extends string>(words: readonly (W | undefined)[], field: string, value: number): W {
  const word = words[value];
  if (word === undefined) throw new DomainError(value === 0 ? "FIELD_REQUIRED" : "INVALID_ENUM", { field });
  return word;
}
