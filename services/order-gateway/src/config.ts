import {
  connectionAge,
  count,
  port,
  preparedStatements,
  processSettings,
  shardsSettings,
  text,
  whole,
} from "@bourse/shared/runtime/config.js";
import { z } from "zod";

const perSecond = (fallback: number, meaning: string) =>
  count().default(fallback).describe(`requests per second, ${meaning}`);

const rateLimitSettings = z.strictObject({
  perIp: perSecond(2_000, "of one address, before anybody is authenticated"),
  basic: perSecond(10, "of a user of tier basic; cancels have as many again"),
  plus: perSecond(100, "of a user of tier plus; cancels have as many again"),
  pro: perSecond(1_000, "of a user of tier pro; cancels have as many again"),
  bucketsMax: count().default(100_000).describe("users and addresses remembered at once"),
});

/** Settings of the edge: section `orderGateway`, and what all processes share. */
export const settings = {
  section: "orderGateway",
  shared: ["log", "tracing", "tls", "shards"],
  schema: z.object({
    ...processSettings,
    adminPort: port().default(9_090).describe("port of health and metrics"),
    shards: shardsSettings,
    grpcPort: port().default(50_051).describe("port of the gRPC server"),
    connectionAgeMsMax: connectionAge(),
    httpPort: port().default(8_080).describe("port of REST, Connect, gRPC-Web and the API page"),
    walletAddress: text().default("127.0.0.1:50052").describe("gRPC address of the wallet"),
    marketDataAddress: text().default("127.0.0.1:50053").describe("gRPC address of market-data"),
    postgresUrl: text().describe("database of the order history, secret; read only"),
    postgresConnectionsMax: count().default(4).describe("connections to the order history"),
    preparedStatements: preparedStatements(),
    jwksFile: text()
      .optional()
      .describe("file with the keys that verify access tokens (JWKS); read again when it changes"),
    jwksUrl: z
      .url({ protocol: /^https?$/ })
      .optional()
      .describe("address of the keys, instead of a file"),
    tokenIssuer: text().default("bourse").describe("issuer (iss) of access tokens"),
    tokenAudience: text().default("bourse").describe("audience (aud) of access tokens"),
    tokenSkewSeconds: whole()
      .pipe(z.int().min(0).max(60))
      .default(30)
      .describe("seconds that clocks may differ"),
    deadlineMs: count()
      .default(10_000)
      .describe("milliseconds a call may take when its caller names no deadline"),
    deadlineMsMax: count().default(30_000).describe("milliseconds a call may take at most"),
    walletConnectMs: count().default(2_000).describe("milliseconds to wait for a connection to the wallet"),
    breakerFailures: count()
      .default(5)
      .describe("failures of the wallet in a row that open the circuit breaker"),
    breakerOpenMs: count().default(30_000).describe("milliseconds that the circuit breaker stays open"),
    breakerTrials: count()
      .default(10)
      .describe("calls at once while the breaker is half open, and successes in a row that close it"),
    rateLimit: rateLimitSettings.prefault({}),
    trustedProxies: z
      .array(z.union([z.ipv4(), z.ipv6(), z.cidrv4(), z.cidrv6()], "must be an address or a network"))
      .default([])
      .describe("addresses or networks (CIDR) whose X-Forwarded-For is believed"),
    corsOrigins: z.array(text()).default([]).describe("web origins that browsers may call from"),
    inFlightMax: count().default(1_024).describe("unanswered commands of one OrderEntry stream"),
  }),
} as const;

/** Keys of access tokens come from one place. */
export function findMistakes({ jwksFile, jwksUrl }: Settings): string[] {
  const isOne = (jwksFile === undefined) !== (jwksUrl === undefined);
  return isOne ? [] : ["orderGateway.jwksFile: name this or jwksUrl, and only one"];
}

export type Settings = z.output<typeof settings.schema>;
