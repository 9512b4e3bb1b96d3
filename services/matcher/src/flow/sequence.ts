// The single writer of a shard. A command is decided and applied when it arrives; its record goes out with
// the next flush, one flush at a time; what rests on it leaves when that flush is done, never before.
import { assert } from "@bourse/shared/assert.js";
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { applyCommand } from "../core/apply.js";
import { decide, type Verdict } from "../core/decide.js";
import { entryOf, type Shard, TERMS_FIELDS } from "../core/shard.js";
import { marketLine } from "../core/state-bytes.js";
import type { Command, Market, MatcherEvent, OrderCommand, OrderTerms, OrderView } from "../core/types.js";
import { viewOf } from "../core/view.js";
import type { Admit } from "./admit.js";
import type { Epochs } from "./epochs.js";
import { createFlusher, type Flusher } from "./flusher.js";
import type { Log, RecordCodec } from "./log.js";
import type { ShardTime } from "./shard-time.js";
import type { Tail } from "./tail.js";

/** A command as it came in. */
export interface Request {
  readonly command: OrderCommand;
  readonly traceparent: string;
}

/** What became of a command. `seq` is the last durable record that the answer rests on. */
export type Answer =
  | { readonly type: "order"; readonly order: OrderView; readonly seq: number; readonly replayed: boolean }
  | {
      readonly type: "failure";
      readonly reason: FailureReason;
      readonly facts: Readonly<Record<string, string>>;
      readonly seq: number;
    };

/** What the writer counts. */
export interface SequencerMeters {
  /** Seconds that the core took for a command. */
  matched(seconds: number): void;
  /** Trades of a market. */
  traded(symbol: string, trades: number): void;
  /** Records that became durable, and how many waited behind them. */
  flushed(records: number, waiting: number): void;
}

export interface SequencerDeps {
  readonly shard: Shard;
  readonly epochs: Epochs;
  readonly log: Log;
  readonly tail: Tail;
  readonly codec: RecordCodec;
  readonly time: ShardTime;
  readonly admit: Admit;
  readonly meters: SequencerMeters;
  /** Records that may wait for the flush before callers have to. */
  readonly waitingMax: number;
  /** Ends the process: the state may be half changed, recovery from the log is the way on. */
  readonly fail: (error: unknown) => never;
  /** Why new orders are not taken now; undefined when they are. */
  readonly whyReadOnly: () => Readonly<Record<string, string>> | undefined;
}

export interface Sequencer {
  /** Sequences commands in order, at once; answers, in the same order, when all they rest on is durable. */
  order(requests: readonly Request[]): Promise<Answer[]>;
  /** Makes a market, or returns the same one; another under its symbol fails with MARKET_DIFFERS. */
  addMarket(market: Market, traceparent?: string): Promise<Market>;
  /** Opens a new epoch. First of all commands. */
  startEpoch(epoch: number): Promise<void>;
  /** Carries time forward. */
  tick(): Promise<void>;
  /** Reads the state; resolves when everything that it shows is durable. */
  query<T>(read: (shard: Shard) => T): Promise<{ readonly value: T; readonly seq: number }>;
  /** Resolves when there is room for more commands. */
  room(): Promise<void>;
}

