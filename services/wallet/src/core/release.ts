// The end of a reservation: what is left goes back, and the shard's last word stays.
import { impossible, LOST, type Operation, type ReleaseOperation } from "./operation.js";
import { type FinalWord, freshReservation, type Reservation } from "./reservation.js";

/**
 * The reservation after the shard's final word: nothing is held any more. Returns `stored` itself when
 * nothing is left to do: the same word again, or any word that moved no money on an order that was
 * refused here (a refusal stays a refusal).
 */
export function closeReservation(
  operation: Operation,
  release: ReleaseOperation,
  stored: Reservation,
): Reservation {
  const word = finalWordOf(operation, release);
  const facts = { order_id: release.orderId, state: stored.state };
  if (stored.userId !== release.userId)
    throw impossible(operation, "the order belongs to another user", facts);
  if (release.legOf !== undefined && stored.legOf !== release.legOf)
    throw impossible(operation, "the leg belongs to another order", facts);
  if (stored.state === "REFUSED") {
    if (word.executedLots === 0) return stored;
    throw impossible(operation, "an order that was refused has traded", facts);
  }
  if (stored.state === "CLOSED") {
    if (stored.finalWord !== undefined && isSameWord(stored.finalWord, word)) return stored;
    throw impossible(operation, "the order has ended differently before", facts);
  }
  if (word.executedLots > 0 !== stored.spentAtoms > 0n) {
    throw impossible(operation, "what was executed is not what was settled", facts);
  }
  return {
    ...stored,
    state: "CLOSED",
    isSequenced: true,
    remainingAtoms: 0n,
    releasedAtoms: stored.releasedAtoms + stored.remainingAtoms,
    finalWord: word,
  };
}

/** The row that refuses a late reserve of an order which the shard has closed without ever seeing it. */
export function tombstoneOf(
  operation: Operation,
  release: ReleaseOperation,
  shard: number | undefined,
): Reservation {
  const { orderId, legOf, userId } = release;
  if (release.executedLots > 0 || release.wasReserved === true)
    throw impossible(operation, LOST, { order_id: orderId });
  return {
    ...closedWithoutHold({ orderId, legOf, userId, shard }),
    isSequenced: true,
    finalWord: finalWordOf(operation, release),
  };
}

/** A CLOSED row of what never held anything. */
export function closedWithoutHold(
  ids: Pick<Reservation, "orderId" | "legOf" | "userId" | "shard">,
): Reservation {
  return freshReservation({ ...ids, state: "CLOSED", asset: undefined, amountAtoms: 0n });
}

function finalWordOf(operation: Operation, release: ReleaseOperation): FinalWord {
  return {
    status: release.status,
    reason: release.reason,
    executedLots: release.executedLots,
    executedTickLots: release.executedTickLots,
    orderCreatedAtMs: release.orderCreatedAtMs,
    acceptedSeq: release.acceptedSeq,
    amendedPriceTicks: release.amendedPriceTicks,
    amendedQuantityLots: release.amendedQuantityLots,
    endedAtMs: operation.timeMs,
    endedSeq: operation.seq,
  };
}

function isSameWord(a: FinalWord, b: FinalWord): boolean {
  return (
    a.status === b.status &&
    a.reason === b.reason &&
    a.executedLots === b.executedLots &&
    a.executedTickLots === b.executedTickLots
  );
}
