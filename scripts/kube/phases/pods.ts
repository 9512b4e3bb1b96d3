// Pods that go: deleted one by one, drained off their node, killed by force.
import { CommandError } from "../command.js";
import { mustHold } from "../figures.js";
import type { Pod } from "../release.js";
import { during, type Session } from "../session.js";
import { untilTrue } from "../until.js";

const readySecondsMax = 90;

/** Every pod of the release deleted, each after the one before is replaced. */
export async function deleteEach(session: Session): Promise<void> {
  const { cluster, release } = session;
  for (const pod of await release.pods()) {
    await during(session, { name: `${pod.name} deleted`, ...shardOf(pod) }, async () => {
      await cluster.kubectl(["delete", "pod", pod.name, "--wait=true"], { timeoutMs: 120_000 });
      await release.untilReady(readySecondsMax);
    });
  }
}

/** Every matcher killed without a chance to drain. */
export async function killMatchers(session: Session): Promise<void> {
  const { cluster, release } = session;
  const matchers = (await release.pods()).filter(({ component }) => component === "matcher");
  for (const pod of matchers) {
    await during(session, { name: `${pod.name} killed by force`, ...shardOf(pod) }, async () => {
      await cluster.kubectl(["delete", "pod", pod.name, "--force", "--grace-period=0"], {
        timeoutMs: 60_000,
      });
      await untilPods(session, (now) => !now.has(pod.uid));
      await release.untilReady(readySecondsMax);
    });
  }
}

const drainSecondsMax = 240;

/** A node drained of the release. Where there is no other, it takes pods again once the first are gone. */
export async function drainNode(session: Session): Promise<void> {
  const { cluster, figures, release } = session;
  const pods = await release.pods();
  const node = pods.find(({ component }) => component === "matcher")?.nodeName ?? "";
  const there = pods.filter(({ nodeName }) => nodeName === node);
  const isOnly = (await schedulableNodes(session)).length === 1;
  const selector = `--pod-selector=${release.selector}`;
  const args = ["drain", node, selector, "--ignore-daemonsets", "--delete-emptydir-data"];
  try {
    await during(session, { name: `node ${node} drained` }, async () => {
      const draining = cluster.kubectl([...args, `--timeout=${drainSecondsMax}s`], {
        timeoutMs: (drainSecondsMax + 30) * 1_000,
      });
      // Not awaited yet: what it says is looked at below.
      draining.catch(() => undefined);
      if (isOnly) {
        const isGoing = (now: PodsNow) => there.some(({ uid }) => now.get(uid)?.isEnding ?? true);
        await Promise.race([untilPods(session, isGoing), draining]);
        await cluster.kubectl(["uncordon", node]);
      }
      await draining;
      await release.untilReady(readySecondsMax);
    });
  } finally {
    await cluster.uninterrupted().kubectl(["uncordon", node]);
  }
  const left = (await release.pods()).filter(({ uid }) => there.some((pod) => pod.uid === uid));
  figures.push(
    mustHold(
      `drain of ${node}`,
      `${there.length - left.length} of ${there.length} pods moved`,
      "all",
      left.length === 0,
    ),
  );
}

/** The pods that there are, by uid. */
type PodsNow = ReadonlyMap<string, Pod>;

/** Waits until something holds of the pods that there are. */
function untilPods({ release }: Session, isSo: (now: PodsNow) => boolean): Promise<void> {
  const look = async () => isSo(new Map((await release.pods()).map((pod) => [pod.uid, pod])));
  return untilTrue(look, { seconds: readySecondsMax, everyMs: 300, orElse: () => "no pod went away" });
}

async function schedulableNodes({ cluster }: Session): Promise<string[]> {
  const { items } = await cluster.json<{
    items: { metadata: { name: string }; spec: { unschedulable?: boolean } }[];
  }>(["get", "nodes"]);
  return items.filter(({ spec }) => spec.unschedulable !== true).map(({ metadata }) => metadata.name);
}

function shardOf({ component, name }: Pod): { shard: number } | Record<never, never> {
  return component === "matcher" ? { shard: Number(name.slice(name.lastIndexOf("-") + 1)) } : {};
}

/** What a command that had to fail complained about. */
export function complaintOf(error: unknown): string {
  if (error instanceof CommandError)
    return error.result.stderr.trim() || error.result.stdout.trim() || error.message;
  return error instanceof Error ? error.message : String(error);
}