/** Makes the writer of a recovered shard. There is one. */
export function createSequencer(deps: SequencerDeps): Sequencer {
  const { shard } = deps;
  const flusher = createFlusher(deps);

  const journal = createWriter(deps, flusher);

  const answer = ({ command, traceparent }: Request): Draft => {
    const timeMs = Math.max(deps.time.now(), shard.timeMs);
    const verdict = decide(shard, timeMs, command);
    const refusal = verdict.type === "apply" ? whyNot(deps, command) : undefined;
    if (refusal !== undefined) return { type: "failure", ...refusal, seq: shard.seq };
    return act(verdict, command, () => journal(command, traceparent, timeMs));
  };

  /** The answer as of now; what an ended order's terms were is looked up later. */
  const act = (verdict: Verdict, command: OrderCommand, apply: () => void): Draft => {
    if (verdict.type === "refuse") return refused(shard, verdict, command);
    // The terms leave memory with the order's end.
    const before = verdict.type === "apply" ? termsBefore(shard, command) : undefined;
    if (verdict.type === "apply") apply();
    const order = viewOf(shard, entryOf(shard, orderIdIn(command)));
    const terms = order.terms ?? before;
    return { type: "order", order: { ...order, terms }, seq: shard.seq, replayed: verdict.type === "known" };
  };

  return {
    async order(requests) {
      const drafts = requests.map(answer);
      await flusher.durable(shard.seq);
      return Promise.all(drafts.map((draft) => complete(deps, draft)));
    },
    async addMarket(market, traceparent = "") {
      const known = shard.bookOfSymbol.get(market.symbol)?.market;
      if (known === undefined) journal({ type: "addMarket", market }, traceparent);
      await flusher.durable(shard.seq);
      if (known !== undefined && marketLine(known) !== marketLine(market)) {
        throw new DomainError("MARKET_DIFFERS", { symbol: market.symbol });
      }
      return market;
    },
    async startEpoch(epoch) {
      journal({ type: "startEpoch", epoch }, "");
      await flusher.durable(shard.seq);
    },
    async tick() {
      journal({ type: "tick" }, "");
      await flusher.durable(shard.seq);
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

/** Applies one command and hands its record to the flusher; what comes of it may not leave yet. */
type Write = (command: Command, traceparent: string, timeMs?: number) => void;

function createWriter({ shard, time, meters, codec, fail }: SequencerDeps, flusher: Flusher): Write {
  return (command, traceparent, nowMs = time.now()) => {
    const seq = shard.seq + 1;
    const timeMs = Math.max(nowMs, shard.timeMs);
    try {
      const startedAt = performance.now();
      const events = applyCommand(shard, { seq, timeMs }, command);
      meters.matched((performance.now() - startedAt) / 1000);
      countTrades(meters, events);
      const { epoch } = shard;
      flusher.push({
        seq,
        epoch,
        payload: codec.encode({ seq, epoch, timeMs, command, traceparent, events }),
      });
    } catch (error) {
      fail(error);
    }
  };
}

/** An answer whose terms, or whose field that differs, may still have to be looked up. */
type Draft =
  | Answer
  | { readonly type: "differs"; readonly entrySeq: number; readonly terms: OrderTerms; readonly seq: number };

function refused(shard: Shard, verdict: Verdict & { type: "refuse" }, command: OrderCommand): Draft {
  const { reason, entry } = verdict;
  if (reason === "CLIENT_ORDER_ID_REUSED" && command.type === "submit") {
    const entrySeq = viewOf(shard, entry).acceptedSeq;
    return { type: "differs", entrySeq, terms: command.terms, seq: shard.seq };
  }
  return { type: "failure", reason, facts: { order_id: orderIdIn(command) }, seq: shard.seq };
}

/** Checks of new orders that need more than the core knows. */
function whyNot(
  { shard, admit, whyReadOnly }: SequencerDeps,
  command: OrderCommand,
): { reason: FailureReason; facts: Readonly<Record<string, string>> } | undefined {
  if (command.type !== "submit") return undefined;
  const readOnly = whyReadOnly();
  if (readOnly !== undefined) return { reason: "SHARD_UNAVAILABLE", facts: readOnly };
  const book = shard.bookOfSymbol.get(command.terms.symbol);
  assert(book !== undefined, "an order that may be applied has a market");
  const field = admit(book.market, command.terms);
  return field === undefined ? undefined : { reason: "INVALID_FIELD", facts: { field } };
}

function termsBefore(shard: Shard, command: OrderCommand): OrderTerms | undefined {
  if (command.type === "submit") return command.terms;
  const entry = entryOf(shard, command.orderId);
  return entry === -1 ? undefined : viewOf(shard, entry).terms;
}

function orderIdIn(command: OrderCommand): string {
  return command.type === "submit" ? command.terms.orderId : command.orderId;
}

async function complete({ tail, codec }: SequencerDeps, draft: Draft): Promise<Answer> {
  if (draft.type === "failure") return draft;
  if (draft.type === "differs") {
    const known = await termsAt(tail, codec, draft.entrySeq, draft.terms.orderId);
    const field = TERMS_FIELDS.find((name) => known?.[name] !== draft.terms[name]) ?? "terms";
    return {
      type: "failure",
      reason: "CLIENT_ORDER_ID_REUSED",
      facts: { field: snake(field) },
      seq: draft.seq,
    };
  }
  const { order } = draft;
  if (order.terms !== undefined || order.isTombstone) return draft;
  const terms = await termsAt(tail, codec, order.acceptedSeq, order.orderId);
  return { ...draft, order: { ...order, terms } };
}

/** Terms of an order that is no longer in the book, from the record that first decided about it. */
export async function termsAt(
  tail: Tail,
  codec: RecordCodec,
  seq: number,
  orderId: string,
): Promise<OrderTerms | undefined> {
  const { command } = codec.decode((await tail.record(seq)).payload);
  return command.type === "submit" && command.terms.orderId === orderId ? command.terms : undefined;
}

function snake(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function countTrades(meters: SequencerMeters, events: readonly MatcherEvent[]): void {
  let trades = 0;
  let symbol = "";
  for (const event of events) {
    if (event.type !== "trade") continue;
    trades += 1;
    symbol = event.symbol;
  }
  if (trades > 0) meters.traded(symbol, trades);
}
