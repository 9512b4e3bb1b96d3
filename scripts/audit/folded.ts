// What a journal tells of orders, legs, trades and books, as the fold keeps it.
import type { OrderEnded, OrderTerms } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { OrderStatus, OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";

/** An order as the journal tells it. */
export interface FoldedOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
  /** As submitted; undefined for a tombstone. */
  readonly terms: OrderTerms | undefined;
  /** False for an order whose beginning lies before the first record that was read. */
  readonly isWhole: boolean;
  status: OrderStatus;
  reason: number;
  /** Limit price and quantity now, as amends and preventions made them. */
  priceTicks: bigint;
  quantityLots: bigint;
  /** What a STOP BUY, or a MARKET BUY, may still spend; 0 for all others. */
  budgetTickLots: bigint;
  executedLots: bigint;
  executedTickLots: bigint;
  remainingLots: bigint;
  isResting: boolean;
  /** A stop before its trigger. */
  isWaiting: boolean;
  trades: number;
  /** Fee so far in atoms of what the order receives. */
  feeAtoms: bigint;
  readonly acceptedSeq: bigint;
  /** Time of the journal at which it was accepted or refused. */
  readonly createdAtMs: bigint;
  /** Seq of the record that ended it; 0 while open. */
  endedSeq: bigint;
}

/** An amend that was decided: its leg joined the order, or was freed. */
export interface FoldedLeg {
  readonly legId: string;
  readonly orderId: string;
  readonly isJoined: boolean;
  readonly seq: bigint;
}

/** A trade as the journal tells it. */
export interface FoldedTrade {
  readonly tradeId: string;
  readonly seq: bigint;
  readonly symbol: string;
  readonly baseAtoms: bigint;
  readonly quoteAtoms: bigint;
  readonly buyOrderId: string;
  readonly sellOrderId: string;
  readonly buyerFeeAtoms: bigint;
  readonly sellerFeeAtoms: bigint;
}

/** A market's book: lots by price in ticks. */
export interface FoldedBook {
  readonly bids: Map<bigint, bigint>;
  readonly asks: Map<bigint, bigint>;
}

/** An order that was just accepted. */
export function acceptedOrder(terms: OrderTerms, seq: bigint, createdAtMs: bigint): FoldedOrder {
  return {
    orderId: terms.orderId,
    userId: terms.userId,
    symbol: terms.symbol,
    terms,
    isWhole: true,
    status: OrderStatus.OPEN,
    reason: 0,
    priceTicks: terms.priceTicks,
    quantityLots: terms.quantityLots,
    budgetTickLots: terms.budgetTickLots,
    executedLots: 0n,
    executedTickLots: 0n,
    remainingLots: terms.quantityLots,
    isResting: false,
    isWaiting: false,
    trades: 0,
    feeAtoms: 0n,
    acceptedSeq: seq,
    createdAtMs,
    endedSeq: 0n,
  };
}

/**
 * An order that was refused, or a tombstone: it exists by its end alone. So does one whose beginning lies before
 * the first record that was read; its end says what it executed.
 */
export function endedOrder(ended: OrderEnded, at: { seq: bigint; isFromTheStart: boolean }): FoldedOrder {
  const { terms, executedLots, executedTickLots } = ended;
  const isWhole = at.isFromTheStart || ended.isTombstone || terms !== undefined;
  return {
    orderId: ended.orderId,
    userId: ended.userId,
    symbol: ended.symbol,
    terms,
    isWhole,
    status: ended.status,
    reason: ended.reason,
    priceTicks: terms?.priceTicks ?? 0n,
    quantityLots: terms?.quantityLots ?? 0n,
    budgetTickLots: terms?.budgetTickLots ?? 0n,
    executedLots: isWhole ? 0n : executedLots,
    executedTickLots: isWhole ? 0n : BigInt(executedTickLots || 0),
    remainingLots: 0n,
    isResting: false,
    isWaiting: false,
    trades: 0,
    feeAtoms: 0n,
    acceptedSeq: isWhole ? at.seq : ended.acceptedSeq,
    createdAtMs: ended.createdAtMs,
    endedSeq: 0n,
  };
}

export function isBuy({ terms }: FoldedOrder): boolean {
  return terms?.side === Side.BUY;
}

/** True for an order whose limit can be amended: a STOP has none. */
export function hasLimit({ terms }: FoldedOrder): boolean {
  return terms?.type === OrderType.LIMIT || terms?.type === OrderType.STOP_LIMIT;
}

/** What an open order must hold: lots of a seller; of a buyer its limit times what is open, or its budget. */
export function neededUnits(order: FoldedOrder): bigint {
  if (!isBuy(order)) return order.remainingLots;
  return hasLimit(order) ? order.priceTicks * order.remainingLots : order.budgetTickLots;
}
