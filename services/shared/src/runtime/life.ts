// Start, readiness, drain and end of a process.
import type { Logger } from "./log.js";

/** One condition of readiness, for example "postgres" or "shard 0". */
export interface Readiness {
  set(isReady: boolean, why?: string): void;
}

/**
 * The life of a process: starting → ready ⇄ not ready → draining → closed. What is owned is closed in
 * reverse order. A loop that fails, or a second signal, ends the process at once with exit code 1.
 */
export interface Life {
  /** Closes `name` when the process ends, after everything owned later. */
  own(name: string, close: () => unknown): void;
  /** Runs a background loop until its signal aborts; its failure ends the process. */
  loop(name: string, run: (signal: AbortSignal) => Promise<void>): void;
  /** Adds a condition; not ready until it is set. */
  readiness(name: string): Readiness;
  isReady(): boolean;
  /** Which conditions do not hold, with the reason. */
  notReady(): string[];
  /** Aborts when the drain begins. */
  readonly signal: AbortSignal;
  /** Runs first when the drain begins, before anything closes. */
  onDrain(run: () => unknown): void;
  /** Ends the process at once: recovery from the log is safer than running on. */
  fail(error: unknown): never;
  /** Returns when a signal came and everything is closed. */
  runUntilSignal(): Promise<void>;
}

/** How long a process may live on after everything is closed. */
const LINGER_MS_MAX = 200;

/** Makes the life of this process. `drainMsMax` bounds how long closing may take. */
export function createLife(options: { log: Logger; drainMsMax: number }): Life {
  const { log, drainMsMax } = options;
  const owned: { name: string; close: () => unknown }[] = [];
  const drains: (() => unknown)[] = [];
  const conditions = new Map<string, string | undefined>();
  const drain = new AbortController();
  const fail = (error: unknown): never => {
    log.fatal({ err: error }, "process failed");
    process.exit(1);
  };
  process.on("uncaughtException", fail);
  process.on("unhandledRejection", fail);
  return {
    own: (name, close) => void owned.push({ name, close }),
    loop(name, run) {
      const running = run(drain.signal).catch(fail);
      owned.push({ name, close: () => running });
    },
    readiness(name) {
      conditions.set(name, "starting");
      return { set: (isReady, why = "not ready") => void conditions.set(name, isReady ? undefined : why) };
    },
    isReady: () => !drain.signal.aborted && [...conditions.values()].every((why) => why === undefined),
    notReady: () => [
      ...(drain.signal.aborted ? ["draining"] : []),
      ...[...conditions].flatMap(([name, why]) => (why === undefined ? [] : [`${name}: ${why}`])),
    ],
    signal: drain.signal,
    onDrain: (run) => void drains.push(run),
    fail,
    async runUntilSignal() {
      const cause = await stopRequest();
      log.info({ cause }, "draining");
      const bound = setTimeout(() => fail(new Error(`drain took more than ${drainMsMax} ms`)), drainMsMax);
      drain.abort();
      for (const run of drains) await run();
      for (const { close } of owned.reverse()) await close();
      clearTimeout(bound);
      log.info("stopped");
      // An open standard input would keep the process alive.
      process.stdin.destroy();
      // So would a library that has not let go of a timer or a connection: everything of ours is closed.
      setTimeout(() => process.exit(), LINGER_MS_MAX).unref();
    },
  };
}

/** Resolves on the first signal, or when the parent that asked for it (BOURSE_EXIT_WITH_PARENT) is gone. */
function stopRequest(): Promise<string> {
  return new Promise((resolve) => {
    for (const name of ["SIGTERM", "SIGINT"] as const) process.once(name, () => resolve(name));
    if (process.env.BOURSE_EXIT_WITH_PARENT === "1") {
      process.stdin.once("close", () => resolve("parent gone"));
      process.stdin.resume();
    }
  });
}
