import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { FollowOptions } from "@bourse/shared/events/follow.js";
import { StreamEventsResponseSchema } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { create } from "@bufbuild/protobuf";
import type { ShardRecord } from "../core/events.js";
import { wireMarket, wireRecord } from "./wire-records.js";

/** A shard whose journal a test writes: serves it like a matcher, to any number of followers. */
export interface FakeShard {
  readonly matcher: FollowOptions["matcher"];
  /** Makes records durable. */
  append(...records: readonly ShardRecord[]): void;
  /** Ends every connection, as a restart does; followers come back. */
  disconnect(): void;
  /** Replaces the journal, as a restore from an older copy does, and ends every connection. */
  restore(records: readonly ShardRecord[], epoch: number): void;
  /** Positions that followers asked for. */
  readonly asked: number[];
}

export function fakeShard(options: { shard?: number; symbol?: string } = {}): FakeShard {
  const { shard = 0, symbol } = options;
  let journal: ShardRecord[] = [];
  let epoch = 1;
  let news = new AbortController();
  let connection = new AbortController();
  const asked: number[] = [];
  const cut = () => {
    const old = connection;
    connection = new AbortController();
    old.abort();
  };
  return {
    asked,
    append(...records) {
      journal.push(...records);
      const old = news;
      news = new AbortController();
      old.abort();
    },
    disconnect: cut,
    restore(records, newEpoch) {
      journal = [...records];
      epoch = newEpoch;
      cut();
    },
    matcher: {
      async *streamEvents(request, { signal } = {}) {
        const ended = AbortSignal.any([connection.signal, ...(signal === undefined ? [] : [signal])]);
        let next = Number(request.afterSeq ?? 0n);
        asked.push(next);
        if (next > journal.length) throw new DomainError("SEQ_IN_FUTURE");
        const end = { epoch: BigInt(epoch), endSeq: BigInt(journal.length) };
        const markets = journal.length === 0 ? [] : [wireMarket(symbol, shard)];
        yield create(StreamEventsResponseSchema, {
          kind: { case: "header", value: { shard, ...end, markets } },
        });
        while (!ended.aborted) {
          const records = journal.slice(next).map(wireRecord);
          next += records.length;
          if (records.length > 0)
            yield create(StreamEventsResponseSchema, { kind: { case: "batch", value: { records } } });
          else await aborted(AbortSignal.any([ended, news.signal]));
        }
        throw new DomainError("TRANSPORT_FAILED");
      },
    },
  };
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
