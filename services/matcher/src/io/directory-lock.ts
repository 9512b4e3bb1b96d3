// One process per data directory.
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { tryLock, type Unlock } from "@bourse/shared/runtime/kernel-lock.js";

/** The directory belongs to another process. */
export class DirectoryLocked extends Error {
  override name = "DirectoryLocked";
}

/** Names the holder, for people; the lock itself does not rest on it. */
const HOLDER = "lock";

/**
 * Locks a directory for this process, making it if need be; rejects with DirectoryLocked when another
 * process holds it. A process killed without a word leaves no lock behind.
 *
 * The lock is seen within one network namespace; two containers that share a volume are kept apart by the
 * volume's access mode, and at the last by epochs.
 */
export async function lockDirectory(directory: string): Promise<Unlock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = await tryLock(directory, "journal");
  if (unlock === undefined) return refused(directory);
  const holder = join(directory, HOLDER);
  await writeFile(holder, `${process.pid}\n`);
  return async () => {
    await rm(holder, { force: true });
    return unlock();
  };
}

async function refused(directory: string): Promise<never> {
  const holder = await readFile(join(directory, HOLDER), "utf8").catch(() => "");
  const who = holder.trim() === "" ? "another process" : `process ${holder.trim()}`;
  throw new DirectoryLocked(`${directory} is in use by ${who}: one matcher per shard and directory`);
}
