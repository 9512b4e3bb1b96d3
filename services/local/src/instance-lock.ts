// One exchange per folder of state. The lock names its owner, so that what a dead owner left is taken
// over and a living one is named in the refusal.
import { randomUUID } from "node:crypto";
import { link, mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.js";
import { StartError } from "./start-error.js";

/** A lock that is held; `release` gives it back. */
export interface InstanceLock {
  release(): Promise<void>;
}

/** Who holds the lock of a folder, or undefined when nobody alive does. */
export async function findOwner(home: string): Promise<ProcessIdentity | undefined> {
  const owner = parseOwner(await readFile(lockFile(home), "utf8").catch(() => ""));
  return owner !== undefined && isAlive(owner) ? owner : undefined;
}

/** Takes the lock of a folder, which is made when absent; fails with a StartError while another process has it. */
export async function lockHome(home: string): Promise<InstanceLock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const file = lockFile(home);
  for (let attempt = 0; attempt < 10; attempt += 1) {
    if (await createLock(file)) return { release: () => rm(file, { force: true }) };
    const owner = await findOwner(home);
    if (owner !== undefined) {
      throw new StartError(
        `an exchange already runs on ${home} (pid ${owner.pid}); stop it, or give this one a folder of its own: BOURSE_HOME=<folder> npm start`,
      );
    }
    await setAsideStale(file);
  }
  throw new StartError(`cannot lock ${home}: several exchanges start on it at once`);
}

function lockFile(home: string): string {
  return join(home, "instance.lock");
}

// Written aside and linked: the lock appears with its content or not at all.
async function createLock(file: string): Promise<boolean> {
  const aside = `${file}.${randomUUID()}`;
  const handle = await open(aside, "wx", 0o600);
  try {
    await handle.writeFile(JSON.stringify(identityOf(process.pid)));
    await link(aside, file);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EEXIST") return false;
    throw error;
  } finally {
    await handle.close();
    await rm(aside, { force: true });
  }
}

// Moving wins for one of several that found the same stale lock. A lock that became a living one
// between look and move is put back.
async function setAsideStale(file: string): Promise<void> {
  const aside = `${file}.stale-${randomUUID()}`;
  try {
    await rename(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return;
    throw error;
  }
  const moved = parseOwner(await readFile(aside, "utf8"));
  if (moved !== undefined && isAlive(moved)) await link(aside, file).catch(() => undefined);
  await rm(aside, { force: true });
}

function parseOwner(text: string): ProcessIdentity | undefined {
  try {
    const { pid, started } = JSON.parse(text) as Partial<ProcessIdentity>;
    return typeof pid === "number" && typeof started === "string" ? { pid, started } : undefined;
  } catch {
    return undefined;
  }
}
