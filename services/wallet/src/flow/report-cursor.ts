// The wallet's cursor as its shard hears it: the newest, one report at a time, not one per settlement.
import { toDomainError } from "@bourse/shared/errors/from-wire.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Position } from "../core/positions.js";
import type { MatcherClient } from "../io/matcher-client.js";

/** The last record that is applied whole, and its epoch. */
export type WholeRecord = Pick<Position, "epoch" | "seq">;

/** Reports of one shard's cursor. */
export interface CursorReports {
  /**
   * Reports at once what was just read from the wallet, in place of what had still to be said; returns the highest
   * seq reported before. Rejects when the shard does not take it.
   */
  now(cursor: WholeRecord): Promise<number>;
  /** Reports soon; what changes meanwhile replaces it. A lost report is made up by the next. */
  changed(cursor: WholeRecord): void;
  /** Resolves when nothing is under way any more. */
  ended(): Promise<void>;
}

/** Reports at least `reportEveryMs` apart, besides those made at once. */
export function createCursorReports(options: {
  readonly shard: number;
  readonly matcher: MatcherClient;
  readonly reportEveryMs: number;
  readonly clock: Clock;
  readonly log: Logger;
  readonly signal: AbortSignal;
}): CursorReports {
  const { shard, matcher, clock, log, signal } = options;
  let newest: WholeRecord | undefined;
  let running: Promise<void> | undefined;
  /** The report that is on its way. */
  let sending: Promise<unknown> = Promise.resolve();
  const report = async (cursor: WholeRecord, isProgress: boolean) => {
    try {
      return await matcher.reportCursor(cursor, isProgress);
    } catch (error) {
      const failure = toDomainError(error);
      if (failure.reason === "POSITION_UNKNOWN") {
        // The shard has lost what the wallet has settled. It will not open; a person must look.
        log.error(
          { shard, seq: cursor.seq, epoch: cursor.epoch },
          "the wallet's cursor is not in the shard's journal",
        );
      }
      throw failure;
    }
  };
  const run = async () => {
    while (newest !== undefined && !signal.aborted) {
      const cursor = newest;
      newest = undefined;
      sending = report(cursor, true).catch((error: unknown) =>
        log.debug({ shard, err: error }, "cursor not reported"),
      );
      await sending;
      await clock.sleep(options.reportEveryMs, signal);
    }
    running = undefined;
  };
  return {
    async now(cursor) {
      // Of a wallet that was set back it would say that it stands where it stood before.
      newest = undefined;
      await sending;
      return report(cursor, false);
    },
    changed(cursor) {
      newest = cursor;
      running ??= run();
    },
    ended: async () => running,
  };
}
