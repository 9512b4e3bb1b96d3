// The pinned tools as child processes, and many things at once without drowning the machine.
import { spawn } from "node:child_process";
import { availableParallelism } from "node:os";

/** How a tool ended and what it said. */
export interface Ran {
  readonly code: number;
  readonly stdout: string;
  /** Standard output and error, as they came. */
  readonly output: string;
}

interface RunOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
}

/** A tool that says nothing for so long hangs. */
const RUN_MS_MAX = 180_000;

/** Runs a program to its end; one that cannot start or takes too long has code -1. */
export function run(program: string, args: readonly string[], options: RunOptions = {}): Promise<Ran> {
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: options.env ?? process.env,
    stdio: ["ignore", "pipe", "pipe"],
  });
  // Not spawn's own timeout: of a program that is not there it leaves a timer behind, which keeps this process.
  const timer = setTimeout(() => child.kill("SIGKILL"), RUN_MS_MAX);
  let stdout = "";
  let output = "";
  child.stdout.on("data", (chunk: Buffer) => {
    stdout += chunk.toString();
    output += chunk.toString();
  });
  child.stderr.on("data", (chunk: Buffer) => {
    output += chunk.toString();
  });
  return new Promise((resolve) => {
    const end = (ran: Ran) => {
      clearTimeout(timer);
      resolve(ran);
    };
    child.once("error", (error) => end({ code: -1, stdout, output: error.message }));
    child.once("close", (code) => end({ code: code ?? -1, stdout, output }));
  });
}

/** As `run`, but anything but success is thrown, with all that the program said. */
export async function runOk(
  program: string,
  args: readonly string[],
  options: RunOptions = {},
): Promise<Ran> {
  const ran = await run(program, args, options);
  if (ran.code !== 0) throw new Error(`${program} ${args.join(" ")} (exit ${ran.code})\n${ran.output}`);
  return ran;
}

/** Calls `work` for every item, as many at once as there are cores; the results are in order. */
export async function eachAtOnce<Item, Result>(
  items: readonly Item[],
  work: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  let next = 0;
  const worker = async () => {
    while (next < items.length) {
      const index = next;
      next += 1;
      results[index] = await work(items[index] as Item);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}
