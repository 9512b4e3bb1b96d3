// Ports on 127.0.0.1 for processes that must find each other before they listen.
import { createServer } from "node:net";

// Below the range from which systems take ports for outgoing connections: such a port could be gone
// between the look and the use.
const lowest = 20_000;
const highest = 32_000;
const handedOut = new Set<number>();

/** A port on 127.0.0.1 that nothing listens on right now, and that was not given out before. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < 1_000; attempt += 1) {
    const port = lowest + Math.floor(Math.random() * (highest - lowest));
    if (handedOut.has(port) || (await isPortTaken(port))) continue;
    handedOut.add(port);
    return port;
  }
  throw new Error(`no free port between ${lowest} and ${highest}`);
}

/** True when something holds this port on 127.0.0.1 or on all addresses. */
export function isPortTaken(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(true));
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => server.close(() => resolve(false)));
  });
}
