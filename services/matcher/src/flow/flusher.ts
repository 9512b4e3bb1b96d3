// Gathers records while one flush runs and sends them out with the next: one flush at a time, whatever comes.
import type { Epochs } from "./epochs.js";
import type { Log, LogEntry, StoredEntry } from "./log.js";
import type { Tail } from "./tail.js";

export interface FlusherDeps {
  readonly log: Log;
  readonly tail: Tail;
  readonly epochs: Epochs;
  /** Records that became durable, and how many waited behind them. */
  readonly meters: { flushed(records: number, waiting: number): void };
  /** Records that may wait before callers have to. */
  readonly waitingMax: number;
}

export interface Flusher {
  /** Adds a record to the next batch. */
  push(entry: LogEntry): void;
  /** Resolves when everything up to a seq is durable. */
  durable(seq: number): Promise<void>;
  /** The same for who needs no promise of its own: calls back, in the order of the calls. */
  whenDurable(seq: number, then: () => void): void;
  /** Resolves when there is room for more. */
  room(): Promise<void>;
}

export function createFlusher({ log, tail, epochs, meters, waitingMax }: FlusherDeps): Flusher {
  let waiting: LogEntry[] = [];
  let callers: { readonly seq: number; readonly resolve: () => void }[] = [];
  let forRoom: (() => void)[] = [];
  let isFlushing = false;

  const flush = async () => {
    while (waiting.length > 0) {
      const batch = waiting;
      waiting = [];
      const checksums = await log.append(batch);
      // Written out: a spread of each record takes longer than everything else here.
      const stored = batch.map(({ seq, epoch, payload }, index): StoredEntry => {
        epochs.note(epoch, seq);
        return { seq, epoch, payload, checksum: checksums[index] };
      });
      tail.publish(stored);
      meters.flushed(batch.length, waiting.length);
      wake();
    }
    isFlushing = false;
  };
  const wake = () => {
    const durableSeq = tail.seq();
    const count = callers.findIndex(({ seq }) => seq > durableSeq);
    const ready = count === -1 ? callers : callers.slice(0, count);
    callers = count === -1 ? [] : callers.slice(count);
    for (const { resolve } of ready) resolve();
    const roomy = forRoom;
    forRoom = [];
    for (const resolve of roomy) resolve();
  };
  const whenDurable = (seq: number, resolve: () => void) => {
    if (seq <= tail.seq()) resolve();
    else callers.push({ seq, resolve });
  };
  return {
    push(entry) {
      waiting.push(entry);
      if (isFlushing) return;
      isFlushing = true;
      // What arrives in the same turn of the event loop goes out together.
      setImmediate(() => void flush());
    },
    durable(seq) {
      return new Promise((resolve) => whenDurable(seq, resolve));
    },
    whenDurable,
    async room() {
      while (waiting.length >= waitingMax) {
        await new Promise<void>((resolve) => {
          forRoom.push(resolve);
        });
      }
    },
  };
}
