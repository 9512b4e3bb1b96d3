// The market data process: depth and trades of all markets, in memory, rebuilt from the shards' events.
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { callersGuard } from "@bourse/shared/rpc/callers.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import { serveOperations } from "@bourse/shared/rpc/operations.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { loadConfig } from "@bourse/shared/runtime/config.js";
import { createLife } from "@bourse/shared/runtime/life.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { startTracing } from "@bourse/shared/runtime/tracing.js";
import { settings } from "./config.js";
import { FanOut } from "./flow/fan-out.js";
import { followEvents } from "./flow/follow-events.js";
import { createMarketReads } from "./flow/read-markets.js";
import { createShardFeed, lagRecords, type ShardFeed, whyNotShown } from "./flow/shard-feed.js";
import { crc32 } from "./io/crc32.js";
import { marketDataCallers } from "./rpc/callers.js";
import { marketDataService } from "./rpc/market-data-service.js";

/** How long a start waits for all shards before it is ready with some. */
const PATIENCE_MS = 15_000;
/** Reads of one gateway at once, beside its subscriptions. */
const READS_MAX = 1_000;

const config = loadConfig(settings);
const log = createLogger({ service: "market-data", level: config.log.level });
const life = createLife({ log, drainMsMax: config.drainMsMax });
const metrics = createMetrics("market-data");
const lag = metrics.gauge("bourse_market_data_lag_records", "Records of a shard not applied yet.", ["shard"]);
const subscribers = metrics.gauge("bourse_market_data_subscribers", "Open subscriptions.");
life.own("tracing", await startTracing({ service: "market-data", ...config.tracing }));
const adminPort = await serveOperations(config, { life, log, metrics });
const tls = openMeshTls(config.tls, metrics);

// What it does: one feed per shard, read by all.
const fanOut = new FanOut({
  clock,
  crc32,
  tradesQueueMax: config.tradesQueueMax,
  subscribersMax: config.subscribersMax,
  onSubscribers: (count) => subscribers.set(count),
});
const shown = life.readiness("shards");
const startedMs = clock.monotonicMs();
const feeds: ShardFeed[] = config.shards.map(({ shard, address, serverName }) => {
  const feed = createShardFeed(shard, config.recentTradesMax);
  const channel = openChannel(address, { tls, serverName });
  life.own(`channel to shard ${shard}`, () => channel.close());
  const matcher = createClient(MatcherService, channel);
  const lagOfShard = lag.labels({ shard: String(shard) });
  const onProgress = () => {
    showFeeds();
    lagOfShard.set(lagRecords(feed));
  };
  life.loop(`events of shard ${shard}`, (signal) =>
    followEvents(feed, { matcher, signal, clock, log, fanOut, onProgress }),
  );
  return feed;
});
// A shard that stays away must not keep the markets of the others from their readers for ever.
setTimeout(showFeeds, PATIENCE_MS).unref();
life.loop("heartbeats", (signal) => fanOut.heartbeats(signal));

// How the world reaches it.
const { host } = config;
const services = [marketDataService({ reads: createMarketReads(feeds, { clock, crc32 }), fanOut, clock })];
const grpc = await serveGrpc({
  host,
  port: config.grpcPort,
  services,
  log,
  metrics,
  isReady: life.isReady,
  tls,
  connectionAgeMsMax: config.connectionAgeMsMax,
  // A gateway brings all its subscribers: one too many is refused in words, and nobody's read waits for one to go.
  concurrentStreamsMax: config.subscribersMax + READS_MAX,
  guards: [callersGuard(tls, marketDataCallers)],
});
life.own("grpc", () => grpc.close());
log.info({ grpcPort: grpc.port, adminPort, shards: feeds.length }, "market data started");

await life.runUntilSignal();

function showFeeds(): void {
  const why = whyNotShown(feeds, clock.monotonicMs() - startedMs < PATIENCE_MS);
  shown.set(why === undefined, why);
}
