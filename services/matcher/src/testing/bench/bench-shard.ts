// A shard on a folder as main opens it, without sockets and metrics.
import { type Clock, systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { type OpenShard, openShard } from "../../flow/open-shard.js";
import { sha256 } from "../../io/digest.js";
import { type Journal, openJournal } from "../../io/journal.js";
import { createRecordCodec } from "../../record/record-codec.js";
import { BENCH_MARKET } from "./flow-rows.js";

const MIB = 1024 * 1024;
/** The follower that reports; without its reports no id is ever forgotten. */
export const FOLLOWER = "bench";

/** The default of the settings. */
export const SNAPSHOT_EVERY_RECORDS = 250_000;

/** Opens (and recovers) the shard; a failure ends the process. */
export async function openBenchShard(
  folder: string,
  { clock = systemClock }: { clock?: Clock } = {},
): Promise<{ shard: OpenShard; journal: Journal }> {
  const nothing = () => {};
  const fail = (error: unknown): never => {
    throw error;
  };
  const journal = await openJournal({
    directory: folder,
    shard: 0,
    segmentBytes: 64 * MIB,
    wallMs: () => clock.wallMs(),
    onFlush: nothing,
    onFailure: fail,
  });
  const shard = await openShard({
    number: 0,
    log: journal,
    codec: createRecordCodec(0),
    catalogue: [BENCH_MARKET],
    clock,
    logger: createLogger({ service: "matcher", level: "silent" }),
    hash: sha256,
    fail,
    onOpen: nothing,
    meters: {
      matched: nothing,
      traded: nothing,
      flushed: nothing,
      readers: nothing,
      refusedPosition: nothing,
    },
    settings: {
      followers: [FOLLOWER],
      followerLagRecordsMax: 1_000_000_000,
      waitingRecordsMax: 10_000,
      tailBytesMax: 64 * MIB,
      eventBatchBytesMax: MIB,
      eventReadersMax: 8,
      readerStallMsMax: 60_000,
    },
  });
  return { shard, journal };
}
