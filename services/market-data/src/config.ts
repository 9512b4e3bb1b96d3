import {
  connectionAge,
  count,
  port,
  processSettings,
  shardsSettings,
} from "@bourse/shared/runtime/config.js";
import { z } from "zod";

/** Settings of market-data: section `marketData`, and what all processes share. */
export const settings = {
  section: "marketData",
  shared: ["log", "tracing", "tls", "shards"],
  schema: z.object({
    ...processSettings,
    adminPort: port().default(9_092).describe("port of health and metrics"),
    shards: shardsSettings,
    grpcPort: port().default(50_053).describe("port of the gRPC server"),
    connectionAgeMsMax: connectionAge(),
    recentTradesMax: count().default(1_000).describe("trades remembered per market"),
    tradesQueueMax: count()
      .default(4_096)
      .describe("trades that a subscriber may be behind before it is closed"),
    subscribersMax: count().default(10_000).describe("subscriptions at once, all markets together"),
  }),
} as const;
