// Deposits, withdrawals that left, adjustments: money between an account and the house's other side of it.
import { assert } from "@bourse/shared/assert.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  type AccountDelta,
  ADJUSTMENTS_USER_ID,
  type Entry,
  EXTERNAL_USER_ID,
  entriesOf,
} from "./postings.js";

/** What was asked for under a request id, which is the idempotency key. */
export interface AccountRequest {
  readonly requestId: string;
  /** Id of the ledger transaction, which follows from the key. */
  readonly transactionId: string;
  readonly userId: string;
  readonly asset: string;
  readonly amountAtoms: bigint;
}

/** Seen from the account: CREDIT adds to it, DEBIT takes from it. */
export type Direction = "CREDIT" | "DEBIT";

/** Money from the outside world to what the user can spend. */
export interface Deposit extends AccountRequest {
  readonly kind: "DEPOSIT";
}

/** A correction by an operator of what the user can spend. */
export interface Adjustment extends AccountRequest {
  readonly kind: "ADJUSTMENT";
  readonly direction: Direction;
  /** Why, for people. */
  readonly reason: string;
}

/** Money that was held for a withdrawal and leaves for the outside world. */
export interface Outflow extends AccountRequest {
  readonly kind: "WITHDRAWAL";
}

/** What moves money between accounts and writes the ledger. */
export type Transfer = Deposit | Adjustment | Outflow;

/** Keys are one name space: what each was used for. */
export type RequestKind = Transfer["kind"];

/** An account as people see it. */
export interface Balance {
  readonly asset: string;
  readonly availableAtoms: bigint;
  readonly reservedAtoms: bigint;
}

/** A transfer that was done, with the answer that its first caller got. */
export type DoneTransfer<T extends Transfer = Transfer> = T & {
  readonly after: Balance;
  /** Ids of its ledger entries, ascending. */
  readonly entryIds: readonly number[];
};

/** Which way the money of a transfer goes. */
export function directionOf(transfer: Transfer): Direction {
  if (transfer.kind === "ADJUSTMENT") return transfer.direction;
  return transfer.kind === "DEPOSIT" ? "CREDIT" : "DEBIT";
}

/** What a transfer writes: the user's account and the house's, and an entry of each. */
export function postTransfer(transfer: Transfer): {
  user: AccountDelta;
  house: AccountDelta;
  entries: Entry[];
} {
  const { userId, asset, kind } = transfer;
  const amountAtoms = directionOf(transfer) === "CREDIT" ? transfer.amountAtoms : -transfer.amountAtoms;
  const houseUserId = kind === "ADJUSTMENT" ? ADJUSTMENTS_USER_ID : EXTERNAL_USER_ID;
  const moves = [
    { userId: houseUserId, asset, amountAtoms: -amountAtoms },
    { userId, asset, amountAtoms },
  ];
  // What leaves was held before; everything else is free money.
  const isHeld = kind === "WITHDRAWAL";
  return {
    user: {
      userId,
      asset,
      availableAtoms: isHeld ? 0n : amountAtoms,
      reservedAtoms: isHeld ? amountAtoms : 0n,
    },
    house: { userId: houseUserId, asset, availableAtoms: -amountAtoms, reservedAtoms: 0n },
    entries: entriesOf(transfer.transactionId, moves),
  };
}

/** An account after a change. Refuses with INSUFFICIENT_FUNDS what is more than the user can spend. */
export function balanceAfter(before: Balance | undefined, delta: AccountDelta): Balance {
  const availableAtoms = (before?.availableAtoms ?? 0n) + delta.availableAtoms;
  const reservedAtoms = (before?.reservedAtoms ?? 0n) + delta.reservedAtoms;
  if (availableAtoms < 0n) throw new DomainError("INSUFFICIENT_FUNDS", { asset: delta.asset });
  assert(reservedAtoms >= 0n, "an account never gives more than it holds");
  return { asset: delta.asset, availableAtoms, reservedAtoms };
}

/** Refuses with REQUEST_ID_REUSED, and the field that differs, what is not a repeat of what was stored. */
export function assertSameRequest(stored: Content | undefined, asked: Content): void {
  const field = fieldThatDiffers(stored, asked);
  if (field === undefined) return;
  throw new DomainError("REQUEST_ID_REUSED", { field, request_id: asked.requestId });
}

/** What is compared; withdrawals have the fields of every request alone. */
type Content = AccountRequest & {
  readonly kind?: RequestKind;
  readonly direction?: Direction;
  readonly reason?: string;
};

/** The first field in which two requests under one key differ; the key itself if it was used for another call. */
function fieldThatDiffers(stored: Content | undefined, asked: Content): string | undefined {
  if (stored === undefined || stored.kind !== asked.kind) return "request_id";
  if (stored.userId !== asked.userId) return "user_id";
  if (stored.asset !== asked.asset) return "asset";
  if (stored.direction !== asked.direction) return "direction";
  if (stored.amountAtoms !== asked.amountAtoms) return "amount";
  return stored.reason === asked.reason ? undefined : "reason";
}
