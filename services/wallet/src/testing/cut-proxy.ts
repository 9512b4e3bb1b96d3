// A way to PostgreSQL that breaks when a test says so: before a COMMIT arrives, after it but before its
// answer, or altogether.
import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

/** What happens to connections from now on. */
export type Cut = "nothing" | "before commit" | "after commit" | "everything";

/** A proxy in front of a database. */
export interface CutProxy {
  readonly url: string;
  /** Breaks what the mode says, `times` times; then nothing. */
  cut(mode: Cut, times?: number): void;
  /** Cuts that have happened. */
  count(): number;
  close(): Promise<void>;
}

/** Opens a proxy to the database of a URL. */
export async function openCutProxy(databaseUrl: string): Promise<CutProxy> {
  const target = new URL(databaseUrl);
  let mode: Cut = "nothing";
  let left = 0;
  let count = 0;
  const sockets = new Set<Socket>();
  const isDue = (wanted: Cut) => {
    if (mode !== wanted || left === 0) return false;
    left -= 1;
    count += 1;
    return true;
  };

  const server = createServer((client) => {
    if (isDue("everything")) return void client.destroy();
    const upstream = connect(Number(target.port), target.hostname);
    let isSwallowing = false;
    for (const socket of [client, upstream]) {
      sockets.add(socket);
      socket.on("error", () => {});
      socket.on("close", () => {
        sockets.delete(socket);
        client.destroy();
        upstream.destroy();
      });
    }
    client.on("data", (data) => {
      const isCommit = data.includes("COMMIT");
      if (isCommit && isDue("before commit")) return void client.destroy();
      if (isCommit && isDue("after commit")) isSwallowing = true;
      upstream.write(data);
    });
    // The answer means that the server has done it; the client never sees it.
    upstream.on("data", (data) => (isSwallowing ? client.destroy() : client.write(data)));
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const url = new URL(databaseUrl);
  url.host = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    url: url.href,
    cut(next, times = 1) {
      mode = next;
      left = times;
      if (next === "everything") for (const socket of sockets) socket.destroy();
    },
    count: () => count,
    async close() {
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}
