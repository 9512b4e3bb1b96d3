// HTTP/1.1 with the limits that every port of ours has.
import { createServer, type Server } from "node:http";
import type { HttpRequest, HttpResponse } from "./node-http.js";

/** Largest head of a request, bytes. */
export const HEADER_BYTES_MAX = 16 * 1024;
/** How long a connection may take to say what it wants, milliseconds. */
export const HEADERS_MS = 10_000;
/** Connections of one port. */
export const CONNECTIONS_MAX = 5_000;
const REQUEST_MS = 30_000;
const CHECK_MS = 5_000;
const KEEP_ALIVE_MS = 65_000;

/** A server that is given its connections by whoever listens: `server.emit("connection", socket)`. */
export function http1Server(listener: (request: HttpRequest, response: HttpResponse) => void): Server {
  const server = createServer(
    { maxHeaderSize: HEADER_BYTES_MAX, requireHostHeader: true, connectionsCheckingInterval: CHECK_MS },
    listener,
  );
  server.headersTimeout = HEADERS_MS;
  server.requestTimeout = REQUEST_MS;
  server.keepAliveTimeout = KEEP_ALIVE_MS;
  // It listens through a port that is not its own; told so, it watches its connections for timeouts.
  server.emit("listening");
  return server;
}
