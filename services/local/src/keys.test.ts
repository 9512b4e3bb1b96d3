import { mkdtemp, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createLocalJWKSet, type JSONWebKeySet, jwtVerify } from "jose";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ensureKeys, keyFiles, makeToken } from "./keys.js";

const userId = "00000000-0000-4000-8000-00000000a11c";
let home: string;
beforeEach(async () => {
  home = await mkdtemp(join(tmpdir(), "bourse-keys-"));
});
afterEach(() => rm(home, { recursive: true, force: true }));

test("a token verifies against the published key and says what was asked for", async () => {
  const { jwksFile } = await ensureKeys(home);
  const token = await makeToken(home, {
    userId,
    roles: ["trader"],
    permissions: ["act_for"],
    tier: "pro",
    ttlSeconds: 60,
  });
  const keys = createLocalJWKSet(JSON.parse(await readFile(jwksFile, "utf8")) as JSONWebKeySet);
  const { payload, protectedHeader } = await jwtVerify(token, keys, {
    issuer: "bourse",
    audience: "bourse",
    typ: "at+jwt",
    algorithms: ["RS256"],
  });
  expect(payload).toMatchObject({ sub: userId, roles: ["trader"], permissions: ["act_for"], tier: "pro" });
  expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(60);
  expect(protectedHeader.kid).toBeTruthy();
});

test("keys and password are made once, and are readable by their owner only", async () => {
  const first = await ensureKeys(home);
  const pem = await readFile(keyFiles(home).privateKey, "utf8");
  expect(await ensureKeys(home)).toEqual(first);
  expect(await readFile(keyFiles(home).privateKey, "utf8")).toBe(pem);
  for (const file of [keyFiles(home).privateKey, keyFiles(home).postgresPassword]) {
    expect((await stat(file)).mode & 0o777).toBe(0o600);
  }
});

test("the published key set holds no private part", async () => {
  const { jwksFile } = await ensureKeys(home);
  const { keys } = JSON.parse(await readFile(jwksFile, "utf8")) as { keys: object[] };
  expect(keys.map((key) => Object.keys(key).sort())).toEqual([["alg", "e", "kid", "kty", "n", "use"]]);
});

test("without keys a token is refused in words", async () => {
  await expect(makeToken(home, { userId, roles: ["trader"] })).rejects.toThrow("made by the first npm start");
});
