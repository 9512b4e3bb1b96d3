// Snapshots beside a journal, and the worker that makes them.
import { statfs } from "node:fs/promises";
import { Worker } from "node:worker_threads";
import { deleteSnapshot, listSnapshots } from "./snapshot-file.js";

/** What the retention of a shard needs of its directory. */
export function openSnapshotStore(directory: string) {
  return {
    list: () => listSnapshots(directory),
    delete: (seq: number) => deleteSnapshot(directory, seq),
    async freeBytes() {
      const { bavail, bsize } = await statfs(directory);
      return bavail * bsize;
    },
  };
}

/**
 * Runs a module in a thread of its own on some data; resolves with the message that it posts. Aborting ends the
 * thread where it is.
 */
export function runInThread<T>(module: URL, data: unknown, signal: AbortSignal): Promise<T> {
  // Sources run as they are in tests, by a loader that each thread has to ask for; built code needs none.
  const loader = `import("tsx/esm/api").then(({ register }) => {
    register();
    return import(${JSON.stringify(module.href)});
  })`;
  const worker = module.pathname.endsWith(".ts")
    ? new Worker(loader, { eval: true, workerData: data, execArgv: ["--conditions=source"] })
    : new Worker(module, { workerData: data });
  const stop = () => void worker.terminate();
  signal.addEventListener("abort", stop, { once: true });
  return new Promise<T>((resolve, reject) => {
    worker.once("message", resolve);
    worker.once("error", reject);
    worker.once("exit", (code) => reject(new Error(`the thread ended with ${code} and said nothing`)));
  }).finally(() => signal.removeEventListener("abort", stop));
}
