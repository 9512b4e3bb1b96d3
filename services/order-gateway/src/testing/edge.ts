// The real edge process in front of a wallet and a shard in memory.
import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { implement } from "@bourse/shared/rpc/call.js";
import { type CryptoKey, exportJWK, generateKeyPair, SignJWT } from "jose";
import { type MemoryShard, startMemoryShard } from "./memory-shard.js";
import { type MemoryWallet, serve, startMemoryWallet } from "./memory-wallet.js";

export interface Edge {
  readonly grpcAddress: string;
  readonly httpUrl: string;
  readonly adminUrl: string;
  readonly wallet: MemoryWallet;
  readonly shard: MemoryShard;
  readonly process: ChildProcess;
  readonly keys: EdgeKeys;
  /** Log lines so far. */
  readonly logLines: readonly string[];
  close(): Promise<void>;
}

export interface EdgeKeys {
  readonly privateKey: CryptoKey;
  readonly jwksFile: string;
  /** A good token; claims and header parameters may be replaced. */
  token(claims?: Record<string, unknown>, header?: Record<string, unknown>): Promise<string>;
}

const KEY_ID = "test-key";

/**
 * Starts the process and returns when it is ready. `env` goes over the settings of the test; other shards, which
 * stay the caller's, are numbered from 1 on.
 */
export async function startEdge(
  env: Readonly<Record<string, string>> = {},
  others: readonly MemoryShard[] = [],
): Promise<Edge> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-edge-"));
  const keys = await makeKeys(folder);
  const [wallet, shard, marketData] = await Promise.all([
    startMemoryWallet(),
    startMemoryShard(),
    startMarketData(),
  ]);
  const child = spawn(process.execPath, nodeArgs(), {
    stdio: ["ignore", "pipe", "inherit"],
    env: {
      ...process.env,
      BOURSE__SHARDS: JSON.stringify(
        [shard, ...others].map((each, number) => ({ shard: number, address: `127.0.0.1:${each.port}` })),
      ),
      BOURSE__ORDER_GATEWAY__GRPC_PORT: "0",
      BOURSE__ORDER_GATEWAY__HTTP_PORT: "0",
      BOURSE__ORDER_GATEWAY__ADMIN_PORT: "0",
      BOURSE__ORDER_GATEWAY__WALLET_ADDRESS: `127.0.0.1:${wallet.port}`,
      BOURSE__ORDER_GATEWAY__MARKET_DATA_ADDRESS: `127.0.0.1:${marketData.port}`,
      BOURSE__ORDER_GATEWAY__POSTGRES_URL: "postgres://nobody@127.0.0.1:1/none",
      BOURSE__ORDER_GATEWAY__JWKS_FILE: keys.jwksFile,
      ...env,
    },
  });
  const logLines: string[] = [];
  const ports = await servingPorts(child, logLines);
  const adminUrl = `http://127.0.0.1:${ports.adminPort}`;
  await untilReady(adminUrl);
  return {
    grpcAddress: `127.0.0.1:${ports.grpcPort}`,
    httpUrl: `http://127.0.0.1:${ports.httpPort}`,
    adminUrl,
    wallet,
    shard,
    process: child,
    keys,
    logLines,
    async close() {
      if (child.exitCode === null) {
        child.kill("SIGKILL");
        await once(child, "exit");
      }
      await Promise.all([wallet.close(), shard.close(), marketData.close(200)]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function nodeArgs(): string[] {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return ["--conditions=source", "--import", tsx, fileURLToPath(new URL("../main.ts", import.meta.url))];
}

async function servingPorts(child: ChildProcess, logLines: string[]): Promise<Record<string, number>> {
  if (child.stdout === null) throw new Error("the process has no output");
  const lines = createInterface({ input: child.stdout });
  return new Promise((resolve, reject) => {
    child.once("exit", (code) => reject(new Error(`the edge ended with ${code}: ${logLines.join("\n")}`)));
    lines.on("line", (line) => {
      logLines.push(line);
      const facts = JSON.parse(line) as Record<string, unknown>;
      if (facts.msg === "serving") resolve(facts as Record<string, number>);
    });
  });
}

async function untilReady(adminUrl: string): Promise<void> {
  for (;;) {
    const { status } = await fetch(`${adminUrl}/health/ready`);
    if (status === 200) return;
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

function startMarketData() {
  return serve(
    [
      implement(MarketDataService, {
        listMarkets: async () => ({ markets: [{ symbol: "BTC/USDT" }] }),
        getOrderBook: async ({ symbol, levels }) => ({
          symbol,
          bids: [{ price: "1", quantity: `${levels}` }],
        }),
        async *streamTrades({ symbol }) {
          for (const price of ["1", "2"]) yield { trade: { symbol, price } };
        },
        async *streamMarketStatus({ symbol }) {
          for (const reason of ["", "news"]) yield { symbol, reason };
        },
      }),
    ],
    0,
  );
}

async function makeKeys(folder: string): Promise<EdgeKeys> {
  const { privateKey, publicKey } = await generateKeyPair("RS256", { extractable: true });
  const jwk = await exportJWK(publicKey);
  const jwksFile = join(folder, "jwks.json");
  await writeFile(jwksFile, JSON.stringify({ keys: [{ ...jwk, kid: KEY_ID, alg: "RS256", use: "sig" }] }));
  return {
    privateKey,
    jwksFile,
    token(claims = {}, header = {}) {
      const nowSeconds = Math.floor(Date.now() / 1000);
      const body = {
        iss: "bourse",
        aud: "bourse",
        sub: randomUUID(),
        iat: nowSeconds,
        exp: nowSeconds + 600,
        roles: ["trader"],
        tier: "unlimited",
        ...claims,
      };
      const given = Object.fromEntries(Object.entries(body).filter(([, value]) => value !== undefined));
      return new SignJWT(given)
        .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: KEY_ID, ...header })
        .sign(privateKey);
    },
  };
}
