// The end of a reservation that no shard decides about, as its maker calls it.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import { closedWithoutHold } from "./release.js";
import type { FullReservation } from "./reservation.js";

/** A release as it is asked for. */
export interface ReleaseCall {
  readonly orderId: string;
  readonly userId: string;
  /** What the caller knows to be left; undefined when it does not say. */
  readonly amountAtoms: bigint | undefined;
  /** SHA-256 of the call, lower-case hex. */
  readonly fingerprintHex: string;
}

/** The stored row of an order, with the call that closed it if one did. */
export interface StoredForRelease {
  readonly reservation: FullReservation;
  readonly releaseFingerprintHex: string | undefined;
}

/**
 * What a release does. `repeated`: nothing, the answer stands in the row. `closed`: all that was left is free.
 * `unseen`: a CLOSED row is made, so that a late reserve finds it.
 */
export interface ReleaseDecision {
  readonly type: "repeated" | "closed" | "unseen";
  readonly reservation: FullReservation;
  /** What this call or the first one of its content freed. */
  readonly releasedAtoms: bigint;
}

/**
 * Decides a release against the locked row; `nowMs` dates a row that is made, milliseconds since 1970 UTC.
 * Throws RESERVATION_MISMATCH (of another user, or another amount is left), OWNED_BY_SHARD, ORDER_ID_REUSED
 * (closed before by a release of other content).
 */
export function decideRelease(
  stored: StoredForRelease | undefined,
  call: ReleaseCall,
  nowMs: number,
): ReleaseDecision {
  if (stored === undefined) return { type: "unseen", reservation: unseen(call, nowMs), releasedAtoms: 0n };
  const { reservation } = stored;
  const facts = { order_id: call.orderId };
  if (stored.releaseFingerprintHex !== undefined) {
    if (stored.releaseFingerprintHex !== call.fingerprintHex) throw new DomainError("ORDER_ID_REUSED", facts);
    return { type: "repeated", reservation, releasedAtoms: reservation.releasedAtoms };
  }
  if (reservation.userId !== call.userId)
    throw new DomainError("RESERVATION_MISMATCH", {
      ...facts,
      field: "user_id",
      why: "it is another user's",
    });
  if (reservation.shard !== undefined)
    throw new DomainError("OWNED_BY_SHARD", { ...facts, shard: String(reservation.shard) });
  const leftAtoms = reservation.remainingAtoms;
  if (call.amountAtoms !== undefined && call.amountAtoms !== leftAtoms) {
    const why = call.amountAtoms > leftAtoms ? "less is left" : "more is left, and a release is whole";
    const left = formatAtoms(leftAtoms);
    throw new DomainError("RESERVATION_MISMATCH", { ...facts, field: "amount", why, left });
  }
  // A refusal is final and held nothing: there is nothing to write.
  if (reservation.state === "REFUSED") return { type: "repeated", reservation, releasedAtoms: 0n };
  const closed: FullReservation = {
    ...reservation,
    state: "CLOSED",
    remainingAtoms: 0n,
    releasedAtoms: reservation.releasedAtoms + leftAtoms,
  };
  return { type: "closed", reservation: closed, releasedAtoms: leftAtoms };
}

/** As the tombstone of a sweep: whoever reserves late learns that there was never an order. */
function unseen({ orderId, userId }: ReleaseCall, nowMs: number): FullReservation {
  return {
    ...closedWithoutHold({ orderId, legOf: undefined, userId, shard: undefined }),
    content: undefined,
    isSequenced: true,
    createdAtMs: nowMs,
    finalWord: {
      status: "REJECTED",
      reason: "NOT_SEQUENCED",
      executedLots: 0,
      executedTickLots: 0n,
      orderCreatedAtMs: nowMs,
      acceptedSeq: 0,
      endedAtMs: nowMs,
      endedSeq: 0,
      amendedPriceTicks: 0,
      amendedQuantityLots: 0,
    },
  };
}
