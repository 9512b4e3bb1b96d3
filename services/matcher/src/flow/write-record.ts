// How a record comes to be: the core applies a command, the codec writes it down, the flusher takes it. Timers
// that are due come before everything else.
import { applyCommand } from "../core/apply.js";
import { CELLS, Cell, type EventBuffer, EventKind } from "../core/event-buffer.js";
import type { Shard } from "../core/shard.js";
import { dueTimer } from "../core/timers.js";
import type { Command } from "../core/types.js";
import type { Flusher } from "./flusher.js";
import type { Log, RecordCodec } from "./log.js";
import type { ShardTime } from "./shard-time.js";

/** What the writer counts. */
export interface WriterMeters {
  /** Seconds that the core took for a command; of some commands only, since looking takes as long. */
  matched(seconds: number): void;
  /** Trades of a market. */
  traded(symbol: string, trades: number): void;
}

export interface WriterDeps {
  readonly shard: Shard;
  readonly log: Pick<Log, "room">;
  readonly codec: RecordCodec;
  readonly time: ShardTime;
  readonly meters: WriterMeters;
  /** Ends the process: the state may be half changed, recovery from the log is the way on. */
  readonly fail: (error: unknown) => never;
  /** Told when a timer became the next one due. */
  readonly onSooner: () => void;
}

export interface Writer {
  /** Journals the timers that are due by now, and returns the time of the next record. */
  advance(): number;
  /** Applies a command and journals it; its events hold until the next. What comes of it may not leave yet. */
  write(command: Command, traceparent: string, timeMs: number): EventBuffer;
}

/** Commands of which one is timed. */
const TIMED_EVERY = 16;

export function createWriter(deps: WriterDeps, flusher: Flusher): Writer {
  const { shard, time, codec, meters, fail } = deps;
  let nextDueMs = Number.POSITIVE_INFINITY;
  let untimed = 0;

  const apply = (command: Command, seq: number, timeMs: number): EventBuffer => {
    untimed += 1;
    if (untimed < TIMED_EVERY) return applyCommand(shard, { seq, timeMs }, command);
    untimed = 0;
    const startedAt = performance.now();
    const events = applyCommand(shard, { seq, timeMs }, command);
    meters.matched((performance.now() - startedAt) / 1000);
    return events;
  };
  const write = (command: Command, traceparent: string, timeMs: number): EventBuffer => {
    const seq = shard.seq + 1;
    try {
      const events = apply(command, seq, timeMs);
      const { epoch } = shard;
      const payload = codec.encode(shard, { seq, epoch, timeMs, command, traceparent }, events);
      // Encoded, events say everything.
      countTrades(shard, events, meters);
      flusher.push({ seq, epoch, payload });
      if (shard.nextDueMs < nextDueMs) deps.onSooner();
      nextDueMs = shard.nextDueMs;
      return events;
    } catch (error) {
      return fail(error);
    }
  };
  return {
    advance() {
      const nowMs = Math.max(time.now(), shard.timeMs);
      // Without room for a record nothing is journaled, timers included.
      if (nowMs < shard.nextDueMs || deps.log.room() === "none") return nowMs;
      for (;;) {
        const due = dueTimer(shard, nowMs);
        if (due === undefined) break;
        write(due.command, "", Math.max(due.dueMs, shard.timeMs));
      }
      // What was due may have come to nothing: whoever sleeps does so until the next one from here on.
      nextDueMs = shard.nextDueMs;
      return nowMs;
    },
    write,
  };
}

/** The trades of a record are all of one market. */
function countTrades(shard: Shard, { cells, count }: EventBuffer, meters: WriterMeters): void {
  let trades = 0;
  let at = 0;
  for (let row = 0; row < count; row += 1) {
    if (cells[row * CELLS] !== EventKind.TRADE) continue;
    trades += 1;
    at = row * CELLS;
  }
  if (trades > 0) meters.traded(shard.books[cells[at + Cell.MARKET]].market.symbol, trades);
}
