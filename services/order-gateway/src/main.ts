// The edge of the exchange: orders, accounts and market data over gRPC, Connect, gRPC-Web and REST.
// Reads from top to bottom.

import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { createInvoker } from "@bourse/shared/http/invoke.js";
import { MESSAGE_BYTES_MAX } from "@bourse/shared/http/node-http.js";
import { restListener } from "@bourse/shared/http/rest.js";
import { readJson } from "@bourse/shared/http/strict-json.js";
import { openPool } from "@bourse/shared/postgres/pool.js";
import type { Call } from "@bourse/shared/rpc/call.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import { serveOperations } from "@bourse/shared/rpc/operations.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { warmUp } from "@bourse/shared/rpc/validate.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { loadConfig } from "@bourse/shared/runtime/config.js";
import { createLife } from "@bourse/shared/runtime/life.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { startTracing } from "@bourse/shared/runtime/tracing.js";
import { measureGuard } from "@bourse/shared/runtime/wallet-guard.js";
import { create } from "@bufbuild/protobuf";
import { findMistakes, settings } from "./config.js";
import { takeTokens } from "./core/rate-limit.js";
import { amendOrder } from "./flow/amend-order.js";
import { cancelAllAfter, cancelAllOrders } from "./flow/cancel-all.js";
import { cancelOrder } from "./flow/cancel-order.js";
import { createLimiter } from "./flow/limit-rate.js";
import { type AckedSeqs, listOrderHistory, listTradeHistory, noteAcked } from "./flow/list-history.js";
import type { KnownOrder, Mesh } from "./flow/mesh.js";
import { runOrderEntry } from "./flow/order-entry.js";
import { placeOrder } from "./flow/place-order.js";
import { readOrder } from "./flow/read-order.js";
import { connectListener } from "./http/connect.js";
import { serveHttp } from "./http/http-server.js";
import { pagesListener } from "./http/pages.js";
import { fingerprintOf, mintId } from "./io/fingerprint.js";
import { projectedSeq } from "./io/history-cursor.js";
import { listOrders } from "./io/orders-table.js";
import { memoryBuckets } from "./io/rate-limit-store.js";
import { RouteCache } from "./io/route-cache.js";
import { Shards } from "./io/shards.js";
import { openTokenVerifier } from "./io/token-verifier.js";
import { listTrades } from "./io/trades-table.js";
import { openWallet } from "./io/wallet-client.js";
import { accountService } from "./rpc/account-service.js";
import { clientAddress } from "./rpc/client-address.js";
import { edgeGuard } from "./rpc/guards.js";
import { marketDataService } from "./rpc/market-data-service.js";
import { orderService } from "./rpc/order-service.js";
import { measured } from "./rpc/placement-metrics.js";
import { traced } from "./rpc/traced.js";

const KNOWN_MAX = 100_000;
const USERS_MAX = 10_000;
/** How long a start waits for all shards before it is ready with some. */
const PATIENCE_MS = 15_000;

const config = loadConfig({ ...settings, findMistakes });
const log = createLogger({ service: "order-gateway", level: config.log.level });
const life = createLife({ log, drainMsMax: config.drainMsMax });
const metrics = createMetrics("order-gateway");
life.own("tracing", await startTracing({ service: "order-gateway", ...config.tracing }));
const serving = life.readiness("doors");
const { host } = config;
const adminPort = await serveOperations(config, { life, log, metrics });
const tls = openMeshTls(config.tls, metrics);

// What the edge stands on: history, wallet, shards, market data, keys.
const pool = openPool(config.postgresUrl, {
  connectionsMax: config.postgresConnectionsMax,
  statementTimeoutMs: config.deadlineMs,
  preparedStatements: config.preparedStatements,
  applicationName: "order-gateway",
});
life.own("postgres", () => pool.end());

const walletChannel = openChannel(config.walletAddress, { tls });
const wallet = openWallet({
  channel: walletChannel,
  clock,
  random: Math.random,
  connectMs: config.walletConnectMs,
  breakerFailures: config.breakerFailures,
  breakerOpenMs: config.breakerOpenMs,
  breakerTrials: config.breakerTrials,
  watch: measureGuard(metrics, log),
});
life.own("wallet", () => {
  wallet.close();
  walletChannel.close();
});

