// Messages of wallet and shards to the gateway's own words and back.

import { assert } from "@bourse/shared/assert.js";
import {
  type AmendCommand,
  AmendCommandSchema,
  OrderTermsSchema,
  type OrderTerms as WireTerms,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { OrderState as WireState } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import {
  EndReason,
  type Market,
  MarketState,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import {
  ReservationState,
  type Reservation as WireReservation,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import { gridOf } from "@bourse/shared/units/market.js";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { MarketRules } from "../core/market.js";
import type * as Order from "../core/order-types.js";

/** Terms as bytes: what the wallet stores unread. */
export function encodeTerms(terms: Order.OrderTerms): Uint8Array {
  return toBinary(OrderTermsSchema, create(OrderTermsSchema, termsToWire(terms)));
}

/** Terms as a message. */
export function termsToWire(terms: Order.OrderTerms): MessageInitShape<typeof OrderTermsSchema> {
  return {
    ...terms,
    side: Side[terms.side],
    type: OrderType[terms.type],
    timeInForce: TimeInForce[terms.timeInForce],
    priceTicks: BigInt(terms.priceTicks),
    stopPriceTicks: BigInt(terms.stopPriceTicks),
    quantityLots: BigInt(terms.quantityLots),
    budgetTickLots: BigInt(terms.budgetTickLots),
    // The default stays unsaid: terms that were stored before there were modes keep their bytes.
    selfTradePrevention:
      terms.selfTradePrevention === "CANCEL_TAKER"
        ? SelfTradePrevention.UNSPECIFIED
        : SelfTradePrevention[terms.selfTradePrevention],
  };
}

/** Terms as the shard or the wallet keeps them. */
export function termsOfWire(wire: WireTerms): Order.OrderTerms {
  const { $typeName: _, $unknown: __, ...terms } = wire;
  return {
    ...terms,
    side: Side[wire.side] as Order.Side,
    type: OrderType[wire.type] as Order.OrderType,
    timeInForce: TimeInForce[wire.timeInForce] as Order.TimeInForce,
    priceTicks: safe(wire.priceTicks),
    stopPriceTicks: safe(wire.stopPriceTicks),
    quantityLots: safe(wire.quantityLots),
    budgetTickLots: safe(wire.budgetTickLots),
    selfTradePrevention: modeOfWire(wire.selfTradePrevention),
  };
}

/** Unspecified is CANCEL_TAKER. */
function modeOfWire(mode: SelfTradePrevention): Order.SelfTradePrevention {
  const isDefault = mode === SelfTradePrevention.UNSPECIFIED;
  return isDefault ? "CANCEL_TAKER" : (SelfTradePrevention[mode] as Order.SelfTradePrevention);
}

/** An amend as a message. */
export function amendToWire(
  amend: Order.Amend,
  expiresAtMs = 0,
): MessageInitShape<typeof AmendCommandSchema> {
  return {
    ...amend,
    priceTicks: BigInt(amend.priceTicks),
    quantityLots: BigInt(amend.quantityLots),
    legUnits: BigInt(amend.legUnits),
    expiresAtMs: BigInt(expiresAtMs),
  };
}

/** An amend as bytes: what the wallet stores unread for a leg. */
export function encodeAmend(amend: Order.Amend): Uint8Array {
  return toBinary(AmendCommandSchema, create(AmendCommandSchema, amendToWire(amend)));
}

function amendOfWire(wire: AmendCommand): Order.Amend {
  const { orderId, userId, legId, symbol, legAmount } = wire;
  return {
    orderId,
    userId,
    legId,
    symbol,
    priceTicks: safe(wire.priceTicks),
    quantityLots: safe(wire.quantityLots),
    legUnits: safe(wire.legUnits),
    legAmount,
  };
}

/** An order as its shard answers it. */
export function stateOfWire(wire: WireState): Order.OrderState {
  return {
    orderId: wire.orderId,
    userId: wire.userId,
    terms: wire.terms === undefined ? undefined : termsOfWire(wire.terms),
    status: OrderStatus[wire.status] as Order.OrderStatus,
    reason: reasonName(wire.reason),
    executedLots: safe(wire.executedLots),
    executedTickLots: BigInt(wire.executedTickLots || "0"),
    createdAtMs: safe(wire.createdAtMs),
    updatedAtMs: safe(wire.updatedAtMs),
    acceptedSeq: safe(wire.acceptedSeq),
    priceTicks: safe(wire.priceTicks),
    quantityLots: safe(wire.quantityLots),
    isTriggered: wire.isTriggered,
  };
}

/** A reservation as the wallet answers it. */
export function reservationOfWire(wire: WireReservation): Order.Reservation {
  const isLeg = wire.legOfOrderId !== "";
  const hasTerms = wire.terms.length > 0;
  return {
    orderId: wire.orderId,
    userId: wire.userId,
    state: ReservationState[wire.state] as Order.Reservation["state"],
    // A wallet of before says nothing for shard 0.
    shard: wire.shard ?? 0,
    isLeg,
    terms: hasTerms && !isLeg ? termsOfWire(fromBinary(OrderTermsSchema, wire.terms)) : undefined,
    leg: hasTerms && isLeg ? amendOfWire(fromBinary(AmendCommandSchema, wire.terms)) : undefined,
    end: wire.state === ReservationState.CLOSED ? endOfWire(wire) : undefined,
  };
}

/**
 * The reservation of an order of the exchange, which names a shard, or terms in a wallet of before; a tombstone has
 * a last word. What a service holds without shard is no order: undefined, since no shard may be asked about it.
 */
export function orderReservationOfWire(wire: WireReservation | undefined): Order.Reservation | undefined {
  if (wire === undefined) return undefined;
  const isOfOrder = wire.shard !== undefined || wire.terms.length > 0 || wire.finalStatus !== 0;
  return isOfOrder ? reservationOfWire(wire) : undefined;
}

function endOfWire(wire: WireReservation): Order.OrderEnd {
  return {
    status: OrderStatus[wire.finalStatus] as Order.OrderStatus,
    reason: reasonName(wire.finalReason),
    executedLots: safe(wire.executedLots),
    executedTickLots: BigInt(wire.executedTickLots || "0"),
    createdAtMs: safe(wire.orderCreatedAtMs),
    endedAtMs: safe(wire.orderEndedAtMs),
    endedSeq: safe(wire.endedSeq),
    acceptedSeq: safe(wire.acceptedSeq),
    amendedPriceTicks: safe(wire.amendedPriceTicks),
    amendedQuantityLots: safe(wire.amendedQuantityLots),
  };
}

function reasonName(reason: EndReason): string {
  return reason === EndReason.UNSPECIFIED ? "" : (EndReason[reason] ?? "");
}

/** A market as its shard describes it, with its grid worked out. */
export function rulesOfMarket(market: Market): MarketRules {
  const grid = gridOf(market);
  return {
    ...grid,
    shard: market.shard,
    minQuantityLots: lotsUp(market.minQuantity, grid.lotAtoms),
    maxQuantityLots: atomsOf(market.maxQuantity) / grid.lotAtoms,
    minNotionalAtoms: atomsOf(market.minNotional),
    protectionBps: market.protectionBps,
    makerFeePpm: market.makerFeePpm,
    takerFeePpm: market.takerFeePpm,
    feeTiers: market.feeTiers,
    state: MarketState[market.state] as Order.MarketState,
  };
}

function lotsUp(text: string, lotAtoms: bigint): bigint {
  return (atomsOf(text) + lotAtoms - 1n) / lotAtoms;
}

function atomsOf(text: string): bigint {
  return text === "" ? 0n : atomsOfNumeric(text);
}

function safe(value: bigint): number {
  const number = Number(value);
  assert(Number.isSafeInteger(number), "numbers inside the mesh are safe integers");
  return number;
}
