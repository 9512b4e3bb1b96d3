// The secrets of one machine's exchange: the key pair of access tokens and the database password.
import { randomBytes, randomUUID } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";

import { calculateJwkThumbprint, exportJWK, exportPKCS8, generateKeyPair, importPKCS8, SignJWT } from "jose";

import { StartError } from "./start-error.js";

/** What a token says about its bearer. */
export interface TokenClaims {
  /** UUID of the user. */
  readonly userId: string;
  readonly roles: readonly ("trader" | "operator" | "auditor")[];
  readonly permissions?: readonly "act_for"[];
  /** Commands a second: basic 10, plus 100, pro 1,000. */
  readonly tier?: "basic" | "plus" | "pro" | "unlimited";
  /** Life of the token in seconds; a day by default. */
  readonly ttlSeconds?: number;
}

/** Where the keys of a home lie. */
export function keyFiles(home: string): {
  folder: string;
  privateKey: string;
  jwks: string;
  postgresPassword: string;
} {
  const folder = join(home, "keys");
  return {
    folder,
    privateKey: join(folder, "private.pem"),
    jwks: join(folder, "jwks.json"),
    postgresPassword: join(folder, "postgres.password"),
  };
}

/** Makes what is missing; what exists stays, so that tokens and data outlive a restart. */
export async function ensureKeys(home: string): Promise<{ jwksFile: string; postgresPassword: string }> {
  const files = keyFiles(home);
  await mkdir(files.folder, { recursive: true, mode: 0o700 });
  if (!existsSync(files.privateKey) || !existsSync(files.jwks)) await createKeyPair(home);
  if (!existsSync(files.postgresPassword))
    await writeSecret(files.postgresPassword, randomBytes(24).toString("base64url"));
  return { jwksFile: files.jwks, postgresPassword: await readFile(files.postgresPassword, "utf8") };
}

/** Signs an access token with the key of a home. Fails with a StartError when it has none yet. */
export async function makeToken(home: string, claims: TokenClaims): Promise<string> {
  const { jwks, privateKey } = keyFiles(home);
  if (!existsSync(privateKey))
    throw new StartError(`no keys in ${home}: they are made by the first npm start`);
  return signToken(
    { privateKeyPem: await readFile(privateKey, "utf8"), jwks: await readFile(jwks, "utf8") },
    claims,
  );
}

/** A key pair of access tokens, as text: the private key for who signs, the key set for who verifies. */
export interface SigningKey {
  /** PKCS #8. */
  readonly privateKeyPem: string;
  /** JSON Web Key Set with the public key alone. */
  readonly jwks: string;
}

/** Makes a key pair of access tokens (RS256). */
export async function createSigningKey(): Promise<SigningKey> {
  const { publicKey, privateKey } = await generateKeyPair("RS256", {
    modulusLength: 2048,
    extractable: true,
  });
  const jwk = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint(jwk);
  return {
    privateKeyPem: await exportPKCS8(privateKey),
    jwks: `${JSON.stringify({ keys: [{ ...jwk, kid, alg: "RS256", use: "sig" }] }, null, 2)}\n`,
  };
}

/** Signs an access token. */
export async function signToken({ privateKeyPem, jwks }: SigningKey, claims: TokenClaims): Promise<string> {
  const key = await importPKCS8(privateKeyPem, "RS256");
  const { keys } = JSON.parse(jwks) as { keys: { kid: string }[] };
  const body = { roles: claims.roles, permissions: claims.permissions ?? [], tier: claims.tier ?? "basic" };
  const issuedAt = Math.floor(Date.now() / 1000);
  return new SignJWT(body)
    .setProtectedHeader({ alg: "RS256", typ: "at+jwt", kid: keys[0]?.kid ?? "" })
    .setIssuer("bourse")
    .setAudience("bourse")
    .setSubject(claims.userId)
    .setIssuedAt(issuedAt)
    .setExpirationTime(issuedAt + (claims.ttlSeconds ?? 86_400))
    .setJti(randomUUID())
    .sign(key);
}

async function createKeyPair(home: string): Promise<void> {
  const files = keyFiles(home);
  const { privateKeyPem, jwks } = await createSigningKey();
  await writeSecret(files.privateKey, privateKeyPem);
  await writeSecret(files.jwks, jwks);
}

// Aside and renamed, so that an interrupted start leaves no half file that looks complete.
async function writeSecret(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text, { mode: 0o600 });
  await rename(`${file}.new`, file);
}
