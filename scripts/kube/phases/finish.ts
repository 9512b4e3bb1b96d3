// The end of the load: what clients saw of every event, what they were told against what is there, the audit.
import { audit } from "../../audit/audit-run.js";
import { findingLines } from "../../audit/finding.js";
import { openReleaseExchange } from "../../audit/release-exchange.js";
import type { OrderRecord } from "../../load/record.js";
import type { LastWord } from "../../load/summary.js";
import { atMost, mustHold } from "../figures.js";
import { type Event, firstAcknowledgedMs, outageMs, seenDuring } from "../outages.js";
import type { Session } from "../session.js";
import { shardsOf } from "../values.js";

const outageSecondsMax = 15;
const retriedSecondsMax = 15;
const rolling = new Set(["rolling upgrade", "helm rollback"]);

/** Stops the load and holds its words against the exchange; figures of every event. */
export async function finishLoad(session: Session): Promise<LastWord> {
  const { figures, load, say } = session;
  const summary = await load.stop();
  const records = await load.records();
  say(`load: ${JSON.stringify(summary)}`);
  for (const event of session.events) addEvent(session, records, event);
  for (const { askedAtMs, symbol } of session.newMarkets) {
    const atMs = firstAcknowledgedMs(records, symbol) ?? Number.NaN;
    figures.push({
      what: `first order of new market ${symbol}`,
      value: `${((atMs - askedAtMs) / 1_000).toFixed(1)} s`,
    });
  }
  figures.push(
    { what: "orders placed by the load", value: String(summary.placed) },
    { what: "acknowledged after a retry", value: String(summary.retried) },
    { what: "told that nobody looked in time, placed again", value: String(summary.tombstones) },
    atMost("orders lost", summary.lost, 0, ""),
    atMost("orders doubled", summary.doubled, 0, ""),
    atMost("errors after retry", summary.errors, 0, ""),
    atMost("orders never answered", summary.pending, 0, ""),
    mustHold(
      "records of the load",
      `${records.length}`,
      "one per final word",
      records.length === summary.placed + summary.tombstones,
    ),
  );
  return summary;
}

function addEvent({ figures, release }: Session, records: readonly OrderRecord[], event: Event): void {
  const seen = seenDuring(records, event);
  if (event.shard !== undefined) {
    const seconds = outageMs(records, event, event.shard) / 1_000;
    figures.push(
      atMost(`${event.name}: shard ${event.shard} without acknowledgement`, seconds, outageSecondsMax, "s"),
    );
    return;
  }
  const longest = Array.from({ length: shardsOf(release.values) }, (_, shard) =>
    outageMs(records, event, shard),
  )
    .filter((ms) => !Number.isNaN(ms))
    .map((ms) => (ms / 1_000).toFixed(1));
  const shown = `${seen.orders} orders, ${seen.retried} retried, ${longest.join(" / ")} s without acknowledgement by shard`;
  if (!rolling.has(event.name)) {
    figures.push({ what: event.name, value: shown });
    return;
  }
  figures.push(
    { what: event.name, value: shown },
    atMost(`${event.name}: errors after retry`, seen.errors, 0, ""),
    atMost(`${event.name}: p99 of the retried`, seen.retriedP99Ms / 1_000, retriedSecondsMax, "s"),
  );
}

/** Every invariant of the release, as `npm run audit -- --kubeconfig` checks it. */
export async function auditRelease({ cluster, figures, release, say }: Session): Promise<void> {
  const exchange = await openReleaseExchange(cluster, { fullname: release.fullname });
  try {
    const findings = await audit(exchange);
    for (const finding of findings) for (const line of findingLines(finding)) say(`  ${line}`);
    const holding = findings.filter(({ breaches }) => breaches.length === 0).length;
    figures.push(
      mustHold(
        "audit",
        `${holding} of ${findings.length} invariants hold`,
        "all",
        holding === findings.length,
      ),
    );
  } finally {
    await exchange.close();
  }
}
