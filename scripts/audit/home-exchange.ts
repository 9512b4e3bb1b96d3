// The exchange that runs on a home of this machine.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathsOf } from "@bourse/local/home.js";
import type { RunningExchange } from "@bourse/local/running.js";
import { openChannel } from "@bourse/shared/rpc/client.js";
import { CommandError, lastLines, runLines } from "../kube/command.js";
import type { AuditedExchange, JournalTool } from "./exchange.js";
import { repoRoot } from "./repo-root.js";

/** How to reach what runs on a home. */
export function homeExchange(home: string, running: RunningExchange): AuditedExchange {
  const shards = running.processes.flatMap(({ name, ports }) => {
    const shard = /^matcher-(\d+)$/.exec(name)?.[1];
    if (shard === undefined) return [];
    return [
      {
        shard: Number(shard),
        openChannel: () => openChannel(`127.0.0.1:${ports.grpc}`),
        journal: journalTool(pathsOf(home).matcher(Number(shard))),
      },
    ];
  });
  const { auditorUrl, grpcAddress } = running;
  return {
    auditorUrl,
    edgeAddress: grpcAddress,
    shards,
    readMetrics: () => readMetrics(running),
    close: () => Promise.resolve(),
  };
}

async function readMetrics({ processes }: RunningExchange): Promise<Map<string, string>> {
  const texts = new Map<string, string>();
  for (const { name, ports } of processes) {
    const response = await fetch(`http://127.0.0.1:${ports.admin}/metrics`, {
      signal: AbortSignal.timeout(5_000),
    });
    texts.set(name, await response.text());
  }
  return texts;
}

const journalMsMax = 3_600_000;

/** The matcher's tool on a folder, in a process of its own: read-only, also while the shard runs. */
export function journalTool(folder: string): JournalTool {
  return async (command, options, onLine) => {
    const args = [...toolArgs(), command, folder, ...options];
    try {
      await runLines(process.execPath, args, { timeoutMs: journalMsMax }, onLine);
    } catch (error) {
      if (!(error instanceof CommandError)) throw error;
      const said = lastLines(error.result.stderr, 5) || `exit ${error.result.code}`;
      throw new Error(`journal ${command}: ${said}`, { cause: error });
    }
  };
}

/** The compiled tool, or its source where nothing was compiled. */
function toolArgs(): string[] {
  const matcher = join(repoRoot(), "services", "matcher");
  const compiled = join(matcher, "dist", "journal-main.js");
  if (existsSync(compiled)) return [compiled];
  return ["--conditions=source", "--import", "tsx", join(matcher, "src", "journal-main.ts")];
}
