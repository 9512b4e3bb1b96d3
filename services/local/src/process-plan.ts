// Which processes make an exchange, what each is told, and where it listens.
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";

import { pathsOf } from "./home.js";
import type { LocalSettings, Ports } from "./settings.js";

/** Everything needed to start one process again and again. */
export interface ProcessPlan {
  readonly name: string;
  /** Arguments of node. */
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly ports: Ports;
  readonly logFile: string;
  /** Process that must be ready before this one starts; all others start at once and find each other. */
  readonly after?: string;
}

/** What all plans of one exchange share. */
export interface PlanContext {
  readonly home: string;
  readonly settings: LocalSettings;
  readonly ports: ReadonlyMap<string, Ports>;
  /** Run the compiled processes or their sources. */
  readonly from: "dist" | "source";
  readonly jwksFile: string;
  /** The port by which one part reaches another's. */
  readonly reach: (from: string, to: string, port: number) => number;
  readonly postgresUrl: (role: string) => string;
  /** Environment for every process, over the settings file. */
  readonly env: Readonly<Record<string, string>>;
  /** Environment of one process over all others. */
  readonly envOf: (name: string) => Readonly<Record<string, string>>;
}

const host = "127.0.0.1";
const servicesFolder = fileURLToPath(new URL("../../", import.meta.url));

/** Names of the processes in the order in which they stop, doors first; PostgreSQL goes last. */
export function stopOrder(shards: readonly number[]): string[][] {
  return [
    ["order-gateway"],
    ["market-data", "projector", "settler"],
    shards.map((shard) => `matcher-${shard}`),
    ["wallet"],
  ];
}

/** The plan of every process. */
export function planProcesses(context: PlanContext): ProcessPlan[] {
  const { home, ports, reach, settings } = context;
  const address = (from: string, to: string) => `${host}:${reach(from, to, ports.get(to)?.grpc ?? 0)}`;
  const database = (from: string, role: string) => {
    const url = new URL(context.postgresUrl(role));
    url.port = `${reach(from, "postgres", Number(url.port))}`;
    return url.href;
  };
  const plan = planner(context, (name) => {
    const shards = settings.shards.map((shard) => ({ shard, address: address(name, `matcher-${shard}`) }));
    return { BOURSE__SHARDS: JSON.stringify(shards) };
  });
  return [
    plan("wallet", "wallet/main", "WALLET", { POSTGRES_URL: database("wallet", "bourse_wallet") }),
    ...settings.shards.map((shard) =>
      plan(`matcher-${shard}`, "matcher/main", "MATCHER", {
        SHARD: `${shard}`,
        DATA_DIR: pathsOf(home).matcher(shard),
      }),
    ),
    // Its circuit breaker would take a wallet that is not there yet for one that failed, and wait for 30 s.
    {
      ...plan("settler", "wallet/settler-main", "SETTLER", { WALLET_ADDRESS: address("settler", "wallet") }),
      after: "wallet",
    },
    plan("projector", "order-gateway/projector-main", "PROJECTOR", {
      POSTGRES_URL: database("projector", "bourse_orders"),
    }),
    plan("market-data", "market-data/main", "MARKET_DATA", {}),
    plan("order-gateway", "order-gateway/main", "ORDER_GATEWAY", {
      POSTGRES_URL: database("order-gateway", "bourse_orders"),
      WALLET_ADDRESS: address("order-gateway", "wallet"),
      MARKET_DATA_ADDRESS: address("order-gateway", "market-data"),
      JWKS_FILE: context.jwksFile,
    }),
  ];
}

// Settings that follow from the machine go by the environment; all others stay in the file.
function planner(
  { home, settings, ports, from, env, envOf }: PlanContext,
  shared: (name: string) => Record<string, string>,
) {
  return (name: string, main: string, section: string, own: Record<string, string>): ProcessPlan => {
    const listen = ports.get(name) ?? { admin: 0 };
    const keys = { ...own, ...portKeys(listen) };
    return {
      name,
      args: nodeArgs(main, from),
      env: {
        BOURSE_CONFIG: settings.file,
        BOURSE_EXIT_WITH_PARENT: "1",
        ...shared(name),
        ...Object.fromEntries(
          Object.entries(keys).map(([key, value]) => [`BOURSE__${section}__${key}`, value]),
        ),
        ...env,
        ...envOf(name),
      },
      ports: listen,
      logFile: pathsOf(home).log(name),
    };
  };
}

function portKeys({ grpc, http, admin }: Ports): Record<string, string> {
  return {
    ADMIN_PORT: `${admin}`,
    ...(grpc === undefined ? {} : { GRPC_PORT: `${grpc}` }),
    ...(http === undefined ? {} : { HTTP_PORT: `${http}` }),
  };
}

function nodeArgs(main: string, from: "dist" | "source"): string[] {
  const [service, file] = main.split("/") as [string, string];
  // V8's default of 16 MiB grows every process by tens of megabytes and makes none of them faster but the
  // gateway, whose requests live longer than a small new space: 226 µs a command at 8 MiB, 197 at 32.
  const memory = [`--max-semi-space-size=${main === "order-gateway/main" ? 32 : 8}`];
  if (from === "dist") return [...memory, join(servicesFolder, service, "dist", `${file}.js`)];
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  return [
    ...memory,
    "--conditions=source",
    "--import",
    tsx,
    join(servicesFolder, service, "src", `${file}.ts`),
  ];
}
