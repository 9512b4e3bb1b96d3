// What a person wants to see when a step failed.
import type { Cluster } from "./cluster.js";

interface BriefPod {
  readonly metadata: { readonly name: string };
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
    readonly phase: string;
  };
}

/** Pods, the newest events, and the last lines of every pod that is not ready. */
export async function diagnose(cluster: Cluster): Promise<string> {
  const ask = (args: readonly string[]) =>
    cluster.kubectl(args, { timeoutMs: 20_000 }).catch((error: Error) => error.message);
  const parts = [await ask(["get", "pods", "-o", "wide"])];
  const events = await ask(["get", "events", "--sort-by=.lastTimestamp"]);
  parts.push(events.trim().split("\n").slice(-25).join("\n"));
  for (const name of await unreadyPods(cluster)) {
    const args = ["logs", name, "--all-containers", "--tail=12", "--prefix"];
    parts.push(`${name}:\n${await ask(args)}`);
    const before = await cluster.kubectl([...args, "--previous"], { timeoutMs: 20_000 }).catch(() => "");
    if (before !== "") parts.push(`${name} before its last restart:\n${before}`);
  }
  return parts.join("\n\n");
}

async function unreadyPods(cluster: Cluster): Promise<string[]> {
  const { items } = await cluster
    .json<{ items: BriefPod[] }>(["get", "pods"])
    .catch(() => ({ items: [] as BriefPod[] }));
  return items
    .filter(
      ({ status }) =>
        status.phase !== "Succeeded" &&
        !(status.conditions ?? []).some(({ status: is, type }) => type === "Ready" && is === "True"),
    )
    .map(({ metadata }) => metadata.name);
}
