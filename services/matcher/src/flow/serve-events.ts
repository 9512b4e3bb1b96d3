// The event stream of one reader: the journal after a position, then what becomes durable. Readers pull: from
// memory when they keep up, from the log when they do not, so none of them holds more than one batch.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Epochs } from "./epochs.js";
import type { FollowerPosition } from "./followers.js";
import type { StoredEntry } from "./log.js";
import type { Tail } from "./tail.js";

export interface EventReaders {
  /**
   * Batches of records after a position, without gaps, until the signal aborts. Refuses at once a position
   * that is not in the journal (SEQ_IN_FUTURE, POSITION_UNKNOWN) or no longer (SEQ_TOO_OLD, with what it could
   * start from), and ends a reader that takes nothing for too long (SLOW_CONSUMER).
   */
  open(after: FollowerPosition, signal: AbortSignal): AsyncGenerator<readonly StoredEntry[]>;
}

export interface EventReadersOptions {
  readonly tail: Tail;
  readonly epochs: Epochs;
  readonly clock: Clock;
  /** Payload bytes of one batch; a larger record goes alone. */
  readonly batchBytesMax: number;
  /** Readers at once; more are refused. */
  readonly readersMax: number;
  /** How long a reader may take over one batch. */
  readonly stallMsMax: number;
  readonly onCount: (readers: number) => void;
}

export function createEventReaders(options: EventReadersOptions): EventReaders {
  const { tail, epochs, clock } = options;
  let readers = 0;

  const check = ({ epoch, seq }: FollowerPosition) => {
    const facts = { seq: String(seq), end_seq: String(tail.seq()) };
    if (seq > tail.seq()) throw new DomainError("SEQ_IN_FUTURE", facts);
    if (epochs.at(seq) !== epoch) throw new DomainError("POSITION_UNKNOWN", facts);
    if (seq + 1 < tail.oldestSeq()) {
      // The books as they are start at the end.
      const from = { oldest_seq: String(tail.oldestSeq()), snapshot_seq: String(tail.seq()) };
      throw new DomainError("SEQ_TOO_OLD", { seq: String(seq), ...from });
    }
    if (readers >= options.readersMax) throw new DomainError("OVERLOADED", { readers: String(readers) });
  };
  return {
    open(after, signal) {
      check(after);
      return read(after.seq, signal);
    },
  };

  async function* read(afterSeq: number, signal: AbortSignal): AsyncGenerator<readonly StoredEntry[]> {
    readers += 1;
    options.onCount(readers);
    try {
      for (let seq = afterSeq; !signal.aborted; ) {
        const entries = await tail.after(seq, options.batchBytesMax);
        if (entries.length === 0) {
          await tail.changed(seq, signal);
          continue;
        }
        const handedAtMs = clock.monotonicMs();
        yield entries;
        seq = entries[entries.length - 1].seq;
        if (clock.monotonicMs() - handedAtMs > options.stallMsMax) {
          throw new DomainError("SLOW_CONSUMER", { seq: String(seq) });
        }
      }
    } finally {
      readers -= 1;
      options.onCount(readers);
    }
  }
}
