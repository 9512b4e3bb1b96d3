// What the supervisor itself must know of the settings: ports, shards and its own section. Each
// process reads the same file again with its own, complete schema.
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { ConfigError, port, readConfig, shardsSettings } from "@bourse/shared/runtime/config.js";
import { parse } from "yaml";
import { z } from "zod";

import { StartError } from "./start-error.js";

type Env = Readonly<Record<string, string | undefined>>;

/** Ports of one process; absent where it has none of the kind. */
export interface Ports {
  readonly grpc?: number;
  readonly http?: number;
  readonly admin: number;
}

/** The supervisor's view of the settings. */
export interface LocalSettings {
  readonly file: string;
  readonly postgresPort: number;
  /** Numbers of the shards, ascending. */
  readonly shards: readonly number[];
  /** Ports as configured, by process. */
  readonly ports: ReadonlyMap<string, Ports>;
  /** Which setting a port came from, for messages: "8080" to "orderGateway.httpPort". */
  readonly portNames: ReadonlyMap<number, string>;
}

// DESIGN.md §6: the defaults of the services, repeated where the file leaves a key out.
const fixedPorts = [
  { process: "order-gateway", kind: "grpc", section: "orderGateway", key: "grpcPort", fallback: 50_051 },
  { process: "order-gateway", kind: "http", section: "orderGateway", key: "httpPort", fallback: 8_080 },
  { process: "order-gateway", kind: "admin", section: "orderGateway", key: "adminPort", fallback: 9_090 },
  { process: "wallet", kind: "grpc", section: "wallet", key: "grpcPort", fallback: 50_052 },
  { process: "wallet", kind: "http", section: "wallet", key: "httpPort", fallback: 8_082 },
  { process: "wallet", kind: "admin", section: "wallet", key: "adminPort", fallback: 9_091 },
  { process: "market-data", kind: "grpc", section: "marketData", key: "grpcPort", fallback: 50_053 },
  { process: "market-data", kind: "admin", section: "marketData", key: "adminPort", fallback: 9_092 },
  { process: "projector", kind: "admin", section: "projector", key: "adminPort", fallback: 9_093 },
  { process: "settler", kind: "admin", section: "settler", key: "adminPort", fallback: 9_094 },
] as const;

/** The settings file that comes with the project. */
export const defaultSettingsFile = fileURLToPath(new URL("../bourse.yaml", import.meta.url));

/** Reads the settings; fails with a StartError that names every key that cannot work. */
export function readSettings(file: string, env: Env): LocalSettings {
  const { shards, postgresPort, matcherAdminPort } = readOwn(file, env);
  const ports = new Map<string, Ports>();
  const portNames = new Map<number, string>();
  const tree = parse(readFileSync(file, "utf8")) as Record<string, Record<string, unknown> | undefined>;
  const mistakes: string[] = [];
  const set = (process: string, kind: keyof Ports, value: number | undefined, name: string) => {
    if (value === undefined) {
      mistakes.push(`${name}: must be a port, 1 to 65535`);
      return;
    }
    const taken = portNames.get(value);
    if (taken !== undefined) throw new StartError(`port ${value} is given to both ${taken} and ${name}`);
    portNames.set(value, name);
    ports.set(process, { admin: 0, ...ports.get(process), [kind]: value });
  };
  set("postgres", "admin", postgresPort, "local.postgresPort");
  for (const { process, kind, section, key, fallback } of fixedPorts) {
    const text = env[`BOURSE__${snakeCase(section)}__${snakeCase(key)}`] ?? tree[section]?.[key] ?? fallback;
    set(process, kind, portOf(text), `${section}.${key}`);
  }
  for (const { shard, address } of shards) {
    set(`matcher-${shard}`, "grpc", portOf(address.split(":").at(-1)), `shards (shard ${shard})`);
    set(`matcher-${shard}`, "admin", matcherAdminPort + shard, `local.matcherAdminPort (shard ${shard})`);
  }
  if (mistakes.length > 0) throw new StartError(`settings cannot work:\n  ${mistakes.join("\n  ")}`);
  return {
    file,
    postgresPort,
    shards: shards.map(({ shard }) => shard).sort((a, b) => a - b),
    ports,
    portNames,
  };
}

function readOwn(file: string, env: Env) {
  const schema = z.object({
    shards: shardsSettings,
    postgresPort: port().default(15_432).describe("port of the embedded PostgreSQL on 127.0.0.1"),
    matcherAdminPort: port()
      .default(9_100)
      .describe("operations port of shard 0; that of shard k is k higher"),
  });
  try {
    return readConfig({ section: "local", shared: ["shards"], schema }, { ...env, BOURSE_CONFIG: file });
  } catch (error) {
    if (error instanceof ConfigError) throw new StartError(error.message, { cause: error });
    throw error;
  }
}

/** The port that a value of the settings says; undefined when it says none. */
function portOf(value: unknown): number | undefined {
  const result = port().safeParse(value);
  return result.success && result.data !== 0 ? result.data : undefined;
}

function snakeCase(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}
