// The settler process: what the shards decide becomes money in the wallet. Keeps nothing of its own.
import { setMaxListeners } from "node:events";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import { serveOperations } from "@bourse/shared/rpc/operations.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { loadConfig } from "@bourse/shared/runtime/config.js";
import { createLife } from "@bourse/shared/runtime/life.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { startTracing } from "@bourse/shared/runtime/tracing.js";
import { guardWallet, measureGuard } from "@bourse/shared/runtime/wallet-guard.js";
import { settlerSettings } from "./config.js";
import { followAndSettle, type ShardState } from "./flow/follow-shard.js";
import { newShardView } from "./flow/shard-view.js";
import { sweepForever } from "./flow/sweep.js";
import { createMatcherClient } from "./io/matcher-client.js";
import { createRecordReader } from "./io/matcher-events.js";
import { createWalletClient } from "./io/wallet-client.js";

const config = loadConfig(settlerSettings);
const log = createLogger({ service: "settler", level: config.log.level });
const life = createLife({ log, drainMsMax: config.drainMsMax });
// Every call and sleep of every shard listens to it; Node would take so many for a leak.
setMaxListeners(0, life.signal);
const metrics = createMetrics("settler");
const lag = metrics.gauge("bourse_settler_lag_records", "Records of a shard not settled yet.", ["shard"]);
const stopped = metrics.gauge("bourse_settlement_stopped", "1 when a shard's settlement cannot go on.", [
  "shard",
]);
const waiting = metrics.gauge(
  "bourse_settler_backlog_operations",
  "Operations of a shard that were read and are not settled.",
  ["shard"],
);
const unsettledSeconds = metrics.gauge(
  "bourse_settler_oldest_unsettled_seconds",
  "Age of the oldest record of a shard that may not be settled.",
  ["shard"],
);
const setBack = metrics.gauge(
  "bourse_settler_wallet_set_back",
  "1 while the wallet makes up for commits that it has lost.",
  ["shard"],
);
const orphans = metrics.counter(
  "bourse_settler_orphans_total",
  "Orphans resolved, by what their shard said.",
  ["shard", "word"],
);
life.own("tracing", await startTracing({ service: "settler", ...config.tracing }));

// Probes and metrics are its only door.
const views = config.shards.map(({ shard }) => newShardView(shard));
const adminPort = await serveOperations(config, {
  life,
  log,
  metrics,
  views: { "/settlement": () => views },
});
const tls = openMeshTls(config.tls, metrics);

// The wallet, behind one breaker for all shards.
const guard = guardWallet({
  breakerFailures: config.breakerFailures,
  breakerOpenMs: config.breakerOpenMs,
  breakerTrials: config.breakerTrials,
  clock,
  random: Math.random,
  watch: measureGuard(metrics, log),
});
const walletChannel = openChannel(config.walletAddress, { tls });
life.own("channel to the wallet", () => walletChannel.close());
const wallet = createWalletClient(createClient(WalletService, walletChannel), {
  guard,
  timeoutMs: config.settleTimeoutMs,
  signal: life.signal,
});

// One follower and one sweep per shard; each goes its own way.
const states = config.shards.map((): ShardState => ({ timeMs: undefined, isStopped: false }));
for (const [index, { shard, address, serverName }] of config.shards.entries()) {
  const channel = openChannel(address, { tls, serverName });
  life.own(`channel to shard ${shard}`, () => channel.close());
  const events = createClient(MatcherService, channel);
  const matcher = createMatcherClient(events);
  const state = states[index] ?? { timeMs: undefined, isStopped: false };
  const view = views[index] ?? newShardView(shard);
  const readiness = life.readiness(`shard ${shard}`);
  const label = { shard: String(shard) };
  stopped.set(label, 0);
  setBack.set(label, 0);
  life.loop(`settlement of shard ${shard}`, (signal) =>
    followAndSettle({
      shard,
      state,
      wallet,
      matcher,
      events,
      reader: createRecordReader(),
      operationsMax: config.queueOperationsMax,
      reportEveryMs: config.reportEveryMs,
      isSetBack: config.setBackShards.includes(shard),
      others: states.filter((other) => other !== state),
      watch: {
        onState(isFollowing, why) {
          view.follows = isFollowing ? "yes" : (why ?? "no");
          // Why it stopped is the last word.
          if (!state.isStopped) readiness.set(isFollowing, why);
        },
        onLag(records) {
          view.lagRecords = records;
          lag.set(label, records);
        },
        onWaiting(operations) {
          view.backlogOperations = operations;
          waiting.set(label, operations);
        },
        onSetBack(isSetBack, facts) {
          view.isSetBack = isSetBack;
          setBack.set(label, isSetBack ? 1 : 0);
          if (isSetBack)
            log.error({ shard, ...facts }, "the wallet has lost commits: lost holds are made again");
          else log.warn({ shard, ...facts }, "the wallet has made up for lost commits");
        },
        onStopped: (failure) => {
          stopped.set(label, 1);
          view.stopped = { atMs: clock.wallMs(), reason: failure.reason, facts: failure.facts };
          const { why = failure.reason, seq = "" } = failure.facts;
          readiness.set(false, `settlement stopped: ${why}${seq === "" ? "" : ` (record ${seq})`}`);
          log.error(
            { shard, reason: failure.reason, ...failure.facts },
            "settlement stopped: an operator must look; nothing of this shard is settled until then",
          );
        },
      },
      clock,
      log,
      signal,
    }),
  );
  life.loop(`age of shard ${shard}`, async (signal) => {
    for (; !signal.aborted; await clock.sleep(1_000, signal)) {
      const { settledTimeMs } = state;
      if (settledTimeMs === undefined) continue;
      unsettledSeconds.set(label, Math.max(0, clock.wallMs() - settledTimeMs) / 1_000);
    }
  });
  life.loop(`sweep of shard ${shard}`, (signal) =>
    sweepForever({
      shard,
      state,
      wallet,
      matcher,
      orphanAgeMs: config.orphanAgeMs,
      resolveWithinMs: config.resolveWithinMs,
      everyMs: config.sweepEveryMs,
      onSwept: ({ known, tombstones }) => {
        orphans.inc({ ...label, word: "known" }, known);
        orphans.inc({ ...label, word: "tombstone" }, tombstones);
      },
      clock,
      log,
      signal,
    }),
  );
}

log.info({ adminPort, shards: config.shards.length }, "settler started");

// Returns after SIGTERM, when everything above is closed in reverse order.
await life.runUntilSignal();
