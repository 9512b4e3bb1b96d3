// A lock on a directory that the kernel releases when its holder dies, however it dies. Node has no flock;
// what is released by itself are sockets and open files.
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

/** Gives the lock back. */
export type Unlock = () => Promise<void>;

/** macOS and BSD: open fails while another process holds the file (not in Node's constants). */
const O_EXLOCK = 0x20;

/**
 * Takes the lock `name` of a directory that exists; undefined while another holder has it, in this process
 * or another.
 *
 * On Linux an abstract socket named by the directory's inode is the lock: atomic, and no file that could
 * survive. It is seen within one network namespace. Elsewhere it is an open file of that name.
 */
export async function tryLock(directory: string, name: string): Promise<Unlock | undefined> {
  return process.platform === "linux" ? lockSocket(directory, name) : lockFile(join(directory, name));
}

async function lockSocket(directory: string, name: string): Promise<Unlock | undefined> {
  const { dev, ino } = await stat(directory, { bigint: true });
  const server = createServer((socket) => socket.destroy());
  const isOurs = await new Promise<boolean>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      if (error.code === "EADDRINUSE") resolve(false);
      else reject(error);
    });
    server.listen(`\0bourse-${name}-${dev}-${ino}`, () => resolve(true));
  });
  if (!isOurs) return undefined;
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

async function lockFile(path: string): Promise<Unlock | undefined> {
  const flags = constants.O_RDWR | constants.O_CREAT | constants.O_NONBLOCK | O_EXLOCK;
  try {
    const file = await open(path, flags);
    return () => file.close();
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "EAGAIN") return undefined;
    throw error;
  }
}
