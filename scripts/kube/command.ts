// Other programs as functions: bounded in time, with what they said when they fail.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";

export interface CommandOptions {
  /** Ends the program when it takes longer. */
  readonly timeoutMs: number;
  /** Its standard input; none by default. */
  readonly input?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** Ends the program early; it then counts as failed. */
  readonly signal?: AbortSignal;
}

/** How a program ended. */
export interface CommandResult {
  /** Exit code; -1 when a signal or the time limit ended it. */
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A program that failed, with its last lines. */
export class CommandError extends Error {
  override name = "CommandError";
  constructor(
    readonly command: string,
    readonly result: CommandResult,
    why: string,
  ) {
    super(`${command}: ${why}\n${lastLines(result.stderr || result.stdout, 15)}`.trimEnd());
  }
}

const killAfterMs = 5_000;
/** What a program said on standard error; more is of no use. */
const complaintMax = 100_000;

/** Runs a program to its end, whatever its exit code. Throws when it cannot be started or takes too long. */
export async function runCommand(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<CommandResult> {
  let stdout = "";
  const result = await follow(program, args, options, (child) => {
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      stdout += text;
    });
  });
  return { ...result, stdout };
}

/** Runs a program and returns what it printed. Throws a CommandError unless it exits with 0. */
export async function run(
  program: string,
  args: readonly string[],
  options: CommandOptions,
): Promise<string> {
  const result = await runCommand(program, args, options);
  if (result.code !== 0) throw new CommandError(nameOf(program, args), result, `exit ${result.code}`);
  return result.stdout;
}

/** Runs a program and hands over its lines one by one; however many they are, only one is kept. */
export async function runLines(
  program: string,
  args: readonly string[],
  options: CommandOptions,
  onLine: (line: string) => void,
): Promise<void> {
  const reading: Promise<void>[] = [];
  const result = await follow(program, args, options, (child) => {
    reading.push(readLines(child, onLine));
  });
  await Promise.all(reading);
  if (result.code !== 0) throw new CommandError(nameOf(program, args), result, `exit ${result.code}`);
}

async function readLines(child: ChildProcess, onLine: (line: string) => void): Promise<void> {
  if (child.stdout === null) return;
  try {
    for await (const line of createInterface({ input: child.stdout })) if (line !== "") onLine(line);
  } catch (error) {
    child.kill();
    throw error;
  }
}

async function follow(
  program: string,
  args: readonly string[],
  options: CommandOptions,
  onStart: (child: ChildProcess) => void,
): Promise<CommandResult> {
  const child = spawn(program, args, {
    stdio: ["pipe", "pipe", "pipe"],
    env: { ...process.env, ...options.env },
    ...(options.signal === undefined ? {} : { signal: options.signal }),
  });
  let stderr = "";
  let isLate = false;
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    stderr = (stderr + text).slice(-complaintMax);
  });
  // It ended before it read everything: the exit code says why.
  child.stdin.on("error", () => undefined);
  child.stdin.end(options.input ?? "");
  onStart(child);
  const late = setTimeout(() => {
    isLate = true;
    child.kill();
    setTimeout(() => child.kill("SIGKILL"), killAfterMs).unref();
  }, options.timeoutMs);
  try {
    const [code] = (await once(child, "close")) as [number | null];
    const result = { code: code ?? -1, stdout: "", stderr };
    if (isLate)
      throw new CommandError(nameOf(program, args), result, `not done after ${options.timeoutMs / 1_000} s`);
    return result;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw new Error(`${program} is not on the PATH`, { cause: error });
    throw error;
  } finally {
    clearTimeout(late);
  }
}

/** A command in a message: secrets never are arguments here, long texts are. */
function nameOf(program: string, args: readonly string[]): string {
  const text = [program, ...args].join(" ");
  return text.length > 200 ? `${text.slice(0, 200)} ...` : text;
}

/** The last lines of a text that say something. */
export function lastLines(text: string, count: number): string {
  return text
    .split("\n")
    .filter((line) => line.trim() !== "")
    .slice(-count)
    .join("\n");
}
