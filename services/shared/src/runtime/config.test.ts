import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { z } from "zod";
import { ConfigError, flag, port, readConfig, shardsSettings, text } from "./config.js";

const schema = z.object({
  shards: shardsSettings,
  grpcPort: port().default(50_052),
  postgresUrl: text(),
  isFast: flag().default(false),
});
const request = { section: "wallet", shared: ["shards"], schema } as const;

function fileOf(yaml: string): string {
  const path = join(mkdtempSync(join(tmpdir(), "bourse-config-")), "bourse.yaml");
  writeFileSync(path, yaml);
  return path;
}

function mistakesOf(yaml: string, env: Record<string, string> = {}): readonly string[] {
  try {
    readConfig(request, { BOURSE_CONFIG: fileOf(yaml), ...env });
  } catch (error) {
    if (error instanceof ConfigError) return error.mistakes;
    throw error;
  }
  return [];
}

const good = "shards: [{ shard: 0, address: '127.0.0.1:1' }]\nwallet: { postgresUrl: postgres://x }\n";

test("the environment overrides the file, the file overrides defaults", () => {
  const env = {
    BOURSE_CONFIG: fileOf(good),
    BOURSE__WALLET__GRPC_PORT: "7",
    BOURSE__WALLET__IS_FAST: "true",
  };
  expect(readConfig(request, env)).toMatchObject({ grpcPort: 7, isFast: true, postgresUrl: "postgres://x" });
});

test("all mistakes are told together, each naming its key", () => {
  const yaml =
    "shards: [{ shard: 0, address: a }, { shard: 0, address: b }]\nwallet: { grpcPort: 99999, colour: red }\nwalet: {}\n";
  const mistakes = mistakesOf(yaml).join("\n");
  for (const key of [
    "shards: a shard is named twice",
    "wallet.grpcPort",
    "wallet.colour: unknown key",
    "walet: unknown key",
  ]) {
    expect(mistakes).toContain(key);
  }
  expect(mistakes).toContain("wallet.postgresUrl: is required");
});

test("a file that is not there or not YAML is told with its name", () => {
  expect(() => readConfig(request, { BOURSE_CONFIG: "/nowhere/bourse.yaml" })).toThrow(
    "/nowhere/bourse.yaml",
  );
  expect(mistakesOf("wallet: [")[0]).toContain("bourse.yaml");
});

test("an unknown name in the environment is a mistake", () => {
  expect(mistakesOf(good, { BOURSE__WALET__GRPC_PORT: "1" })).toEqual([
    "BOURSE__WALET__GRPC_PORT: unknown key",
  ]);
});

test("a mistake says what is wanted", () => {
  const env = {
    BOURSE__WALLET__GRPC_PORT: "abc",
    BOURSE__WALLET__IS_FAST: "maybe",
    BOURSE__WALLET__POSTGRES_URL: "[]",
  };
  expect(mistakesOf(good, env)).toEqual([
    "wallet.grpcPort: must be a whole number",
    "wallet.postgresUrl: must be text",
    "wallet.isFast: must be true or false",
  ]);
  expect(mistakesOf(good, { BOURSE__WALLET__GRPC_PORT: "[1.5]" })).toEqual([
    "wallet.grpcPort: must be a whole number",
  ]);
});
