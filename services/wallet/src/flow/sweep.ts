// Orphans: money held for orders of which no shard has said a word. Only the shard may free it.
import { isInfrastructureFailure, toDomainError } from "@bourse/shared/errors/from-wire.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { MatcherClient } from "../io/matcher-client.js";
import { ORPHANS_PAGE, type Orphan, type WalletClient } from "../io/wallet-client.js";
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
  /** The last orphan that was asked about when there may be more behind it; undefined when all were. */
  readonly last?: string | undefined;
}

/** Pages of orphans that one sweep asks about at most; the next sweep goes on behind them. */
const PAGES_MAX = 10;

/**
 * Asks the shard about the orphans behind `after`, or from the oldest on. A known order is taken out of the sweep's sight. An unknown one gets
 * a tombstone there, so that a late Submit is refused; the event of its end frees the money by the usual
 * way. The expiry is counted from the shard time that was heard before the rows were read: a call that is
 * stuck longer than that writes no tombstone.
 */
export async function sweepOnce(options: SweepOptions, after?: string): Promise<Swept> {
  const { shard, state, wallet, orphanAgeMs, resolveWithinMs } = options;
  let last = after;
  let [known, tombstones] = [0, 0];
  for (let pages = 0; pages < PAGES_MAX; pages += 1) {
    const { timeMs } = state;
    // Without a word from the shard its time is not known; a shard whose settlement stands waits for people.
    if (timeMs === undefined || state.isStopped) return { known, tombstones };
    const orphans = await wallet.orphans(shard, orphanAgeMs, last);
    const asked = await askAbout(orphans, timeMs + resolveWithinMs, options);
    if (asked.known.length > 0) await wallet.markSequenced(asked.known);
    known += asked.known.length;
    tombstones += asked.tombstones;
    if (orphans.length < ORPHANS_PAGE) return { known, tombstones };
    last = orphans.at(-1)?.orderId;
  }
  return { known, tombstones, last };
}

/** Asks the shard about these: which it knows, and how many got a tombstone. */
async function askAbout(
  orphans: readonly Orphan[],
  expiresAtMs: number,
  { shard, matcher, log }: SweepOptions,
): Promise<{ known: string[]; tombstones: number }> {
  const known: string[] = [];
  let tombstones = 0;
  for (const orphan of orphans) {
    try {
      if (await matcher.resolve(orphan, expiresAtMs)) known.push(orphan.orderId);
      else tombstones += 1;
    } catch (error) {
      if (isInfrastructureFailure(error)) throw error;
      // One that its shard refuses must not hide those behind it.
      const { reason } = toDomainError(error);
      log.warn({ shard, orderId: orphan.orderId, reason }, "orphan not resolved");
    }
  }
  return { known, tombstones };
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
  let after: string | undefined;
  while (!signal.aborted) {
    try {
      const swept = await sweepOnce(options, after);
      const { known, tombstones } = swept;
      after = swept.last;
      if (known + tombstones > 0) log.info({ shard, known, tombstones }, "orphans resolved");
      options.onSwept(swept);
    } catch (error) {
      log.debug({ shard, reason: toDomainError(error).reason }, "sweep failed");
    }
    await clock.sleep(options.everyMs, signal);
  }
}
