// One plaintext port for HTTP/1.1 and HTTP/2 with prior knowledge: REST, Connect, gRPC-Web, pages.
import { once } from "node:events";
import type { Server as Http1Server } from "node:http";
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from "node:http2";
import { type AddressInfo, createServer as createTcp, type Socket } from "node:net";
import { CONNECTIONS_MAX, HEADER_BYTES_MAX, HEADERS_MS, http1Server } from "@bourse/shared/http/http1.js";
import { type HttpRequest, type HttpResponse, targetOf } from "@bourse/shared/http/node-http.js";
import type { RequestListener } from "@bourse/shared/http/rest.js";
import { answerCors } from "./cors.js";
import { isPage } from "./pages.js";

export interface HttpServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly rest: RequestListener;
  readonly connect: RequestListener;
  readonly pages: RequestListener;
  readonly corsOrigins: readonly string[];
}

export interface HttpServer {
  readonly port: number;
  /** Takes no new connection, waits for requests in flight, and after `timeoutMs` ends what is left. */
  close(timeoutMs?: number): Promise<void>;
}

const STREAMS_MAX = 100;
const DRAIN_MS = 10_000;
/** `/package.Service/Method`. */
const RPC_PATH = /^\/[a-zA-Z0-9_.]+\.[a-zA-Z0-9_]+\/[A-Za-z0-9_]+$/;
/** How every HTTP/2 connection begins. */
const PREFACE = "PRI * HTTP/2.0";

/** Starts the HTTP port. */
export async function serveHttp(options: HttpServerOptions): Promise<HttpServer> {
  const closing = new AbortController();
  const listener = dispatch(options, () => {
    // A connection that has answered its last request would otherwise wait for another one.
    if (closing.signal.aborted) setImmediate(() => http1.closeIdleConnections());
  });
  const http1 = http1Server(listener);
  const { http2, sessions } = http2Server(listener);
  const sockets = new Set<Socket>();
  const tcp = createTcp((socket) => {
    sockets.add(socket);
    socket.once("close", () => sockets.delete(socket));
    route(socket, http1, http2);
  });
  tcp.maxConnections = CONNECTIONS_MAX;
  tcp.listen(options.port, options.host);
  await once(tcp, "listening");
  return {
    port: (tcp.address() as AddressInfo).port,
    async close(timeoutMs = DRAIN_MS) {
      closing.abort();
      const closed = new Promise<void>((resolve) => tcp.close(() => resolve()));
      const force = setTimeout(() => {
        for (const socket of sockets) socket.destroy();
      }, timeoutMs);
      http1.closeIdleConnections();
      for (const session of sessions) session.close();
      await closed;
      clearTimeout(force);
      http1.close();
    },
  };
}

function dispatch({ rest, connect, pages, corsOrigins }: HttpServerOptions, onAnswered: () => void) {
  const origins = new Set(corsOrigins);
  return (request: HttpRequest, response: HttpResponse): void => {
    // A caller that goes away in the middle is no news.
    request.on("error", () => {});
    response.on("error", () => {});
    response.once("close", onAnswered);
    if (answerCors(origins, request, response)) return;
    const { path } = targetOf(request);
    const listener = isPage(path) ? pages : RPC_PATH.test(path) ? connect : rest;
    void listener(request, response);
  };
}

function http2Server(listener: (request: HttpRequest, response: HttpResponse) => void): {
  http2: Http2Server;
  sessions: Set<ServerHttp2Session>;
} {
  const sessions = new Set<ServerHttp2Session>();
  const settings = { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX };
  const http2 = createHttp2({ settings, maxHeaderListPairs: 100 }, listener);
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  http2.on("sessionError", () => {});
  return { http2, sessions };
}

/** Hands a connection to the server that speaks its protocol, told from the first bytes. */
function route(socket: Socket, http1: Http1Server, http2: Http2Server): void {
  socket.on("error", () => socket.destroy());
  // Who connects and says nothing is not waited for.
  socket.setTimeout(HEADERS_MS, () => socket.destroy());
  socket.once("readable", () => {
    const first = socket.read() as Buffer | null;
    if (first === null) return;
    socket.setTimeout(0);
    socket.removeAllListeners("timeout");
    socket.unshift(first);
    const isHttp2 = first.subarray(0, PREFACE.length).toString("latin1").startsWith("PRI");
    (isHttp2 ? http2 : http1).emit("connection", socket);
  });
}
