import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import pg from "pg";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureDatabase, ensureRoles, ensureSchemas } from "./postgres-bootstrap.js";
import { type PostgresServer, startPostgres } from "./postgres-server.js";
import { identityOf, isAlive } from "./process-identity.js";

let folder: string;
const started: PostgresServer[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "bourse-postgres-server-"));
});

afterEach(async () => {
  await Promise.all(started.splice(0).map((server) => server.stop()));
  await rm(folder, { recursive: true, force: true });
});

async function start(port = 0): Promise<PostgresServer> {
  const server = await startPostgres({
    dataDir: join(folder, "data"),
    port,
    logFile: join(folder, "postgres.log"),
    password: "p@ss/word",
    isDurable: false,
  });
  started.push(server);
  return server;
}

async function query(url: string, text: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(text)).rows;
  } finally {
    await client.end();
  }
}

test("what was committed is there after stop and start, and the server is PostgreSQL 18", async () => {
  const first = await start();
  await query(first.url("postgres"), "CREATE TABLE kept AS SELECT 42 AS answer");
  await first.stop();
  expect(await first.ended).toBe("exit 0");
  expect(identityOf(first.pid)).toBeUndefined();

  const second = await start();
  expect(await query(second.url("postgres"), "SELECT answer FROM kept")).toEqual([{ answer: 42 }]);
  const [row] = (await query(second.url("postgres"), "SHOW server_version_num")) as {
    server_version_num: string;
  }[];
  expect(row?.server_version_num).toMatch(/^18/);
});

test("a server that still runs on the data of a dead supervisor is stopped and its data taken over", async () => {
  const orphan = await start();
  await query(orphan.url("postgres"), "CREATE TABLE kept AS SELECT 1 AS answer");
  const next = await start();
  expect(await orphan.ended).toBe("exit 0");
  expect(next.pid).not.toBe(orphan.pid);
  expect(await query(next.url("postgres"), "SELECT answer FROM kept")).toEqual([{ answer: 1 }]);
});

test("after kill -9 of the server the next start recovers what was committed", async () => {
  const first = await start();
  await query(first.url("postgres"), "CREATE TABLE kept AS SELECT 7 AS answer");
  await first.kill("SIGKILL");
  const second = await start();
  expect(await query(second.url("postgres"), "SELECT answer FROM kept")).toEqual([{ answer: 7 }]);
});

test("the server ends by itself when its supervisor is killed", async () => {
  const script = fileURLToPath(new URL("./testing/hold-postgres.ts", import.meta.url));
  const supervisor = spawn(process.execPath, ["--import", "tsx", "--conditions=source", script, folder], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (
    await createInterface({ input: supervisor.stdout })[Symbol.asyncIterator]().next()
  ).value.split(" ");
  const server = identityOf(Number(line));
  if (server === undefined) throw new Error("the server does not run");
  supervisor.kill("SIGKILL");
  await expect.poll(() => isAlive(server), { timeout: 20_000, interval: 50 }).toBe(false);
});

test("a port in use is refused by number and setting, and nothing is left running", async () => {
  const other = createServer();
  const port = await new Promise<number>((resolve) => {
    other.listen(0, "127.0.0.1", () => resolve((other.address() as { port: number }).port));
  });
  try {
    await expect(start(port)).rejects.toThrow(`port ${port} (local.postgresPort) is in use`);
    await expect(readFile(join(folder, "data", "postmaster.pid"))).rejects.toThrow("ENOENT");
  } finally {
    other.close();
  }
});

test("roles, database and schemas are made once, and a role writes its own schema only", async () => {
  const server = await start();
  for (let run = 0; run < 2; run += 1) {
    await ensureRoles(server.url("postgres"), "p@ss/word");
    await ensureDatabase(server.url("postgres"), "bourse");
    await ensureSchemas(server.url("bourse"));
  }
  await query(server.url("bourse", "bourse_wallet"), "CREATE TABLE wallet.t (id int)");
  await expect(query(server.url("bourse", "bourse_orders"), "SELECT * FROM wallet.t")).rejects.toThrow(
    "permission denied",
  );
  await expect(
    query(server.url("bourse", "bourse_auditor"), "CREATE TABLE orders.t (id int)"),
  ).rejects.toThrow("permission denied");
});

test("a wrong password is refused", async () => {
  const server = await start();
  const url = server.url("postgres").replace(encodeURIComponent("p@ss/word"), "wrong");
  await expect(query(url, "SELECT 1")).rejects.toThrow("password authentication failed");
});

test("the server never runs as root, also when root starts it", async () => {
  const server = await start();
  // Inside, outside, count: who inside its namespace is root outside.
  const uidMap = await readFile(`/proc/${server.pid}/uid_map`, "utf8").catch(() => "");
  const root = uidMap.split("\n").find((line) => line.trim().split(/\s+/)[1] === "0");
  const inside = Number(root?.trim().split(/\s+/)[0] ?? 0);
  expect(inside > 0 || process.getuid?.() !== 0).toBe(true);
});
