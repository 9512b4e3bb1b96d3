import { createServer } from "node:net";

/** A port on 127.0.0.1 that nothing listens on right now. */
export async function freePort(): Promise<number> {
  const port = await listenOnce(0);
  if (typeof port === "number") return port;
  throw port;
}

/** True when something holds this port on 127.0.0.1 or on all addresses. */
export async function isPortTaken(port: number): Promise<boolean> {
  const result = await listenOnce(port);
  return result instanceof Error;
}

// The port, or the error that says why it cannot be listened on.
function listenOnce(port: number): Promise<number | Error> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", resolve);
    server.listen({ host: "127.0.0.1", port, exclusive: true }, () => {
      const address = server.address();
      const bound = typeof address === "object" && address !== null ? address.port : port;
      server.close(() => resolve(bound));
    });
  });
}
