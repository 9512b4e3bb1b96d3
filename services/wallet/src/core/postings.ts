// Double entry: what one transaction moves between accounts, and that it sums to zero per asset.
import { assert } from "@bourse/shared/assert.js";
import { type AccountKey, keyText } from "./reservation.js";

/** Collects the fees of all trades. */
export const FEES_USER_ID = "00000000-0000-0000-0000-000000000001";
/** The outside world: minus what was deposited, plus what was withdrawn. May be below zero. */
export const EXTERNAL_USER_ID = "00000000-0000-0000-0000-000000000002";
/** Minus what operators gave to accounts by hand, plus what they took. May be below zero. */
export const ADJUSTMENTS_USER_ID = "00000000-0000-0000-0000-000000000003";

/** One line of the ledger: positive credits the account, negative debits it. Never zero. */
export interface Entry extends AccountKey {
  readonly transactionId: string;
  readonly amountAtoms: bigint;
}

/** How the two columns of one account change. */
export interface AccountDelta extends AccountKey {
  readonly availableAtoms: bigint;
  readonly reservedAtoms: bigint;
}

/** Adds up changes per account. */
export class Deltas {
  readonly #byKey = new Map<string, { -readonly [P in keyof AccountDelta]: AccountDelta[P] }>();

  add({ userId, asset }: AccountKey, change: { availableAtoms?: bigint; reservedAtoms?: bigint }): void {
    const { availableAtoms = 0n, reservedAtoms = 0n } = change;
    const text = keyText({ userId, asset });
    const sum = this.#byKey.get(text);
    if (sum === undefined) {
      this.#byKey.set(text, { userId, asset, availableAtoms, reservedAtoms });
    } else {
      sum.availableAtoms += availableAtoms;
      sum.reservedAtoms += reservedAtoms;
    }
  }

  /** Every account that was touched, in lock order; also those whose changes cancel out. */
  all(): AccountDelta[] {
    return [...this.#byKey].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, delta]) => delta);
  }
}

/** The entries of one transaction: amounts by account, zero ones left out. Asserts that they balance. */
export function entriesOf(
  transactionId: string,
  moves: readonly (AccountKey & { amountAtoms: bigint })[],
): Entry[] {
  assertBalanced(moves);
  return moves
    .filter(({ amountAtoms }) => amountAtoms !== 0n)
    .map(({ userId, asset, amountAtoms }) => ({ transactionId, userId, asset, amountAtoms }));
}

function assertBalanced(moves: readonly (AccountKey & { amountAtoms: bigint })[]): void {
  const sums = new Map<string, bigint>();
  for (const { asset, amountAtoms } of moves) sums.set(asset, (sums.get(asset) ?? 0n) + amountAtoms);
  for (const sum of sums.values()) assert(sum === 0n, "the entries of a transaction sum to zero per asset");
}

/**
 * Asserts that what is written to the accounts is what the ledger says: per asset both change by the
 * same, which is nothing, since every transaction balances.
 */
export function assertConserved(deltas: readonly AccountDelta[]): void {
  const sums = new Map<string, bigint>();
  for (const { asset, availableAtoms, reservedAtoms } of deltas) {
    sums.set(asset, (sums.get(asset) ?? 0n) + availableAtoms + reservedAtoms);
  }
  for (const sum of sums.values()) assert(sum === 0n, "a batch creates and loses no atom of any asset");
}
