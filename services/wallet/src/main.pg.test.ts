// The two processes as they run: started, ready, useful, drained.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AccountService, WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { afterEach, expect, test, vi } from "vitest";
import { firstRecord } from "./testing/history.js";
import { uuidOf } from "./testing/names.js";
import { ShardServer } from "./testing/shard-server.js";
import { openWalletDatabase } from "./testing/wallet-database.js";
import { startProcess, untilReady, type WalletProcess } from "./testing/wallet-process.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

/** A process of the wallet with its settings, ended after the test at the latest. */
function start(file: string, env: Record<string, string>): WalletProcess {
  const running = startProcess(file, env);
  closers.push(() => running.child.kill("SIGKILL"));
  return running;
}

async function settingsFile(text: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-wallet-"));
  closers.push(() => rm(folder, { recursive: true, force: true }));
  const path = join(folder, "bourse.yaml");
  await writeFile(path, text);
  return path;
}

test("wallet and settler start, settle what a shard says, and end with 0 on SIGTERM", async () => {
  const database = await openWalletDatabase();
  closers.push(() => database.drop());
  const shard = new ShardServer();
  await shard.serve();
  closers.push(() => shard.close());
  shard.append(firstRecord());

  const wallet = start("main.ts", {
    BOURSE__WALLET__POSTGRES_URL: database.url,
    BOURSE__WALLET__GRPC_PORT: "0",
    BOURSE__WALLET__HTTP_PORT: "0",
    BOURSE__WALLET__ADMIN_PORT: "0",
  });
  const ports = await wallet.said("wallet started");
  await untilReady(ports.adminPort);
  const BOURSE_CONFIG = await settingsFile(
    `shards: [{ shard: 0, address: "${shard.address}" }]\nsettler: { adminPort: 0, walletAddress: "127.0.0.1:${ports.grpcPort}" }\n`,
  );
  const settler = start("settler-main.ts", { BOURSE_CONFIG });
  const settlerPorts = await settler.said("settler started");
  await untilReady(settlerPorts.adminPort);

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

  const held = { userId, orderId: uuidOf("held"), asset: "BTC", amount: "0.5" };
  const post = (name: string, body: object) =>
    fetch(`http://127.0.0.1:${ports.httpPort}/api/v1/wallets/${name}`, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify(body),
    });
  expect((await post("reserve", held)).status).toBe(200);
  const released = await post("release", { userId, orderId: held.orderId });
  expect([released.status, await released.json()]).toMatchObject([200, { released: "0.5" }]);

  for (const { child, exited } of [settler, wallet]) {
    child.kill("SIGTERM");
    expect(await exited).toEqual({ code: 0, errors: "" });
  }
  expect(await database.breaches()).toEqual({});
});

test("broken settings are reported together, each by its key, and end with 78", async () => {
  const BOURSE_CONFIG = await settingsFile("wallet: { grpcPort: 70000, surprise: 1 }\n");
  const { code, errors } = await start("main.ts", { BOURSE_CONFIG }).exited;
  expect(code).toBe(78);
  for (const key of ["wallet.grpcPort", "wallet.surprise", "wallet.postgresUrl"])
    expect(errors).toContain(key);
});
