// Processes of the wallet as they run, for tests that start, ask and end them.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { expect, vi } from "vitest";

export interface WalletProcess {
  readonly child: ChildProcess;
  /** Exit code, and what was said on standard error. */
  readonly exited: Promise<{ code: number | null; errors: string }>;
  /** Log entries so far. */
  readonly log: Record<string, unknown>[];
  /** Resolves with the first log entry of this message; rejects when the process ends before. */
  said(message: string): Promise<Record<string, number>>;
}

/** Starts `main.ts` or another entry of the service with these settings. Whoever starts it ends it. */
export function startProcess(file: string, env: Readonly<Record<string, string>>): WalletProcess {
  const main = fileURLToPath(new URL(`../${file}`, import.meta.url));
  const child = spawn(process.execPath, ["--conditions=source", "--import=tsx", main], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  let errors = "";
  child.stderr.on("data", (data) => {
    errors += String(data);
  });
  const log: Record<string, unknown>[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on("line", (line) => log.push(JSON.parse(line) as Record<string, unknown>));
  const exited = once(child, "exit").then(([code]) => ({ code: code as number | null, errors }));
  const said = (message: string) =>
    log.find(({ msg }) => msg === message) as Record<string, number> | undefined;
  return {
    child,
    exited,
    log,
    async said(message) {
      while (said(message) === undefined) {
        const end = await Promise.race([once(lines, "line").then(() => undefined), exited]);
        if (end !== undefined) throw new Error(`the process ended before "${message}": ${end.errors}`);
      }
      return said(message) as Record<string, number>;
    },
  };
}

/** Resolves when the process on this operations port is ready. */
export async function untilReady(adminPort: number | undefined): Promise<void> {
  await vi.waitFor(
    async () => {
      const response = await fetch(`http://127.0.0.1:${adminPort}/health/ready`);
      expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
    },
    { timeout: 15_000, interval: 50 },
  );
}
