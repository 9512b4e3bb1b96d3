// Partitions of the order history: made before a batch needs them, and some time ahead.
import type { Pool } from "@bourse/shared/postgres/pool.js";
import type { Fill, NewOrder } from "../core/order-history-types.js";
import { detachPartitions, ensurePartitions } from "../io/history-partitions.js";

const DAY_MS = 86_400_000;
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

  /** Makes what the next days need, from today on. Returns how many days that are. */
  async ensureAhead(nowMs: number, daysAhead: number): Promise<number> {
    const days = Array.from({ length: daysAhead + 1 }, (_, number) => nowMs + number * DAY_MS);
    const nextMonth = nowMs + MONTH_STEP_DAYS * DAY_MS;
    await this.#ensure([...days, nextMonth], days);
    return daysAhead;
  }

  /** Detaches some of what ended before a time; returns the names of the tables that it made. */
  async detachBefore(beforeMs: number, nowMs: number): Promise<string[]> {
    const tables = await detachPartitions(this.#pool, beforeMs, nowMs);
    if (tables.length > 0) this.forget();
    return tables;
  }

  /** Asks again for what a batch needs: another process may have detached it. */
  forget(): void {
    this.#months.clear();
    this.#days.clear();
  }

  async #ensure(orderTimes: readonly number[], tradeTimes: readonly number[]): Promise<void> {
    const orderMonths = missing(this.#months, daysOf(orderTimes).map(monthOf));
    const tradeDays = missing(this.#days, daysOf(tradeTimes));
    if (orderMonths.length + tradeDays.length === 0) return;
    await ensurePartitions(this.#pool, { orderMonths, tradeDays });
    for (const month of orderMonths) this.#months.add(month);
    for (const day of tradeDays) this.#days.add(day);
  }
}

function missing(known: ReadonlySet<string>, wanted: readonly string[]): string[] {
  return [...new Set(wanted)].filter((each) => !known.has(each));
}

/** UTC days of some times, each once, `YYYY-MM-DD`. */
function daysOf(timesMs: readonly number[]): string[] {
  const days = new Set<number>();
  for (const timeMs of timesMs) days.add(Math.floor(timeMs / DAY_MS));
  return [...days].map((day) => new Date(day * DAY_MS).toISOString().slice(0, 10));
}

/** First day of the UTC month of a day. */
function monthOf(day: string): string {
  return `${day.slice(0, 7)}-01`;
}
