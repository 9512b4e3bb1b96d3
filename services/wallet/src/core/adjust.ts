// What an order needs after an amend, or when prevention took from it. Money moves within one account only:
// from the leg's reservation to the order's, and from reserved to available.
import { type AdjustOperation, impossible, type Operation } from "./operation.js";
import { closedWithoutHold } from "./release.js";
import type { FinalWord, Reservation } from "./reservation.js";

/** Both rows after an adjustment, and what the order no longer holds. */
export interface Adjusted {
  readonly order: Reservation;
  /** The leg, closed; undefined when none is named, or when it was refused and stays so. */
  readonly leg: Reservation | undefined;
  readonly freedAtoms: bigint;
}

/**
 * The leg joins the order whole and closes, also when it was never reserved; what the order then holds
 * above `remainingAtoms` is freed. `order` is ACTIVE, `leg` the stored row. An adjustment never adds: the
 * shard has seen that order and leg are enough.
 */
export function adjustReservation(
  operation: Operation,
  adjust: AdjustOperation,
  stored: { readonly order: Reservation; readonly leg: Reservation | undefined },
): Adjusted {
  const { order, leg } = stored;
  const facts = { order_id: adjust.orderId };
  if (order.userId !== adjust.userId) throw impossible(operation, "the order belongs to another user", facts);
  const joinedAtoms = leg === undefined ? 0n : joinable(operation, order, leg);
  const held = order.remainingAtoms + joinedAtoms;
  const freedAtoms = held - adjust.remainingAtoms;
  if (freedAtoms < 0n) {
    const [remaining, needed] = [String(held), String(adjust.remainingAtoms)];
    throw impossible(operation, "less is held than the order needs", { ...facts, remaining, needed });
  }
  return {
    order: {
      ...order,
      isSequenced: true,
      joinedAtoms: order.joinedAtoms + joinedAtoms,
      remainingAtoms: adjust.remainingAtoms,
      releasedAtoms: order.releasedAtoms + freedAtoms,
    },
    leg: closedLeg(operation, adjust, stored),
    freedAtoms,
  };
}

/** What a leg brings. One that was refused stays refused: the shard was told of no leg, and needed none. */
function joinable(operation: Operation, order: Reservation, leg: Reservation): bigint {
  const facts = { order_id: order.orderId, leg_id: leg.orderId };
  if (leg.userId !== order.userId) throw impossible(operation, "the leg belongs to another user", facts);
  if (leg.legOf !== order.orderId) throw impossible(operation, "the leg belongs to another order", facts);
  if (leg.state === "REFUSED") return 0n;
  if (leg.state === "CLOSED") throw impossible(operation, "the leg has ended before", facts);
  if (leg.asset !== order.asset) throw impossible(operation, "the leg holds another asset", facts);
  return leg.remainingAtoms;
}

function closedLeg(
  operation: Operation,
  { legId }: AdjustOperation,
  { order, leg }: { readonly order: Reservation; readonly leg: Reservation | undefined },
): Reservation | undefined {
  if (legId === undefined || leg?.state === "REFUSED") return undefined;
  const { orderId, userId, shard } = order;
  const open = leg ?? closedWithoutHold({ orderId: legId, legOf: orderId, userId, shard });
  return {
    ...open,
    state: "CLOSED",
    isSequenced: true,
    remainingAtoms: 0n,
    movedAtoms: open.remainingAtoms,
    finalWord: joinedWord(operation),
  };
}

/** The word that closes a leg whose amend was made. */
function joinedWord({ seq, timeMs }: Operation): FinalWord {
  return {
    status: "CANCELLED",
    reason: "AMENDED",
    executedLots: 0,
    executedTickLots: 0n,
    orderCreatedAtMs: timeMs,
    acceptedSeq: seq,
    endedAtMs: timeMs,
    endedSeq: seq,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
  };
}
