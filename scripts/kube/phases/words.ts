// What pods say while something fails that helm clears away afterwards.
import { systemClock } from "@bourse/shared/runtime/clock.js";
import type { Cluster } from "../cluster.js";
import type { Release } from "../release.js";

interface WaitingPod {
  readonly metadata: { readonly name: string; readonly uid: string };
  readonly status: {
    readonly containerStatuses?: readonly {
      readonly ready: boolean;
      readonly state: {
        readonly waiting?: { readonly reason?: string; readonly message?: string };
        readonly terminated?: { readonly exitCode: number; readonly message?: string };
      };
      readonly lastState?: { readonly terminated?: { readonly exitCode: number; readonly message?: string } };
    }[];
  };
}

const lookEveryMs = 1_000;

/** Watches pods that come from now on, the preflight's too; `stop` returns the last reason that one gave. */
export function lastWords(cluster: Cluster, release: Release): { stop(): Promise<string> } {
  const stopped = new AbortController();
  let said = "";
  // A failed preflight stays for those who want to read it.
  let old: ReadonlySet<string> | undefined;
  const watching = (async () => {
    while (!stopped.signal.aborted) {
      const { items } = await cluster
        .json<{ items: WaitingPod[] }>(["get", "pods", "-l", release.selector])
        .catch(() => ({ items: [] as WaitingPod[] }));
      old ??= new Set(items.map(({ metadata }) => metadata.uid));
      for (const pod of items) if (!old.has(pod.metadata.uid)) said = reasonOf(pod) ?? said;
      await systemClock.sleep(lookEveryMs, stopped.signal);
    }
  })();
  return {
    stop: async () => {
      stopped.abort();
      await watching;
      return said;
    },
  };
}

/** Why a pod does not run, in one line; undefined when it does, or does not say yet. */
export function reasonOf({ metadata, status }: WaitingPod): string | undefined {
  for (const { lastState, ready, state } of status.containerStatuses ?? []) {
    const ended = state.terminated ?? lastState?.terminated;
    if (!ready && ended !== undefined && ended.exitCode !== 0 && ended.exitCode !== 143) {
      const lines = (ended.message ?? "").trim().split("\n");
      return `${metadata.name} (exit ${ended.exitCode}): ${lines.at(-1)}`;
    }
    const waits = state.waiting;
    if (waits?.message !== undefined && /Err|BackOff|Invalid/.test(waits.reason ?? ""))
      return `${metadata.name} (${waits.reason}): ${waits.message}`;
  }
  return undefined;
}
