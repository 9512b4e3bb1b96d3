// A whole matcher in this process: journal, shard, gRPC server and a client, on a folder of its own.
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import { serveGrpc } from "@bourse/shared/rpc/server.js";
import { type Clock, systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { createMetrics } from "@bourse/shared/runtime/metrics.js";
import type { Market } from "../core/types.js";
import { keepTime } from "../flow/keep-time.js";
import type { Room, StoredLog } from "../flow/log.js";
import { type OpenShard, type OpenShardOptions, openShard } from "../flow/open-shard.js";
import { shardHandlers } from "../flow/shard-handlers.js";
import { sha256 } from "../io/digest.js";
import { openJournal } from "../io/journal.js";
import { createRecordCodec } from "../record/record-codec.js";
import { matcherService } from "../rpc/matcher-service.js";
import { optionsOf } from "./journal-folder.js";
import { market } from "./orders.js";

export interface TestMatcher {
  readonly client: ServiceClient<typeof MatcherService>;
  readonly shard: OpenShard;
  /** Positions that were refused, by follower. */
  readonly refused: string[];
  close(): Promise<void>;
}

const SETTINGS = {
  followerLagRecordsMax: 1_000_000,
  waitingRecordsMax: 10_000,
  tailBytesMax: 64 * 1024,
  eventBatchBytesMax: 16 * 1024,
  eventReadersMax: 8,
  readerStallMsMax: 60_000,
};

const nothing = () => {};
const NO_METERS = { matched: nothing, traded: nothing, flushed: nothing, readers: nothing };

/** So long that no test meets a tick. */
const TICK_MS = 3_600_000;

/** Starts a matcher on a folder, as main does. */
export async function startMatcher(
  folder: string,
  options: {
    followers?: string[];
    markets?: Market[];
    settings?: Partial<OpenShardOptions["settings"]>;
    clock?: Clock;
    /** Why new orders are not taken, as a full disk would. */
    room?: () => Room;
  } = {},
): Promise<TestMatcher> {
  const log = createLogger({ service: "matcher", level: "silent" });
  const fail = (error: unknown): never => {
    throw error;
  };
  const clock = options.clock ?? systemClock;
  const journal = await openJournal(optionsOf(folder, { segmentBytes: 1024 * 1024, onFailure: fail }));
  const refused: string[] = [];
  const draining = new AbortController();
  try {
    const shard = await openShard({
      number: 0,
      log: options.room === undefined ? journal : withRoom(journal, options.room),
      codec: createRecordCodec(0),
      catalogue: options.markets ?? [market()],
      clock,
      logger: log,
      hash: sha256,
      fail,
      onOpen: nothing,
      meters: { ...NO_METERS, refusedPosition: (follower) => void refused.push(follower) },
      settings: { ...SETTINGS, followers: options.followers ?? [], ...options.settings },
    });
    const { sequencer, time } = shard;
    const keeping = keepTime(
      { sequencer, time, tickMs: TICK_MS, clock, log, onOffset: nothing },
      draining.signal,
    );
    const handlers = shardHandlers(shard, { clock, watchEveryMs: 1, signal: draining.signal });
    const server = await serveGrpc({
      host: "127.0.0.1",
      port: 0,
      services: [matcherService({ shard: 0, ...handlers })],
      log,
      metrics: createMetrics("matcher"),
      isReady: shard.followers.isOpen,
    });
    const channel = openChannel(`127.0.0.1:${server.port}`);
    return {
      client: createClient(MatcherService, channel),
      shard,
      refused,
      async close() {
        draining.abort();
        channel.close();
        await keeping;
        await server.close(1_000);
        await journal.close();
      },
    };
  } catch (error) {
    await journal.close();
    throw error;
  }
}

/** The same log with another word on its room. */
function withRoom(log: StoredLog, room: () => Room): StoredLog {
  return {
    append: (entries) => log.append(entries),
    read: (afterSeq) => log.read(afterSeq),
    epoch: () => log.epoch(),
    oldestSeq: () => log.oldestSeq(),
    snapshots: () => log.snapshots(),
    replay: (from) => log.replay(from),
    room,
  };
}

/** A clock that can be moved forward by hand; between moves it goes as the system's. */
export function movableClock(): { clock: Clock; move(ms: number): void; wallMs(): number } {
  let aheadMs = 0;
  const wallMs = () => systemClock.wallMs() + aheadMs;
  return {
    clock: { ...systemClock, wallMs, monotonicMs: () => systemClock.monotonicMs() + aheadMs },
    wallMs,
    move(ms) {
      aheadMs += ms;
    },
  };
}
