// The projector process: the order history of all users, from the shards' events into PostgreSQL.
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { keepPartitionsAhead } from "@bourse/shared/postgres/keep-partitions.js";
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { migratePatiently } from "@bourse/shared/postgres/migrate-patiently.js";
import { openPool } from "@bourse/shared/postgres/pool.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import { serveOperations } from "@bourse/shared/rpc/operations.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { loadConfig } from "@bourse/shared/runtime/config.js";
import { createLife } from "@bourse/shared/runtime/life.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { startTracing } from "@bourse/shared/runtime/tracing.js";
import { HistoryPartitions } from "./flow/history-partitions.js";
import { keepRetention } from "./flow/history-retention.js";
import { projectHistory } from "./flow/project-history.js";
import { createCursorReporter } from "./flow/report-cursor.js";
import { projectorSettings } from "./projector-config.js";

const REPORT_TIMEOUT_MS = 2_000;

const config = loadConfig(projectorSettings);
const log = createLogger({ service: "projector", level: config.log.level });
const life = createLife({ log, drainMsMax: config.drainMsMax });
const metrics = createMetrics("projector");
const lag = metrics.gauge("bourse_projector_lag_records", "Records of a shard not stored yet.", ["shard"]);
const rows = metrics.counter("bourse_projector_rows_total", "Rows written.", ["shard", "table"]);
const ahead = metrics.gauge("bourse_projector_partition_days_ahead", "Days whose partitions exist already.");
const detached = metrics.counter("bourse_projector_partitions_detached_total", "Partitions that were past.");
life.own("tracing", await startTracing({ service: "projector", ...config.tracing }));

// Health first, so that it can be asked what is missing.
const adminPort = await serveOperations(config, { life, log, metrics });
const tls = openMeshTls(config.tls, metrics);

// What it stands on.
const pool = openPool(config.postgresUrl, {
  connectionsMax: config.postgresConnectionsMax,
  statementTimeoutMs: config.statementTimeoutMs,
  preparedStatements: config.preparedStatements,
  applicationName: "bourse-projector",
  log,
});
life.own("postgres", () => pool.end());
const migrations = new URL("../migrations/", import.meta.url);
await migratePatiently(() => migrate(pool, migrations, { schema: "orders" }), { clock, log });
const partitions = new HistoryPartitions(pool);
life.loop("partitions", (signal) =>
  keepPartitionsAhead({
    make: (nowMs) => partitions.ensureAhead(nowMs, config.partitionDaysAhead),
    onAhead: (days) => ahead.set(days),
    clock,
    log,
    signal,
  }),
);
life.loop("retention", (signal) =>
  keepRetention({
    days: config.retentionDays,
    detach: (beforeMs, nowMs) => partitions.detachBefore(beforeMs, nowMs),
    onDetached: (tables) => detached.inc(tables.length),
    clock,
    log,
    signal,
  }),
);

// What it does, for each shard on its own.
for (const { shard, address, serverName } of config.shards) {
  const channel = openChannel(address, { tls, serverName });
  life.own(`channel to shard ${shard}`, () => channel.close());
  const matcher = createClient(MatcherService, channel);
  const readiness = life.readiness(`shard ${shard}`);
  const lagOfShard = lag.labels({ shard: String(shard) });
  const reporter = createCursorReporter({
    report: async ({ epoch, seq }) => {
      const position = { epoch: BigInt(epoch), seq: BigInt(seq) };
      const limits = { timeoutMs: REPORT_TIMEOUT_MS, waitForReady: true };
      await matcher.reportCursor({ follower: "projector", ...position }, limits);
    },
    clock,
    log: log.child({ shard }),
    onReported: () => readiness.set(true),
  });
  life.loop(`cursor reports to shard ${shard}`, (signal) => reporter.run(signal));
  life.loop(`history of shard ${shard}`, (signal) =>
    projectHistory({
      ...{ shard, pool, matcher, partitions, signal, clock, log },
      batchRecordsMax: config.batchRecordsMax,
      bufferRecordsMax: config.bufferRecordsMax,
      onPosition: (position) => reporter.note(position),
      onLag: (records) => lagOfShard.set(records),
      onRows({ orders, updates, fills }) {
        rows.inc({ shard: String(shard), table: "orders" }, orders.length + updates.length);
        rows.inc({ shard: String(shard), table: "trades" }, fills.length);
      },
    }),
  );
}
log.info({ adminPort, shards: config.shards.length }, "projector started");

await life.runUntilSignal();
