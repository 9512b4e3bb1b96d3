// One PostgreSQL for a whole test run, gone when the run ends, also when the run is killed.

import { existsSync } from "node:fs";
import { cp, mkdir, mkdtemp, rename, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { findPostgres } from "../postgres-binaries.js";
import { ensureRoles } from "../postgres-bootstrap.js";
import { createData, startPostgres } from "../postgres-server.js";

const password = "test";
const cache = fileURLToPath(new URL("../../../../node_modules/.cache/bourse/", import.meta.url));

/**
 * Starts the server and names it in BOURSE_TEST_POSTGRES_URL (superuser, database "postgres").
 * Returns what stops it and removes its data.
 */
export async function setup(): Promise<() => Promise<void>> {
  const folder = await mkdtemp(join(tmpdir(), "bourse-test-postgres-"));
  const dataDir = join(folder, "data");
  await cp(await templateData(), dataDir, { recursive: true });
  const server = await startPostgres({
    dataDir,
    port: 0,
    logFile: join(folder, "postgres.log"),
    password,
    isDurable: false,
    removeWhenOrphaned: folder,
  });
  await ensureRoles(server.url("postgres"), password);
  process.env.BOURSE_TEST_POSTGRES_URL = server.url("postgres");
  return async () => {
    await server.stop();
    await rm(folder, { recursive: true, force: true });
  };
}

// initdb takes a second and its result is always the same, so it is kept and copied.
async function templateData(): Promise<string> {
  const binaries = await findPostgres();
  const template = join(cache, `postgres-${binaries.version}`);
  if (existsSync(template)) return template;
  await mkdir(cache, { recursive: true });
  const making = await mkdtemp(join(cache, "making-"));
  await createData(binaries, { dataDir: join(making, "data"), password, isDurable: false });
  // Another run may have been faster; its template is as good.
  await rename(join(making, "data"), template).catch((error: unknown) => {
    if (!existsSync(template)) throw error;
  });
  await rm(making, { recursive: true, force: true });
  return template;
}
