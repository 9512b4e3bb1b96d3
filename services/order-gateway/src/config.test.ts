import { readConfig } from "@bourse/shared/runtime/config.js";
import { expect, test } from "vitest";
import { findMistakes, settings } from "./config.js";

const env = {
  BOURSE__SHARDS: '[{ "shard": 0, "address": "matcher-0:50051" }]',
  BOURSE__ORDER_GATEWAY__POSTGRES_URL: "postgres://bourse_orders@localhost/bourse",
  BOURSE__ORDER_GATEWAY__JWKS_FILE: "jwks.json",
};
const read = (more: Readonly<Record<string, string>>) =>
  readConfig({ ...settings, findMistakes }, { ...env, ...more });

test("a proxy that is no address and no network is a mistake in the settings", () => {
  const given = (proxy: string) => read({ BOURSE__ORDER_GATEWAY__TRUSTED_PROXIES: JSON.stringify([proxy]) });
  for (const proxy of ["10.0.0.0/8", "192.168.1.7", "fd00::/8", "::1"])
    expect(given(proxy).trustedProxies).toEqual([proxy]);
  for (const proxy of ["proxy.example", "10.0.0.0/33", "10.0.0", ""])
    expect(() => given(proxy)).toThrow("orderGateway.trustedProxies.0: must be an address or a network");
});

test("keys of access tokens come from one place", () => {
  const mistake = "orderGateway.jwksFile: name this or jwksUrl, and only one";
  expect(() => read({ BOURSE__ORDER_GATEWAY__JWKS_URL: "https://login.example/keys" })).toThrow(mistake);
});
