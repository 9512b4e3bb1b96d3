// Messages of wallet and shards to the gateway's own words and back.

import { assert } from "@bourse/shared/assert.js";
import {
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
    quantityLots: BigInt(terms.quantityLots),
    budgetTickLots: BigInt(terms.budgetTickLots),
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
    quantityLots: safe(wire.quantityLots),
    budgetTickLots: safe(wire.budgetTickLots),
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
  };
}

/** A reservation as the wallet answers it. */
export function reservationOfWire(wire: WireReservation): Order.Reservation {
  return {
    orderId: wire.orderId,
    userId: wire.userId,
    state: ReservationState[wire.state] as Order.Reservation["state"],
    shard: wire.shard,
    terms: wire.terms.length === 0 ? undefined : termsOfWire(fromBinary(OrderTermsSchema, wire.terms)),
    end: wire.state === ReservationState.CLOSED ? endOfWire(wire) : undefined,
  };
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
