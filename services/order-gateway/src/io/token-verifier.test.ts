import { createHmac, createSign, generateKeyPairSync, type KeyObject } from "node:crypto";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { readJson } from "@bourse/shared/http/strict-json.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { openTokenVerifier, type VerifyToken } from "./token-verifier.js";

const NOW_MS = 1_800_000_000_000;
const NOW = NOW_MS / 1000;
const SUB = "123e4567-e89b-12d3-a456-426614174000";
const ours = generateKeyPairSync("rsa", { modulusLength: 2048 });
const theirs = generateKeyPairSync("rsa", { modulusLength: 2048 });
const curve = generateKeyPairSync("ec", { namedCurve: "P-256" });
const good = {
  iss: "bourse",
  aud: "bourse",
  sub: SUB,
  iat: NOW,
  exp: NOW + 600,
  roles: ["trader"],
  tier: "plus",
};
const head = { alg: "RS256", typ: "at+jwt", kid: "k1" };

const b64 = (value: string | Buffer) => Buffer.from(value).toString("base64url");
const json = (value: unknown) => b64(JSON.stringify(value));

function signed(header: unknown, claims: unknown, key: KeyObject = ours.privateKey): string {
  return signedText(json(header), json(claims), key);
}

function signedText(header: string, claims: string, key: KeyObject = ours.privateKey): string {
  const signature = createSign("RSA-SHA256").update(`${header}.${claims}`).sign(key);
  return `${header}.${claims}.${b64(signature)}`;
}

let verify: VerifyToken;
const clock = manualClock(NOW_MS);
const file = join(mkdtempSync(join(tmpdir(), "bourse-keys-")), "jwks.json");
const jwks = (...keys: [string, KeyObject][]) =>
  JSON.stringify({
    keys: keys.map(([kid, key]) => ({ ...key.export({ format: "jwk" }), kid, alg: "RS256", use: "sig" })),
  });

async function judge(token: string): Promise<string> {
  try {
    await verify(token);
    return "good";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.reason;
  }
}

beforeAll(async () => {
  writeFileSync(file, jwks(["k1", ours.publicKey]));
  const options = { issuer: "bourse", audience: "bourse", skewSeconds: 30, clock, readJson };
  verify = await openTokenVerifier({ ...options, jwksFile: file });
});

describe("good tokens", () => {
  test("say who calls and what is allowed", async () => {
    const claims = await verify(signed(head, { ...good, permissions: ["act_for"] }));
    expect(claims).toMatchObject({ userId: SUB, tier: "plus", expiresAtMs: (NOW + 630) * 1000 });
    expect([...claims.roles, ...claims.permissions]).toEqual(["trader", "act_for"]);
  });

  test.each<[string, object, object]>([
    ["with us among several audiences", head, { ...good, aud: ["other", "bourse"] }],
    ["within the skew of clocks", head, { ...good, exp: NOW - 29, iat: NOW + 29, nbf: NOW + 29 }],
    ["without a tier", head, { ...good, tier: undefined }],
    ["with the full media type", { ...head, typ: "application/at+jwt" }, good],
  ])("%s", async (_, header, claims) => {
    expect(await judge(signed(header, claims))).toBe("good");
  });
});

