// The peer: PostgreSQL's own pgbench, simple updates without contention (-N), on the same cluster.
import { execFile } from "node:child_process";
import { existsSync, readdirSync } from "node:fs";
import { delimiter, join } from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);

/** Clients, as the figures name them. */
export const CLIENTS = 16;
const SCALE = 10;
const THREADS = 2;
/** Where Debian puts the programs of each version. */
const DEBIAN = "/usr/lib/postgresql";

export interface Pgbench {
  /** Version, clients and scale in words. */
  readonly description: string;
  /** Transactions a second of a run of so many seconds. */
  tps(seconds: number): Promise<number>;
}

/** Finds pgbench and makes its tables in an empty database. */
export async function openPgbench(url: string): Promise<Pgbench> {
  const program = findPgbench();
  const { stdout } = await run(program, ["--version"]);
  await run(program, ["--initialize", "--quiet", `--scale=${SCALE}`, url]);
  return {
    description: `${stdout.trim()}, ${CLIENTS} clients, scale ${SCALE}`,
    async tps(seconds) {
      const flags = ["-N", "-n", "-M", "prepared", "-c", String(CLIENTS), "-j", String(THREADS)];
      const { stdout: report } = await run(program, [...flags, "-T", String(seconds), url]);
      const tps = /^tps = ([0-9.]+)/m.exec(report)?.[1];
      if (tps === undefined) throw new Error(`pgbench said no rate:\n${report}`);
      return Number(tps);
    },
  };
}

function findPgbench(): string {
  const versions = existsSync(DEBIAN) ? readdirSync(DEBIAN).sort((a, b) => Number(b) - Number(a)) : [];
  const folders = [
    ...(process.env.PATH ?? "").split(delimiter),
    ...versions.map((version) => join(DEBIAN, version, "bin")),
  ];
  const found = folders.map((folder) => join(folder, "pgbench")).find(existsSync);
  if (found !== undefined) return found;
  throw new Error(
    "the figures need pgbench, which is neither on PATH nor below /usr/lib/postgresql: install PostgreSQL's client programs (Debian: apt-get install postgresql-contrib; macOS: brew install libpq and put its bin folder on PATH)",
  );
}
