import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { CallContext, Mesh } from "./mesh.js";

/** Beyond the caller's deadline, for the way to the shard. */
const MARGIN_MS = 5_000;
/** The shard accepts no expiry further ahead. */
const AHEAD_MS_MAX = 60_000;

/**
 * Expiry of a command in its shard's own time: what the shard said last, plus what is left of the
 * deadline, plus a margin. No wall clock enters: `heardMs` must have been taken before the reserve was
 * sent or the row was read, so that a tombstone written meanwhile is never outlived.
 */
export function expiryAfter(
  mesh: Mesh,
  heardMs: ReadonlyMap<number, number>,
  shard: number,
  context: CallContext,
): number {
  const leftMs = Math.max(0, context.deadlineMs - mesh.clock.wallMs());
  return Math.floor((heardMs.get(shard) ?? 0) + Math.min(AHEAD_MS_MAX, leftMs + MARGIN_MS));
}

/** Refuses a call whose caller has gone or stopped waiting. */
export function checkWaiting(mesh: Mesh, context: CallContext): void {
  if (context.signal?.aborted === true) throw new DomainError("CANCELLED");
  if (context.deadlineMs <= mesh.clock.wallMs()) throw new DomainError("DEADLINE_EXCEEDED");
}
