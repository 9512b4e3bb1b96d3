// One exchange per folder of state. The lock names its owner, so that what a dead owner left is taken
// over and a living one is named in the refusal.
import { randomUUID } from "node:crypto";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { tryLock, type Unlock } from "@bourse/shared/runtime/kernel-lock.js";

import { identityOf, isAlive, type ProcessIdentity } from "./process-identity.js";
import { StartError } from "./start-error.js";

const ENTER_MS_MAX = 10_000;
const ENTER_AGAIN_MS = 5;

/** A lock that is held; `release` gives it back. */
export interface InstanceLock {
  /** Says that its owner is about to end; whoever comes meanwhile is told. Never rejects. */
  stopping(): Promise<void>;
  release(): Promise<void>;
}

/** Who holds the lock of a folder, or undefined when nobody alive does. */
export async function findOwner(home: string): Promise<ProcessIdentity | undefined> {
  return (await readOwner(home))?.identity;
}

interface Owner {
  readonly identity: ProcessIdentity;
  readonly isStopping: boolean;
}

async function readOwner(home: string): Promise<Owner | undefined> {
  const owner = parseOwner(await readFile(lockFile(home), "utf8").catch(() => ""));
  return owner !== undefined && isAlive(owner.identity) ? owner : undefined;
}

/** Takes the lock of a folder, which is made when absent; fails with a StartError while another process has it. */
export async function lockHome(home: string): Promise<InstanceLock> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  // Looking and taking are one step: of several that find what a dead owner left, the first to take it over
  // is found by the others as a living one.
  const done = await enter(home);
  try {
    const owner = await readOwner(home);
    if (owner !== undefined) throw new StartError(refusalBy(owner, home));
    await writeOwner(lockFile(home), false);
    return {
      stopping: () => writeOwner(lockFile(home), true).catch(() => {}),
      release: () => rm(lockFile(home), { force: true }),
    };
  } finally {
    await done();
  }
}

function refusalBy({ identity: { pid }, isStopping }: Owner, home: string): string {
  if (isStopping)
    return `the exchange on ${home} (pid ${pid}) is still stopping; start again when it has ended`;
  return `an exchange already runs on ${home} (pid ${pid}); stop it, or give this one a folder of its own: BOURSE_HOME=<folder> npm start`;
}

/** One at a time, whoever dies meanwhile. */
async function enter(home: string): Promise<Unlock> {
  const until = performance.now() + ENTER_MS_MAX;
  for (;;) {
    const done = await tryLock(home, "instance.guard");
    if (done !== undefined) return done;
    if (performance.now() > until)
      throw new StartError(`cannot lock ${home}: several exchanges start on it at once`);
    // Another process is at it for a few milliseconds; it offers no event to wait for.
    await setTimeout(ENTER_AGAIN_MS);
  }
}

function lockFile(home: string): string {
  return join(home, "instance.lock");
}

// Written aside and moved: the lock appears with its content or not at all.
async function writeOwner(file: string, isStopping: boolean): Promise<void> {
  const aside = `${file}.${randomUUID()}`;
  const owner = { ...identityOf(process.pid), ...(isStopping ? { isStopping } : {}) };
  await writeFile(aside, JSON.stringify(owner), { flag: "wx", mode: 0o600 });
  await rename(aside, file);
}

function parseOwner(text: string): Owner | undefined {
  try {
    const { pid, started, isStopping } = JSON.parse(text) as Partial<ProcessIdentity & Owner>;
    if (typeof pid !== "number" || typeof started !== "string") return undefined;
    return { identity: { pid, started }, isStopping: isStopping === true };
  } catch {
    return undefined;
  }
}
