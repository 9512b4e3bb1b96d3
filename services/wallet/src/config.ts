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

/** Settings of the wallet: section `wallet`, and what all processes share. */
export const walletSettings = {
  section: "wallet",
  shared: ["log", "tracing", "tls"],
  schema: z.object({
    ...processSettings,
    adminPort: port().default(9_091).describe("port of health and metrics"),
    grpcPort: port().default(50_052).describe("port of the gRPC server"),
    httpPort: port()
      .default(8_082)
      .describe("port of REST for services: with mutual TLS on `host`, in plaintext on this machine alone"),
    connectionAgeMsMax: connectionAge(),
    postgresUrl: text().describe(
      "database of the wallet, for example postgres://bourse_wallet:…@host/bourse",
    ),
    postgresConnectionsMax: count().default(10).describe("connections to the database"),
    preparedStatements: preparedStatements(),
    statementTimeoutMs: count()
      .default(10_000)
      .describe("milliseconds after which the database gives a statement up"),
    partitionDaysAhead: count().default(62).describe("days ahead for which the ledger's months are made"),
    pingEveryMs: count()
      .default(5_000)
      .describe("milliseconds between two looks whether the database answers"),
    reserveBatchMax: count().default(512).describe("reserves that share one transaction"),
    reserveBatchesInFlight: count().default(2).describe("transactions of reserves at once"),
    reserveQueueMax: count()
      .default(20_000)
      .describe("reserves that may wait; more are refused as OVERLOADED"),
    streamUnansweredMax: count()
      .default(4_096)
      .describe("reserves without answer at which a stream is not read on"),
  }),
} as const;

/** Settings of the settler: section `settler`, and what all processes share. */
export const settlerSettings = {
  section: "settler",
  shared: ["log", "tracing", "tls", "shards"],
  schema: z.object({
    ...processSettings,
    adminPort: port().default(9_094).describe("port of health and metrics"),
    shards: shardsSettings,
    walletAddress: text().default("127.0.0.1:50052").describe("gRPC address of the wallet"),
    settleTimeoutMs: count().default(15_000).describe("milliseconds that one call to the wallet may take"),
    queueOperationsMax: count().default(20_000).describe("operations read ahead of the wallet, per shard"),
    reportEveryMs: count()
      .default(200)
      .describe("least milliseconds between two reports of the cursor to a shard"),
    sweepEveryMs: count().default(3_000).describe("milliseconds between two sweeps of a shard"),
    orphanAgeMs: count()
      .default(10_000)
      .describe("age in milliseconds at which a silent reservation is asked about"),
    resolveWithinMs: count()
      .default(15_000)
      .describe("milliseconds of shard time within which a Resolve must be sequenced, at most 60000"),
    setBackShards: z
      .array(whole().pipe(z.int().min(0)))
      .default([])
      .describe(
        "shards of which an operator knows that the wallet has lost commits, where nothing is left that shows it: " +
          "lost holds are made again from their journals",
      ),
    breakerFailures: count()
      .default(5)
      .describe("failures of the wallet in a row that open the circuit breaker"),
    breakerOpenMs: count().default(30_000).describe("milliseconds that the breaker stays open"),
    breakerTrials: count()
      .default(10)
      .describe("calls at once while the breaker is half open, and successes in a row that close it"),
  }),
} as const;
