// Whether a command goes into the log, and if not, what its answer rests on. Changes nothing.
import { hasTerms, isOpenEntry, isTombstone, userOf } from "./known-orders.js";
import { entryOf, type Shard, termsHash } from "./shard.js";
import type { CancelCommand, OrderCommand, ResolveCommand, SubmitCommand } from "./types.js";

/** How far ahead of the shard's time an expiry may lie. */
export const EXPIRY_AHEAD_MS_MAX = 60_000;

/** Why a command has no effect; reasons of the table of failures. */
export type Refusal = "SYMBOL_NOT_FOUND" | "SUBMIT_EXPIRED" | "ORDER_NOT_FOUND" | "CLIENT_ORDER_ID_REUSED";

/** apply: goes into the log. known: was decided before, `entry` tells. refuse: has no effect. */
export type Verdict =
  | { readonly type: "apply" }
  | { readonly type: "known"; readonly entry: number }
  | { readonly type: "refuse"; readonly reason: Refusal; readonly entry: number };

/** Decides about a command that would be journaled at `timeMs`. */
export function decide(shard: Shard, timeMs: number, command: OrderCommand): Verdict {
  switch (command.type) {
    case "submit":
      return decideSubmit(shard, timeMs, command);
    case "cancel":
      return decideCancel(shard, command);
    case "resolve":
      return decideResolve(shard, timeMs, command);
  }
}

function decideSubmit(shard: Shard, timeMs: number, { terms, expiresAtMs }: SubmitCommand): Verdict {
  const entry = entryOf(shard, terms.orderId);
  if (entry >= 0) {
    // A tombstone has no terms: it answers whatever content comes late.
    const isSame = isTombstone(shard.known, entry) || hasTerms(shard.known, entry, termsHash(terms));
    return isSame ? { type: "known", entry } : refuse("CLIENT_ORDER_ID_REUSED", entry);
  }
  if (!shard.bookOfSymbol.has(terms.symbol)) return refuse("SYMBOL_NOT_FOUND");
  return isInTime(timeMs, expiresAtMs) ? { type: "apply" } : refuse("SUBMIT_EXPIRED");
}

function decideCancel(shard: Shard, { orderId, userId }: CancelCommand): Verdict {
  const entry = ownEntry(shard, orderId, userId);
  if (entry < 0) return refuse("ORDER_NOT_FOUND");
  return isOpenEntry(shard.known, entry) ? { type: "apply" } : { type: "known", entry };
}

function decideResolve(shard: Shard, timeMs: number, command: ResolveCommand): Verdict {
  const entry = entryOf(shard, command.orderId);
  if (entry < 0) return isInTime(timeMs, command.expiresAtMs) ? { type: "apply" } : refuse("SUBMIT_EXPIRED");
  // The id is derived from its owner, so another's is a caller's mistake: told nothing.
  if (ownEntry(shard, command.orderId, command.userId) < 0) return refuse("ORDER_NOT_FOUND");
  return command.cancelIfOpen && isOpenEntry(shard.known, entry)
    ? { type: "apply" }
    : { type: "known", entry };
}

/** Entry of a user's order; -1 when the id is unknown or another's. */
export function ownEntry(shard: Shard, orderId: string, userId: string): number {
  const entry = entryOf(shard, orderId);
  if (entry < 0) return -1;
  return shard.numberOfUser.get(userId) === userOf(shard.known, entry) ? entry : -1;
}

function isInTime(timeMs: number, expiresAtMs: number): boolean {
  return expiresAtMs >= timeMs && expiresAtMs <= timeMs + EXPIRY_AHEAD_MS_MAX;
}

function refuse(reason: Refusal, entry = -1): Verdict {
  return { type: "refuse", reason, entry };
}
