// A port of the mesh that speaks REST alone: plaintext, or mutual TLS.
import { createServer as createTcp, type Server, type Socket } from "node:net";
import {
  createServer as createTls,
  type PeerCertificate,
  type TLSSocket,
  type Server as TlsServer,
} from "node:tls";
import { identityIn, type MeshTls, REREAD_MS } from "../rpc/mesh-tls.js";
import type { Logger } from "../runtime/log.js";
import { HEADERS_MS, type HttpPort, openHttpPort } from "./http1.js";
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

/** Starts the port. */
export function serveRest({ tls, log, ...options }: RestServerOptions): Promise<HttpPort> {
  return openHttpPort({
    ...options,
    accept(http1) {
      const take = (socket: Socket) => http1.emit("connection", socket);
      return tls === undefined ? createTcp(take) : meshServer(tls, take, log);
    },
  });
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
