// The single writer of a shard. A command is decided and applied when it arrives; its record goes out with
// the next flush, one flush at a time; what rests on it leaves when that flush is done, never before.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { RULES, type Shard } from "../core/shard.js";
import type { CancelAllCommand, Market, SetMarketStateCommand, SetSwitchCommand } from "../core/types.js";
import type { Admit } from "./admit.js";
import { type Answer, type CompleteDeps, complete, type Draft, isComplete, type Request } from "./answer.js";
import { type Control, createControl } from "./control.js";
import type { Epochs } from "./epochs.js";
import { createFlusher } from "./flusher.js";
import type { Log } from "./log.js";
import { createOrderCommands } from "./order-commands.js";
import type { ReadOnly } from "./read-only.js";
import type { Tail } from "./tail.js";
import { createWriter, type WriterDeps, type WriterMeters } from "./write-record.js";

/** What the sequencer counts. */
export interface SequencerMeters extends WriterMeters {
  /** Records that became durable, and how many waited behind them. */
  flushed(records: number, waiting: number): void;
}

export interface SequencerDeps extends Omit<WriterDeps, "meters" | "onSooner" | "log"> {
  readonly epochs: Epochs;
  readonly log: Log;
  readonly tail: Tail;
  readonly admit: Admit;
  readonly meters: SequencerMeters;
  /** Records that may wait for the flush before callers have to. */
  readonly waitingMax: number;
  /** Why new orders are not taken now; undefined when they are. */
  readonly whyReadOnly: () => ReadOnly | undefined;
}

export interface Sequencer {
  /** Sequences commands in order, at once; answers, in the same order, when all they rest on is durable. */
  order(requests: readonly Request[]): Promise<Answer[]>;
  /** Makes a market, or returns the same one; another under its symbol fails with MARKET_DIFFERS. */
  addMarket(market: Market, traceparent?: string): Promise<Market>;
  /** Ends open orders of one user; a repeat returns the count of the first. */
  cancelAll(
    command: CancelAllCommand,
    traceparent?: string,
  ): Promise<{ readonly cancelled: number; readonly seq: number; readonly replayed: boolean }>;
  setSwitch(
    command: SetSwitchCommand,
    traceparent?: string,
  ): Promise<{ readonly dueAtMs: number; readonly timeMs: number; readonly seq: number }>;
  setMarketState(
    command: SetMarketStateCommand,
    traceparent?: string,
  ): Promise<{ readonly market: Market; readonly seq: number }>;
  /** Notes that all named followers have passed a seq. */
  learnCursors(throughSeq: number): Promise<void>;
  /** Opens a new epoch. First of all commands. */
  startEpoch(epoch: number): Promise<void>;
  /** Carries time forward. */
  tick(): Promise<void>;
  /** Journals the timers that are due. */
  runTimers(): Promise<void>;
  /** Time at which the next timer may be due, never late. */
  nextDueMs(): number;
  /** Calls back, from now on, whenever that time becomes an earlier one. */
  whenSooner(listener: () => void): void;
  /** Reads the state; resolves when everything that it shows is durable. */
  query<T>(read: (shard: Shard) => T): Promise<{ readonly value: T; readonly seq: number }>;
  /** Resolves when there is room for more commands. */
  room(): Promise<void>;
}

/** Makes the writer of a recovered shard. There is one. */
export function createSequencer(deps: SequencerDeps): Sequencer {
  const { shard, log } = deps;
  const flusher = createFlusher(deps);
  let sooner = () => {};
  const writer = createWriter({ ...deps, onSooner: () => sooner() }, flusher);
  const orders = createOrderCommands(deps, writer);
  const control: Control = createControl(deps, writer);
  const completing: CompleteDeps = deps;

  /** Journals what the shard does by itself; without room it can wait. */
  const own = async (command: Parameters<typeof writer.write>[0]) => {
    const timeMs = writer.advance();
    if (log.room() === "none") return;
    writer.write(command, "", timeMs);
    await flusher.durable(shard.seq);
  };
  /** What a control command comes to, its refusal too, when all it rests on is durable. */
  const durable = async <T>(act: () => T): Promise<T> => {
    const result = attempt(act);
    await flusher.durable(shard.seq);
    return result();
  };
  return {
    order(requests) {
      const drafts: Draft[] = [];
      let isAllThere = true;
      for (const request of requests) {
        const draft = orders(request);
        drafts.push(draft);
        isAllThere &&= isComplete(draft);
      }
      const { seq } = shard;
      // Most need nothing more than their flush.
      if (isAllThere)
        return new Promise((resolve) => flusher.whenDurable(seq, () => resolve(drafts as Answer[])));
      return flusher.durable(seq).then(() => Promise.all(drafts.map((draft) => complete(completing, draft))));
    },
    addMarket: async (market, traceparent = "") => durable(() => control.addMarket(market, traceparent)),
    cancelAll: async (command, traceparent = "") => durable(() => control.cancelAll(command, traceparent)),
    setSwitch: async (command, traceparent = "") => durable(() => control.setSwitch(command, traceparent)),
    setMarketState: async (command, traceparent = "") =>
      durable(() => control.setMarketState(command, traceparent)),
    learnCursors: (throughSeq) => own({ type: "learnCursors", throughSeq }),
    async startEpoch(epoch) {
      // Timers that fell due while nobody was there are of the new epoch, and no record passes their time before them.
      const nowMs = Math.max(deps.time.now(), shard.timeMs);
      const timeMs = nowMs < shard.nextDueMs ? nowMs : shard.timeMs;
      writer.write({ type: "startEpoch", epoch, rules: RULES }, "", timeMs);
      writer.advance();
      await flusher.durable(shard.seq);
    },
    tick: () => own({ type: "tick" }),
    async runTimers() {
      writer.advance();
      await flusher.durable(shard.seq);
    },
    nextDueMs: () => shard.nextDueMs,
    whenSooner(listener) {
      sooner = listener;
    },
    async query(read) {
      const { seq } = shard;
      const value = read(shard);
      await flusher.durable(seq);
      return { value, seq };
    },
    room: () => flusher.room(),
  };
}

/** Runs at once, and keeps what comes of it for later. */
function attempt<T>(act: () => T): () => T {
  try {
    const value = act();
    return () => value;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return () => {
      throw error;
    };
  }
}
