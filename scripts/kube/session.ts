// What the phases share: the cluster, the release, the load, and what was measured.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import type { Cluster } from "./cluster.js";
import type { Figure } from "./figures.js";
import type { LoadPod } from "./load-pod.js";
import type { TestOptions } from "./options.js";
import type { Event } from "./outages.js";
import type { Release } from "./release.js";

export interface Session {
  readonly options: TestOptions;
  readonly cluster: Cluster;
  readonly release: Release;
  readonly load: LoadPod;
  readonly figures: Figure[];
  /** What happened while the load ran, for its records. */
  readonly events: Event[];
  /** Markets that came under load, with when helm was asked for them. */
  readonly newMarkets: { readonly symbol: string; readonly askedAtMs: number }[];
  readonly say: (line: string) => void;
}

/** How long after an event its effects may show; orders of that time belong to it. */
const settleMs = 3_000;

/** Does something to the exchange and notes when it was. */
export async function during(
  { events, say }: Session,
  event: { readonly name: string; readonly shard?: number },
  work: () => Promise<void>,
): Promise<void> {
  const fromMs = systemClock.wallMs();
  const begunAtMs = systemClock.monotonicMs();
  await work();
  say(`${event.name}: ${secondsSince(begunAtMs)}`);
  // Orders that were due just after it still feel it, and the next event must not get the blame.
  await systemClock.sleep(settleMs);
  events.push({ ...event, fromMs, toMs: systemClock.wallMs() });
}

/** Time that has passed, in words. */
export function secondsSince(startedAtMs: number): string {
  return `${((systemClock.monotonicMs() - startedAtMs) / 1_000).toFixed(1)} s`;
}
