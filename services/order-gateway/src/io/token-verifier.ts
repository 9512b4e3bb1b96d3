// Access tokens: JWT, RS256 only, against our own keys. Every refusal looks the same to the outside.
import { readFile, stat } from "node:fs/promises";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { isTier, TIERS, type Tier } from "@bourse/shared/units/tiers.js";
import {
  createLocalJWKSet,
  createRemoteJWKSet,
  errors,
  type JSONWebKeySet,
  type JWTPayload,
  type JWTVerifyGetKey,
  jwtVerify,
} from "jose";

/** What a valid token says. */
export interface TokenClaims {
  readonly userId: string;
  readonly roles: ReadonlySet<string>;
  readonly permissions: ReadonlySet<string>;
  readonly tier: Tier;
  /** Wall-clock milliseconds. */
  readonly expiresAtMs: number;
}

export interface TokenVerifierOptions {
  /** Where the keys are; exactly one of the two. */
  readonly jwksFile?: string | undefined;
  readonly jwksUrl?: string | undefined;
  readonly issuer: string;
  readonly audience: string;
  readonly skewSeconds: number;
  readonly clock: Clock;
  /** Reads JSON without liberties: a claim that stands twice could be understood in two ways. */
  readonly readJson: (bytes: Uint8Array) => unknown;
}

export type VerifyToken = (token: string) => Promise<TokenClaims>;

const TOKEN_BYTES_MAX = 8 * 1024;
const COMPACT = /^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+$/;
/** Our issuer writes these and nothing else; `jwk`, `jku`, `x5u`, `crit`, `zip` and all others are refused unread. */
const HEADER_KEYS: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);
const KEY_ID = /^[A-Za-z0-9._-]{1,128}$/;
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** Year 9999. */
const SECONDS_MAX = 253_402_300_799;
const CACHE_MAX = 10_000;
/** A key that is withdrawn stops working within this time even where its tokens were seen before. */
const CACHE_MS = 60_000;
const FILE_CHECK_MS = 1_000;

/**
 * Verifies access tokens. Resolves with the claims; rejects with TOKEN_EXPIRED for one that is well
 * signed and good but for its age, with INVALID_TOKEN for anything else. Makes no call to an address
 * that a token names.
 */
export async function openTokenVerifier(options: TokenVerifierOptions): Promise<VerifyToken> {
  const keys =
    options.jwksFile === undefined
      ? remoteKeys(options.jwksUrl ?? "")
      : await fileKeys(options.jwksFile, options.clock);
  const seen = new Map<string, { claims: TokenClaims; generation: number; untilMs: number }>();
  return async (token) => {
    const { getKey, generation } = await keys();
    const nowMs = options.clock.wallMs();
    const known = seen.get(token);
    if (known !== undefined && known.generation === generation && known.untilMs > nowMs) return known.claims;
    const claims = await verify(token, getKey, options);
    if (seen.size >= CACHE_MAX) seen.clear();
    seen.set(token, { claims, generation, untilMs: Math.min(claims.expiresAtMs, nowMs + CACHE_MS) });
    return claims;
  };
}

type Keys = () => Promise<{ getKey: JWTVerifyGetKey; generation: number }>;

function remoteKeys(url: string): Keys {
  const remote = createRemoteJWKSet(new URL(url), { timeoutDuration: 3_000 });
  const getKey: JWTVerifyGetKey = async (header, token) => {
    try {
      return await remote(header, token);
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey || error instanceof errors.JWKSMultipleMatchingKeys)
        throw error;
      // Nothing is known about the token when the keys cannot be had.
      throw new DomainError("TRANSPORT_FAILED", { problem: "token keys" }, { cause: error });
    }
  };
  return async () => ({ getKey, generation: 0 });
}

/** Keys of a file, read again when it has changed; looked at once a second at most, only when needed. */
async function fileKeys(path: string, clock: Clock): Promise<Keys> {
  let mark = await markOf(path);
  let getKey = await readKeys(path);
  let generation = 0;
  let checkedMs = clock.monotonicMs();
  return async () => {
    if (clock.monotonicMs() - checkedMs < FILE_CHECK_MS) return { getKey, generation };
    checkedMs = clock.monotonicMs();
    try {
      const now = await markOf(path);
      if (now !== mark) {
        getKey = await readKeys(path);
        mark = now;
        generation += 1;
      }
    } catch {
      // A file that is being replaced or is broken: the keys of before stay until it can be read.
    }
    return { getKey, generation };
  };
}

