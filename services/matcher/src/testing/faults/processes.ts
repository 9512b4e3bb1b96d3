// Matchers as real processes on folders of their own, none of which outlives its fault.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { connect, type MatcherEnv, type MatcherProcess, spawnMatcher } from "../matcher-process.js";
import type { Ledger } from "./load.js";
import { check } from "./report.js";

export type Connected = Awaited<ReturnType<typeof connect>> & { readonly matcher: MatcherProcess };

export interface Matchers {
  readonly folder: string;
  /** Starts one and waits until it serves. */
  start(env?: MatcherEnv): Promise<Connected>;
  /** Starts one and waits for nothing. */
  spawn(env?: MatcherEnv): MatcherProcess;
}

/** Runs a fault with matchers on a folder on the disk, or on one that is given. */
export async function withMatchers<T>(
  run: (matchers: Matchers) => Promise<T>,
  given?: { folder: string },
): Promise<T> {
  const folder = given?.folder ?? (await mkdtemp(join(tmpdir(), "bourse-faults-")));
  const started: MatcherProcess[] = [];
  const channels: { close(): void }[] = [];
  const spawn = (env?: MatcherEnv) => {
    const matcher = spawnMatcher(folder, env);
    started.push(matcher);
    return matcher;
  };
  try {
    return await run({
      folder,
      spawn,
      async start(env) {
        const matcher = spawn(env);
        const connected = await connect(matcher);
        channels.push(connected.channel);
        return { ...connected, matcher };
      },
    });
  } finally {
    for (const channel of channels) channel.close();
    for (const { child } of started) {
      // A process that was stopped takes no signal but this one and the next.
      child.kill("SIGCONT");
      child.kill("SIGKILL");
    }
    await Promise.all(started.map(({ exit }) => exit));
    if (given === undefined) await rm(folder, { recursive: true, force: true });
  }
}

/** Kills a matcher without a word and waits until it is gone. */
export async function kill({ matcher, channel }: Connected): Promise<void> {
  matcher.child.kill("SIGKILL");
  await matcher.exit;
  channel.close();
}

export function isRunning({ matcher }: Connected): boolean {
  return matcher.child.exitCode === null && matcher.child.signalCode === null;
}

/** Waits until a ledger has so many acknowledgements; rejects when the matcher ends before. */
export async function acknowledged(connected: Connected, ledger: Ledger, count: number): Promise<void> {
  const endMs = Date.now() + 60_000;
  while (ledger.acknowledged < count) {
    check(isRunning(connected), `the matcher ended by itself: ${connected.matcher.errors()}`);
    check(Date.now() < endMs, `${ledger.acknowledged} of ${count} acknowledged within a minute`);
    await sleep(1);
  }
}

export const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));

/** Waits until something holds; rejects after a while. */
export async function until(what: string, holds: () => Promise<boolean>, withinMs = 20_000): Promise<void> {
  const endMs = Date.now() + withinMs;
  while (!(await holds())) {
    if (Date.now() > endMs) throw new Error(`${what}: not within ${withinMs} ms`);
    await sleep(50);
  }
}
