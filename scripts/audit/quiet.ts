// I38: when nobody calls, everything has come to rest.
import type { ShardFindings } from "./audit-shard.js";
import type { Snapshot } from "./snapshot.js";

/** Values of a gauge that is not at rest, in words; by process. */
export type Gauges = ReadonlyMap<string, string>;

/** What waits or is under way: these are zero at rest. */
const atRestZero =
  /^bourse_(?:\w*(?:waiting|in_flight|unanswered|queued)\w*|\w+_lag_records|settlement_stopped)\b/;

/** Gauges of a process's metrics that are not zero although nothing is under way. */
export function restlessGauges(metrics: string): string[] {
  return metrics
    .split("\n")
    .filter((line) => atRestZero.test(line) && !/_total\b|_bucket\b/.test(line) && !/ 0$/.test(line));
}

/** I38: followers have everything, and money is held for open orders alone. */
export function compareQuiet(
  snapshot: Snapshot,
  shards: readonly ShardFindings[],
  restless: readonly string[],
): string[] {
  const breaches = [...restless];
  for (const { shard, behind, fold } of shards) {
    if (behind.wallet > 0)
      breaches.push(`shard ${shard}: the wallet has ${behind.wallet} records not settled`);
    if (behind.history > 0) breaches.push(`shard ${shard}: the history lacks ${behind.history} records`);
    const active = snapshot.reservations.filter(
      (row) => row.shard === shard && row.state === "ACTIVE",
    ).length;
    // Without its beginning the journal does not know all that is open.
    if (fold.isWhole && active !== fold.openOrders)
      breaches.push(`shard ${shard}: ${active} reservations are active, ${fold.openOrders} orders are open`);
  }
  return breaches;
}