describe("bad tokens all look the same", () => {
  const [goodHeader = "", goodClaims = "", goodSignature = ""] = signed(head, good).split(".");
  const flipped = `${goodSignature.slice(0, 10)}${goodSignature[10] === "A" ? "B" : "A"}${goodSignature.slice(11)}`;
  const hmac = (secret: string) => {
    const text = `${json({ ...head, alg: "HS256" })}.${json(good)}`;
    return `${text}.${b64(createHmac("sha256", secret).update(text).digest())}`;
  };
  const pem = ours.publicKey.export({ type: "spki", format: "pem" }).toString();

  test.each<[string, string]>([
    ["alg none", `${json({ alg: "none", typ: "at+jwt", kid: "k1" })}.${json(good)}.`],
    ["alg nOnE", `${json({ ...head, alg: "nOnE" })}.${json(good)}.${goodSignature}`],
    ["no signature", `${goodHeader}.${goodClaims}.`],
    ["HS256 with the public key", hmac(pem)],
    ["another key under our key id", signed(head, good, theirs.privateKey)],
    ["an unknown key id", signed({ ...head, kid: "k2" }, good)],
    ["no key id", signed({ ...head, kid: undefined }, good)],
    ["a path as key id", signed({ ...head, kid: "../../etc/passwd" }, good)],
    ["SQL as key id", signed({ ...head, kid: "' OR 1=1" }, good)],
    ["a key id of 10 kB", signed({ ...head, kid: "k".repeat(10_000) }, good)],
    [
      "a key of its own",
      signed({ ...head, jwk: theirs.publicKey.export({ format: "jwk" }) }, good, theirs.privateKey),
    ],
    ["an unknown critical parameter", signed({ ...head, crit: ["x"], x: 1 }, good)],
    ["unencoded payload", signed({ ...head, crit: ["b64"], b64: false }, good)],
    ["compression", signed({ ...head, zip: "DEF" }, good)],
    ["the wrong type", signed({ ...head, typ: "JWT" }, good)],
    ["no type", signed({ ...head, typ: undefined }, good)],
    ["PS256", `${json({ ...head, alg: "PS256" })}.${goodClaims}.${goodSignature}`],
    ["ES256 with zero r and s", `${json({ ...head, alg: "ES256" })}.${goodClaims}.${b64(Buffer.alloc(64))}`],
    ["a key of another kind", signed({ ...head, alg: "ES256" }, good, curve.privateKey)],
    ["a flipped bit", `${goodHeader}.${goodClaims}.${flipped}`],
    ["a cut signature", `${goodHeader}.${goodClaims}.${goodSignature.slice(0, -4)}`],
    ["an extra segment", `${goodHeader}.${goodClaims}.${goodSignature}.${goodSignature}`],
    ["padding", `${goodHeader}.${goodClaims}.${goodSignature}=`],
    ["a newline", `${goodHeader}.${goodClaims}\n.${goodSignature}`],
    [
      "a claim that stands twice",
      signedText(json(head), b64(`${JSON.stringify(good).slice(0, -1)},"sub":"${SUB}"}`)),
    ],
    [
      "a header parameter that stands twice",
      signedText(b64(`${JSON.stringify(head).slice(0, -1)},"kid":"k1"}`), json(good)),
    ],
    ["100 kB", signed(head, { ...good, x: "y".repeat(100_000) })],
    ["an encrypted token", `${json({ alg: "RSA-OAEP", enc: "A256GCM", zip: "DEF" })}.a.b.c.d`],
    ["claims that are no object", signed(head, [1])],
    ["no expiry", signed(head, { ...good, exp: undefined })],
    ["an expiry as text", signed(head, { ...good, exp: String(NOW + 600) })],
    ["a fractional expiry", signed(head, { ...good, exp: NOW + 600.5 })],
    ["an endless expiry", signed(head, { ...good, exp: 2 ** 53 })],
    ["not before the future", signed(head, { ...good, nbf: NOW + 31 })],
    ["issued in the future", signed(head, { ...good, iat: NOW + 31 })],
    ["another issuer", signed(head, { ...good, iss: "other" })],
    ["another audience", signed(head, { ...good, aud: "other" })],
    ["audiences without us", signed(head, { ...good, aud: ["a", "b"] })],
    ["no subject", signed(head, { ...good, sub: undefined })],
    ["a subject that is no user id", signed(head, { ...good, sub: "admin" })],
    ["a subject of another type", signed(head, { ...good, sub: 7 })],
    ["roles that are no list", signed(head, { ...good, roles: "trader" })],
    ["a tier that does not exist", signed(head, { ...good, tier: "gold" })],
    ["expired, and from another key", signed(head, { ...good, exp: NOW - 60 }, theirs.privateKey)],
    ["expired, and for somebody else", signed(head, { ...good, exp: NOW - 60, aud: "other" })],
    ["expired, and without a user", signed(head, { ...good, exp: NOW - 60, sub: "x" })],
  ])("%s", async (_, token) => {
    expect(await judge(token)).toBe("INVALID_TOKEN");
  });

  test("only a good token that is too old is told so", async () => {
    expect(await judge(signed(head, { ...good, exp: NOW - 31 }))).toBe("TOKEN_EXPIRED");
  });

  test("a large token is refused at once", async () => {
    const token = `${"a".repeat(1_000_000)}.b.c`;
    const startedMs = performance.now();
    expect(await judge(token)).toBe("INVALID_TOKEN");
    expect(performance.now() - startedMs).toBeLessThan(50);
  });
});

describe("addresses in a token", () => {
  let calls = 0;
  const server = createServer((_, response) => {
    calls += 1;
    response.end(jwks(["k1", theirs.publicKey]));
  });
  beforeAll(() => new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve)));
  afterAll(() => void server.close());

  test.each(["jku", "x5u"])("%s is never called", async (parameter) => {
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    expect(await judge(signed({ ...head, [parameter]: url }, good, theirs.privateKey))).toBe("INVALID_TOKEN");
    expect(calls).toBe(0);
  });
});

describe("keys", () => {
  test("follow their file: a new key works, one that was taken out does not, even for tokens seen before", async () => {
    const token = signed(head, { ...good, jti: "seen" });
    const next = signed({ ...head, kid: "k9" }, good, theirs.privateKey);
    expect([await judge(token), await judge(next)]).toEqual(["good", "INVALID_TOKEN"]);
    writeFileSync(file, jwks(["k9", theirs.publicKey]));
    clock.advance(1_000);
    expect([await judge(token), await judge(next)]).toEqual(["INVALID_TOKEN", "good"]);
    writeFileSync(file, "{ broken");
    clock.advance(1_000);
    expect(await judge(next)).toBe("good");
    writeFileSync(file, jwks(["k1", ours.publicKey]));
    clock.advance(1_000);
    expect(await judge(token)).toBe("good");
  });

  test("may come from an address; while it is away nothing is said about tokens", async () => {
    let isUp = false;
    const server = createServer((_, response) => {
      response.statusCode = isUp ? 200 : 503;
      response.end(isUp ? jwks(["k1", ours.publicKey]) : "");
    });
    await new Promise<void>((resolve) => void server.listen(0, "127.0.0.1", resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/keys`;
    const options = { issuer: "bourse", audience: "bourse", skewSeconds: 30, clock, readJson };
    verify = await openTokenVerifier({ ...options, jwksUrl });
    const token = signed(head, { ...good, exp: NOW + 6_000 });
    expect(await judge(token)).toBe("TRANSPORT_FAILED");
    isUp = true;
    expect(await judge(token)).toBe("good");
    expect(await judge(signed(head, good, theirs.privateKey))).toBe("INVALID_TOKEN");
    await new Promise((resolve) => server.close(resolve));
  });
});
