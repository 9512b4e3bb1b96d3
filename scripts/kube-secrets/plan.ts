// Which secrets a release needs that has neither cert-manager nor a secret store, and what is in them.
// What exists is kept and used: passwords, keys and certificates of a running release stay valid.

import { randomBytes } from "node:crypto";
import { createSigningKey, type SigningKey, signToken, type TokenClaims } from "@bourse/local/keys.js";
import { StartError } from "@bourse/local/start-error.js";
import { type MeshIdentity, meshIdentities } from "@bourse/shared/rpc/mesh-tls.js";
import { type Authority, createAuthority, openAuthority } from "@bourse/shared/testing/certificates.js";
import { dnsNamesOf } from "./identities.js";
import type { ExistingSecrets, Secret } from "./secret.js";
import { loadUsers, operator, smokeUsers } from "./users.js";

/** Where the secrets go. */
export interface Place {
  readonly namespace: string;
  /** Name in front of the release's objects, and of its certificates. */
  readonly fullname: string;
}

export interface PlanOptions {
  /** Issues every mesh certificate again, by the same authority. */
  readonly rotateCertificates?: boolean;
  readonly trustDomain?: string;
}

/** Names of all secrets that a plan looks at: those which the chart takes when its values name no others. */
export function secretNames({ fullname }: Place) {
  return {
    authority: `${fullname}-mesh-authority`,
    tls: Object.fromEntries(meshIdentities.map((identity) => [identity, `${fullname}-${identity}-tls`])),
    postgresServer: "postgres",
    postgres: "bourse-postgres",
    signingKey: "bourse-signing-key",
    jwks: "bourse-jwks",
    smoke: "bourse-smoke",
    load: "bourse-load",
  } as const;
}

/** The same as a list. */
export function allSecretNames(place: Place): string[] {
  const { tls, ...others } = secretNames(place);
  return [...Object.values(tls), ...Object.values(others)];
}

/**
 * The secrets to write, given those that exist. Fails with a StartError when certificates exist whose
 * authority does not: a new one would issue certificates that the old ones' bearers refuse.
 */
export async function planSecrets(
  existing: ExistingSecrets,
  place: Place,
  options: PlanOptions = {},
): Promise<Secret[]> {
  return [
    ...(await planMesh(existing, place, options)),
    ...planPostgres(existing, place),
    ...(await planTokens(existing, place)),
  ];
}

async function planMesh(existing: ExistingSecrets, place: Place, options: PlanOptions): Promise<Secret[]> {
  const names = secretNames(place);
  const wanted = meshIdentities.filter(
    (identity) => options.rotateCertificates === true || !existing.has(names.tls[identity] ?? ""),
  );
  if (wanted.length === 0) return [];

  const trust = options.trustDomain === undefined ? {} : { trustDomain: options.trustDomain };
  const kept = existing.get(names.authority);
  if (kept === undefined && wanted.length < meshIdentities.length)
    throw new StartError(
      `some mesh certificates exist, but not their authority (secret ${names.authority}): issue the missing ones where the others came from, or replace all with --rotate-certificates`,
    );
  const authority =
    kept === undefined
      ? await createAuthority(trust)
      : await openAuthority(
          {
            caPem: entryOf(names.authority, kept, "tls.crt"),
            caKeyPem: entryOf(names.authority, kept, "tls.key"),
          },
          trust,
        );
  const leaves = await Promise.all(wanted.map((identity) => leafSecret(authority, identity, place)));
  return kept === undefined ? [authoritySecret(names.authority, authority), ...leaves] : leaves;
}

function authoritySecret(name: string, { caPem, caKeyPem }: Authority): Secret {
  return { name, type: "kubernetes.io/tls", data: { "tls.crt": caPem, "tls.key": caKeyPem } };
}

async function leafSecret(authority: Authority, identity: MeshIdentity, place: Place): Promise<Secret> {
  const { certPem, keyPem } = await authority.issue({ identity, dnsNames: dnsNamesOf(identity, place) });
  return {
    name: secretNames(place).tls[identity] ?? "",
    type: "kubernetes.io/tls",
    data: { "tls.crt": certPem, "tls.key": keyPem, "ca.crt": authority.caPem },
  };
}

