// The database's container: makes the data at the first start, the roles, database and schemas of the
// exchange at every start, then runs the server until it is asked to end. Arguments go to the server.
//
// Exit codes: those of the server; 78 when a password is missing, 1 when the data cannot be made or used.
import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { chmod } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";

import pg from "pg";

import { findPostgres } from "../../../services/local/dist/postgres-binaries.js";
import {
  ensureDatabase,
  ensureRoles,
  ensureSchemas,
} from "../../../services/local/dist/postgres-bootstrap.js";
import { createData } from "../../../services/local/dist/postgres-server.js";
import { spawnPostgres } from "../../../services/local/dist/postgres-user.js";

const here = dirname(fileURLToPath(import.meta.url));
const database = "bourse";

/** EX_CONFIG. */
const exitBadSettings = 78;

const dataDir = process.env.PGDATA ?? "/var/lib/postgresql/data/pgdata";
const passwords = {
  bourse: "POSTGRES_PASSWORD",
  bourse_wallet: "WALLET_PASSWORD",
  bourse_orders: "ORDERS_PASSWORD",
  bourse_auditor: "AUDITOR_PASSWORD",
};

// Nobody replicates it, so it writes no more than a crash needs; commits are durable all the same.
const settings = {
  shared_buffers: "128MB",
  max_connections: "200",
  random_page_cost: "1.1",
  jit: "off",
  io_method: "sync",
  max_logical_replication_workers: "0",
  max_wal_senders: "0",
  wal_level: "minimal",
  timezone: "UTC",
  log_timezone: "UTC",
};

/** The server that was started last, and whether this container was asked to end. */
let server;
let isEnding = false;

// A fast shutdown: sessions end, a checkpoint is written. Without a server there is nothing to lose.
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    isEnding = true;
    if (server === undefined) process.exit(143);
    server.child.kill("SIGINT");
  });
}

try {
  process.exitCode = await main();
} catch (error) {
  process.stderr.write(`postgres: ${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function main() {
  const missing = Object.values(passwords).filter((name) => passwordOf(name) === "");
  if (missing.length > 0) {
    const list = missing.map((name) => `${name} or ${name}_FILE`).join(", ");
    process.stderr.write(`postgres: not in the environment: ${list}\n`);
    return exitBadSettings;
  }
  const binaries = await findPostgres();
  await prepareData(binaries);
  if (!(await bootstrap(binaries))) return 0;
  await startServer(binaries, { listen_addresses: "*", unix_socket_directories: "" }, "pg_hba.conf");
  return exitCodeOf(await server.ended);
}

async function prepareData(binaries) {
  if (!existsSync(join(dataDir, "PG_VERSION"))) {
    process.stdout.write(`postgres: making the data in ${dataDir}\n`);
    await createData(binaries, { dataDir, password: passwordOf(passwords.bourse) });
  }
  // A volume may give its files to a group, which the server refuses.
  await chmod(dataDir, 0o700);
}

// Behind a closed door: whoever reaches the port finds everything made, and the passwords of today. False
// when it was asked to end meanwhile.
async function bootstrap(binaries) {
  const socket = mkdtempSync(join(tmpdir(), "bootstrap-"));
  const settings = { listen_addresses: "", unix_socket_directories: socket };
  await startServer(binaries, settings, "bootstrap_hba.conf");
  const why = await Promise.race([server.ready, server.ended]);
  if (isEnding) {
    await server.ended;
    return false;
  }
  if (why !== undefined) throw new Error(`the server did not start (${why})`);
  const url = (name) => `postgres://bourse@localhost/${name}?host=${encodeURIComponent(socket)}`;
  await setOwnPassword(url("postgres"), passwordOf(passwords.bourse));
  await ensureRoles(url("postgres"), (role) => passwordOf(passwords[role]));
  await ensureDatabase(url("postgres"), database);
  await ensureSchemas(url(database));
  server.child.kill("SIGINT");
  await server.ended;
  rmSync(socket, { recursive: true, force: true });
  return !isEnding;
}

async function setOwnPassword(url, password) {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    await client.query(`ALTER ROLE CURRENT_USER PASSWORD ${client.escapeLiteral(password)}`);
  } finally {
    await client.end();
  }
}

async function startServer(binaries, more, hbaFile) {
  const all = { ...settings, ...more, hba_file: join(here, hbaFile) };
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const args = ["-D", dataDir, "-p", "5432", ...flags, ...process.argv.slice(2)];
  server = await spawnPostgres(binaries.postgres, args);
  const lines = createInterface({ input: server.child.stderr });
  server.ready = new Promise((resolve) => {
    lines.on("line", (line) => {
      process.stderr.write(`${line}\n`);
      if (line.includes("database system is ready to accept connections")) resolve(undefined);
    });
  });
}

/** A password from the environment, or from the file that it names; empty when there is none. */
function passwordOf(name) {
  const file = process.env[`${name}_FILE`];
  return file === undefined ? (process.env[name] ?? "") : readFileSync(file, "utf8").trim();
}

function exitCodeOf(ended) {
  const code = Number(ended.replace("exit ", ""));
  return Number.isInteger(code) ? code : 1;
}
