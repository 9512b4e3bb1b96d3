// The projector's way from a shard's messages to rows in PostgreSQL, in this process: messages decoded, folded,
// written and the cursor moved as in the service; the shard alone is played before.
//   projected-rows.js POSTGRES_URL: "project N" projects records that make about N rows.
import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { FollowOptions } from "@bourse/shared/events/follow.js";
import { StreamEventsResponseSchema } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { MarketSchema } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool } from "@bourse/shared/postgres/pool.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { create, fromBinary } from "@bufbuild/protobuf";
import { HistoryPartitions } from "../../flow/history-partitions.js";
import { projectHistory } from "../../flow/project-history.js";
import { projectorSettings } from "../../projector-config.js";
import type { Played } from "./shard-flow-process.js";

const SHARD = 0;
const EPOCH = 1n;
/** Rows that a command of the flow makes, about. */
const ROWS_PER_COMMAND = 1.2;

const [postgresUrl = ""] = process.argv.slice(2);
const config = projectorSettings.schema.parse({
  shards: [{ shard: SHARD, address: "unused:1" }],
  postgresUrl,
});
const pool = openPool(postgresUrl, {
  connectionsMax: config.postgresConnectionsMax,
  statementTimeoutMs: config.statementTimeoutMs,
  applicationName: "bench-projector",
});
await migrate(pool, new URL("../../../migrations/", import.meta.url), { schema: "orders" });
const partitions = new HistoryPartitions(pool);
const program = import.meta.url.endsWith(".ts") ? "./shard-flow-process.ts" : "./shard-flow-process.js";
const flow = fork(fileURLToPath(new URL(program, import.meta.url)), [String(SHARD)], {
  serialization: "advanced",
});
const log = createLogger({ service: "bench", level: "warn" });

/** A matcher that has these messages after what is projected. */
function matcherOf({ messages, endSeq, market }: Played): FollowOptions["matcher"] {
  const markets = [fromBinary(MarketSchema, market)];
  return {
    async *streamEvents(_request, { signal } = {}) {
      const header = { shard: SHARD, epoch: EPOCH, endSeq: BigInt(endSeq), markets };
      yield create(StreamEventsResponseSchema, { kind: { case: "header", value: header } });
      for (const bytes of messages) yield fromBinary(StreamEventsResponseSchema, bytes);
      if (signal?.aborted !== true)
        await new Promise((resolve) => signal?.addEventListener("abort", resolve, { once: true }));
      throw new DomainError("CANCELLED");
    },
  };
}

async function project(played: Played): Promise<{ orders: number; updates: number; fills: number }> {
  const stop = new AbortController();
  const rows = { orders: 0, updates: 0, fills: 0 };
  await projectHistory({
    ...{ shard: SHARD, pool, partitions, clock, log, signal: stop.signal },
    matcher: matcherOf(played),
    batchRecordsMax: config.batchRecordsMax,
    bufferRecordsMax: config.bufferRecordsMax,
    onPosition: ({ seq }) => seq === played.endSeq && stop.abort(),
    onLag: () => {},
    onRows({ orders, updates, fills }) {
      rows.orders += orders.length;
      rows.updates += updates.length;
      rows.fills += fills.length;
    },
  });
  return rows;
}

await serveLines({
  async project(count) {
    flow.send(Math.ceil(Number(count) / ROWS_PER_COMMAND));
    const [played] = (await once(flow, "message")) as [Played];
    const cpuBefore = process.cpuUsage();
    const startedAt = performance.now();
    const parts = await project(played);
    const nanoseconds = (performance.now() - startedAt) * 1e6;
    const { user, system } = process.cpuUsage(cpuBefore);
    const rows = parts.orders + parts.updates + parts.fills;
    return { rows, ...parts, nanoseconds, cpuNanoseconds: (user + system) * 1e3 };
  },
});
flow.disconnect();
await pool.end();
