import { X509Certificate } from "node:crypto";
import { createAuthority } from "@bourse/shared/testing/certificates.js";
import { createLocalJWKSet, jwtVerify } from "jose";
import { expect, test } from "vitest";

import { dnsNamesOf, fullnameOf } from "./identities.js";
import { allSecretNames, type PlanOptions, planSecrets } from "./plan.js";
import { type ExistingSecrets, formatManifest, parseSecrets, type Secret } from "./secret.js";

const place = { namespace: "prod", fullname: "bourse" };

test("an empty namespace gets every secret", async () => {
  const secrets = await planSecrets(new Map(), place);
  expect(secrets.map(({ name }) => name).sort()).toEqual(allSecretNames(place).sort());
  expect(keysOf(secrets, "bourse-wallet-tls")).toEqual(["ca.crt", "tls.crt", "tls.key"]);
  expect(keysOf(secrets, "bourse-postgres")).toEqual(["auditor-url", "orders-url", "wallet-url"]);
  expect(keysOf(secrets, "bourse-jwks")).toEqual(["jwks.json"]);
  expect(keysOf(secrets, "bourse-smoke")).toEqual(["buyer-token", "operator-token", "seller-token"]);
  expect(keysOf(secrets, "bourse-load")).toEqual(["operator-token", "tokens"]);
});

test("a second run has nothing to do", async () => {
  const existing = asExisting(await planSecrets(new Map(), place));
  expect(await planSecrets(existing, place)).toEqual([]);
});

test("each missing secret is made again so that it fits what exists", async () => {
  const all = await planSecrets(new Map(), place);
  for (const name of [
    "bourse-settler-tls",
    "bourse-postgres",
    "bourse-jwks",
    "bourse-smoke",
    "bourse-load",
  ]) {
    const kept = asExisting(all.filter((secret) => secret.name !== name));
    expect((await planSecrets(kept, place)).map((secret) => secret.name)).toEqual([name]);
  }
  const again = await planSecrets(asExisting(all.filter(({ name }) => name !== "bourse-postgres")), place);
  expect(entry(again, "bourse-postgres", "wallet-url")).toBe(entry(all, "bourse-postgres", "wallet-url"));
});

test("addresses carry the passwords of the server and no sign that an address would have to escape", async () => {
  const secrets = await planSecrets(new Map(), place);
  const url = new URL(entry(secrets, "bourse-postgres", "orders-url"));
  expect(url.username).toBe("bourse_orders");
  expect(url.password).toBe(entry(secrets, "postgres", "orders-password"));
  expect(url.password).toMatch(/^[\w-]{32}$/);
  expect(`${url.host}${url.pathname}`).toBe("postgres:5432/bourse");
});

test("whoever gives the addresses of a PostgreSQL gets none of ours", async () => {
  const given = new Map([["bourse-postgres", { "wallet-url": "postgres://elsewhere/bourse" }]]);
  const names = (await planSecrets(given, place)).map(({ name }) => name);
  expect(names).not.toContain("postgres");
  expect(names).not.toContain("bourse-postgres");
});

test("a certificate names its identity and every name of its service", async () => {
  const secrets = await planSecrets(new Map(), place, { trustDomain: "exchange.example" });
  const leaf = new X509Certificate(entry(secrets, "bourse-matcher-tls", "tls.crt"));
  expect(leaf.subjectAltName).toContain("URI:spiffe://exchange.example/matcher");
  expect(leaf.checkHost("bourse-matcher-3.bourse-matcher.prod.svc.cluster.local")).toBeDefined();
  expect(leaf.checkHost("bourse-matcher")).toBeDefined();
  expect(leaf.checkHost("bourse-wallet")).toBeUndefined();
});

test("rotation issues every certificate anew, by the same authority, and nothing else", async () => {
  const before = await planSecrets(new Map(), place);
  const after = await planSecrets(asExisting(before), place, { rotateCertificates: true });
  expect(after.map(({ name }) => name).every((name) => name.endsWith("-tls"))).toBe(true);
  expect(after).toHaveLength(7);
  const [old, fresh] = [before, after].map((each) => entry(each, "bourse-wallet-tls", "tls.crt"));
  expect(fresh).not.toBe(old);
  expect(entry(after, "bourse-wallet-tls", "ca.crt")).toBe(entry(before, "bourse-wallet-tls", "ca.crt"));
  const authority = new X509Certificate(entry(before, "bourse-mesh-authority", "tls.crt"));
  expect(new X509Certificate(fresh ?? "").verify(authority.publicKey)).toBe(true);
});

