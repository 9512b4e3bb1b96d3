import {
  count,
  logSettings,
  port,
  shardsSettings,
  text,
  tracingSettings,
} from "@bourse/shared/runtime/config.js";
import { z } from "zod";

/** Settings of the projector: section `projector`, and what all processes share. */
export const projectorSettings = {
  section: "projector",
  shared: ["log", "tracing", "shards"],
  schema: z.object({
    log: logSettings.prefault({}),
    tracing: tracingSettings.prefault({}),
    shards: shardsSettings,
    host: text().default("127.0.0.1").describe("address to listen on"),
    adminPort: port().default(9_093).describe("port of health and metrics"),
    postgresUrl: text().describe("database of the order history; the role owns schema orders"),
    postgresConnectionsMax: count().default(4).describe("connections to the database"),
    statementTimeoutMs: count().default(10_000).describe("milliseconds that a statement may take"),
    batchRecordsMax: count().default(2_000).describe("records of one transaction at most"),
    bufferRecordsMax: count()
      .default(10_000)
      .describe("records of a shard that wait while a transaction runs"),
    partitionDaysAhead: count().default(7).describe("days whose partitions are made ahead"),
    drainMsMax: count().default(15_000).describe("milliseconds that the drain may take"),
  }),
} as const;