// Whoever gives the addresses has a PostgreSQL of his own. The passwords of ours come first, the addresses
// from them, so that a run that was cut off between the two leaves nothing that does not fit together.
function planPostgres(existing: ExistingSecrets, place: Place): Secret[] {
  const names = secretNames(place);
  if (existing.has(names.postgres)) return [];
  const kept = existing.get(names.postgresServer);
  const passwords = kept ?? {
    "postgres-password": newPassword(),
    "wallet-password": newPassword(),
    "orders-password": newPassword(),
    "auditor-password": newPassword(),
  };
  const url = (role: string, key: string) =>
    `postgres://${role}:${entryOf(names.postgresServer, passwords, key)}@postgres:5432/bourse`;
  const addresses: Secret = {
    name: names.postgres,
    type: "Opaque",
    data: {
      "wallet-url": url("bourse_wallet", "wallet-password"),
      "orders-url": url("bourse_orders", "orders-password"),
      "auditor-url": url("bourse_auditor", "auditor-password"),
    },
  };
  if (kept !== undefined) return [addresses];
  return [{ name: names.postgresServer, type: "Opaque", data: passwords }, addresses];
}

// Letters, digits, - and _ alone: it stands in addresses as it is.
function newPassword(): string {
  return randomBytes(24).toString("base64url");
}

async function planTokens(existing: ExistingSecrets, place: Place): Promise<Secret[]> {
  const names = secretNames(place);
  const key = signingKeyIn(existing, place);
  // A key set without our key belongs to an issuer elsewhere, and so do the tokens.
  if (key === undefined && existing.has(names.jwks)) return [];

  const signing = key ?? (await createSigningKey());
  const secrets: Secret[] = [
    { name: names.signingKey, type: "Opaque", data: signingKeyData(signing) },
    { name: names.jwks, type: "Opaque", data: { "jwks.json": signing.jwks } },
    { name: names.smoke, type: "Opaque", data: await smokeData(signing) },
    { name: names.load, type: "Opaque", data: await loadData(signing) },
  ];
  // Tokens that another key signed are worth nothing, so a new key replaces them.
  return secrets.filter(({ name }) => key === undefined || !existing.has(name));
}

/** The key that signs tokens of a release; undefined when it has none here. */
export function signingKeyIn(existing: ExistingSecrets, place: Place): SigningKey | undefined {
  const { signingKey } = secretNames(place);
  const data = existing.get(signingKey);
  if (data === undefined) return undefined;
  return {
    privateKeyPem: entryOf(signingKey, data, "private.pem"),
    jwks: entryOf(signingKey, data, "jwks.json"),
  };
}

function signingKeyData({ privateKeyPem, jwks }: SigningKey): Record<string, string> {
  return { "private.pem": privateKeyPem, "jwks.json": jwks };
}

async function smokeData(key: SigningKey): Promise<Record<string, string>> {
  return {
    "operator-token": await signToken(key, lasting(operator)),
    "buyer-token": await signToken(key, lasting(smokeUsers.buyer)),
    "seller-token": await signToken(key, lasting(smokeUsers.seller)),
  };
}

async function loadData(key: SigningKey): Promise<Record<string, string>> {
  const lines = await Promise.all(
    loadUsers.map(async (user) => `${user.userId} ${await signToken(key, lasting(user))}\n`),
  );
  return { "operator-token": await signToken(key, lasting(operator)), tokens: lines.join("") };
}

// Nobody renews these, so they live as long as a cluster for trying things out does.
function lasting(claims: TokenClaims): TokenClaims {
  return { ...claims, ttlSeconds: 365 * 86_400 };
}

// A secret of that name which somebody else made for something else must not be taken for ours.
function entryOf(name: string, data: Readonly<Record<string, string>>, key: string): string {
  const text = data[key];
  if (text === undefined) throw new StartError(`secret ${name} exists, but has no entry ${key}`);
  return text;
}
