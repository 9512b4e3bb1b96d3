// The plain model: what it shows of itself, to be compared with the views of the fast core.
import { type SlowOrder, type SlowShard, slowSide } from "./slow-shard.js";
import type { EndReason, OrderStatus, Side } from "./types.js";

/** All that rests at one price. */
export interface SlowLevel {
  readonly priceTicks: number;
  /** Sum of open lots, whole number as text. */
  readonly quantityLots: string;
  readonly orderCount: number;
}

/** Levels of a side, best first. */
export function slowLevels(shard: SlowShard, symbol: string, side: Side): SlowLevel[] {
  const levels: { priceTicks: number; sum: bigint; orderCount: number }[] = [];
  for (const { price, remaining } of slowSide(shard, symbol, side)) {
    const priceTicks = Number(price);
    const last = levels.at(-1);
    if (last?.priceTicks === priceTicks) {
      last.sum += remaining;
      last.orderCount += 1;
    } else {
      levels.push({ priceTicks, sum: remaining, orderCount: 1 });
    }
  }
  return levels.map(({ priceTicks, sum, orderCount }) => ({
    priceTicks,
    quantityLots: `${sum}`,
    orderCount,
  }));
}

/** What is told about an order. */
export interface SlowView {
  readonly orderId: string;
  readonly userId: string;
  readonly status: OrderStatus;
  readonly reason: EndReason;
  readonly executedLots: number;
  readonly executedTickLots: string;
  readonly remainingLots: number;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
  readonly acceptedSeq: number;
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly isTriggered: boolean;
}

/** An open order as it is now. */
export function slowOpenView(order: SlowOrder): SlowView {
  return {
    orderId: order.terms.orderId,
    userId: order.terms.userId,
    status: order.status,
    reason: order.reason,
    executedLots: Number(order.executed),
    executedTickLots: `${order.notional}`,
    remainingLots: Number(order.remaining),
    createdAtMs: order.createdAtMs,
    updatedAtMs: order.updatedAtMs,
    acceptedSeq: order.acceptedSeq,
    priceTicks: Number(order.price),
    quantityLots: Number(order.quantity),
    isTriggered: order.isTriggered,
  };
}