const shardsReady = life.readiness("shards");
const doubled = metrics.gauge(
  "bourse_markets_on_two_shards",
  "Markets that two shards name: they take no new orders, a person must look.",
);
const showShards = () => shardsReady.set(shards.areServing(), `closed: ${shards.closed().join(", ")}`);
const shards = new Shards({
  shards: config.shards,
  tls,
  clock,
  random: Math.random,
  log,
  connectMs: config.walletConnectMs,
  patienceMs: PATIENCE_MS,
  onChange: showShards,
  onDoubled: (symbols) => doubled.set(symbols.length),
});
life.own("shards", () => shards.close());
// A shard that stays away must not keep a gateway from serving the others for ever.
setTimeout(showShards, PATIENCE_MS).unref();
for (const { shard } of config.shards) life.loop(`shard ${shard}`, (signal) => shards.watch(shard, signal));

const marketDataChannel = openChannel(config.marketDataAddress, { tls });
life.own("market-data", () => marketDataChannel.close());
const verify = await openTokenVerifier({
  jwksFile: config.jwksFile,
  jwksUrl: config.jwksUrl,
  issuer: config.tokenIssuer,
  audience: config.tokenAudience,
  skewSeconds: config.tokenSkewSeconds,
  clock,
  readJson,
});

// What the edge does.
const acked = new RouteCache<AckedSeqs>(USERS_MAX);
const mesh: Mesh = {
  wallet,
  shards,
  clock,
  fingerprint: fingerprintOf,
  mintId,
  known: new RouteCache<KnownOrder>(KNOWN_MAX),
  acknowledged: (userId, shard, seq) => noteAcked(acked, userId, shard, seq),
};
const history = {
  orders: (query: Parameters<typeof listOrders>[1]) => listOrders(pool, query),
  trades: (query: Parameters<typeof listTrades>[1]) => listTrades(pool, query),
  projectedSeq: (shard: number) => projectedSeq(pool, shard),
  acked,
  clock,
};
const buckets = memoryBuckets({ take: takeTokens, clock, bucketsMax: config.rateLimit.bucketsMax });
const limiter = createLimiter(buckets, config.rateLimit);
const deadlineOf = ({ deadlineMs }: Call) => {
  const nowMs = clock.wallMs();
  return Math.min(deadlineMs ?? nowMs + config.deadlineMs, nowMs + config.deadlineMsMax);
};

// How the world reaches it: each service written once, carried by gRPC, Connect and REST.
const entries = [
  orderService({
    place: measured((request, context) => placeOrder(mesh, request, context), metrics, clock),
    cancel: (name, context) => cancelOrder(mesh, name, context),
    amend: (name, request, context) => amendOrder(mesh, name, request, context),
    cancelAll: (request, context) => cancelAllOrders(mesh, request, context),
    cancelAllAfter: (request, context) => cancelAllAfter(mesh, request, context),
    read: (name, context) => readOrder(mesh, name, context),
    listOrders: (query) => listOrderHistory(history, query),
    listTrades: (query) => listTradeHistory(history, query),
    createMarket: (market, deadlineMs) => shards.addMarket(market, deadlineMs),
    setMarketState: (change, context) => shards.setMarketState(change, context),
    orderEntry: (commands) =>
      runOrderEntry(commands, { inFlightMax: config.inFlightMax, drain: life.signal }),
    limiter,
    deadlineOf,
    nowMs: clock.wallMs,
  }),
  accountService({ wallet: wallet.accounts, checkAsset: (asset) => shards.checkAsset(asset), deadlineOf }),
  marketDataService(createClient(MarketDataService, marketDataChannel)),
].map(traced);
// The first use of each rule set would otherwise take 40 to 100 ms of somebody's call.
for (const { service } of entries) for (const { input } of service.methods) warmUp(input, create(input));

const guard = edgeGuard({
  verify,
  limiter,
  addressOf: clientAddress(config.trustedProxies),
  isDraining: () => life.signal.aborted,
});
const grpc = await serveGrpc({
  host,
  port: config.grpcPort,
  services: entries,
  log,
  metrics,
  isReady: life.isReady,
  connectionAgeMsMax: config.connectionAgeMsMax,
  guards: [guard],
  messageBytesMax: MESSAGE_BYTES_MAX,
});

const invoker = createInvoker({ entries, guard, log, metrics, drain: life.signal });
const http = await serveHttp({
  host,
  port: config.httpPort,
  rest: restListener({ services: entries.map(({ service }) => service), invoker, nowMs: clock.wallMs }),
  connect: connectListener({ entries, invoker, nowMs: clock.wallMs }),
  pages: pagesListener(),
  corsOrigins: config.corsOrigins,
});
// Both doors close together: a slow reader behind one must not keep the other from draining.
life.own("doors", () => Promise.all([grpc.close(), http.close()]));

showShards();
serving.set(true);
log.info({ grpcPort: grpc.port, httpPort: http.port, adminPort }, "serving");

// Returns after SIGTERM, when everything above is closed in reverse order.
await life.runUntilSignal();
