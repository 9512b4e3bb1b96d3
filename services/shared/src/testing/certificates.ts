// A certificate authority in process, for tests and for clusters that have no issuer of their own. The keys
// are ECDSA P-256; an identity is a URI name as SPIFFE has it (SPIFFE X.509-SVID, section 2: exactly one).
import "reflect-metadata";
import { createPrivateKey, webcrypto } from "node:crypto";
import * as x509 from "@peculiar/x509";

import { type Clock, systemClock } from "../runtime/clock.js";

/** What an authority needs to know; everything has a default. */
export interface AuthorityOptions {
  /** Host part of the identities that it gives out; "bourse" by default. */
  readonly trustDomain?: string;
  /** Life of the authority's own certificate; ten years by default. */
  readonly validForMs?: number;
  readonly clock?: Clock;
}

/** Whom a certificate is for. */
export interface LeafRequest {
  /** Name within the trust domain, "wallet"; becomes `spiffe://<trustDomain>/wallet`. */
  readonly identity: string;
  /** Names by which clients reach the bearer; `*.` in front stands for one label. */
  readonly dnsNames: readonly string[];
  readonly ipAddresses?: readonly string[];
  /** From now on; 90 days by default. A negative life gives a certificate that has already ended. */
  readonly validForMs?: number;
}

/** A certificate and its private key (PKCS #8), both as PEM text. */
export interface KeyPairPem {
  readonly certPem: string;
  readonly keyPem: string;
}

/** Signs certificates that whoever trusts `caPem` believes. */
export interface Authority {
  readonly caPem: string;
  /** The authority's private key: whoever has it can be every service. */
  readonly caKeyPem: string;
  issue(request: LeafRequest): Promise<KeyPairPem>;
}

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" } as const;
const DAY_MS = 86_400_000;
// Certificates begin a little in the past: the clocks of two machines are never the same.
const BACKDATED_MS = 60_000;

x509.cryptoProvider.set(webcrypto);

/** Makes an authority with a key of its own. */
export async function createAuthority(options: AuthorityOptions = {}): Promise<Authority> {
  const trustDomain = options.trustDomain ?? "bourse";
  const clock = options.clock ?? systemClock;
  const keys = await generateKeys();
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    name: [{ CN: [`${trustDomain} mesh authority`] }],
    keys,
    signingAlgorithm: algorithm,
    ...validity(clock, options.validForMs ?? 3650 * DAY_MS),
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign | x509.KeyUsageFlags.cRLSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return authorityOf(certificate, keys.privateKey, { trustDomain, clock });
}

/** An authority made earlier, from its certificate and key. Throws on text that is not PEM. */
export async function openAuthority(
  pem: { readonly caPem: string; readonly caKeyPem: string },
  options: Omit<AuthorityOptions, "validForMs"> = {},
): Promise<Authority> {
  const pkcs8 = createPrivateKey(pem.caKeyPem).export({ type: "pkcs8", format: "der" });
  const key = await webcrypto.subtle.importKey("pkcs8", pkcs8, algorithm, true, ["sign"]);
  return authorityOf(new x509.X509Certificate(pem.caPem), key, {
    trustDomain: options.trustDomain ?? "bourse",
    clock: options.clock ?? systemClock,
  });
}

async function authorityOf(
  certificate: x509.X509Certificate,
  key: webcrypto.CryptoKey,
  { trustDomain, clock }: { trustDomain: string; clock: Clock },
): Promise<Authority> {
  return {
    caPem: pemOf(certificate),
    caKeyPem: await keyPemOf(key),
    issue: async (request) => {
      const keys = await generateKeys();
      const leaf = await x509.X509CertificateGenerator.create({
        subject: [{ CN: [request.identity] }],
        issuer: certificate.subjectName,
        publicKey: keys.publicKey,
        signingKey: key,
        signingAlgorithm: algorithm,
        ...validity(clock, request.validForMs ?? 90 * DAY_MS),
        extensions: [
          ...leafUsages(),
          new x509.SubjectAlternativeNameExtension(namesOf(request, trustDomain)),
          await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
          await x509.AuthorityKeyIdentifierExtension.create(certificate.publicKey),
        ],
      });
      return { certPem: pemOf(leaf), keyPem: await keyPemOf(keys.privateKey) };
    },
  };
}

// A service is a server to some and a client to others, with the same certificate.
function leafUsages(): x509.Extension[] {
  return [
    new x509.BasicConstraintsExtension(false, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
    new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
  ];
}

function namesOf(request: LeafRequest, trustDomain: string): x509.JsonGeneralNames {
  return [
    { type: "url", value: `spiffe://${trustDomain}/${request.identity}` },
    ...request.dnsNames.map((value) => ({ type: "dns" as const, value })),
    ...(request.ipAddresses ?? []).map((value) => ({ type: "ip" as const, value })),
  ];
}

function validity(clock: Clock, validForMs: number): { notBefore: Date; notAfter: Date } {
  const nowMs = clock.wallMs();
  const notAfterMs = nowMs + validForMs;
  return {
    notBefore: new Date(Math.min(nowMs, notAfterMs) - BACKDATED_MS),
    notAfter: new Date(notAfterMs),
  };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(algorithm, true, ["sign", "verify"]);
}

function pemOf(certificate: x509.X509Certificate): string {
  return `${certificate.toString("pem")}\n`;
}

async function keyPemOf(key: webcrypto.CryptoKey): Promise<string> {
  const pkcs8 = await webcrypto.subtle.exportKey("pkcs8", key);
  return `${x509.PemConverter.encode(pkcs8, "PRIVATE KEY")}\n`;
}
