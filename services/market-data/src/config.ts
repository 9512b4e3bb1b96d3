import {
  count,
  logSettings,
  port,
  shardsSettings,
  text,
  tracingSettings,
} from "@bourse/shared/runtime/config.js";
import { z } from "zod";

/** Settings of market-data: section `marketData`, and what all processes share. */
export const settings = {
  section: "marketData",
  shared: ["log", "tracing", "shards"],
  schema: z.object({
    log: logSettings.prefault({}),
    tracing: tracingSettings.prefault({}),
    shards: shardsSettings,
    host: text().default("127.0.0.1").describe("address to listen on"),
    grpcPort: port().default(50_053).describe("port of the gRPC server"),
    adminPort: port().default(9_092).describe("port of health and metrics"),
    recentTradesMax: count().default(1_000).describe("trades remembered per market"),
    tradesQueueMax: count()
      .default(4_096)
      .describe("trades that a subscriber may be behind before it is closed"),
    subscribersMax: count().default(10_000).describe("subscriptions at once, all markets together"),
    drainMsMax: count().default(15_000).describe("milliseconds that the drain may take"),
  }),
} as const;
