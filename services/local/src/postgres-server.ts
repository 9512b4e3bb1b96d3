// A real PostgreSQL for one machine: made on first start, stopped with the supervisor, taken over
// when its supervisor died. No state but the data folder.
import type { ChildProcess } from "node:child_process";
import { createWriteStream, existsSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { createInterface } from "node:readline";

import { freePort, isPortTaken } from "./free-port.js";
import { findPostgres, type PostgresBinaries } from "./postgres-binaries.js";
import { spawnPostgres } from "./postgres-user.js";
import { commandLineOf, identityOf, isAlive } from "./process-identity.js";
import { StartError } from "./start-error.js";
import { watchOver } from "./watchdog.js";
import { within } from "./within.js";

/** What a server is started with. */
export interface PostgresOptions {
  /** Folder of the data; made when absent. */
  readonly dataDir: string;
  /** Port on 127.0.0.1; 0 takes a free one. */
  readonly port: number;
  /** File that receives the server's log. */
  readonly logFile: string;
  /** Password of the superuser "bourse"; fixed when the data folder is made. */
  readonly password: string;
  /** False gives up safety against power loss, for throw-away data; true by default. */
  readonly isDurable?: boolean;
  /** Folder to remove should this process die before it stops the server. */
  readonly removeWhenOrphaned?: string;
}

/** A server that accepts connections. */
export interface PostgresServer {
  readonly port: number;
  readonly pid: number;
  /** Settles when the server has ended, with or without having been asked to. */
  readonly ended: Promise<string>;
  /** Connection URL of a database, by default as the superuser. */
  url(database: string, user?: string): string;
  /** Ends the server at once with this signal, as a crash would; settles when it is gone. */
  kill(signal: NodeJS.Signals): Promise<void>;
  /** Fast shutdown: disconnects clients, writes a checkpoint, ends. Safe to call again. */
  stop(): Promise<void>;
}

const superuser = "bourse";
const startMsMax = 60_000;
const stopMsMax = 20_000;

// Small and quiet: idle memory and processes count on a laptop, and the exchange batches its writes.
const settings: Record<string, string> = {
  listen_addresses: "127.0.0.1",
  // Everybody connects by TCP; a socket file below a long path would exceed the system's limit.
  unix_socket_directories: "",
  shared_buffers: "48MB",
  max_connections: "100",
  synchronous_commit: "on",
  random_page_cost: "1.1",
  jit: "off",
  // No I/O workers and no replication: five processes fewer.
  io_method: "sync",
  max_logical_replication_workers: "0",
  max_wal_senders: "0",
  wal_level: "minimal",
  log_checkpoints: "off",
  timezone: "UTC",
  log_timezone: "UTC",
};

// Commits still reach the operating system before they are answered: kill -9 of the server loses nothing.
const throwAwaySettings: Record<string, string> = {
  fsync: "off",
  full_page_writes: "off",
  // Many test files share one server, each with pools of its own.
  max_connections: "200",
};

/**
 * Starts the server on its data folder and returns once it accepts connections.
 *
 * A server that still runs on the folder because its supervisor died is stopped first. Fails with a
 * StartError, and leaves nothing running, when the port is taken or the server ends while starting.
 */
export async function startPostgres(options: PostgresOptions): Promise<PostgresServer> {
  const binaries = await findPostgres();
  await mkdir(dirname(options.logFile), { recursive: true });
  await mkdir(dirname(options.dataDir), { recursive: true });
  await stopStaleServer(options.dataDir);
  if (options.port !== 0 && (await isPortTaken(options.port))) {
    throw new StartError(`port ${options.port} (local.postgresPort) is in use by another program`);
  }
  if (!existsSync(join(options.dataDir, "PG_VERSION"))) await createData(binaries, options);
  await refuseOtherMajor(binaries, options.dataDir);
  const port = options.port === 0 ? await freePort() : options.port;
  for (const until = performance.now() + stopMsMax; ; ) {
    try {
      return await launch(binaries, options, port);
    } catch (error) {
      // After kill -9 of a server its sessions need a moment to notice; until then they hold its memory.
      const isHeld =
        error instanceof StartError && error.message.includes("pre-existing shared memory block");
      if (!isHeld || performance.now() > until) throw error;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

/** Makes a data folder with the superuser "bourse". All or nothing: it appears when it is complete. */
export async function createData(
  binaries: PostgresBinaries,
  { dataDir, password, isDurable = true }: Pick<PostgresOptions, "dataDir" | "password" | "isDurable">,
): Promise<void> {
  const making = `${dataDir}.new`;
  const passwordFile = `${dataDir}.password`;
  await rm(making, { recursive: true, force: true });
  await mkdir(making, { recursive: true, mode: 0o700 });
  await writeFile(passwordFile, password, { mode: 0o600 });
  try {
    const flags = ["-D", making, "-U", superuser, "--auth=scram-sha-256", `--pwfile=${passwordFile}`];
    const sync = isDurable ? [] : ["--no-sync"];
    await runToEnd(binaries.initdb, [...flags, "--encoding=UTF8", "--locale=C", "--data-checksums", ...sync]);
    await rm(dataDir, { recursive: true, force: true });
    await rename(making, dataDir);
  } finally {
    await rm(passwordFile, { force: true });
  }
}

async function launch(
  binaries: PostgresBinaries,
  options: PostgresOptions,
  port: number,
): Promise<PostgresServer> {
  const all = options.isDurable === false ? { ...settings, ...throwAwaySettings } : settings;
  const flags = Object.entries(all).flatMap(([name, value]) => ["-c", `${name}=${value}`]);
  const args = ["-D", options.dataDir, "-p", String(port), ...flags];
  const { child, ended } = await spawnPostgres(binaries.postgres, args);
  const pid = await untilReady(child, ended, options.logFile);
  const watchdog = watchOver(pid, options.removeWhenOrphaned);
  void ended.then(() => watchdog.dismiss());
  return {
    port,
    pid,
    ended,
    url: (database, user = superuser) =>
      `postgres://${user}:${encodeURIComponent(options.password)}@127.0.0.1:${port}/${database}`,
    kill: async (signal) => {
      child.kill(signal);
      await ended;
    },
    stop: () => stopChild(child, ended),
  };
}

// Everything the server says goes to its log; the line that says it is ready ends the wait.
async function untilReady(child: ChildProcess, ended: Promise<string>, logFile: string): Promise<number> {
  const log = createWriteStream(logFile, { flags: "a" });
  const latest: string[] = [];
  const ready = new Promise<"ready">((resolve) => {
    const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
    // Its last words may come after its exit.
    lines.on("close", () => log.end());
    lines.on("line", (line) => {
      log.write(`${line}\n`);
      if (latest.push(line) > 5) latest.shift();
      if (line.includes("database system is ready to accept connections")) resolve("ready");
    });
  });
  const first = await within(
    Promise.race([ready, ended]),
    startMsMax,
    `nothing within ${startMsMax / 1000} s`,
  );
  if (first === "ready" && child.pid !== undefined) return child.pid;
  await stopChild(child, ended);
  throw new StartError(`PostgreSQL did not start (${first}):\n  ${latest.join("\n  ")}\n  log: ${logFile}`);
}

async function stopChild(child: ChildProcess, ended: Promise<string>): Promise<void> {
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    if (child.exitCode !== null || child.signalCode !== null || child.pid === undefined) return;
    child.kill(signal);
    if ((await within(ended, stopMsMax, undefined)) !== undefined) return;
  }
}

/** Stops the server that still uses a data folder although its supervisor is gone; none is fine. */
export async function stopStaleServer(dataDir: string): Promise<void> {
  // The first line is the pid of the server that uses the folder, or once did.
  const text = await readFile(join(dataDir, "postmaster.pid"), "utf8").catch(() => "");
  const stale = identityOf(Number(text.split("\n")[0]));
  if (text === "" || stale === undefined || !commandLineOf(stale.pid).includes(dataDir)) return;
  for (const signal of ["SIGINT", "SIGQUIT", "SIGKILL"] as const) {
    process.kill(stale.pid, signal);
    // Not our child: the system offers no event to wait for, only the question whether it is there.
    for (let waitedMs = 0; waitedMs < stopMsMax; waitedMs += 20) {
      if (!isAlive(stale)) return;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

async function refuseOtherMajor(binaries: PostgresBinaries, dataDir: string): Promise<void> {
  const major = (await readFile(join(dataDir, "PG_VERSION"), "utf8")).trim();
  if (binaries.version.split(".")[0] === major) return;
  throw new StartError(
    `${dataDir} was made by PostgreSQL ${major}, the installed one is ${binaries.version}; npm run reset removes the data`,
  );
}

async function runToEnd(program: string, args: readonly string[]): Promise<void> {
  const { child, ended } = await spawnPostgres(program, args);
  const said: string[] = [];
  child.stderr?.setEncoding("utf8").on("data", (chunk: string) => said.push(chunk));
  const how = await ended;
  if (how === "exit 0") return;
  const lines = said.join("").trim().split("\n").slice(-5);
  throw new StartError(`PostgreSQL: initdb failed (${how}):\n  ${lines.join("\n  ")}`);
}