async function markOf(path: string): Promise<string> {
  const { mtimeMs, size, ino } = await stat(path);
  return `${mtimeMs}:${size}:${ino}`;
}

async function readKeys(path: string): Promise<JWTVerifyGetKey> {
  return createLocalJWKSet(JSON.parse(await readFile(path, "utf8")) as JSONWebKeySet);
}

async function verify(
  token: string,
  getKey: JWTVerifyGetKey,
  options: TokenVerifierOptions,
): Promise<TokenClaims> {
  try {
    checkForm(token, options);
    const { payload } = await jwtVerify(token, getKey, {
      algorithms: ["RS256"],
      typ: "at+jwt",
      issuer: options.issuer,
      audience: options.audience,
      clockTolerance: options.skewSeconds,
      currentDate: new Date(options.clock.wallMs()),
      requiredClaims: ["exp", "sub"],
    });
    return claimsOf(payload, options);
  } catch (error) {
    throw refusalOf(error, options);
  }
}

function refusalOf(error: unknown, options: TokenVerifierOptions): DomainError {
  if (error instanceof DomainError && error.reason === "TRANSPORT_FAILED") return error;
  if (!(error instanceof errors.JWTExpired)) return new DomainError("INVALID_TOKEN", {}, { cause: error });
  try {
    // Only a token that would have been good otherwise is told that it is too old.
    claimsOf(error.payload, options);
    return new DomainError("TOKEN_EXPIRED", {}, { cause: error });
  } catch {
    return new DomainError("INVALID_TOKEN", {}, { cause: error });
  }
}

/** What jose would let pass or would only notice late. */
function checkForm(token: string, { readJson }: TokenVerifierOptions): void {
  if (token.length > TOKEN_BYTES_MAX || !COMPACT.test(token)) throw new Error("not a compact token");
  const [header = "", payload = "", signature = ""] = token.split(".");
  for (const part of [header, payload, signature]) {
    // Bits that no byte uses would let one signature be written in several ways.
    if (Buffer.from(part, "base64url").toString("base64url") !== part)
      throw new Error("not canonical base64url");
  }
  const fields = objectOf(readJson(Buffer.from(header, "base64url")));
  for (const key of Object.keys(fields))
    if (!HEADER_KEYS.has(key)) throw new Error("a header parameter is not allowed");
  if (typeof fields.kid !== "string" || !KEY_ID.test(fields.kid)) throw new Error("not a key id");
  objectOf(readJson(Buffer.from(payload, "base64url")));
}

function claimsOf(payload: JWTPayload, { clock, skewSeconds }: TokenVerifierOptions): TokenClaims {
  const { sub, exp, iat, nbf, roles, permissions, tier } = payload;
  if (typeof sub !== "string" || !UUID.test(sub)) throw new Error("sub is not a user id");
  for (const seconds of [exp, iat, nbf])
    if (seconds !== undefined && !isTime(seconds)) throw new Error("not a time");
  const isFromFuture = iat !== undefined && iat * 1000 > clock.wallMs() + skewSeconds * 1000;
  if (exp === undefined || isFromFuture) throw new Error("issued in the future, or for ever");
  if (tier !== undefined && !isTier(tier)) throw new Error("not a tier");
  return {
    userId: sub,
    roles: textsOf(roles),
    permissions: textsOf(permissions),
    tier: tier ?? TIERS[0],
    expiresAtMs: (exp + skewSeconds) * 1000,
  };
}

function isTime(seconds: unknown): boolean {
  return Number.isInteger(seconds) && (seconds as number) >= 0 && (seconds as number) <= SECONDS_MAX;
}

function textsOf(value: unknown): ReadonlySet<string> {
  if (value === undefined) return new Set();
  const isTexts = Array.isArray(value) && value.every((item) => typeof item === "string");
  if (!isTexts) throw new Error("not a list of names");
  return new Set(value as string[]);
}

function objectOf(value: unknown): Record<string, unknown> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Error("not an object");
  return value as Record<string, unknown>;
}
