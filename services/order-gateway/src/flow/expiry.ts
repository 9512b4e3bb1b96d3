import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { CallContext, Mesh } from "./mesh.js";

/** Beyond the caller's deadline, for the way to the shard. */
const MARGIN_MS = 5_000;
/** The shard accepts no expiry further ahead. */
const AHEAD_MS_MAX = 60_000;

/** What the shards' clocks showed at some moment of ours. */
export interface Heard {
  /** Shard time last heard, by shard. */
  readonly shardsMs: ReadonlyMap<number, number>;
  /** The moment on our clock. */
  readonly atMs: number;
}

/** Takes the shards' times now. */
export function hear(mesh: Mesh): Heard {
  return { shardsMs: mesh.shards.heardMs(), atMs: mesh.clock.wallMs() };
}

/**
 * Expiry of a command in its shard's own time: what the shard had said, plus what was left of the
 * deadline then, plus a margin. `heard` must have been taken before the reserve was sent or the row was
 * read, so that a tombstone written meanwhile is never outlived.
 */
export function expiryAfter(heard: Heard, shard: number, context: CallContext): number {
  const leftMs = Math.max(0, context.deadlineMs - heard.atMs);
  return Math.floor((heard.shardsMs.get(shard) ?? 0) + Math.min(AHEAD_MS_MAX, leftMs + MARGIN_MS));
}

/** Refuses a call whose caller has gone or stopped waiting. */
export function checkWaiting(mesh: Mesh, context: CallContext): void {
  // The deadline first: when it passes, the carriers end the call as if the caller had gone.
  if (context.deadlineMs <= mesh.clock.wallMs()) throw new DomainError("DEADLINE_EXCEEDED");
  if (context.signal?.aborted === true) throw new DomainError("CANCELLED");
}
