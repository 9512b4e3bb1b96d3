// What a running exchange tells the other tools on the machine: where it listens and what it consists of.
import { readFile, rename, rm, writeFile } from "node:fs/promises";

import { pathsOf } from "./home.js";
import { findOwner } from "./instance-lock.js";
import { isAlive, type ProcessIdentity } from "./process-identity.js";
import type { Ports } from "./settings.js";
import { StartError } from "./start-error.js";

/** The exchange that runs on a home. */
export interface RunningExchange {
  /** gRPC address of the edge, for example "127.0.0.1:50051". */
  readonly grpcAddress: string;
  /** HTTP address of the edge, for example "http://127.0.0.1:8080". */
  readonly httpUrl: string;
  /** Connection URL of the role that may read the audit views. */
  readonly auditorUrl: string;
  readonly processes: readonly {
    readonly name: string;
    readonly identity: ProcessIdentity | undefined;
    readonly ports: Ports;
  }[];
}

/** Writes down what runs; readable by the owner only, since it holds a password. */
export async function writeRunning(home: string, running: RunningExchange): Promise<void> {
  const file = pathsOf(home).running;
  await writeFile(`${file}.new`, `${JSON.stringify(running, null, 2)}\n`, { mode: 0o600 });
  await rename(`${file}.new`, file);
}

/** The exchange that runs on a home; fails with a StartError when none does. */
export async function readRunning(home: string): Promise<RunningExchange> {
  const running = await readLast(home);
  if (running === undefined || (await findOwner(home)) === undefined) {
    throw new StartError(`no exchange runs on ${home}; start one with npm start`);
  }
  return running;
}

/** Forgets what ran. */
export async function removeRunning(home: string): Promise<void> {
  await rm(pathsOf(home).running, { force: true });
}

/**
 * Waits for the processes that a dead supervisor left: each ends by itself when it notices. What has
 * not ended within `waitMs` is ended by force.
 */
export async function endLeftovers(home: string, waitMs: number): Promise<void> {
  const last = await readLast(home);
  const left = (last?.processes ?? []).flatMap(({ identity }) => (identity === undefined ? [] : [identity]));
  const until = performance.now() + waitMs;
  // Not our children: the system offers no event to wait for, only the question whether they are there.
  while (left.some(isAlive) && performance.now() < until)
    await new Promise((resolve) => setTimeout(resolve, 50));
  for (const identity of left.filter(isAlive)) process.kill(identity.pid, "SIGKILL");
}

async function readLast(home: string): Promise<RunningExchange | undefined> {
  const text = await readFile(pathsOf(home).running, "utf8").catch(() => "");
  return text === "" ? undefined : (JSON.parse(text) as RunningExchange);
}
