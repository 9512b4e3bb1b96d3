// The wallet process: balances, reservations and the ledger. Reads from top to bottom.
import { AssertionFailed } from "@bourse/shared/assert.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createInvoker } from "@bourse/shared/http/invoke.js";
import { restListener } from "@bourse/shared/http/rest.js";
import { restCaller, serveRest } from "@bourse/shared/http/rest-server.js";
import { keepPartitionsAhead } from "@bourse/shared/postgres/keep-partitions.js";
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool } from "@bourse/shared/postgres/pool.js";
import { allOf } from "@bourse/shared/rpc/call.js";
import { callersGuard } from "@bourse/shared/rpc/callers.js";
import { openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import { serveOperations } from "@bourse/shared/rpc/operations.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { batched } from "@bourse/shared/runtime/batched.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { loadConfig } from "@bourse/shared/runtime/config.js";
import { createLife } from "@bourse/shared/runtime/life.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { startTracing } from "@bourse/shared/runtime/tracing.js";
import { walletSettings } from "./config.js";
import { keyText } from "./core/reservation.js";
import type { ReserveRequest } from "./core/reserve.js";
import type { Restored } from "./core/restore.js";
import { accountFlows } from "./flow/account-flows.js";
import { keepDatabase } from "./flow/keep-database.js";
import { assetCheck } from "./flow/known-assets.js";
import { shardCheck } from "./flow/known-shards.js";
import { listOrphans, noteSequenced } from "./flow/orphans.js";
import { releaseReservation } from "./flow/release.js";
import { getReservation, outcomeOf, reserveBatch } from "./flow/reserve.js";
import { getCursor, type SettleBatch, settleBatch } from "./flow/settle.js";
import { settleTrade } from "./flow/settle-trade.js";
import { createWitness, witnessed } from "./flow/witness.js";
import { type Database, plannerSettings } from "./io/database.js";
import { makeLedgerMonths } from "./io/ledger-months.js";
import { accountService } from "./rpc/account-service.js";
import { walletCallers } from "./rpc/callers.js";
import { servicesOnly } from "./rpc/services-only.js";
import { walletService } from "./rpc/wallet-service.js";

const config = loadConfig(walletSettings);
const log = createLogger({ service: "wallet", level: config.log.level });
const life = createLife({ log, drainMsMax: config.drainMsMax });
const metrics = createMetrics("wallet");
const commitSeconds = metrics.histogram("bourse_wallet_commit_seconds", "Time of one COMMIT.");
const batchReserves = metrics.histogram(
  "bourse_wallet_reserve_batch_requests",
  "Reserves that shared one transaction.",
  [],
  [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
);
const reserves = metrics.counter("bourse_reserves_total", "Reserves by outcome.", ["outcome"]);
const settled = metrics.counter("bourse_settle_operations_total", "Operations settled.", ["shard"]);
const restored = metrics.counter(
  "bourse_wallet_restored_holds_total",
  "Holds that were lost with commits and made again from a shard's journal.",
  ["shard"],
);
const daysAhead = metrics.gauge(
  "bourse_wallet_partition_days_ahead",
  "Days for which the ledger's months exist already.",
);
life.own("tracing", await startTracing({ service: "wallet", ...config.tracing }));

// What the wallet stands on. It serves health at once and waits for the database as long as it takes.
const { host } = config;
const pool = openPool(config.postgresUrl, {
  connectionsMax: config.postgresConnectionsMax,
  statementTimeoutMs: config.statementTimeoutMs,
  preparedStatements: config.preparedStatements,
  settings: plannerSettings,
  applicationName: "bourse-wallet",
  log,
});
life.own("postgres", () => pool.end());
const database: Database = {
  pool,
  clock,
  random: Math.random,
  onCommit: (seconds) => commitSeconds.observe(seconds),
};
const keepMonths = (signal: AbortSignal) =>
  keepPartitionsAhead({
    make: () => makeLedgerMonths(pool, config.partitionDaysAhead),
    onAhead: (days) => daysAhead.set(days),
    ...{ clock, log, signal },
  });
let isMigrated = false;
const readiness = life.readiness("postgres");
const migrations = new URL("../migrations/", import.meta.url);
life.loop("database", (signal) =>
  keepDatabase(database, {
    migrate: () => migrate(pool, migrations, { schema: "wallet" }),
    onMigrated: () => {
      isMigrated = true;
      life.loop("ledger months", keepMonths);
    },
    readiness,
    pingEveryMs: config.pingEveryMs,
    clock,
    log,
    signal,
  }),
);

// What it does, and what it remembers of it in case the database is set back. Concurrent reserves share one transaction, so a burst costs one commit.
const witness = createWitness();
const reserveMany = async (requests: readonly ReserveRequest[]) => {
  batchReserves.observe(requests.length);
  try {
    const answers = await reserveBatch(database, requests).catch(stopIfWrong);
    for (const answer of answers) {
      reserves.inc({ outcome: outcomeOf(answer) });
      if (answer.type === "refused") witness.refused(answer.reservation);
      if (answer.type === "held") witness.held(answer.reservation.orderId);
    }
    return answers;
  } catch (error) {
    reserves.inc({ outcome: "failed" }, requests.length);
    // On a stream this becomes the answer of each item, so nobody else would log it. A database that is
    // away is logged once, by whoever watches it.
    const isOurs = !(error instanceof DomainError);
    if (isOurs) log.error({ err: error, requests: requests.length }, "batch of reserves failed");
    throw error;
  }
};
const reserve = batched(reserveMany, {
  batchMax: config.reserveBatchMax,
  inFlightMax: config.reserveBatchesInFlight,
  queueMax: config.reserveQueueMax,
  // Two batches with the same accounts would only wait for each other.
  keyOf: keyText,
});
const settle = async (batch: SettleBatch) => {
  const onRestored = (rows: readonly Restored[]) => {
    restored.inc({ shard: String(batch.shard) }, rows.length);
    const orders = rows.map(({ reservation }) => reservation.orderId);
    log.warn({ shard: batch.shard, orders }, "holds that were lost are made again from the shard's journal");
  };
  const hooks = { onRestored, checkLost: witness.check, wasHeld: witness.wasHeld };
  const position = await settleBatch(database, batch, hooks).catch(stopIfWrong);
  settled.inc({ shard: String(batch.shard) }, batch.operations.length);
  return position;
};
const services = [
  walletService(
    {
      reserve,
      getReservation: (orderId) => getReservation(database, orderId),
      checkAsset: assetCheck(database),
      checkShard: shardCheck(database),
      release: (call) => releaseReservation(database, call).catch(stopIfWrong),
      settleTrade: (call) => settleTrade(database, call).catch(stopIfWrong),
      settle,
      getCursor: (shard) => getCursor(database, shard),
      listOrphans: (query) => listOrphans(database, query),
      noteSequenced: (orderIds) => noteSequenced(database, orderIds),
    },
    config,
  ),
  accountService(witnessed(accountFlows(database, stopIfWrong), witness)),
];

/** Our own arithmetic is wrong: better no wallet than a wrong one. */
function stopIfWrong(error: unknown): never {
  if (error instanceof AssertionFailed) life.fail(error);
  throw error;
}

// How the world reaches it: mesh calls (the settler's among them), REST for services, probes and metrics.
const LOOPBACK = "127.0.0.1";
const refuseBeforeMigration = () => {
  if (!isMigrated) throw new DomainError("WALLET_UNAVAILABLE", { outcome: "NOT_ATTEMPTED" });
};
const adminPort = await serveOperations(config, { life, log, metrics });
const tls = openMeshTls(config.tls, metrics);
const guards = [servicesOnly, callersGuard(tls, walletCallers), refuseBeforeMigration];
const grpc = await serveGrpc({
  host,
  port: config.grpcPort,
  services,
  guards,
  tls,
  connectionAgeMsMax: config.connectionAgeMsMax,
  log,
  metrics,
  isReady: life.isReady,
});
const rest = await serveRest({
  // In plaintext nobody can be told from anybody: then only this machine may come.
  host: tls === undefined ? LOOPBACK : host,
  port: config.httpPort,
  listener: restListener({
    services: [WalletService],
    invoker: createInvoker({ entries: services, guard: allOf(guards), log, metrics, drain: life.signal }),
    nowMs: clock.wallMs,
    ...(tls !== undefined && { callerOf: restCaller(tls) }),
  }),
  tls,
  log,
});
life.own("doors", () => Promise.all([grpc.close(), rest.close()]));
log.info({ grpcPort: grpc.port, httpPort: rest.port, adminPort }, "wallet started");

// Returns after SIGTERM, when everything above is closed in reverse order.
await life.runUntilSignal();
