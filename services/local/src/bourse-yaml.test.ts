// bourse.yaml is the reference of the settings, so it must name every key. The schemas belong to other
// services, which this one may not import; their text is enough.
import { readFileSync } from "node:fs";
import { processSettings } from "@bourse/shared/runtime/config.js";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { defaultSettingsFile, readSettings } from "./settings.js";

const text = readFileSync(defaultSettingsFile, "utf8");
const settings = parse(text) as Record<string, Record<string, unknown>>;

// Handed to the processes by npm start, chosen instead of what is handed over, or of clusters only.
const fromMachine = new Set(["healthPort", "postgresUrl", "jwksFile", "jwksUrl", "dataDir", "shard"]);
const shared = new Set(["log", "tracing", "tls", "shards", "markets"]);

test.each([
  ["orderGateway", "order-gateway/src/config.ts", "settings"],
  ["projector", "order-gateway/src/projector-config.ts", "projectorSettings"],
  ["wallet", "wallet/src/config.ts", "walletSettings"],
  ["settler", "wallet/src/config.ts", "settlerSettings"],
  ["matcher", "matcher/src/config.ts", "matcherSettings"],
  ["marketData", "market-data/src/config.ts", "settings"],
])("section %s lists every setting, and no other", (section, file, name) => {
  const source = readFileSync(new URL(`../../${file}`, import.meta.url), "utf8");
  const begin = source.indexOf(`export const ${name} =`);
  expect(begin).toBeGreaterThan(-1);
  const schema = source.slice(begin, source.indexOf("} as const", begin));
  expect(schema).toContain("...processSettings,");
  const own = [...schema.matchAll(/^ {4}(\w+):/gm)].map(([, key]) => key as string);
  const keys = [...Object.keys(processSettings), ...own];
  const isOfShard = (key: string) => section === "matcher" && (key === "grpcPort" || key === "adminPort");
  const wanted = keys.filter((key) => !shared.has(key) && !fromMachine.has(key) && !isOfShard(key));
  expect(wanted.length).toBeGreaterThan(3);
  expect(Object.keys(settings[section] ?? {}).sort()).toEqual(wanted.sort());
});

test("a second exchange gets other ports from its environment, the shards' too", () => {
  const shards = JSON.stringify([0, 1].map((shard) => ({ shard, address: `127.0.0.1:${51_060 + shard}` })));
  const env = { BOURSE__SHARDS: shards, BOURSE__LOCAL__MATCHER_ADMIN_PORT: "19100" };
  const { ports } = readSettings(defaultSettingsFile, env);
  expect(ports.get("matcher-0")).toEqual({ grpc: 51_060, admin: 19_100 });
  expect(ports.get("matcher-1")).toEqual({ grpc: 51_061, admin: 19_101 });
});

test("the supervisor can work with it: two shards, every port once", () => {
  const { ports, shards } = readSettings(defaultSettingsFile, {});
  expect(shards).toEqual([0, 1]);
  expect(ports.get("order-gateway")).toEqual({ grpc: 50_051, http: 8_080, admin: 9_090 });
  expect(ports.get("matcher-1")).toEqual({ grpc: 50_061, admin: 9_101 });
});
