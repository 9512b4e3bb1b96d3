// Partitions of the order history: made before a batch needs them, and some time ahead.
import type { Pool } from "@bourse/shared/postgres/pool.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Fill, NewOrder } from "../core/order-history-types.js";
import { ensurePartitions } from "../io/history-partitions.js";

const DAY_MS = 86_400_000;
const HOUR_MS = 3_600_000;
/** Longer than any month, so that every month of a span is met. */
const MONTH_STEP_DAYS = 28;

/** Makes partitions and remembers which there are, so that a batch asks only for new ones. */
export class HistoryPartitions {
  readonly #pool: Pool;
  readonly #months = new Set<string>();
  readonly #days = new Set<string>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /** Makes what the new rows of a batch need. */
  ensureFor(changes: {
    readonly orders: readonly Pick<NewOrder, "createdAtMs">[];
    readonly fills: readonly Pick<Fill, "executedAtMs">[];
  }): Promise<void> {
    return this.#ensure(
      changes.orders.map(({ createdAtMs }) => createdAtMs),
      changes.fills.map(({ executedAtMs }) => executedAtMs),
    );
  }

  /** Makes what the next days need, from today on. */
  async ensureAhead(nowMs: number, daysAhead: number): Promise<void> {
    const days = Array.from({ length: daysAhead + 1 }, (_, number) => nowMs + number * DAY_MS);
    const nextMonth = nowMs + MONTH_STEP_DAYS * DAY_MS;
    await this.#ensure([...days, nextMonth], days);
  }

  /** Keeps `daysAhead` days made ahead until the signal aborts; a failure is tried again within the hour. */
  async keepAhead(options: {
    daysAhead: number;
    clock: Clock;
    log: Logger;
    signal: AbortSignal;
    /** Called with the number of days that are made ahead. */
    onAhead: (days: number) => void;
  }): Promise<void> {
    const { daysAhead, clock, log, signal, onAhead } = options;
    let madeThroughMs = 0;
    while (!signal.aborted) {
      const nowMs = clock.wallMs();
      try {
        await this.ensureAhead(nowMs, daysAhead);
        madeThroughMs = nowMs + daysAhead * DAY_MS;
      } catch (error) {
        log.warn({ err: error }, "history partitions were not made ahead");
      }
      onAhead(Math.max(0, Math.floor((madeThroughMs - nowMs) / DAY_MS)));
      await clock.sleep(HOUR_MS, signal);
    }
  }

  async #ensure(orderTimes: readonly number[], tradeTimes: readonly number[]): Promise<void> {
    const orderMonths = missing(this.#months, orderTimes.map(monthOf));
    const tradeDays = missing(this.#days, tradeTimes.map(dayOf));
    if (orderMonths.length + tradeDays.length === 0) return;
    await ensurePartitions(this.#pool, { orderMonths, tradeDays });
    for (const month of orderMonths) this.#months.add(month);
    for (const day of tradeDays) this.#days.add(day);
  }
}

function missing(known: ReadonlySet<string>, wanted: readonly string[]): string[] {
  return [...new Set(wanted)].filter((each) => !known.has(each));
}

/** UTC day, `YYYY-MM-DD`. */
function dayOf(timeMs: number): string {
  return new Date(timeMs).toISOString().slice(0, 10);
}

/** First day of the UTC month. */
function monthOf(timeMs: number): string {
  return `${new Date(timeMs).toISOString().slice(0, 7)}-01`;
}
