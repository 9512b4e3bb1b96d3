// The two processes as they run: started, ready, useful, drained.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { AccountService, WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { afterEach, expect, test, vi } from "vitest";
import { firstRecord, uuidOf } from "./testing/history.js";
import { ShardServer } from "./testing/shard-server.js";
import { openWalletDatabase } from "./testing/wallet-database.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A process of the wallet with its settings; `started` is the log line that names its ports. */
async function start(file: string, env: Record<string, string>) {
  const main = fileURLToPath(new URL(file, import.meta.url));
  const child: ChildProcess = spawn(process.execPath, ["--conditions=source", "--import=tsx", main], {
    env: { PATH: process.env.PATH ?? "", ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  closers.push(() => child.kill("SIGKILL"));
  let errors = "";
  child.stderr?.on("data", (data) => {
    errors += String(data);
  });
  const exited = once(child, "exit").then(([code]) => ({ code: code as number | null, errors }));
  return { child, exited, lines: createInterface({ input: child.stdout as NodeJS.ReadableStream }) };
}

async function startedLine(lines: AsyncIterable<string>, message: string): Promise<Record<string, number>> {
  for await (const line of lines) {
    const entry = JSON.parse(line) as Record<string, unknown>;
    if (entry.msg === message) return entry as Record<string, number>;
  }
  throw new Error(`the process ended before "${message}"`);
}

async function settingsFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-wallet-"));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "bourse.yaml");
  await writeFile(path, text);
  return path;
}

const ready = (port: number | undefined) =>
  vi.waitFor(
    async () => {
      const response = await fetch(`http://127.0.0.1:${port}/health/ready`);
      expect([response.status, await response.text()]).toEqual([200, expect.anything()]);
    },
    { timeout: 15_000, interval: 50 },
  );

test("wallet and settler start, settle what a shard says, and end with 0 on SIGTERM", async () => {
  const database = await openWalletDatabase();
  closers.push(() => database.drop());
  const shard = new ShardServer();
  await shard.serve();
  closers.push(() => shard.close());
  shard.append(firstRecord());

  const wallet = await start("main.ts", {
    BOURSE__WALLET__POSTGRES_URL: database.url,
    BOURSE__WALLET__GRPC_PORT: "0",
    BOURSE__WALLET__ADMIN_PORT: "0",
  });
  const ports = await startedLine(wallet.lines, "wallet started");
  await ready(ports.adminPort);
  const BOURSE_CONFIG = await settingsFile(
    `shards: [{ shard: 0, address: "${shard.address}" }]\nsettler: { adminPort: 0, walletAddress: "127.0.0.1:${ports.grpcPort}" }\n`,
  );
  const settler = await start("settler-main.ts", { BOURSE_CONFIG });
  const settlerPorts = await startedLine(settler.lines, "settler started");
  await ready(settlerPorts.adminPort);

  const channel = openChannel(`127.0.0.1:${ports.grpcPort}`);
  closers.push(() => channel.close());
  const userId = uuidOf("alice");
  await createClient(AccountService, channel).deposit({ userId, asset: "BTC", amount: "1", requestId: "d" });
  await vi.waitFor(
    async () => {
      const { cursor } = await createClient(WalletService, channel).getCursor({ shard: 0 });
      expect(cursor?.seq).toBe(1n);
    },
    { timeout: 10_000 },
  );
  const metrics = await (await fetch(`http://127.0.0.1:${settlerPorts.adminPort}/metrics`)).text();
  expect(metrics).toMatch(/bourse_settler_lag_records\{.*shard="0".*\} 0/);
  expect(metrics).toMatch(/bourse_settlement_stopped\{.*shard="0".*\} 0/);

  for (const { child, exited } of [settler, wallet]) {
    child.kill("SIGTERM");
    expect(await exited).toEqual({ code: 0, errors: "" });
  }
  expect(await database.breaches()).toEqual({});
});

test("broken settings are reported together, each by its key, and end with 78", async () => {
  const BOURSE_CONFIG = await settingsFile("wallet: { grpcPort: 70000, surprise: 1 }\n");
  const { exited, lines } = await start("main.ts", { BOURSE_CONFIG });
  lines.on("line", () => {});
  const { code, errors } = await exited;
  expect(code).toBe(78);
  for (const key of ["wallet.grpcPort", "wallet.surprise", "wallet.postgresUrl"])
    expect(errors).toContain(key);
});
