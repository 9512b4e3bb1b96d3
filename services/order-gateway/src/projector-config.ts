import {
  count,
  port,
  preparedStatements,
  processSettings,
  shardsSettings,
  text,
  whole,
} from "@bourse/shared/runtime/config.js";
import { z } from "zod";

/** Settings of the projector: section `projector`, and what all processes share. */
export const projectorSettings = {
  section: "projector",
  shared: ["log", "tracing", "tls", "shards"],
  schema: z.object({
    ...processSettings,
    adminPort: port().default(9_093).describe("port of health and metrics"),
    shards: shardsSettings,
    postgresUrl: text().describe("database of the order history; the role owns schema orders"),
    postgresConnectionsMax: count().default(4).describe("connections to the database"),
    preparedStatements: preparedStatements(),
    statementTimeoutMs: count().default(10_000).describe("milliseconds that a statement may take"),
    batchRecordsMax: count().default(2_000).describe("records of one transaction at most"),
    bufferRecordsMax: count()
      .default(10_000)
      .describe("records of a shard that wait while a transaction runs"),
    retentionDays: whole()
      .pipe(z.int().min(0))
      .default(0)
      .describe("days after which orders and trades leave the lists; 0 keeps them for ever"),
    partitionDaysAhead: count().default(7).describe("days whose partitions are made ahead"),
  }),
} as const;
