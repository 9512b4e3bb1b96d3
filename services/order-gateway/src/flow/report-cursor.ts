// Tells a shard how far its history is durable: often enough to be useful, seldom enough to be free.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { HistoryPosition } from "../io/history-cursor.js";

/** At most four reports a second. */
const REPORT_EVERY_MS = 250;

/** The newest position and the loop that reports it. */
export interface CursorReporter {
  /** Notes a durable position; the newest noted one is reported. */
  note(position: HistoryPosition): void;
  /** Reports until the signal aborts. A report that fails is repeated with the newest position. */
  run(signal: AbortSignal): Promise<void>;
}

export function createCursorReporter(options: {
  readonly report: (position: HistoryPosition) => Promise<void>;
  readonly clock: Clock;
  readonly log: Logger;
  readonly onReported: () => void;
}): CursorReporter {
  const { report, clock, log, onReported } = options;
  let newest: HistoryPosition | undefined;
  let wake = () => {};
  return {
    note(position) {
      newest = position;
      wake();
    },
    async run(signal) {
      signal.addEventListener("abort", () => wake(), { once: true });
      while (!signal.aborted) {
        const position = newest;
        if (position === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        newest = undefined;
        try {
          await report(position);
          onReported();
        } catch (error) {
          newest ??= position;
          logFailure(log, position, error);
        }
        await clock.sleep(REPORT_EVERY_MS, signal);
      }
    },
  };
}

function logFailure(log: Logger, position: HistoryPosition, error: unknown): void {
  const isLost = error instanceof DomainError && error.reason === "POSITION_UNKNOWN";
  if (isLost) log.error({ ...position, err: error }, "the shard does not know the position of the history");
  else log.debug({ ...position, err: error }, "cursor was not reported");
}
