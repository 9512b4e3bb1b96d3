// Withdrawals in two steps: what is asked for is held at once and leaves, or is freed, when an operator says so.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { AccountDelta } from "./postings.js";
import type { AccountRequest, Balance, Outflow } from "./transfer.js";

/** How a withdrawal ends, once. */
export type WithdrawalEnd = "COMPLETED" | "CANCELLED";

/** A withdrawal as stored. */
export interface Withdrawal extends AccountRequest {
  readonly state: "HELD" | WithdrawalEnd;
  readonly createdAtMs: number;
  /** The account right after the hold. */
  readonly afterHold: Balance;
  /** Absent while it is held. */
  readonly ended?: EndedWithdrawal;
}

/** What the end of a withdrawal left behind. */
export interface EndedWithdrawal {
  readonly endedAtMs: number;
  /** The account right after the end. */
  readonly after: Balance;
  /** Ids of the ledger entries, ascending; none of a cancelled one. */
  readonly entryIds: readonly number[];
}

/** What holding writes. */
export function postHold({ userId, asset, amountAtoms }: AccountRequest): AccountDelta {
  return { userId, asset, availableAtoms: -amountAtoms, reservedAtoms: amountAtoms };
}

/** What freeing writes. */
export function postCancel({ userId, asset, amountAtoms }: AccountRequest): AccountDelta {
  return { userId, asset, availableAtoms: amountAtoms, reservedAtoms: -amountAtoms };
}

/** What leaves when it is completed. */
export function outflowOf({ requestId, transactionId, userId, asset, amountAtoms }: Withdrawal): Outflow {
  return { kind: "WITHDRAWAL", requestId, transactionId, userId, asset, amountAtoms };
}

/**
 * True when a withdrawal is still to be ended, false when it has ended just so. Refuses with
 * WITHDRAWAL_COMPLETED or WITHDRAWAL_CANCELLED one that ended otherwise: the first word stands.
 */
export function isToBeEnded({ state, requestId }: Withdrawal, end: WithdrawalEnd): boolean {
  if (state === "HELD") return true;
  if (state === end) return false;
  throw new DomainError(`WITHDRAWAL_${state}`, { request_id: requestId });
}
