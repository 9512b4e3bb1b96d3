// Memory and processor time of pods, as the cluster measures them.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import type { Cluster } from "./cluster.js";

export interface PodUsage {
  readonly name: string;
  readonly cpuMillicores: number;
  readonly memoryMib: number;
}

/** Lines of `kubectl top pods --no-headers`. */
export function parseTop(text: string): PodUsage[] {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .map((line) => {
      const [name = "", cpu = "", memory = ""] = line.trim().split(/\s+/);
      return { name, cpuMillicores: millicores(cpu), memoryMib: mib(memory) };
    });
}

function millicores(text: string): number {
  return text.endsWith("m") ? Number(text.slice(0, -1)) : Number(text) * 1_000;
}

const unitMib: Readonly<Record<string, number>> = { Ki: 1 / 1_024, Mi: 1, Gi: 1_024 };

function mib(text: string): number {
  return Math.round(Number(text.slice(0, -2)) * (unitMib[text.slice(-2)] ?? Number.NaN));
}

const measuredWithinMs = 60_000;

/** Usage of every pod; waits for a meter that is behind. Undefined where the cluster has none. */
export async function readUsage(cluster: Cluster, selector: string): Promise<PodUsage[] | undefined> {
  const untilMs = systemClock.monotonicMs() + measuredWithinMs;
  for (;;) {
    const running = ["get", "pods", "-l", selector, "--field-selector=status.phase=Running", "-o", "name"];
    const wanted = (await cluster.kubectl(running)).trim().split("\n").length;
    const text = await cluster.kubectl(["top", "pods", "-l", selector, "--no-headers"]).catch(() => "");
    const usage = parseTop(text);
    if (usage.length >= wanted) return usage;
    if (systemClock.monotonicMs() > untilMs) return usage.length > 0 ? usage : undefined;
    await systemClock.sleep(5_000);
  }
}

/** A table of two measurements beside each other, by workload: pods of one kind come and go. */
export function usageLines(idle: readonly PodUsage[], loaded: readonly PodUsage[]): string[] {
  const workloads = [...new Set([...idle, ...loaded].map(({ name }) => workloadOf(name)))].sort();
  const rows = [["each pod of", "idle", "under load"]];
  for (const workload of workloads)
    rows.push([workload, meanText(idle, workload), meanText(loaded, workload)]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => (row[column] ?? "").length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** A pod's name without what a Deployment adds; shards keep their number. */
function workloadOf(name: string): string {
  return name.replace(/-[a-z0-9]{6,10}-[a-z0-9]{5}$/, "");
}

function meanText(all: readonly PodUsage[], workload: string): string {
  const own = all.filter(({ name }) => workloadOf(name) === workload);
  if (own.length === 0) return "-";
  const mean = (of: (usage: PodUsage) => number) =>
    Math.round(own.reduce((sum, usage) => sum + of(usage), 0) / own.length);
  return `${mean(({ cpuMillicores }) => cpuMillicores)} m, ${mean(({ memoryMib }) => memoryMib)} MiB`;
}
