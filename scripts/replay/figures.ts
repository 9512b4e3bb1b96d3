// Latencies, rates and histograms in the words of the report. Times are measurements, so floats are fine here.

/** Value below which the share `p` (0 to 1) of sorted values lies; NaN for none. */
export function percentile(sorted: readonly number[], p: number): number {
  if (sorted.length === 0) return Number.NaN;
  const rank = Math.ceil(p * sorted.length) - 1;
  return sorted[Math.min(sorted.length - 1, Math.max(0, rank))] ?? Number.NaN;
}

/** Sorts a copy, ascending. */
export function sorted(values: Iterable<number>): number[] {
  return [...values].sort((a, b) => a - b);
}

/** Whole numbers with thousands separated by commas. */
export function formatCount(count: number | bigint): string {
  return Math.trunc(Number(count)).toLocaleString("en-US");
}

/** Milliseconds with as many digits as mean something; "-" for none. */
export function formatMs(ms: number): string {
  if (!Number.isFinite(ms)) return "-";
  if (ms >= 100) return `${ms.toFixed(0)} ms`;
  return `${ms.toFixed(ms >= 10 ? 1 : 2)} ms`;
}

/** Counts of a Prometheus histogram by upper bound, not cumulative. */
export interface HistogramCounts {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
}

/** Reads one histogram from a Prometheus text page, summed over its labels; undefined when absent. */
export function readHistogram(page: string, name: string): HistogramCounts | undefined {
  const cumulative = new Map<number, number>();
  for (const line of page.split("\n")) {
    if (!line.startsWith(`${name}_bucket{`)) continue;
    const bound = /le="([^"]+)"/.exec(line)?.[1];
    const value = Number(line.slice(line.lastIndexOf(" ") + 1));
    if (bound === undefined || !Number.isFinite(value)) continue;
    const limit = bound === "+Inf" ? Number.POSITIVE_INFINITY : Number(bound);
    cumulative.set(limit, (cumulative.get(limit) ?? 0) + value);
  }
  if (cumulative.size === 0) return undefined;
  const bounds = sorted(cumulative.keys());
  const totals = bounds.map((bound) => cumulative.get(bound) ?? 0);
  return { bounds, counts: totals.map((total, index) => total - (totals[index - 1] ?? 0)) };
}

/** What was added between two readings; a process that was started again between them counts from zero. */
export function addedCounts(before: HistogramCounts | undefined, after: HistogramCounts): HistogramCounts {
  const wasRestarted =
    before === undefined || after.counts.some((count, i) => count < (before.counts[i] ?? 0));
  if (wasRestarted) return after;
  return { bounds: after.bounds, counts: after.counts.map((count, i) => count - (before.counts[i] ?? 0)) };
}

/** Adds histograms of the same bounds. */
export function sumCounts(all: readonly HistogramCounts[]): HistogramCounts | undefined {
  const [first, ...rest] = all;
  if (first === undefined) return undefined;
  const counts = first.counts.map((count, i) =>
    rest.reduce((sum, { counts: c }) => sum + (c[i] ?? 0), count),
  );
  return { bounds: first.bounds, counts };
}

/** Estimate of a percentile, linear within its bucket; NaN without counts. */
export function histogramPercentile({ bounds, counts }: HistogramCounts, p: number): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  let seen = 0;
  for (let index = 0; index < counts.length; index += 1) {
    const count = counts[index] ?? 0;
    if (count === 0 || seen + count < p * total) {
      seen += count;
      continue;
    }
    const lower = index === 0 ? 0 : (bounds[index - 1] ?? 0);
    const upper = bounds[index] ?? lower;
    if (!Number.isFinite(upper)) return lower;
    return lower + ((upper - lower) * (p * total - seen)) / count;
  }
  return Number.NaN;
}
