// A real PgBouncer in transaction mode in front of the test run's PostgreSQL, for tests that nothing needs a
// session of its own.
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { chown, mkdtemp, rm, writeFile } from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { createInterface } from "node:readline";

export interface PgBouncer {
  /** Address of a database behind it, as the user of the direct address `url`. */
  urlOf(url: string): string;
  stop(): Promise<void>;
}

/** A user without rights: it refuses to run as root. */
const NOBODY = 65_534;

/**
 * Starts one with `sessions` sessions per database and user, for these users. Fails when the program is not
 * installed, or does not start.
 */
export async function startPgBouncer(options: {
  /** Address of the server, of any of its databases. */
  readonly server: string;
  readonly users: readonly string[];
  readonly sessions: number;
}): Promise<PgBouncer> {
  const program = findProgram();
  const { hostname, port: serverPort, password } = new URL(options.server);
  const folder = await mkdtemp(join(tmpdir(), "bourse-pgbouncer-"));
  const port = await freePort();
  const users = join(folder, "users.txt");
  await writeFile(
    users,
    options.users.map((user) => `"${user}" "${decodeURIComponent(password)}"\n`).join(""),
  );
  const settings = join(folder, "pgbouncer.ini");
  await writeFile(
    settings,
    `[databases]
* = host=${hostname} port=${serverPort}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = scram-sha-256
auth_file = ${users}
pool_mode = transaction
default_pool_size = ${options.sessions}
max_client_conn = 200
`,
  );
  const isRoot = process.getuid?.() === 0;
  if (isRoot) for (const file of [folder, users, settings]) await chown(file, NOBODY, NOBODY);
  const child = spawn(program, [settings], {
    stdio: ["ignore", "ignore", "pipe"],
    ...(isRoot && { uid: NOBODY, gid: NOBODY }),
  });
  const kill = () => void child.kill("SIGKILL");
  process.once("exit", kill);
  await untilUp(child);
  return {
    urlOf(url) {
      const through = new URL(url);
      through.host = `127.0.0.1:${port}`;
      return through.href;
    },
    async stop() {
      process.off("exit", kill);
      const ended = child.exitCode === null && child.signalCode === null ? once(child, "exit") : undefined;
      child.kill("SIGTERM");
      await ended;
      await rm(folder, { recursive: true, force: true });
    },
  };
}

function findProgram(): string {
  const folders = [...(process.env.PATH ?? "").split(delimiter), "/usr/sbin", "/usr/local/sbin"];
  const program = folders.map((folder) => join(folder, "pgbouncer")).find((file) => existsSync(file));
  if (program === undefined)
    throw new Error(
      "this test needs PgBouncer and there is none: install it (apt-get install pgbouncer, brew install pgbouncer)",
    );
  return program;
}

async function untilUp(child: ChildProcess): Promise<void> {
  const said: string[] = [];
  const lines = createInterface({ input: child.stderr as NodeJS.ReadableStream });
  const up = new Promise<void>((resolve) => {
    lines.on("line", (line) => {
      if (said.push(line) > 10) said.shift();
      if (line.includes("process up")) resolve();
    });
  });
  const ended = once(child, "exit").then(() => {
    throw new Error(`PgBouncer did not start:\n${said.join("\n")}`);
  });
  await Promise.race([up, ended]);
  ended.catch(() => undefined);
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, "close");
  return port;
}
