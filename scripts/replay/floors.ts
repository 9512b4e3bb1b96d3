// What the disk and the database took per commit while a run lasted, from the processes' own metrics.
import type { RunningExchange } from "@bourse/local/running.js";
import {
  addedCounts,
  formatMs,
  type HistogramCounts,
  histogramPercentile,
  readHistogram,
  sumCounts,
} from "./figures.js";

/** The two floors under every acknowledgement: one fsync of the journal, one commit of the wallet. */
const floors = [
  { name: "fsync", process: /^matcher-/, histogram: "bourse_journal_fsync_seconds" },
  { name: "commit", process: /^wallet$/, histogram: "bourse_wallet_commit_seconds" },
] as const;

/** A floor of the run. */
export interface Floor {
  readonly name: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly count: number;
}

/** Starts to measure; the result gives the floors since then. */
export async function watchFloors(running: RunningExchange | undefined): Promise<() => Promise<Floor[]>> {
  const before = await readAll(running);
  return async () => {
    const after = await readAll(running);
    return floors.flatMap(({ name }) => {
      const added = [...(after.get(name) ?? [])].map(([process, counts]) =>
        addedCounts(before.get(name)?.get(process), counts),
      );
      const counts = sumCounts(added);
      if (counts === undefined) return [];
      return [
        {
          name,
          p50Ms: histogramPercentile(counts, 0.5) * 1_000,
          p99Ms: histogramPercentile(counts, 0.99) * 1_000,
          count: counts.counts.reduce((sum, count) => sum + count, 0),
        },
      ];
    });
  };
}

/** A floor as text. */
export function showFloor({ name, p50Ms, p99Ms, count }: Floor): string {
  return `${name} p50 ${formatMs(p50Ms)}, p99 ${formatMs(p99Ms)} (${count} in this run)`;
}

async function readAll(
  running: RunningExchange | undefined,
): Promise<Map<string, Map<string, HistogramCounts>>> {
  const all = new Map<string, Map<string, HistogramCounts>>();
  for (const { name, process, histogram } of floors) {
    const byProcess = new Map<string, HistogramCounts>();
    for (const { name: processName, ports } of running?.processes ?? []) {
      if (!process.test(processName)) continue;
      const counts = readHistogram(await metricsPage(ports.admin), histogram);
      if (counts !== undefined) byProcess.set(processName, counts);
    }
    all.set(name, byProcess);
  }
  return all;
}

/** The metrics page of a process; empty when it does not answer, since it may be restarting. */
async function metricsPage(adminPort: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${adminPort}/metrics`, {
      signal: AbortSignal.timeout(2_000),
    });
    return await response.text();
  } catch {
    return "";
  }
}
