// A port of a pod or service on this machine, by kubectl port-forward.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Cluster } from "./cluster.js";

export interface PortForward {
  /** Where it listens, for example "127.0.0.1:40123". */
  readonly address: string;
  close(): Promise<void>;
}

const openMsMax = 20_000;

/** Forwards a free port to `target`, for example "pod/bourse-matcher-0" or "service/postgres". */
export async function openPortForward(cluster: Cluster, target: string, port: number): Promise<PortForward> {
  const args = cluster.kubectlArgs(["port-forward", "--address", "127.0.0.1", target, `:${port}`]);
  const child = spawn("kubectl", args, { stdio: ["ignore", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    complaint = (complaint + text).slice(-2_000);
  });
  const closed = once(child, "close").catch(() => undefined);
  const close = async () => {
    child.kill();
    await closed;
  };
  const late = setTimeout(() => child.kill(), openMsMax);
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      const local = /^Forwarding from 127\.0\.0\.1:(\d+)/.exec(line)?.[1];
      if (local === undefined) continue;
      // It says a line for each connection: unread, they would fill the pipe and stop it.
      child.stdout.resume();
      return { address: `127.0.0.1:${local}`, close };
    }
  } finally {
    clearTimeout(late);
  }
  await close();
  throw new Error(
    `kubectl port-forward ${target} ${port}: ${complaint.trim() || "ended before it listened"}`,
  );
}
