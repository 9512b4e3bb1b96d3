// Figures over the records of a run. Times are measurements, so floats are fine here.
import { percentile, sorted } from "../replay/figures.js";
import type { OrderRecord } from "./record.js";

/** The figures of a run without the comparison at its end. */
export interface Summary {
  readonly seconds: number;
  /** Orders with a final word; one that went out again under another id counts once. */
  readonly placed: number;
  readonly acknowledged: number;
  /** Final words that no repeating could change and that were no acknowledgement, tombstones aside. */
  readonly errors: number;
  readonly refused: number;
  readonly rejected: number;
  readonly tombstones: number;
  /** Acknowledged after more than one attempt, or under another id than the first. */
  readonly retried: number;
  readonly ratePerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
  /** Of the retried alone, from the first attempt on; 0 when there is none. */
  readonly retriedP99Ms: number;
  readonly cancels: number;
  readonly cancelsFailed: number;
  /** How many orders met each failure. */
  readonly reasons: Readonly<Record<string, number>>;
}

/** The last line of a run: its figures, and what the comparison at its end found. */
export interface LastWord extends Summary {
  /** Orders without a final word when the load gave up waiting. */
  readonly pending: number;
  readonly lost: number;
  readonly doubled: number;
}

interface RunFigures {
  readonly records: readonly OrderRecord[];
  readonly seconds: number;
  readonly cancels: number;
  readonly cancelsFailed: number;
}

/** Sums a run up. */
export function summaryOf({ records, seconds, cancels, cancelsFailed }: RunFigures): Summary {
  const count = (outcome: OrderRecord["outcome"]) =>
    records.filter((record) => record.outcome === outcome).length;
  const acknowledged = records.filter(({ outcome }) => outcome === "acknowledged");
  const latencies = sorted(acknowledged.map(latencyMs));
  const retried = acknowledged.filter(({ attempts }) => attempts > 1);
  const tombstones = count("tombstone");
  const [refused, rejected, failed] = [count("refused"), count("rejected"), count("failed")];
  return {
    seconds: rounded(seconds),
    placed: records.length - tombstones,
    acknowledged: acknowledged.length,
    errors: refused + rejected + failed,
    refused,
    rejected,
    tombstones,
    retried: retried.length,
    ratePerSecond: rounded(acknowledged.length / seconds),
    p50Ms: rounded(percentile(latencies, 0.5)),
    p99Ms: rounded(percentile(latencies, 0.99)),
    maxMs: rounded(latencies.at(-1) ?? Number.NaN),
    retriedP99Ms: rounded(percentile(sorted(retried.map(repeatingMs)), 0.99)),
    cancels,
    cancelsFailed,
    reasons: reasonCounts(records),
  };
}

/** One line on how it goes; latency over what came since about the last line. */
export function progressLine(records: readonly OrderRecord[], inFlight: number, elapsedMs: number): string {
  const recent = records.slice(-1_000);
  const retried = recent.filter(({ attempts }) => attempts > 1).length;
  const latencies = sorted(recent.map(latencyMs));
  return [
    `${(elapsedMs / 1_000).toFixed(0)} s: ${records.length} final words, ${inFlight} on their way`,
    `last ${recent.length}: ${retried} retried, p50 ${rounded(percentile(latencies, 0.5))} ms`,
    `p99 ${rounded(percentile(latencies, 0.99))} ms`,
  ].join(", ");
}

/** From when the order was due to its final word: what a client waits that sends at a rate. */
export function latencyMs({ startMs, endMs }: OrderRecord): number {
  return endMs - startMs;
}

/** From the first attempt to the final word: how long the repeating took. */
export function repeatingMs({ sentMs, endMs }: OrderRecord): number {
  return endMs - sentMs;
}

function reasonCounts(records: readonly OrderRecord[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const reason of records.flatMap(({ reasons }) => reasons)) counts[reason] = (counts[reason] ?? 0) + 1;
  return counts;
}

/** One decimal; what there is none of is 0, since JSON knows no NaN. */
function rounded(value: number): number {
  return Number.isFinite(value) ? Math.round(value * 10) / 10 : 0;
}
