// kubectl as a function: what it prints, or a StartError with what it complained about.
import { StartError } from "@bourse/local/start-error.js";
import { CommandError, run } from "../kube/command.js";

/** Longest that one command may take: an address where nobody answers must not hang the caller. */
const timeoutMs = 60_000;

/** Runs kubectl from the path with `input` as its standard input and returns its standard output. */
export async function kubectl(args: readonly string[], input = ""): Promise<string> {
  try {
    return await run("kubectl", args, { timeoutMs, input });
  } catch (error) {
    if (!(error instanceof CommandError)) throw error;
    // What is wrong with every one of many objects is said once.
    const lines = new Set(error.message.split("\n"));
    throw new StartError([...lines].join("\n"), { cause: error });
  }
}
