// HTTP/1.1 with the limits that every port of ours has.
import { once } from "node:events";
import { createServer, type Server } from "node:http";
import type { AddressInfo, Socket, Server as TcpServer } from "node:net";
import type { HttpRequest, HttpResponse } from "./node-http.js";

/** Largest head of a request, bytes. */
export const HEADER_BYTES_MAX = 16 * 1024;
/** How long a connection may take to say what it wants, milliseconds. */
export const HEADERS_MS = 10_000;
/** Connections of one port. */
const CONNECTIONS_MAX = 5_000;
const DRAIN_MS = 10_000;
const REQUEST_MS = 30_000;
const CHECK_MS = 5_000;
const KEEP_ALIVE_MS = 65_000;

export interface HttpPortOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly listener: Listener;
  /**
   * Makes what takes the connections: it gives each to `http1` (`emit("connection", socket)`), or to another server
   * with the same `listener`, which is that of the options and attended.
   */
  readonly accept: (http1: Server, listener: Listener) => TcpServer;
  /** Called as the port begins to close. */
  readonly onClose?: () => void;
}

type Listener = (request: HttpRequest, response: HttpResponse) => unknown;

/** A port that is served. */
export interface HttpPort {
  readonly port: number;
  /** Takes no new connection, waits for requests in flight, and after `timeoutMs` ends what is left. */
  close(timeoutMs?: number): Promise<void>;
}

/** Starts a port. */
export async function openHttpPort(options: HttpPortOptions): Promise<HttpPort> {
  let isClosing = false;
  const attended = (request: HttpRequest, response: HttpResponse) => {
    // A caller that goes away in the middle is no news.
    request.on("error", () => {});
    response.on("error", () => {});
    // A connection that has answered its last request would otherwise wait for another one.
    response.once("close", () => isClosing && setImmediate(() => http1.closeIdleConnections()));
    void options.listener(request, response);
  };
  const http1 = http1Server(attended);
  const tcp = options.accept(http1, attended);
  const sockets = new Set<Socket>();
  tcp.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
  tcp.maxConnections = CONNECTIONS_MAX;
  tcp.listen(options.port, options.host);
  await once(tcp, "listening");
  return {
    port: (tcp.address() as AddressInfo).port,
    async close(timeoutMs = DRAIN_MS) {
      isClosing = true;
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      const force = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, timeoutMs);
      http1.closeIdleConnections();
      options.onClose?.();
      await closed;
      clearTimeout(force);
      http1.close();
    },
  };
}

/** A server that is given its connections by whoever listens. */
function http1Server(listener: Listener): Server {
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
