// A process that measures, asked line by line, so that others can run in turn with it.
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

export interface Player {
  readonly name: string;
  /** One run; rejects when the process ends before it answers. */
  ask<T>(line: string): Promise<T>;
  close(): Promise<void>;
  /** Ends it as a power cut would. */
  kill(): Promise<void>;
}

/** Starts a program whose standard output is lines of JSON, the first when it is ready. */
export async function startPlayer(name: string, program: string, args: readonly string[]): Promise<Player> {
  const child = spawn(program, args, { stdio: ["pipe", "pipe", "pipe"] });
  let complaint = "";
  child.stderr.on("data", (chunk: Buffer) => {
    complaint = (complaint + chunk.toString()).slice(-2_000);
  });
  const ended = new Promise<never>((_, reject) => {
    child.on("error", reject);
    child.on("exit", (code, signal) =>
      reject(new Error(`${name} ended (${code ?? signal}): ${complaint.trim()}`)),
    );
  });
  // Nobody may be waiting for an answer when it ends.
  ended.catch(() => {});
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const answer = async () => {
    const { value, done } = await Promise.race([lines.next(), ended]);
    return done === true ? await ended : JSON.parse(value);
  };
  await answer();
  return {
    name,
    ask(line) {
      child.stdin.write(`${line}\n`);
      return answer();
    },
    async close() {
      child.stdin.end();
      await ended.catch(() => {});
    },
    async kill() {
      child.kill("SIGKILL");
      await ended.catch(() => {});
    },
  };
}

/** Starts a module of this repository with the settings that this process runs with (`tsx` or compiled). */
export function startModule(
  name: string,
  specifier: string,
  args: readonly string[],
  nodeArgs: readonly string[] = [],
): Promise<Player> {
  const file = fileURLToPath(specifier.startsWith("file:") ? specifier : import.meta.resolve(specifier));
  return startPlayer(name, process.execPath, [...process.execArgv, ...nodeArgs, file, ...args]);
}
