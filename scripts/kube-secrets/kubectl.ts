// kubectl as a function: what it prints, or a StartError with what it complained about.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { StartError } from "@bourse/local/start-error.js";

/** Longest that one command may take: an address where nobody answers must not hang the caller. */
const TIMEOUT_MS = 60_000;

/** Runs kubectl from the path with `input` as its standard input and returns its standard output. */
export async function kubectl(args: readonly string[], input = ""): Promise<string> {
  const child = spawn("kubectl", args, { stdio: ["pipe", "pipe", "pipe"], timeout: TIMEOUT_MS });
  const printed = collect(child.stdout);
  const complained = collect(child.stderr);
  child.stdin.on("error", () => undefined); // It ended before it read: the exit code says why.
  child.stdin.end(input);
  const [code, signal] = await ended(child);
  if (code !== 0)
    throw new StartError(`kubectl ${args.join(" ")}: exit ${code ?? signal}\n${complained().trim()}`);
  return printed();
}

async function ended(child: ReturnType<typeof spawn>): Promise<[number | null, string | null]> {
  try {
    return (await once(child, "close")) as [number | null, string | null];
  } catch (error) {
    throw new StartError(`kubectl cannot be started: ${(error as Error).message}`, { cause: error });
  }
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8").on("data", (chunk: string) => {
    text += chunk;
  });
  return () => text;
}
