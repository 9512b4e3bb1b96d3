// The matcher process: recovers the shard, serves those who follow it, and opens for commands when each of
// them stands in its journal. Reads from top to bottom.
import { callersGuard } from "@bourse/shared/rpc/callers.js";
import { openMeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import { serveOperations } from "@bourse/shared/rpc/operations.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { loadConfig, readConfig } from "@bourse/shared/runtime/config.js";
import { createLife } from "@bourse/shared/runtime/life.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import { startTracing } from "@bourse/shared/runtime/tracing.js";
import { matcherSettings } from "./config.js";
import type { Market } from "./core/types.js";
import { keepSnapshots } from "./flow/keep-snapshots.js";
import { keepTime } from "./flow/keep-time.js";
import type { MadeSnapshot } from "./flow/make-snapshot.js";
import { openShard } from "./flow/open-shard.js";
import { refusalOf } from "./flow/refusal.js";
import { shardHandlers } from "./flow/shard-handlers.js";
import { watchCatalogue } from "./flow/watch-catalogue.js";
import { readArguments } from "./io/arguments.js";
import { sha256 } from "./io/digest.js";
import { type Journal, openJournal } from "./io/journal.js";
import { settingsText } from "./io/settings-file.js";
import { openSnapshotStore, runInThread } from "./io/snapshot-store.js";
import { createRecordCodec } from "./record/record-codec.js";
import { matcherCallers } from "./rpc/callers.js";
import { readCatalogue } from "./rpc/catalogue.js";
import { matcherService } from "./rpc/matcher-service.js";

const { acceptDataLossAt } = readArguments(process.argv.slice(2));
const settingsPath = process.env.BOURSE_CONFIG ?? "";
const settingsAtStart = await settingsText(settingsPath);
const settings = {
  ...matcherSettings,
  findMistakes: ({ markets }: { markets: readonly Market[] }) => readCatalogue(markets).mistakes,
};
const config = loadConfig(settings);
const { shard: number, host } = config;
const logOptions = { service: `matcher-${number}`, level: config.log.level };
const log = createLogger(logOptions);
const life = createLife({ log, drainMsMax: config.drainMsMax });
const metrics = createMetrics("matcher");
const flushSeconds = metrics.histogram("bourse_journal_fsync_seconds", "Time of one flush of the journal.");
const records = metrics.counter("bourse_journal_records_total", "Records that became durable.");
const waiting = metrics.gauge("bourse_journal_waiting_records", "Records that wait for the next flush.");
const matched = metrics.counter("orders_matched_total", "Trades.", ["symbol"]);
const matching = metrics.histogram(
  "matching_duration_seconds",
  "Time of the core for one command.",
  [],
  [0.000001, 0.000005, 0.00001, 0.00005, 0.0001, 0.0005, 0.001, 0.005, 0.01, 0.1],
);
const isOpenGauge = metrics.gauge("bourse_shard_open", "1 when the shard takes commands.");
const eventReaders = metrics.gauge("bourse_event_readers", "Event streams that are open.");
const refusedPositions = metrics.counter(
  "bourse_follower_positions_refused_total",
  "Positions of followers that are not in the journal.",
  ["follower"],
);
const catalogueErrors = metrics.gauge(
  "bourse_catalogue_errors",
  "1 while the settings file, as it is now, cannot work.",
);
const timeOffset = metrics.gauge("bourse_shard_time_offset_seconds", "Wall clock less shard time.");
const roomGauge = metrics.gauge("bourse_journal_room", "1 unless the next file has no room on the disk.");
roomGauge.set(1);
const snapshotSeq = metrics.gauge("bourse_snapshot_seq", "Seq of the newest snapshot.");
const snapshotSeconds = metrics.gauge("bourse_snapshot_seconds", "Time that the newest snapshot took.");
const snapshotFailures = metrics.counter("bourse_snapshot_failures_total", "Snapshots that failed.");
const oldestSeq = metrics.gauge("bourse_journal_oldest_seq", "First record that is still there.");
const freeBytes = metrics.gauge("bourse_journal_free_bytes", "Free room on the volume of the journal.");
life.own("tracing", await startTracing({ service: "matcher", ...config.tracing }));

// Probes and metrics answer while the journal is replayed.
const readiness = life.readiness(`shard ${number}`);
readiness.set(false, "recovering");
const operations = { host, adminPort: config.adminPort ?? 9_100 + number, healthPort: config.healthPort };
const adminPort = await serveOperations(operations, { life, log, metrics });
const tls = openMeshTls(config.tls, metrics);

// What the shard stands on. A write that fails ends the process at once: nothing more is answered.
let opened: Journal | undefined;
let onRoomChanged = () => {};
const directory = config.dataDir ?? `.bourse/matcher-${number}`;
const journal = await openJournal({
  directory,
  shard: number,
  acceptDataLossAt,
  segmentBytes: config.segmentBytes,
  wallMs: clock.wallMs,
  onFlush: (seconds) => flushSeconds.observe(seconds),
  onFailure: life.fail,
  onRoom(isMissing, error) {
    if (isMissing)
      log.error({ err: error }, "no room for the next file of the journal: new orders are refused");
    else log.info("there is room for the next file of the journal again");
    roomGauge.set(isMissing ? 0 : 1);
    onRoomChanged();
  },
}).catch(refuseToStart);
opened = journal;
life.own("journal", () => journal.close());

// From its journal to a shard that writes in a new epoch.
const { catalogue } = readCatalogue(config.markets);
const matchedBy = new Map<string, ReturnType<typeof matched.labels>>();
const shard = await openShard({
  number,
  log: journal,
  codec: createRecordCodec(number),
  catalogue,
  clock,
  logger: log,
  hash: sha256,
  fail: life.fail,
  settings: config,
  onOpen: () => openForCommands(),
  meters: {
    matched: (seconds) => matching.observe(seconds),
    traded(symbol, trades) {
      const counter = matchedBy.get(symbol) ?? matched.labels(symbol);
      matchedBy.set(symbol, counter);
      counter.inc(trades);
    },
    flushed(count, waitingNow) {
      records.inc(count);
      waiting.set(waitingNow);
    },
    readers: (readers) => eventReaders.set(readers),
    refusedPosition: (follower) => refusedPositions.inc({ follower }),
  },
}).catch(refuseToStart);
if (journal.tornTail !== undefined) log.warn(journal.tornTail, "a torn tail was set aside and cut");
if (journal.lostTail !== undefined) log.error(journal.lostTail, "what was durable was given up, as told");
const { sequencer, followers, tail, time, learner } = shard;
onRoomChanged = shard.statusChanged.wake;
life.loop("time", (signal) =>
  keepTime(
    { sequencer, time, tickMs: config.tickMs, clock, log, onOffset: (s) => timeOffset.set(s) },
    signal,
  ),
);
life.loop("cursors", learner.run);

// Snapshots are made in a thread of their own, from the journal alone; then what they make obsolete goes.
const snapshotModule = new URL(
  import.meta.url.endsWith(".ts") ? "snapshot-main.ts" : "snapshot-main.js",
  import.meta.url,
);
life.loop("snapshots", (signal) =>
  keepSnapshots(
    {
      past: journal,
      store: openSnapshotStore(directory),
      make: (durableSeq) =>
        runInThread<MadeSnapshot>(snapshotModule, { directory, shard: number, durableSeq }, signal),
      followersSeq: followers.leastSeq,
      everyRecords: config.snapshotEveryRecords,
      retentionMs: config.retentionHours * 3_600_000,
      clock,
      log,
      meters: {
        made(seconds, { seq }) {
          snapshotSeq.set(seq);
          snapshotSeconds.set(seconds);
        },
        failed: () => snapshotFailures.inc(),
        kept(seq, bytes) {
          oldestSeq.set(seq);
          freeBytes.set(bytes);
        },
      },
    },
    signal,
  ),
);

// Markets that the settings file gains are made while it runs.
if (settingsPath !== "")
  life.loop("catalogue", (signal) =>
    watchCatalogue(
      {
        ...{ number, sequencer, clock, log, catalogue, text: settingsAtStart },
        readText: () => settingsText(settingsPath),
        readCatalogue: () => readCatalogue(readConfig(settings, process.env).markets).catalogue,
        everyMs: config.settingsReadEveryMs,
        onRead: (isRefused) => catalogueErrors.set(isRefused ? 1 : 0),
      },
      signal,
    ),
  );

// How the mesh reaches it. Event streams are served from here on, commands when the followers have reported.
const { watchEveryMs } = config;
const handlers = shardHandlers(shard, { clock, watchEveryMs, signal: life.signal });
const service = matcherService({ shard: number, ...handlers });
const grpcPort = config.grpcPort ?? 50_060 + number;
const grpc = await serveGrpc({
  host,
  port: grpcPort,
  services: [service],
  log,
  metrics,
  isReady: life.isReady,
  tls,
  guards: [callersGuard(tls, matcherCallers)],
});
life.own("grpc", () => grpc.close());
log.info(
  { shard: number, seq: tail.seq(), epoch: journal.epoch(), grpcPort: grpc.port, adminPort },
  "matcher started",
);
if (followers.isOpen()) openForCommands();
else readiness.set(false, `waiting for ${followers.missing().join(", ")}`);

// Returns after SIGTERM, when everything above is closed in reverse order.
await life.runUntilSignal();

function openForCommands(): void {
  isOpenGauge.set(1);
  readiness.set(true);
  log.info({ shard: number, seq: tail.seq() }, "shard open");
  // A record tells those who watch.
  void sequencer.tick();
}

/** Says why on the last line of the log, where a person looks first, and leaves no lock behind. */
async function refuseToStart(error: unknown): Promise<never> {
  const refusal = refusalOf(error);
  if (refusal === undefined) return life.fail(error);
  const { message, facts, exitCode } = refusal;
  await opened?.close().catch(() => {});
  // At once, not beside the thread: where both outputs are one, the line for people must come last.
  createLogger({ ...logOptions, isSync: true }).fatal(facts, message);
  process.stderr.write(`${message}\n`);
  process.exit(exitCode);
}
