// Deposits and withdrawals: money between an account and the outside world.
import { type AccountDelta, type Entry, EXTERNAL_USER_ID, entriesOf } from "./postings.js";

/** DEPOSIT credits the user, WITHDRAWAL debits what the user can spend. */
export type TransferKind = "DEPOSIT" | "WITHDRAWAL";

/** One deposit or withdrawal as asked for. `requestId` is its idempotency key. */
export interface Transfer {
  readonly kind: TransferKind;
  readonly requestId: string;
  readonly transactionId: string;
  readonly userId: string;
  readonly asset: string;
  readonly amountAtoms: bigint;
}

/** An account as people see it. */
export interface Balance {
  readonly asset: string;
  readonly availableAtoms: bigint;
  readonly reservedAtoms: bigint;
}

/** A transfer that was done, with the answer that its first caller got. */
export interface DoneTransfer extends Transfer {
  readonly after: Balance;
}

/** True when a repeat under the same request id asks for the same thing. */
export function isSameTransfer(a: Transfer, b: Transfer): boolean {
  return a.kind === b.kind && a.userId === b.userId && a.asset === b.asset && a.amountAtoms === b.amountAtoms;
}

/** What a transfer writes: the user's and the outside's account, and the two entries. */
export function postTransfer(transfer: Transfer): { deltas: AccountDelta[]; entries: Entry[] } {
  const { userId, asset } = transfer;
  const amountAtoms = transfer.kind === "DEPOSIT" ? transfer.amountAtoms : -transfer.amountAtoms;
  const moves = [
    { userId: EXTERNAL_USER_ID, asset, amountAtoms: -amountAtoms },
    { userId, asset, amountAtoms },
  ];
  const deltas = moves.map((move) => ({
    userId: move.userId,
    asset,
    availableAtoms: move.amountAtoms,
    reservedAtoms: 0n,
  }));
  return { deltas, entries: entriesOf(transfer.transactionId, moves) };
}
