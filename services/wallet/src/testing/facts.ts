// What a shard can say about the orders of a history, as events and as the effects that settlement must make of
// them; sums and fees are computed here a second time, from lots.
import type { EventSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  OrderStatus,
  SelfTradePrevention,
  Side,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Operation, PartyOfTrade } from "../core/operation.js";
import type { Role } from "../core/reservation.js";
import { BASE, LOT_ATOMS, QUOTE, QUOTE_ATOMS_PER_TICK_LOT, SYMBOL, uuidOf } from "./names.js";

/** An order of a history. Its reserve price is the limit, or what a STOP BUY may pay for a lot. */
export interface OpenOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly isBuy: boolean;
  readonly bornSeq: number;
  /** Waits for its trigger; then LIMIT orders rest and the others, which have a budget, end. */
  isWaiting: boolean;
  readonly hasBudget: boolean;
  limitTicks: number;
  quantityLots: number;
  openLots: number;
  executedLots: number;
  executedTickLots: bigint;
  priceWasAmended: boolean;
  quantityWasChanged: boolean;
  readonly received: Record<Role, bigint>;
  readonly ppm: Record<Role, number>;
}

/** One event and its effects on money. */
export interface Fact {
  readonly event: MessageInitShape<typeof EventSchema>;
  readonly effects: readonly Operation["effect"][];
}

/** Tick times lot of a buyer, lots of a seller. */
export function unitsOf(isBuy: boolean, priceTicks: number, lots: number): number {
  return isBuy ? priceTicks * lots : lots;
}

/** The same in atoms of the asset that the order holds. */
export function atomsOfUnits(isBuy: boolean, units: number): bigint {
  return BigInt(units) * (isBuy ? QUOTE_ATOMS_PER_TICK_LOT : LOT_ATOMS);
}

/** What an order must hold: its reserve price times what is open of it. */
export function heldAtoms({ isBuy, limitTicks, openLots }: OpenOrder): bigint {
  return atomsOfUnits(isBuy, unitsOf(isBuy, limitTicks, openLots));
}

export function acceptedOf({ orderId, userId }: OpenOrder, rules: 1 | 2): Fact {
  const terms = { orderId, userId, symbol: SYMBOL };
  const value = rules === 1 ? { terms } : {};
  return { event: { kind: { case: "accepted", value } }, effects: [{ type: "mark", orderId }] };
}

/** An event that moves no money. */
export function silentFact(kind: NonNullable<Fact["event"]["kind"]>): Fact {
  return { event: { kind }, effects: [] };
}

/** A match of two orders, one of which is the incoming one. */
export interface Match {
  readonly tradeId: string;
  readonly taker: OpenOrder;
  readonly maker: OpenOrder;
  readonly lots: number;
}

export function tradeOf({ tradeId, taker, maker, lots }: Match): Fact {
  const [buyer, seller] = taker.isBuy ? [taker, maker] : [maker, taker];
  const event = tradeEvent({ tradeId, taker, maker, lots }, buyer);
  const tickLots = BigInt(maker.limitTicks) * BigInt(lots);
  const baseAtoms = BigInt(lots) * LOT_ATOMS;
  const quoteAtoms = tickLots * QUOTE_ATOMS_PER_TICK_LOT;
  const roleOf = (order: OpenOrder): Role => (order === taker ? "TAKER" : "MAKER");
  const effect = {
    type: "trade" as const,
    tradeId,
    symbol: SYMBOL,
    baseAsset: BASE,
    quoteAsset: QUOTE,
    baseAtoms,
    quoteAtoms,
    buyerReservedAtoms: buyer.hasBudget
      ? quoteAtoms
      : BigInt(buyer.limitTicks) * BigInt(lots) * QUOTE_ATOMS_PER_TICK_LOT,
    buyer: partyOf(buyer, roleOf(buyer), baseAtoms),
    seller: partyOf(seller, roleOf(seller), quoteAtoms),
  };
  for (const order of [buyer, seller]) {
    order.openLots -= lots;
    order.executedLots += lots;
    order.executedTickLots += tickLots;
  }
  return { event, effects: [effect] };
}

/** The trade as the shard says it: ticks and lots, before its totals are counted. */
function tradeEvent({ tradeId, taker, maker, lots }: Match, buyer: OpenOrder): Fact["event"] {
  const half = (order: OpenOrder, role: Role) => ({
    orderId: order.orderId,
    userId: order.userId,
    feePpm: order.ppm[role],
    receivedBefore: String(order.received[role] / (order.isBuy ? LOT_ATOMS : QUOTE_ATOMS_PER_TICK_LOT)),
  });
  const value = {
    tradeId,
    symbol: SYMBOL,
    priceTicks: BigInt(maker.limitTicks),
    quantityLots: BigInt(lots),
    takerSide: taker.isBuy ? Side.BUY : Side.SELL,
    maker: half(maker, "MAKER"),
    taker: half(taker, "TAKER"),
    buyerLimitTicks: BigInt(buyer.hasBudget ? 0 : buyer.limitTicks),
  };
  return { kind: { case: "trade", value } };
}

function partyOf(order: OpenOrder, role: Role, receivedAtoms: bigint): PartyOfTrade {
  const before = order.received[role];
  const ppm = BigInt(order.ppm[role]);
  const due = (received: bigint) => {
    const exact = received * ppm;
    return exact / 1_000_000n + (exact % 1_000_000n > 0n ? 1n : 0n);
  };
  order.received[role] = before + receivedAtoms;
  return {
    orderId: order.orderId,
    userId: order.userId,
    role,
    feePpm: order.ppm[role],
    receivedBeforeAtoms: before,
    feeAtoms: due(before + receivedAtoms) - due(before),
  };
}

