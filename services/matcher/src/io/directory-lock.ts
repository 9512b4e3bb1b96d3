// One process per data directory. Node has no flock; what the kernel releases by itself when a process
// dies, however it dies, are sockets and open files.
import { constants } from "node:fs";
import { mkdir, open, readFile, rm, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

/** The directory belongs to another process. */
export class DirectoryLocked extends Error {
  override name = "DirectoryLocked";
}

/** Gives the directory back. */
export type Unlock = () => Promise<void>;

/** Names the holder, for people; the lock itself does not rest on it. */
const HOLDER = "lock";
/** macOS and BSD: open fails while another process holds the file (not in Node's constants). */
const O_EXLOCK = 0x20;

/**
 * Locks a directory for this process, making it if need be; rejects with DirectoryLocked when another
 * process holds it. A process killed without a word leaves no lock behind.
 *
 * On Linux an abstract socket named by the directory's inode is the lock: atomic, and no file that could
 * survive. It is seen within one network namespace; two containers that share a volume are kept apart by
 * the volume's access mode, and at the last by epochs.
 */
export async function lockDirectory(directory: string): Promise<Unlock> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const unlock = process.platform === "linux" ? await lockSocket(directory) : await lockFile(directory);
  const holder = join(directory, HOLDER);
  await writeFile(holder, `${process.pid}\n`);
  return async () => {
    await rm(holder, { force: true });
    await unlock();
  };
}

async function lockSocket(directory: string): Promise<Unlock> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") refused(directory).catch(reject);
      else reject(error);
    });
    server.listen(`\0bourse-journal-${dev}-${ino}`, resolve);
  });
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

async function lockFile(directory: string): Promise<Unlock> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK;
  try {
    const file = await open(join(directory, `${HOLDER}.held`), flags);
    return () => file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EAGAIN") throw error;
    return refused(directory);
  }
}

async function refused(directory: string): Promise<never> {
  const holder = await readFile(join(directory, HOLDER), "utf8").catch(() => "");
  const who = holder.trim() === "" ? "another process" : `process ${holder.trim()}`;
  throw new DirectoryLocked(`${directory} is in use by ${who}: one matcher per shard and directory`);
}
