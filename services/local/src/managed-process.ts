// One process of the exchange, as its supervisor sees it:
//   stopped -> starting -> ready -> stopping -> stopped; ended, when it went without being asked.
import { type ChildProcess, spawn } from "node:child_process";
import { closeSync, existsSync, openSync, renameSync } from "node:fs";
import { open } from "node:fs/promises";

import { identityOf, type ProcessIdentity } from "./process-identity.js";
import type { ProcessPlan } from "./process-plan.js";
import { StartError } from "./start-error.js";
import { within } from "./within.js";

const readyMsMax = 60_000;
const stopMsMax = 15_000;
const pollMs = 25;

/** Starts, watches and ends one process. Its output goes to its log file. */
export class ManagedProcess {
  #child: ChildProcess | undefined;
  #ended: Promise<string> = Promise.resolve("never started");
  #isAsked = false;
  #startedAt = 0;
  readonly #onUnasked: (process: ManagedProcess, how: string) => void;

  constructor(
    readonly plan: ProcessPlan,
    onUnasked: (process: ManagedProcess, how: string) => void,
  ) {
    this.#onUnasked = onUnasked;
  }

  get name(): string {
    return this.plan.name;
  }

  /** The running process, or undefined. */
  get identity(): ProcessIdentity | undefined {
    return this.isRunning && this.#child?.pid !== undefined ? identityOf(this.#child.pid) : undefined;
  }

  get isRunning(): boolean {
    return this.#child !== undefined && this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** Exit code of the last run; undefined while it runs or when a signal ended it. */
  get exitCode(): number | undefined {
    return this.#child?.exitCode ?? undefined;
  }

  /** Spawns it; the log of the run before is kept beside the new one. */
  start(): void {
    const { args, env, logFile } = this.plan;
    if (existsSync(logFile)) renameSync(logFile, `${logFile}.1`);
    const log = openSync(logFile, "a", 0o600);
    this.#isAsked = false;
    this.#startedAt = performance.now();
    // stdin is a pipe that nobody writes to: its end tells the process that the supervisor is gone.
    // A session of its own keeps Ctrl-C from reaching it before the orderly stop.
    const child = spawn(process.execPath, args, {
      stdio: ["pipe", log, log],
      env: { ...process.env, ...env },
      detached: true,
    });
    closeSync(log);
    child.stdin?.on("error", () => undefined);
    this.#child = child;
    this.#ended = new Promise((resolve) => {
      child.once("error", (error) => resolve(error.message));
      child.once("exit", (code, signal) => resolve(signal === null ? `exit code ${code}` : signal));
    });
    void this.#ended.then((how) => this.#isAsked || this.#onUnasked(this, how));
  }

  /** Settles when it says that it is ready, with the milliseconds since its start. Fails when it ends or takes a minute. */
  async untilReady(): Promise<number> {
    let why = silence;
    // Asked again long after its start, it has a minute again.
    const askedAt = performance.now();
    while (performance.now() - askedAt < readyMsMax) {
      if (!this.isRunning)
        throw new StartError(
          `${this.name} ended while starting (${await this.#ended})${await this.lastWords()}`,
        );
      const answer = await askReady(this.plan.ports.admin);
      if (answer === "ready") return performance.now() - this.#startedAt;
      why = answer;
      // The question is cheap and there is nobody to be told by: readiness is an HTTP answer.
      await within(this.#ended, pollMs, undefined);
    }
    throw new StartError(
      `${this.name} was not ready within ${readyMsMax / 1000} s: ${why}${await this.lastWords()}`,
    );
  }

  /** Asks it to drain and end; ends it by force when that takes too long. */
  async stop(): Promise<void> {
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      if (!this.isRunning) return;
      this.#isAsked = true;
      this.#child?.kill(signal);
      if ((await within(this.#ended, stopMsMax, undefined)) !== undefined) return;
    }
  }

  /** Ends it with this signal, as a fault would; settles when it is gone. */
  async kill(signal: NodeJS.Signals): Promise<void> {
    this.#isAsked = true;
    this.#child?.kill(signal);
    await this.#ended;
  }

  /** Settles when it answers at all, has ended, or `msMax` have passed. */
  async untilListening(msMax: number): Promise<void> {
    const until = performance.now() + msMax;
    while (this.isRunning && performance.now() < until) {
      if ((await askReady(this.plan.ports.admin)) !== silence) return;
      await within(this.#ended, pollMs, undefined);
    }
  }

  /** Its last log lines, on lines of their own, and where the rest is. */
  async lastWords(): Promise<string> {
    const lines = await this.lastLines(8);
    return `:\n${lines.map((line) => `  ${line}`).join("\n")}\n  log: ${this.plan.logFile}`;
  }

  /** Its last log lines as a person reads them. */
  async lastLines(count: number): Promise<string[]> {
    const lines = (await tailOf(this.plan.logFile)).trimEnd().split("\n");
    return lines.slice(-count).map(readable);
  }
}

const silence = "did not answer";

// "ready", or why not.
async function askReady(port: number): Promise<string> {
  try {
    const response = await fetch(`http://127.0.0.1:${port}/health/ready`, {
      signal: AbortSignal.timeout(2_000),
    });
    return response.status === 200 ? "ready" : (await response.text()).trim();
  } catch {
    return silence;
  }
}

async function tailOf(file: string): Promise<string> {
  const handle = await open(file).catch(() => undefined);
  if (handle === undefined) return "";
  try {
    const { size } = await handle.stat();
    const bytes = Math.min(size, 8_192);
    const { buffer } = await handle.read({ buffer: Buffer.alloc(bytes), position: size - bytes });
    return buffer.toString("utf8");
  } finally {
    await handle.close();
  }
}

// A JSON log line as a person reads it: the message, and the error if there is one.
function readable(line: string): string {
  try {
    const { msg, err } = JSON.parse(line) as { msg?: string; err?: { message?: string } };
    return [msg, err?.message].filter((part) => part !== undefined && part !== "").join(": ") || line;
  } catch {
    return line;
  }
}
