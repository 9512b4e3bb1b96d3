// The matcher as a real process, for tests that kill it.
import { type ChildProcess, execFile, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { type Channel, createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";

/** Sources run as they are; built code needs no loader. */
const IS_BUILT = import.meta.url.endsWith(".js");
const MAIN = fileURLToPath(new URL(IS_BUILT ? "../main.js" : "../main.ts", import.meta.url));

export interface MatcherProcess {
  readonly child: ChildProcess;
  /** Standard error so far. */
  errors(): string;
  /** Resolves with the exit code; null when a signal ended it. */
  readonly exit: Promise<number | null>;
}

/** Settings by environment; undefined takes one away. */
export type MatcherEnv = Readonly<Record<string, string | undefined>>;

const ARGS = IS_BUILT ? [MAIN] : ["--import", "tsx", "--conditions=source", MAIN];

function environmentOf(folder: string, env: MatcherEnv): MatcherEnv {
  return {
    PATH: process.env.PATH,
    BOURSE__MATCHER__DATA_DIR: folder,
    BOURSE__MATCHER__GRPC_PORT: "0",
    BOURSE__MATCHER__ADMIN_PORT: "0",
    BOURSE__MATCHER__SEGMENT_BYTES: String(1024 * 1024),
    BOURSE__MATCHER__FOLLOWERS: "[]",
    BOURSE__MARKETS: JSON.stringify([
      {
        symbol: "BTC/USDT",
        baseAsset: "BTC",
        quoteAsset: "USDT",
        shard: 0,
        tickSize: "0.01",
        lotSize: "0.00001",
      },
    ]),
    ...env,
  };
}

/**
 * Runs a matcher that does not start, as a container does: both outputs are one log. Resolves with its exit
 * code and the lines of that log.
 */
export async function refusedMatcher(
  folder: string,
  env: MatcherEnv = {},
  args: readonly string[] = [],
): Promise<{ code: number; lines: string[] }> {
  const command = ["-c", 'exec "$@" 2>&1', "sh", process.execPath, ...ARGS, ...args];
  const options = { env: environmentOf(folder, env), timeout: 30_000 };
  return promisify(execFile)("sh", command, options).then(
    () => {
      throw new Error("the matcher ended in good order");
    },
    ({ code, stdout }: { code: number; stdout: string }) => ({ code, lines: stdout.trimEnd().split("\n") }),
  );
}

/** Starts main.ts on free ports. Values of `env` override. */
export function spawnMatcher(
  folder: string,
  env: MatcherEnv = {},
  args: readonly string[] = [],
): MatcherProcess {
  const child = spawn(process.execPath, [...ARGS, ...args], {
    stdio: ["ignore", "pipe", "pipe"],
    env: environmentOf(folder, env),
  });
  let errors = "";
  child.stderr?.on("data", (bytes) => {
    errors += String(bytes);
  });
  const exit = once(child, "exit").then(([code]) => code as number | null);
  return { child, errors: () => errors, exit };
}

/** Waits until the process serves, and connects. Rejects when it ends before. */
export async function connect(
  matcher: MatcherProcess,
): Promise<{ client: ServiceClient<typeof MatcherService>; channel: Channel; adminPort: number }> {
  const output = matcher.child.stdout;
  if (output === null) throw new Error("the process has no output");
  let last = "";
  for await (const line of createInterface({ input: output })) {
    last = line;
    const fact = JSON.parse(line) as { msg?: string; grpcPort?: number; adminPort?: number };
    if (fact.msg !== "matcher started") continue;
    // The rest of the log goes nowhere, but is read, so that the process never waits for us.
    output.resume();
    const channel = openChannel(`127.0.0.1:${fact.grpcPort}`);
    return { client: createClient(MatcherService, channel), channel, adminPort: fact.adminPort ?? 0 };
  }
  throw new Error(`the matcher ended with ${await matcher.exit}: ${matcher.errors()} ${last}`);
}
