// From a stored log to a shard that serves: recover, open a new epoch, make what markets are new.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import { ownEntry } from "../core/decide.js";
import type { Shard } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import type { Market, OrderView } from "../core/types.js";
import { levelsOf, openOrdersAfter, viewOf } from "../core/view.js";
import { createAdmit } from "./admit.js";
import { createFollowers, type Followers } from "./followers.js";
import type { RecordCodec, StoredLog } from "./log.js";
import { newMarkets, recover } from "./recover.js";
import { createSequencer, type Sequencer, type SequencerMeters, termsAt } from "./sequence.js";
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
}

/** Reads of the state; each resolves when all that it shows is durable. */
export interface Queries {
  order(owner: { orderId: string; userId: string }): Promise<{ order: OrderView; seq: number }>;
  book(symbol: string): Promise<{ epoch: number; seq: number; bids: LevelViews; asks: LevelViews }>;
  state(): Promise<{ epoch: number; seq: number; stateHash: string; checksum: number; openOrders: number }>;
  openOrders(page: {
    afterSeq: number;
    max: number;
  }): Promise<{ orders: OrderView[]; seq: number; hasMore: boolean }>;
  header(): Promise<{ epoch: number; endSeq: number; markets: readonly Market[] }>;
}

type LevelViews = ReturnType<typeof levelsOf>;

/** Recovers a shard and starts its new epoch; what it throws must end the process. */
export async function openShard(options: OpenShardOptions): Promise<OpenShard> {
  const { log, codec, clock, logger, meters, settings, fail } = options;
  const { shard, epochs } = await recover(log, options.number, codec);
  const added = newMarkets(shard, options.catalogue, (symbol, key) =>
    logger.warn({ symbol, key }, "the journal's word on a market holds, the settings say otherwise"),
  );
  const tail = createTail(log, shard.seq, settings.tailBytesMax);
  const time = createShardTime(clock, shard.timeMs);
  const followers = createFollowers({
    names: settings.followers,
    epochs,
    lagRecordsMax: settings.followerLagRecordsMax,
    log: logger,
    onRefused: meters.refusedPosition,
    onOpen: options.onOpen,
  });
  const whyReadOnly = () => {
    const follower = followers.laggard(tail.seq());
    return follower === undefined ? undefined : { follower };
  };
  const admit = createAdmit();
  const waitingMax = settings.waitingRecordsMax;
  const sequencer = createSequencer({
    shard,
    epochs,
    log,
    tail,
    codec,
    time,
    admit,
    meters,
    waitingMax,
    whyReadOnly,
    fail,
  });
  // The first record of every start: from here on positions of an earlier life can be told from ours.
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
  return { sequencer, followers, readers, tail, time, queries };
}

function createQueries(deps: {
  sequencer: Sequencer;
  tail: Tail;
  codec: RecordCodec;
  hash: (pieces: Iterable<Uint8Array>) => string;
}): Queries {
  const { sequencer, tail, codec, hash } = deps;
  return {
    async order({ orderId, userId }) {
      const { value: order, seq } = await sequencer.query((shard) => {
        const entry = ownEntry(shard, orderId, userId);
        return entry === -1 ? undefined : viewOf(shard, entry);
      });
      if (order === undefined) throw new DomainError("ORDER_NOT_FOUND", { order_id: orderId });
      if (order.terms !== undefined || order.isTombstone) return { order, seq };
      return { order: { ...order, terms: await termsAt(tail, codec, order.acceptedSeq, orderId) }, seq };
    },
    async book(symbol) {
      const { value, seq } = await sequencer.query((shard) => bookView(shard, symbol));
      if (value === undefined) throw new DomainError("SYMBOL_NOT_FOUND", { symbol });
      return { ...value, seq };
    },
    async state() {
      const { value, seq } = await sequencer.query((shard) => ({
        epoch: shard.epoch,
        stateHash: hash(stateBytes(shard)),
        openOrders: shard.known.openCount,
      }));
      const { checksum } = await tail.record(seq);
      return { ...value, seq, checksum };
    },
    async openOrders({ afterSeq, max }) {
      const { value, seq } = await sequencer.query((shard) => openOrdersAfter(shard, afterSeq, max));
      return { ...value, seq };
    },
    async header() {
      const { value, seq } = await sequencer.query(({ epoch, books }) => ({
        epoch,
        markets: books.map(({ market }) => market),
      }));
      return { ...value, endSeq: seq };
    },
  };
}

function bookView(shard: Shard, symbol: string) {
  const book = shard.bookOfSymbol.get(symbol);
  if (book === undefined) return undefined;
  return { epoch: shard.epoch, bids: levelsOf(book, book.bids), asks: levelsOf(book, book.asks) };
}
