// Holds that a wallet lost with its last commits, made again from what the shard's journal says of them.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { AccountDelta } from "./postings.js";
import { type Content, freshReservation, keyText, type Reservation } from "./reservation.js";
import type { ReserveRequest } from "./reserve.js";

/** The hold that a record's order or amend was decided on. */
export interface Hold extends Omit<ReserveRequest, "asset" | "shard"> {
  /** Seq of the record. */
  readonly seq: number;
  /** Undefined for a leg whose record does not name it: that of its order. */
  readonly asset: string | undefined;
}

/** A hold that is made again, and what the client sent for it. */
export interface Restored {
  /** Seq of the record that tells of it. */
  readonly seq: number;
  readonly reservation: Reservation;
  readonly content: Content;
}

/** Why a settlement stops at an order whose hold this wallet has acknowledged: the database was set back. */
export const FORGOTTEN = "the hold of the order was acknowledged and is lost";

/** Why a settlement stops when money for holds is not there: a deposit was lost, or it was spent since. */
export const FUNDS_MISSING = "funds are missing";

/**
 * The reservation to make again; undefined when it is there. Throws SETTLEMENT_IMPOSSIBLE when something else
 * stands under its id: since the wallet was set back it was refused, or reserved on other terms.
 */
export function restoredOf(
  hold: Hold,
  shard: number | undefined,
  known: ReadonlyMap<string, Reservation>,
): Restored | undefined {
  const { orderId, userId, legOf, amountAtoms, fingerprintHex, terms } = hold;
  const asset = hold.asset ?? (legOf === undefined ? undefined : known.get(legOf)?.asset);
  const stored = known.get(orderId);
  if (stored !== undefined) {
    if (stored.state === "REFUSED") throw impossibleHold(hold, "the hold was refused since it was lost");
    const isSame = stored.userId === userId && stored.asset === asset && stored.amountAtoms === amountAtoms;
    if (stored.asset !== undefined && !isSame)
      throw impossibleHold(hold, "the hold was made on other terms since it was lost");
    return undefined;
  }
  if (asset === undefined) throw impossibleHold(hold, "the order of the leg has no reservation");
  const state = "ACTIVE" as const;
  return {
    seq: hold.seq,
    reservation: freshReservation({ orderId, legOf, userId, shard, state, asset, amountAtoms }),
    content: { fingerprintHex, terms },
  };
}

/**
 * Throws SETTLEMENT_IMPOSSIBLE, naming accounts, amounts and orders, when accounts would fall below zero by what
 * holds that are made again take. `available` is what they have, by key.
 */
export function checkFunds(
  available: ReadonlyMap<string, bigint>,
  deltas: readonly AccountDelta[],
  restored: readonly Restored[],
): void {
  const missing = deltas.flatMap((delta) => {
    const atoms = (available.get(keyText(delta)) ?? 0n) + delta.availableAtoms;
    return atoms < 0n && !isHouse(delta.userId) ? [{ ...delta, atoms: -atoms }] : [];
  });
  if (missing.length === 0) return;
  const accounts = new Set(missing.map(keyText));
  const short = restored.filter(({ reservation: { userId, asset = "" } }) =>
    accounts.has(keyText({ userId, asset })),
  );
  throw new DomainError("SETTLEMENT_IMPOSSIBLE", {
    why: FUNDS_MISSING,
    ...(short[0] !== undefined && { seq: String(short[0].seq) }),
    missing: listed(missing.map(({ userId, asset, atoms }) => `${userId} ${formatAtoms(atoms)} ${asset}`)),
    orders: listed(short.map(({ reservation }) => reservation.orderId)),
  });
}

/** So many are named; a person who has mended them finds the others. */
const LISTED_MAX = 20;

function listed(items: readonly string[]): string {
  const more = items.length - LISTED_MAX;
  return items.slice(0, LISTED_MAX).join(", ") + (more > 0 ? ` and ${more} more` : "");
}

/** House accounts may be below zero, or are credited only. */
function isHouse(userId: string): boolean {
  return userId.startsWith("00000000-0000-0000-0000-0000000000");
}

function impossibleHold({ seq, orderId }: Hold, why: string): DomainError {
  return new DomainError("SETTLEMENT_IMPOSSIBLE", { why, seq: String(seq), order_id: orderId });
}
