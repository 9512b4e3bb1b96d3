// Mutual TLS inside the mesh: who a peer is follows from its certificate and from nothing else.
import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import {
  type ChannelCredentials,
  credentials,
  experimental,
  ServerCredentials,
  type ServerWritableStream,
} from "@grpc/grpc-js";
import { ConfigError, refuseSettings, type TlsSettings } from "../runtime/config.js";
import type { Metrics } from "../runtime/metrics.js";

/** Names of the mesh's own callers, as their certificates carry them: spiffe://<trust domain>/<name>. */
export const meshIdentities = [
  "order-gateway",
  "wallet",
  "settler",
  "matcher",
  "projector",
  "market-data",
  "auditor",
] as const;

export type MeshIdentity = (typeof meshIdentities)[number];

/** How this process proves who it is, and whom it believes. */
export interface MeshTls {
  readonly channel: ChannelCredentials;
  readonly server: ServerCredentials;
  readonly trustDomain: string;
  /** What the files say now, for servers that are not gRPC's. */
  readonly read: () => { readonly cert: Buffer; readonly key: Buffer; readonly ca: Buffer };
}

/** A certificate is renewed weeks before it ends, so nobody waits for this. */
export const REREAD_MS = 10_000;
const SHOW_END_MS = 60_000;

/**
 * Credentials from the files of the settings; undefined without settings: then the mesh speaks plaintext.
 * The files are read again while the process runs, so a renewed certificate needs no restart. Files that
 * cannot be read at the start, or do not fit together, end the process with 78, as every setting that
 * cannot work: a server with them would drop each connection, and say that it is ready.
 */
export function openMeshTls(settings: TlsSettings | undefined, metrics?: Metrics): MeshTls | undefined {
  if (settings === undefined) return undefined;
  const { certFile, keyFile, caFile, trustDomain } = settings;
  const mistakes = mistakesIn({ certFile, keyFile, caFile });
  if (mistakes.length > 0) refuseSettings(new ConfigError(mistakes));
  if (metrics !== undefined) showEnd(certFile, metrics);
  const provider = new experimental.FileWatcherCertificateProvider({
    certificateFile: certFile,
    privateKeyFile: keyFile,
    caCertificateFile: caFile,
    refreshIntervalMs: REREAD_MS,
  });
  return {
    channel: experimental.createCertificateProviderChannelCredentials(provider, provider),
    server: experimental.createCertificateProviderServerCredentials(provider, provider, true),
    trustDomain,
    read: () => ({ cert: readFileSync(certFile), key: readFileSync(keyFile), ca: readFileSync(caFile) }),
  };
}

/** Shows when the certificate ends, as its file says now: one that nobody renews ends the mesh without a word. */
function showEnd(certFile: string, metrics: Metrics): void {
  const end = metrics.gauge(
    "bourse_mesh_certificate_end_timestamp_seconds",
    "When this process's certificate ends, seconds since 1970 UTC; 0 while its file cannot be read.",
  );
  const show = () => end.set(endOf(certFile));
  show();
  setInterval(show, SHOW_END_MS).unref();
}

function endOf(certFile: string): number {
  try {
    return Date.parse(new X509Certificate(readFileSync(certFile)).validTo) / 1_000;
  } catch {
    return 0;
  }
}

/** Credentials of a server: mutual TLS, or none. */
export function serverCredentials(tls: MeshTls | undefined): ServerCredentials {
  return tls?.server ?? ServerCredentials.createInsecure();
}

/** Credentials of a channel: mutual TLS, or none. */
export function channelCredentials(tls: MeshTls | undefined): ChannelCredentials {
  return tls?.channel ?? credentials.createInsecure();
}

/** Name in the certificate of the peer of a call; undefined without one, or of another trust domain. */
export function identityOf(
  wire: Pick<ServerWritableStream<unknown, unknown>, "getAuthContext">,
  trustDomain: string,
): string | undefined {
  return identityIn(wire.getAuthContext().sslPeerCertificate?.subjectaltname ?? "", trustDomain);
}

/**
 * Identity in a list of subject alternative names as Node writes it: "DNS:a, URI:spiffe://bourse/wallet".
 * A name with unusual characters is quoted there, and so never taken for a list of several.
 */
export function identityIn(names: string, trustDomain: string): string | undefined {
  const prefix = `URI:spiffe://${trustDomain}/`;
  const found = names
    .split(", ")
    .filter((name) => name.startsWith(prefix))
    .map((name) => name.slice(prefix.length));
  // A certificate with two identities has none.
  return found.length === 1 && /^[a-z][a-z-]*$/.test(found[0] ?? "") ? found[0] : undefined;
}

function mistakesIn(files: Readonly<Record<"certFile" | "keyFile" | "caFile", string>>): string[] {
  const texts = new Map<string, Buffer>();
  const mistakes = Object.entries(files).flatMap(([key, path]) => {
    try {
      texts.set(key, readFileSync(path));
      return [];
    } catch {
      return [`tls.${key}: cannot read ${path}`];
    }
  });
  if (mistakes.length > 0) return mistakes;
  try {
    createSecureContext({ cert: texts.get("certFile"), key: texts.get("keyFile"), ca: texts.get("caFile") });
    return [];
  } catch (error) {
    // The message of OpenSSL names the fault and quotes nothing.
    const why = error instanceof Error ? error.message : String(error);
    return [`tls: ${files.certFile}, ${files.keyFile} and ${files.caFile} do not fit together: ${why}`];
  }
}
