// What the load's records say about the time around an event. Times are measurements, so floats are fine.
import type { OrderRecord } from "../load/record.js";
import { latencyMs, repeatingMs } from "../load/summary.js";
import { percentile, sorted } from "../replay/figures.js";

/** A stretch of time in which something was done to the exchange, milliseconds since 1970 UTC. */
export interface Event {
  readonly name: string;
  readonly fromMs: number;
  readonly toMs: number;
  /** The shard that it concerned; undefined: all. */
  readonly shard?: number;
}

/** What clients saw of an event. */
export interface Seen {
  /** Orders that were due while it lasted. */
  readonly orders: number;
  readonly retried: number;
  /** Final words that were errors. */
  readonly errors: number;
  /** Of the retried, from the first attempt on; 0 when there is none. */
  readonly retriedP99Ms: number;
  readonly maxMs: number;
}

/**
 * Longest time without an acknowledgement of a shard that overlaps the event: from the last one before it
 * broke off to the first one after. NaN when there is none on either side to measure from.
 */
export function outageMs(records: readonly OrderRecord[], { fromMs, toMs }: Event, shard: number): number {
  const times = sorted(
    records
      .filter((record) => record.shard === shard && record.outcome === "acknowledged")
      .map(({ endMs }) => endMs),
  );
  let longest = Number.NaN;
  for (let index = 1; index < times.length; index += 1) {
    const [begin = 0, end = 0] = [times[index - 1], times[index]];
    if (end < fromMs) continue;
    if (begin > toMs) break;
    longest = Number.isNaN(longest) ? end - begin : Math.max(longest, end - begin);
  }
  return longest;
}

/** Figures over the orders that were due during an event. */
export function seenDuring(records: readonly OrderRecord[], { fromMs, shard, toMs }: Event): Seen {
  const during = records.filter(
    (record) =>
      record.startMs >= fromMs && record.startMs <= toMs && (shard === undefined || record.shard === shard),
  );
  const retried = during.filter(({ attempts, outcome }) => attempts > 1 && outcome === "acknowledged");
  const errors = during.filter(({ outcome }) => ["refused", "rejected", "failed"].includes(outcome));
  const slowest = sorted(during.map(latencyMs)).at(-1) ?? 0;
  const p99 = percentile(sorted(retried.map(repeatingMs)), 0.99);
  return {
    orders: during.length,
    retried: retried.length,
    errors: errors.length,
    retriedP99Ms: Number.isNaN(p99) ? 0 : p99,
    maxMs: slowest,
  };
}

/** When the first order of a market was acknowledged; undefined when none was. */
export function firstAcknowledgedMs(records: readonly OrderRecord[], symbol: string): number | undefined {
  return sorted(
    records
      .filter((record) => record.symbol === symbol && record.outcome === "acknowledged")
      .map(({ endMs }) => endMs),
  )[0];
}