/** DECREMENT: both lose what would have traded. */
export function preventedOf(taker: OpenOrder, maker: OpenOrder): Fact {
  const lots = Math.min(taker.openLots, maker.openLots);
  for (const order of [taker, maker]) {
    order.openLots -= lots;
    if (order.openLots === 0) continue;
    order.quantityLots -= lots;
    order.quantityWasChanged = true;
  }
  const units = (order: OpenOrder) => BigInt(unitsOf(order.isBuy, order.limitTicks, order.openLots));
  const value = {
    symbol: SYMBOL,
    takerOrderId: taker.orderId,
    makerOrderId: maker.orderId,
    priceTicks: BigInt(maker.limitTicks),
    quantityLots: BigInt(lots),
    mode: SelfTradePrevention.DECREMENT,
    userId: taker.userId,
    takerSide: taker.isBuy ? Side.BUY : Side.SELL,
    takerRemainingLots: BigInt(taker.openLots),
    takerReservedUnits: units(taker),
    makerRemainingLots: BigInt(maker.openLots),
    makerReservedUnits: units(maker),
  };
  const need = ({ orderId, userId, ...order }: OpenOrder) => ({
    type: "adjust" as const,
    orderId,
    userId,
    legId: undefined,
    remainingAtoms: heldAtoms({ orderId, userId, ...order }),
  });
  return {
    event: { kind: { case: "selfTradePrevented", value } },
    effects: [need(taker), need(maker)],
  };
}

/** The change that an amend asks for, with the leg that goes with it. */
export interface Change {
  readonly legId: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** True when the leg holds something. */
  readonly hasLeg: boolean;
}

/** The amend is made: the order is changed, and its leg joins. */
export function amendedOf(order: OpenOrder, { legId, priceTicks, quantityLots, hasLeg }: Change): Fact {
  const { orderId, userId, isBuy, isWaiting } = order;
  const old = { oldPriceTicks: BigInt(order.limitTicks), oldRemainingLots: BigInt(order.openLots) };
  const keepsPlace = priceTicks === order.limitTicks && quantityLots <= order.quantityLots;
  order.priceWasAmended ||= priceTicks !== order.limitTicks;
  order.quantityWasChanged ||= quantityLots !== order.quantityLots;
  order.limitTicks = priceTicks;
  order.quantityLots = quantityLots;
  order.openLots = Math.max(0, quantityLots - order.executedLots);
  const value = {
    ...{ orderId, userId, legId, symbol: SYMBOL, keepsPlace, wasResting: !isWaiting, ...old },
    side: isBuy ? Side.BUY : Side.SELL,
    priceTicks: BigInt(priceTicks),
    quantityLots: BigInt(quantityLots),
    remainingLots: BigInt(order.openLots),
    reservedUnits: BigInt(unitsOf(isBuy, priceTicks, order.openLots)),
  };
  return {
    event: { kind: { case: "amended", value } },
    effects: [
      {
        type: "adjust",
        orderId,
        userId,
        legId,
        remainingAtoms: heldAtoms(order),
        ...(hasLeg && { legWasReserved: true }),
      },
    ],
  };
}

/** The amend is refused: its leg is free. */
export function refusedOf({ orderId, userId }: OpenOrder, { legId, hasLeg }: Change, seq: number): Fact {
  return {
    event: { kind: { case: "amendRefused", value: { orderId, userId, legId, symbol: SYMBOL } } },
    effects: [
      {
        ...releaseOf({ orderId: legId, userId, status: "REJECTED", reason: "", seq }),
        legOf: orderId,
        ...(hasLeg && { wasReserved: true }),
      },
    ],
  };
}

function releaseOf(end: {
  orderId: string;
  userId: string;
  status: "FILLED" | "CANCELLED" | "EXPIRED" | "REJECTED";
  reason: string;
  seq: number;
}) {
  const { seq, ...ids } = end;
  return {
    type: "release" as const,
    ...ids,
    executedLots: 0,
    executedTickLots: 0n,
    orderCreatedAtMs: 1_000 * seq,
    acceptedSeq: seq,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
    legOf: undefined,
  };
}

/** The final word on an order. */
export function endOf(
  order: OpenOrder,
  status: "FILLED" | "CANCELLED" | "EXPIRED",
  reason: "" | "USER" | "AMENDED" | "SELF_TRADE" | "IOC_REMAINDER",
): Fact {
  const { orderId, userId, executedLots, executedTickLots, bornSeq } = order;
  const amendedPriceTicks = order.priceWasAmended ? order.limitTicks : 0;
  const amendedQuantityLots = order.quantityWasChanged ? order.quantityLots : 0;
  const value = {
    orderId,
    userId,
    symbol: SYMBOL,
    status: OrderStatus[status],
    reason: reason === "" ? EndReason.UNSPECIFIED : EndReason[reason],
    executedLots: BigInt(executedLots),
    executedTickLots: String(executedTickLots),
    createdAtMs: BigInt(1_000 * bornSeq),
    acceptedSeq: BigInt(bornSeq),
    amendedPriceTicks: BigInt(amendedPriceTicks),
    amendedQuantityLots: BigInt(amendedQuantityLots),
  };
  const word = { executedLots, executedTickLots, amendedPriceTicks, amendedQuantityLots };
  const release = releaseOf({ orderId, userId, status, reason, seq: bornSeq });
  return { event: { kind: { case: "ended", value } }, effects: [{ ...release, ...word, wasReserved: true }] };
}

/** Id of an amend's leg. */
export function legIdOf(orderId: string, request: number): string {
  return uuidOf(`leg ${orderId} ${request}`);
}
