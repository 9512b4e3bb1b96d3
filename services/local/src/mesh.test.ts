import { existsSync } from "node:fs";
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { freePort, isPortTaken } from "./free-port.js";
import { findOwner, lockHome } from "./instance-lock.js";
import { type MeshOptions, startMesh } from "./mesh.js";
import { readSettings } from "./settings.js";

let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bourse-mesh-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

/** Starts what must not start, and returns what it says. */
async function refusal(options: Partial<MeshOptions>): Promise<string> {
  const mesh = startMesh({ home, ports: "free", isDurable: false, ...options });
  const error = await mesh.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).name).toBe("StartError");
  return (error as Error).message;
}

async function hold(port: number): Promise<Server> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(port, "127.0.0.1", resolve));
  return server;
}

// Settings whose ports nothing else on this machine uses.
async function settingsOnFreePorts(): Promise<{ file: string; httpPort: number; postgresPort: number }> {
  const [httpPort, postgresPort, shardPort] = [await freePort(), await freePort(), await freePort()];
  const section = async (name: string) =>
    `${name}: { grpcPort: ${await freePort()}, adminPort: ${await freePort()} }`;
  const file = join(home, "settings.yaml");
  const lines = [
    // A shard's admin port is 9100 and its number: the number is chosen so that the port is free.
    `shards: [{ shard: ${(await freePort()) - 9_100}, address: "127.0.0.1:${shardPort}" }]`,
    `orderGateway: { grpcPort: ${await freePort()}, httpPort: ${httpPort}, adminPort: ${await freePort()} }`,
    await section("wallet"),
    await section("marketData"),
    `projector: { adminPort: ${await freePort()} }`,
    `settler: { adminPort: ${await freePort()} }`,
    `local: { postgresPort: ${postgresPort} }`,
  ];
  await writeFile(file, lines.join("\n"));
  return { file, httpPort, postgresPort };
}

test("a port in use is named with its setting before anything starts", async () => {
  const { file, httpPort } = await settingsOnFreePorts();
  const other = await hold(httpPort);
  const message = await refusal({ ports: "default", settingsFile: file });
  other.close();
  expect(message).toContain(`port ${httpPort} (orderGateway.httpPort) is in use by another program`);
  expect(existsSync(join(home, "postgres"))).toBe(false);
  expect(await findOwner(home)).toBeUndefined();
});

test("PostgreSQL's port in use is named too", async () => {
  const { file, postgresPort } = await settingsOnFreePorts();
  const other = await hold(postgresPort);
  const message = await refusal({ ports: "default", settingsFile: file });
  other.close();
  expect(message).toContain(`port ${postgresPort} (local.postgresPort) is in use by another program`);
});

test("a second instance on the same state is refused and disturbs nothing", async () => {
  const lock = await lockHome(home);
  expect(await refusal({})).toContain(`already runs on ${home} (pid ${process.pid})`);
  expect(await readdir(home)).toEqual(["instance.lock"]);
  await lock.release();
});

test("settings that cannot work are reported together, by key, and nothing is left running", async () => {
  const env = { BOURSE__MARKET_DATA__TRADES_QUEUE_MAX: "none", BOURSE__PROJECTOR__BATCH_RECORDS_MAX: "-1" };
  const message = await refusal({ services: ["market-data", "projector"], env });
  expect(message).toContain("marketData.tradesQueueMax");
  expect(message).toContain("projector.batchRecordsMax");
  expect(await findOwner(home)).toBeUndefined();
  expect(existsSync(join(home, "postgres", "postmaster.pid"))).toBe(false);
});

test("a setting of the file that the supervisor needs itself is refused by key", async () => {
  const file = join(home, "settings.yaml");
  await writeFile(
    file,
    "shards: [{ shard: 0, address: '127.0.0.1:50060' }]\nlocal: { postgresPort: 99999, colour: red }\nwalet: {}\n",
  );
  const message = await refusal({ settingsFile: file });
  for (const part of ["local.postgresPort", "local.colour: unknown key", "walet: unknown key"])
    expect(message).toContain(part);
});

test("one port for two purposes is refused", async () => {
  const { file, httpPort } = await settingsOnFreePorts();
  const text = (await readFile(file, "utf8")).replace(/postgresPort: \d+/, `postgresPort: ${httpPort}`);
  await writeFile(file, text);
  expect(() => readSettings(file, {})).toThrow(
    `port ${httpPort} is given to both local.postgresPort and orderGateway.httpPort`,
  );
});

test("a start that is given up leaves nothing running", async () => {
  const abort = new AbortController();
  const { file, postgresPort } = await settingsOnFreePorts();
  const message = await refusal({
    ports: "default",
    settingsFile: file,
    services: ["market-data"],
    signal: abort.signal,
    onProgress: (part) => part === "market-data" && abort.abort(),
  });
  expect(message).toBe("stopped while starting");
  expect(await isPortTaken(postgresPort)).toBe(false);
  expect(await findOwner(home)).toBeUndefined();
});
