// From a stored log to a shard that serves: recover, open a new epoch, make what markets are new.

import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Market } from "../core/types.js";
import { createAdmit } from "./admit.js";
import { createFollowers, type Followers } from "./followers.js";
import { createLearner, type Learner } from "./learn-cursors.js";
import type { RecordCodec, StoredLog } from "./log.js";
import { createNotice, type Notice } from "./notice.js";
import { createQueries, type Queries } from "./queries.js";
import { type ReadOnly, readOnlyOf } from "./read-only.js";
import { newMarkets, recover } from "./recover.js";
import { createSequencer, type Sequencer, type SequencerMeters } from "./sequence.js";
import { createEventReaders, type EventReaders } from "./serve-events.js";
import { createShardTime, type ShardTime } from "./shard-time.js";
import { createTail, type Tail } from "./tail.js";

export interface OpenShardOptions {
  readonly number: number;
  readonly log: StoredLog;
  readonly codec: RecordCodec;
  readonly catalogue: readonly Market[];
  readonly clock: Clock;
  readonly logger: Logger;
  readonly meters: SequencerMeters & {
    readers(count: number): void;
    refusedPosition(follower: string): void;
  };
  readonly hash: (pieces: Iterable<Uint8Array>) => string;
  readonly fail: (error: unknown) => never;
  readonly onOpen: () => void;
  readonly settings: {
    readonly followers: readonly string[];
    readonly followerLagRecordsMax: number;
    readonly waitingRecordsMax: number;
    readonly tailBytesMax: number;
    readonly eventBatchBytesMax: number;
    readonly eventReadersMax: number;
    readonly readerStallMsMax: number;
  };
}

/** A shard that was recovered and writes in an epoch of its own. */
export interface OpenShard {
  readonly sequencer: Sequencer;
  readonly followers: Followers;
  readonly readers: EventReaders;
  readonly tail: Tail;
  readonly time: ShardTime;
  readonly queries: Queries;
  readonly learner: Learner;
  /** Why new orders are not taken now; undefined when they are. */
  readonly whyReadOnly: () => ReadOnly | undefined;
  /** Wakes those who watch the shard's status. */
  readonly statusChanged: Notice;
}

/** Recovers a shard and starts its new epoch; what it throws must end the process. */
export async function openShard(options: OpenShardOptions): Promise<OpenShard> {
  const { log, codec, clock, logger, meters, settings, fail } = options;
  const { shard, epochs } = await recover(log, options.number, codec, (name, problem) =>
    logger.warn({ snapshot: name, problem }, "a snapshot cannot be used"),
  );
  const added = newMarkets(shard, options.catalogue, (symbol, key) =>
    logger.warn({ symbol, key }, "the journal's word on a market holds, the settings say otherwise"),
  );
  const tail = createTail(log, shard.seq, settings.tailBytesMax);
  const time = createShardTime(clock, shard.timeMs);
  const learnedSeq = shard.learned.at(-1)?.throughSeq ?? 0;
  const followers = createFollowers({
    names: settings.followers,
    epochs,
    lagRecordsMax: settings.followerLagRecordsMax,
    learnedSeq,
    log: logger,
    onRefused: meters.refusedPosition,
    onOpen: options.onOpen,
  });
  const whyReadOnly = () => readOnlyOf(log, followers, tail.seq());
  const sequencer = createSequencer({
    ...{ shard, epochs, log, tail, codec, time, meters, whyReadOnly, fail },
    admit: createAdmit(),
    waitingMax: settings.waitingRecordsMax,
  });
  // The first record of every start: from here on positions of an earlier life can be told from ours. Time has
  // jumped forward; what fell due meanwhile follows before any client's command.
  await sequencer.startEpoch(log.epoch() + 1);
  for (const market of added) await sequencer.addMarket(market);
  const readers = createEventReaders({
    tail,
    epochs,
    clock,
    batchBytesMax: settings.eventBatchBytesMax,
    readersMax: settings.eventReadersMax,
    stallMsMax: settings.readerStallMsMax,
    onCount: meters.readers,
  });
  const queries = createQueries({ sequencer, tail, codec, hash: options.hash });
  const learn = sequencer.learnCursors;
  const learner = createLearner({ passed: followers.passed, learn, learnedSeq, clock });
  const statusChanged = createNotice();
  return { sequencer, followers, readers, tail, time, queries, learner, whyReadOnly, statusChanged };
}
