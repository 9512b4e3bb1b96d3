// One plaintext port for HTTP/1.1 and HTTP/2 with prior knowledge: REST, Connect, gRPC-Web, pages.
import type { Server as Http1Server } from "node:http";
import { createServer as createHttp2, type Http2Server, type ServerHttp2Session } from "node:http2";
import { createServer as createTcp, type Socket } from "node:net";
import { HEADER_BYTES_MAX, HEADERS_MS, type HttpPort, openHttpPort } from "@bourse/shared/http/http1.js";
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

const STREAMS_MAX = 100;
/** `/package.Service/Method`. */
const RPC_PATH = /^\/[a-zA-Z0-9_.]+\.[a-zA-Z0-9_]+\/[A-Za-z0-9_]+$/;
/** How every HTTP/2 connection begins. */
const PREFACE = "PRI * HTTP/2.0";

/** Starts the HTTP port. */
export function serveHttp(options: HttpServerOptions): Promise<HttpPort> {
  const sessions = new Set<ServerHttp2Session>();
  return openHttpPort({
    host: options.host,
    port: options.port,
    listener: dispatch(options),
    accept(http1, listener) {
      const http2 = http2Server(listener, sessions);
      return createTcp((socket) => route(socket, http1, http2));
    },
    onClose() {
      for (const session of sessions) session.close();
    },
  });
}

function dispatch({ rest, connect, pages, corsOrigins }: HttpServerOptions) {
  const origins = new Set(corsOrigins);
  return (request: HttpRequest, response: HttpResponse): unknown => {
    if (answerCors(origins, request, response)) return;
    const { path } = targetOf(request);
    const listener = isPage(path) ? pages : RPC_PATH.test(path) ? connect : rest;
    return listener(request, response);
  };
}

/** A server whose sessions are in `sessions` while they last. */
function http2Server(
  listener: (request: HttpRequest, response: HttpResponse) => unknown,
  sessions: Set<ServerHttp2Session>,
): Http2Server {
  const settings = { maxConcurrentStreams: STREAMS_MAX, maxHeaderListSize: HEADER_BYTES_MAX };
  const http2 = createHttp2({ settings, maxHeaderListPairs: 100 }, listener);
  http2.on("session", (session) => {
    sessions.add(session);
    session.once("close", () => sessions.delete(session));
  });
  http2.on("sessionError", () => {});
  return http2;
}

/** Hands a connection to the server that speaks its protocol, told from the first bytes. */
function route(socket: Socket, http1: Http1Server, http2: Http2Server): void {
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
