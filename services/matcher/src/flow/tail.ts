// The newest durable records in memory, and who waits for the next ones. Published to only by the
// sequencer, after the flush: nothing that is not durable is ever here.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Log, StoredEntry } from "./log.js";
import { RecentRecords } from "./recent-records.js";

export interface Tail {
  /** Seq of the last durable record. */
  seq(): number;
  /** Adds what became durable and wakes everybody who waits. */
  publish(entries: readonly StoredEntry[]): void;
  /** First record that is still there. */
  oldestSeq(): number;
  /**
   * Durable records after a seq, some of them: from memory, else from the log. Empty at the end; SEQ_TOO_OLD
   * when they are no longer there.
   */
  after(seq: number, bytesMax: number): Promise<readonly StoredEntry[]>;
  /** A record that is durable; undefined when it is no longer there. */
  record(seq: number): Promise<StoredEntry | undefined>;
  /** Resolves when there is a record after `seq`, or the signal aborts. */
  changed(seq: number, signal: AbortSignal): Promise<void>;
}

/** A tail that keeps about so many bytes in memory. */
export function createTail(log: Log, seq: number, bytesMax: number): Tail {
  const kept = new RecentRecords(bytesMax, seq);
  let waiting: (() => void)[] = [];

  const tail: Tail = {
    seq: () => kept.lastSeq,
    publish(entries) {
      for (const entry of entries) kept.add(entry);
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    oldestSeq: () => log.oldestSeq(),
    async after(afterSeq, max) {
      const oldestSeq = log.oldestSeq();
      if (afterSeq + 1 < oldestSeq) {
        const facts = { oldest_seq: String(oldestSeq), snapshot_seq: String(kept.lastSeq) };
        throw new DomainError("SEQ_TOO_OLD", facts);
      }
      return kept.after(afterSeq, max) ?? (await fromLog(log, afterSeq, max));
    },
    async record(wanted) {
      if (wanted < log.oldestSeq()) return undefined;
      const [entry] = await tail.after(wanted - 1, 1);
      return entry;
    },
    async changed(afterSeq, signal) {
      while (kept.lastSeq <= afterSeq && !signal.aborted) {
        await new Promise<void>((resolve) => {
          const wake = () => {
            signal.removeEventListener("abort", wake);
            resolve();
          };
          signal.addEventListener("abort", wake, { once: true });
          waiting.push(wake);
        });
      }
    },
  };
  return tail;
}

async function fromLog(log: Log, afterSeq: number, bytesMax: number): Promise<StoredEntry[]> {
  const entries: StoredEntry[] = [];
  let bytes = 0;
  for await (const entry of log.read(afterSeq)) {
    bytes += entry.payload.length;
    if (bytes > bytesMax && entries.length > 0) break;
    entries.push(entry);
  }
  return entries;
}
