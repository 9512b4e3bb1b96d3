import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { FollowOptions } from "@bourse/shared/events/follow.js";
import type { Record } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  type BookSnapshot,
  StreamEventsResponseSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { create } from "@bufbuild/protobuf";
import { testMarket } from "./simple-matcher.js";

/** A shard whose journal a test writes: serves it like a matcher, to any number of followers. */
export interface FakeShard {
  readonly matcher: FollowOptions["matcher"];
  /** Makes records durable. */
  append(...records: readonly Record[]): void;
  /** Ends every connection, as a restart does; followers come back. */
  disconnect(): void;
  /** Replaces the journal, as a restore from an older copy does, and ends every connection. */
  restore(records: readonly Record[], epoch: number): void;
  /** Forgets the records up to this seq, as retention does. */
  forget(throughSeq: number): void;
  /** Does something while nobody is connected: before the next connection is served. */
  atNextConnection(run: () => void): void;
  /** Positions that followers asked for; "books" when they had none. */
  readonly asked: (number | "books")[];
}

export function fakeShard(
  options: { shard?: number; symbol?: string; books?: () => BookSnapshot[] } = {},
): FakeShard {
  const { shard = 0, symbol, books = () => [] } = options;
  let journal: Record[] = [];
  let epoch = 1;
  let forgottenSeq = 0;
  let beforeServing = () => {};
  let news = new AbortController();
  let connection = new AbortController();
  const asked: (number | "books")[] = [];
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
    forget(throughSeq) {
      forgottenSeq = throughSeq;
    },
    atNextConnection(run) {
      beforeServing = run;
    },
    matcher: {
      async *streamEvents({ afterSeq, fromSnapshot }, { signal } = {}) {
        const ended = AbortSignal.any([connection.signal, ...(signal === undefined ? [] : [signal])]);
        beforeServing();
        beforeServing = () => {};
        let next = fromSnapshot === true ? journal.length : Number(afterSeq ?? 0n);
        asked.push(fromSnapshot === true ? "books" : next);
        if (next > journal.length) throw new DomainError("SEQ_IN_FUTURE");
        if (next < forgottenSeq) throw new DomainError("SEQ_TOO_OLD");
        const end = { epoch: BigInt(epoch), endSeq: BigInt(journal.length) };
        const markets = journal.length === 0 ? [] : [testMarket(symbol, shard)];
        yield create(StreamEventsResponseSchema, {
          kind: { case: "header", value: { shard, ...end, markets } },
        });
        for (const book of fromSnapshot === true ? books() : [])
          yield create(StreamEventsResponseSchema, { kind: { case: "book", value: book } });
        while (!ended.aborted) {
          const records = journal.slice(next);
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
