// What one record may not say, given what those before it said.
import type {
  Record as JournalRecord,
  OrderAmended,
  OrderEnded,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { FoldedOrder } from "./folded.js";

/** Seqs have no gap; epoch and time never fall. */
export function positionContradictions(
  before: { readonly seq: bigint; readonly epoch: bigint; readonly timeMs: bigint },
  { seq, epoch, timeMs }: JournalRecord,
): string[] {
  return [
    ...(seq === before.seq + 1n ? [] : [`seq ${seq} follows ${before.seq}`]),
    ...(epoch >= before.epoch ? [] : [`seq ${seq}: epoch falls from ${before.epoch} to ${epoch}`]),
    ...(timeMs >= before.timeMs ? [] : [`seq ${seq}: time falls`]),
  ];
}

/** An end repeats what the order executed, whether it was in the book, and what it was amended to. */
export function endContradictions(order: FoldedOrder, ended: OrderEnded): string[] {
  const { orderId, executedLots, executedTickLots, amendedPriceTicks, amendedQuantityLots } = ended;
  const isExecuted =
    order.executedLots === executedLots && order.executedTickLots === BigInt(executedTickLots || 0);
  const isAmended =
    [0n, order.priceTicks].includes(amendedPriceTicks) &&
    [0n, order.quantityLots].includes(amendedQuantityLots);
  return [
    ...(isExecuted ? [] : [`order ${orderId} ends with other amounts than it traded`]),
    ...(order.isResting === ended.wasResting
      ? []
      : [`order ${orderId} ends, and was${ended.wasResting ? " not" : ""} resting`]),
    ...(isAmended ? [] : [`order ${orderId} ends on other terms than it was amended to`]),
  ];
}

const CAUSES: Readonly<Partial<Record<EndReason, readonly string[]>>> = {
  [EndReason.DAY_END]: ["endDay"],
  [EndReason.DEAD_MAN]: ["fireSwitch"],
  [EndReason.CANCEL_ALL]: ["cancelAll"],
  [EndReason.OPERATOR]: ["cancel", "cancelAll", "resolve"],
  [EndReason.DELISTED]: ["setMarketState", "sweepMarket"],
  [EndReason.AMENDED]: ["amend"],
};

/** Some reasons are the word of one kind of command alone. */
export function causeContradictions({ command }: JournalRecord, { orderId, reason }: OrderEnded): string[] {
  const causes = CAUSES[reason];
  const kind = command?.kind.case;
  if (causes === undefined || kind === undefined || causes.includes(kind)) return [];
  return [`order ${orderId} ends by ${EndReason[reason]}, but the command is ${kind}`];
}

/** True when the amend names the order as it stood. */
export function isAmendedFrom(order: FoldedOrder, amended: OrderAmended): boolean {
  return (
    order.isResting === amended.wasResting &&
    order.remainingLots === amended.oldRemainingLots &&
    order.priceTicks === amended.oldPriceTicks
  );
}
