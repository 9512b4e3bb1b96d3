// A port of the mesh that speaks REST alone: plaintext, or mutual TLS.
import { once } from "node:events";
import { type AddressInfo, createServer as createTcp, type Server, type Socket } from "node:net";
import {
  createServer as createTls,
  type PeerCertificate,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import { identityIn, type MeshTls, REREAD_MS } from "../rpc/mesh-tls.js";
import type { Logger } from "../runtime/log.js";
import { CONNECTIONS_MAX, HEADERS_MS, http1Server } from "./http1.js";
import type { HttpRequest } from "./node-http.js";
import type { RequestListener } from "./rest.js";

export interface RestServerOptions {
  readonly host: string;
  /** 0 picks a free port. */
  readonly port: number;
  readonly listener: RequestListener;
  /** Callers must show a certificate of the mesh. Plaintext without it. */
  readonly tls?: MeshTls | undefined;
  readonly log: Logger;
}

export interface RestServer {
  readonly port: number;
  /** Takes no new connection, waits for requests in flight, and after `timeoutMs` ends what is left. */
  close(timeoutMs?: number): Promise<void>;
}

const DRAIN_MS = 10_000;

/** Starts the port. */
export async function serveRest(options: RestServerOptions): Promise<RestServer> {
  const { listener, tls } = options;
  let isClosing = false;
  const http1 = http1Server((request, response) => {
    // A caller that goes away in the middle is no news.
    request.on("error", () => {});
    response.on("error", () => {});
    // A connection that has answered its last request would otherwise wait for another one.
    response.once("close", () => isClosing && setImmediate(() => http1.closeIdleConnections()));
    void listener(request, response);
  });
  const sockets = new Set<Socket>();
  const take = (socket: Socket) => http1.emit("connection", socket);
  const tcp = tls === undefined ? createTcp(take) : meshServer(tls, take, options.log);
  tcp.maxConnections = CONNECTIONS_MAX;
  tcp.on("connection", (socket: Socket) => {
    sockets.add(socket);
    socket.on("error", () => socket.destroy());
    socket.once("close", () => sockets.delete(socket));
  });
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
      await closed;
      clearTimeout(force);
      http1.close();
    },
  };
}

/** Mesh identity of a caller by its certificate; undefined without one, or of another trust domain. */
export function restCaller({ trustDomain }: MeshTls): (request: HttpRequest) => string | undefined {
  return ({ socket }) => {
    // A connection that broke has none any more.
    const certificate = (socket as TLSSocket).getPeerCertificate() as PeerCertificate | null;
    return identityIn(certificate?.subjectaltname ?? "", trustDomain);
  };
}

/** Mutual TLS with certificates that are read again while it runs, as the gRPC server does. */
function meshServer(tls: MeshTls, take: (socket: Socket) => void, log: Logger): Server {
  const server: TlsServer = createTls(
    { ...tls.read(), requestCert: true, rejectUnauthorized: true, handshakeTimeout: HEADERS_MS },
    take,
  );
  server.on("tlsClientError", (_error, socket) => socket.destroy());
  const reread = setInterval(() => {
    try {
      server.setSecureContext(tls.read());
    } catch (error) {
      // Half a renewal: the next look finds it whole, and what was read before still serves.
      log.warn({ cause: String(error) }, "certificate cannot be read");
    }
  }, REREAD_MS);
  reread.unref();
  server.once("close", () => clearInterval(reread));
  return server;
}
