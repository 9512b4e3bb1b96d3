// Orphans: money held for orders of which no shard has said a word. Only the shard may free it.
import { isInfrastructureFailure, toDomainError } from "@bourse/shared/errors/from-wire.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { MatcherClient } from "../io/matcher-client.js";
import type { WalletClient } from "../io/wallet-client.js";
import type { ShardState } from "./follow-shard.js";

export interface SweepOptions {
  readonly shard: number;
  readonly state: ShardState;
  readonly wallet: WalletClient;
  readonly matcher: MatcherClient;
  readonly orphanAgeMs: number;
  /** Shard time that a Resolve has to be sequenced. */
  readonly resolveWithinMs: number;
  readonly log: Logger;
}

/** What a sweep found: orders that the shard knows, and those that got a tombstone. */
export interface Swept {
  readonly known: number;
  readonly tombstones: number;
}

/**
 * Asks the shard about every orphan. A known order is taken out of the sweep's sight. An unknown one gets
 * a tombstone there, so that a late Submit is refused; the event of its end frees the money by the usual
 * way. The expiry is counted from the shard time that was heard before the rows were read: a call that is
 * stuck longer than that writes no tombstone.
 */
export async function sweepOnce(options: SweepOptions): Promise<Swept> {
  const { shard, state, wallet, matcher } = options;
  const { timeMs } = state;
  // Without a word from the shard its time is not known; a shard whose settlement stands waits for people.
  if (timeMs === undefined || state.isStopped) return { known: 0, tombstones: 0 };
  const orphans = await wallet.orphans(shard, options.orphanAgeMs);
  const known: string[] = [];
  let tombstones = 0;
  for (const orphan of orphans) {
    try {
      if (await matcher.resolve(orphan, timeMs + options.resolveWithinMs)) known.push(orphan.orderId);
      else tombstones += 1;
    } catch (error) {
      if (isInfrastructureFailure(error)) throw error;
      // One that its shard refuses must not hide those behind it.
      const { reason } = toDomainError(error);
      options.log.warn({ shard, orderId: orphan.orderId, reason }, "orphan not resolved");
    }
  }
  if (known.length > 0) await wallet.markSequenced(known);
  return { known: known.length, tombstones };
}

/** Sweeps again and again until the signal aborts; a sweep that fails is made up by the next. */
export async function sweepForever(
  options: SweepOptions & {
    readonly everyMs: number;
    readonly onSwept: (swept: Swept) => void;
    readonly clock: Clock;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { shard, clock, log, signal } = options;
  while (!signal.aborted) {
    try {
      const swept = await sweepOnce(options);
      if (swept.known + swept.tombstones > 0) log.info({ shard, ...swept }, "orphans resolved");
      options.onSwept(swept);
    } catch (error) {
      log.debug({ shard, reason: toDomainError(error).reason }, "sweep failed");
    }
    await clock.sleep(options.everyMs, signal);
  }
}
