// The exchange that a tool works on: one that runs on a home, one at an address, or a throw-away one.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { makeToken, type TokenClaims } from "@bourse/local/keys.js";
import { startMesh } from "@bourse/local/mesh.js";
import { type RunningExchange, readRunning } from "@bourse/local/running.js";

/** An exchange and the right to sign tokens for it. */
export interface Target {
  /** gRPC address of the edge. */
  readonly address: string;
  /** Folder with its state and keys. */
  readonly home: string;
  /** What it consists of; undefined when only an address is known. */
  readonly running: RunningExchange | undefined;
  token(claims: TokenClaims): Promise<string>;
  /** Ends and removes a throw-away exchange; nothing for any other. */
  close(): Promise<void>;
}

export interface TargetOptions {
  /** Home of a running exchange, or host:port of its edge; undefined starts a throw-away one. */
  readonly against?: string | undefined;
  /** Home whose keys sign the tokens when `against` is an address. */
  readonly home: string;
  readonly onProgress?: ((text: string) => void) | undefined;
}

/** Finds or starts the exchange. */
export async function openTarget(options: TargetOptions): Promise<Target> {
  const { against } = options;
  if (against === undefined) return startThrowAway(options.onProgress);
  if (/^[^/]+:\d+$/.test(against)) {
    return {
      ...tokensOf(options.home),
      address: against,
      running: undefined,
      close: () => Promise.resolve(),
    };
  }
  const running = await readRunning(against);
  return { ...tokensOf(against), address: running.grpcAddress, running, close: () => Promise.resolve() };
}

function tokensOf(home: string) {
  return { home, token: (claims: TokenClaims) => makeToken(home, claims) };
}

async function startThrowAway(onProgress?: (text: string) => void): Promise<Target> {
  const home = await mkdtemp(join(tmpdir(), "bourse-throw-away-"));
  try {
    const mesh = await startMesh({
      home,
      ports: "free",
      onProgress: (part, readyAfterMs) => {
        if (readyAfterMs !== undefined) onProgress?.(`${part} is ready after ${Math.round(readyAfterMs)} ms`);
      },
    });
    return {
      ...tokensOf(home),
      address: mesh.running.grpcAddress,
      running: mesh.running,
      async close() {
        await mesh.stop();
        await rm(home, { recursive: true, force: true });
      },
    };
  } catch (error) {
    await rm(home, { recursive: true, force: true });
    throw error;
  }
}