test("a missing certificate of an authority elsewhere is not made up", async () => {
  const { issue, caPem } = await createAuthority();
  const { certPem, keyPem } = await issue({ identity: "wallet", dnsNames: [] });
  const foreign = new Map([
    ["bourse-wallet-tls", { "tls.crt": certPem, "tls.key": keyPem, "ca.crt": caPem }],
  ]);
  await expect(planSecrets(foreign, place)).rejects.toThrow(/not their authority/);
  const replaced: PlanOptions = { rotateCertificates: true };
  expect((await planSecrets(foreign, place, replaced)).map(({ name }) => name)).toContain(
    "bourse-mesh-authority",
  );
});

test("a secret of the same name with other entries is refused", async () => {
  const foreign = new Map([["postgres", { password: "of somebody else" }]]);
  await expect(planSecrets(foreign, place)).rejects.toThrow(
    "secret postgres exists, but has no entry wallet-password",
  );
});

test("every token verifies against the key set", async () => {
  const secrets = await planSecrets(new Map(), place);
  const jwks = createLocalJWKSet(JSON.parse(entry(secrets, "bourse-jwks", "jwks.json")));
  const lines = entry(secrets, "bourse-load", "tokens").trimEnd().split("\n");
  expect(lines).toHaveLength(8);
  for (const line of lines) {
    const [userId, token = ""] = line.split(" ");
    const { payload } = await jwtVerify(token, jwks, { issuer: "bourse", audience: "bourse" });
    expect(payload).toMatchObject({ sub: userId, tier: "unlimited", roles: ["trader"] });
  }
  const { payload } = await jwtVerify(entry(secrets, "bourse-smoke", "operator-token"), jwks);
  expect(payload.roles).toEqual(["operator"]);
});

test("a key set that is given without its key gets no tokens of ours", async () => {
  const given = new Map([["bourse-jwks", { "jwks.json": '{"keys":[]}' }]]);
  const names = (await planSecrets(given, place)).map(({ name }) => name);
  expect(names.filter((name) => /smoke|load|signing|jwks/.test(name))).toEqual([]);
});

test.each([
  ["bourse", "bourse"],
  ["my-bourse", "my-bourse"],
  ["exchange", "exchange-bourse"],
  ["a".repeat(36), `${"a".repeat(36)}-bou`],
  ["a".repeat(39), "a".repeat(39)],
])("the objects of release %s are called %s", (release, fullname) => {
  expect(fullnameOf(release)).toBe(fullname);
});

test("only servers have host names, and only shards have names of pods", () => {
  expect(dnsNamesOf("settler", place)).toEqual([]);
  expect(dnsNamesOf("wallet", place)).toEqual([
    "bourse-wallet",
    "bourse-wallet.prod",
    "bourse-wallet.prod.svc",
    "bourse-wallet.prod.svc.cluster.local",
  ]);
  expect(dnsNamesOf("matcher", place).filter((name) => name.startsWith("*"))).toEqual([
    "*.bourse-matcher.prod",
    "*.bourse-matcher.prod.svc",
    "*.bourse-matcher.prod.svc.cluster.local",
  ]);
});

test("what is written is read back as it was", () => {
  const secret: Secret = { name: "a", type: "Opaque", data: { "x.json": "ä\n", y: "" } };
  const list = formatManifest([secret], { of: "us" });
  expect(parseSecrets(list)).toEqual(asExisting([secret]));
  expect(parseSecrets(JSON.stringify(JSON.parse(list).items[0]))).toEqual(asExisting([secret]));
  expect(parseSecrets("\n")).toEqual(new Map());
});

function asExisting(secrets: readonly Secret[]): ExistingSecrets {
  return new Map(secrets.map(({ name, data }) => [name, data]));
}

function keysOf(secrets: readonly Secret[], name: string): string[] {
  return Object.keys(secrets.find((secret) => secret.name === name)?.data ?? {}).sort();
}

function entry(secrets: readonly Secret[], name: string, key: string): string {
  return secrets.find((secret) => secret.name === name)?.data[key] ?? "";
}
