// Core and plain model side by side: every command goes to both, and everything that can be seen of one must be
// seen of the other.
import { isDeepStrictEqual } from "node:util";
import { expect } from "vitest";
import { applyCommand } from "../core/apply.js";
import { checkShard } from "../core/check.js";
import { amendOutcome, decide, decideControl, isLegRef } from "../core/decide.js";
import { readEvents } from "../core/read-events.js";
import { createShard, entryOf, type Shard } from "../core/shard.js";
import { applySlow, type SlowOutcome } from "../core/slow-book.js";
import { slowDue } from "../core/slow-many.js";
import { createSlowShard, type SlowOrder, type SlowShard, type SlowTombstone } from "../core/slow-shard.js";
import { type SlowView, slowLevels, slowOpenView } from "../core/slow-view.js";
import { readState, stateBytes } from "../core/state-bytes.js";
import { dueTimer } from "../core/timers.js";
import type { Command, Market, MatcherEvent, OrderView } from "../core/types.js";
import { levelsOf, openOrdersAfter, quoteOf, viewOf } from "../core/view.js";

/** Timers that one step may set off, at most. */
const TIMERS_MAX = 1_000;

export class Lockstep {
  shard: Shard;
  readonly slow: SlowShard;
  /** Everything that happened, in order. */
  readonly events: MatcherEvent[] = [];

  constructor(markets: readonly Market[]) {
    this.shard = createShard(0);
    this.slow = createSlowShard();
    this.#both(0, { type: "startEpoch", epoch: 1, rules: 2 });
    for (const market of markets) this.#both(0, { type: "addMarket", market });
  }

  /** Sets off what is due by then, then gives the command to both. */
  step(timeMs: number, command: Command): readonly MatcherEvent[] {
    this.#fireTimers(timeMs);
    return this.#both(timeMs, command);
  }

  #fireTimers(untilMs: number): void {
    for (let count = 0; count < TIMERS_MAX; count += 1) {
      const due = dueTimer(this.shard, untilMs);
      same(due, slowDue(this.slow, untilMs));
      if (due === undefined) return;
      this.#both(Math.max(due.dueMs, this.slow.timeMs), due.command);
    }
    throw new Error("timers go on without an end");
  }

  #both(timeMs: number, command: Command): readonly MatcherEvent[] {
    if (this.#isAboutKeptLeg(command)) return [];
    const outcome = applySlow(this.slow, timeMs, command);
    same(verdictOf(this.shard, timeMs, command), wordOf(outcome));
    if (outcome.type !== "applied") return [];
    applyCommand(this.shard, { seq: this.slow.seq, timeMs }, command);
    const events = readEvents(this.shard, command);
    same(events, outcome.events);
    this.events.push(...events);
    return events;
  }

  /** The key of an amend may be kept somewhat longer than its order: what is answered then is not told here. */
  #isAboutKeptLeg(command: Command): boolean {
    if (command.type !== "amend" && command.type !== "resolve") return false;
    const id = command.type === "amend" ? command.legId : command.orderId;
    const entry = entryOf(this.shard, id);
    return entry >= 0 && isLegRef(this.shard, entry) && !this.slow.known.has(id);
  }

  /** Compares books, open orders and quotes, and has the core check itself. */
  compareBooks(): void {
    checkShard(this.shard);
    for (const book of this.shard.books) {
      const { symbol } = book.market;
      same(levelsOf(this.shard, book.bids), slowLevels(this.slow, symbol, "buy"));
      same(levelsOf(this.shard, book.asks), slowLevels(this.slow, symbol, "sell"));
      const slow = this.slow.markets.find(({ market }) => market.symbol === symbol);
      same(quoteOf(book).lastTradeTicks, Number(slow?.lastTrade ?? 0n));
      same(book.market.state, slow?.state);
    }
    const { orders } = openOrdersAfter(this.shard, 0, this.slow.orders.length + 1);
    const expected = [...this.slow.orders].sort((a, b) => a.acceptedSeq - b.acceptedSeq);
    same(orders.map(seenOf), expected.map(slowOpenView));
  }

  /** Compares what is told about every id that was ever decided about. */
  compareIds(ids: Iterable<string>): void {
    for (const id of ids) {
      const known = this.slow.known.get(id);
      const entry = entryOf(this.shard, id);
      if (known === undefined) {
        // The key of an amend may be kept somewhat longer than its order.
        if (entry >= 0 && !isLegRef(this.shard, entry)) throw new Error(`${id} is not forgotten`);
        continue;
      }
      if (entry < 0) throw new Error(`${id} is not known`);
      if (known.type === "leg") same(amendOutcome(this.shard, entry), known.refusal);
      else if (known.type === "tombstone") this.#compareTombstone(id, known, entry);
      else same(seenOf(viewOf(this.shard, entry)), viewOfOrder(known.order));
    }
  }

  #compareTombstone(id: string, { userId, status, reason }: SlowTombstone, entry: number): void {
    const view = viewOf(this.shard, entry);
    expect(view).toMatchObject({ orderId: id, userId, status, reason, isTombstone: true });
  }

  /** The core's state goes through its bytes and comes back; the run goes on with what came back. */
  restore(): void {
    const bytes = Buffer.concat([...stateBytes(this.shard)]);
    this.shard = readState(bytes);
    const again = Buffer.concat([...stateBytes(this.shard)]);
    expect(again.equals(bytes), "a restored state has the same bytes").toBe(true);
  }
}

function wordOf(outcome: SlowOutcome): string {
  return outcome.type === "refused" ? outcome.reason : outcome.type;
}

/** The core's word on a command, in the model's terms. */
function verdictOf(shard: Shard, timeMs: number, command: Command): string {
  switch (command.type) {
    case "submit":
    case "cancel":
    case "resolve":
    case "amend": {
      const verdict = decide(shard, timeMs, command);
      return verdict.type === "refuse" ? verdict.reason : verdict.type === "apply" ? "applied" : "known";
    }
    case "cancelAll":
    case "setMarketState":
    case "setSwitch": {
      const verdict = decideControl(shard, timeMs, command);
      return verdict.type === "refuse" ? verdict.reason : verdict.type === "apply" ? "applied" : "known";
    }
    default:
      return "applied";
  }
}

/** What of the core's view the model has too. */
function seenOf(view: OrderView): SlowView {
  const { terms: _, isTombstone: __, ...seen } = view;
  return seen;
}

function viewOfOrder(order: SlowOrder): SlowView {
  const view = slowOpenView(order);
  if (order.where !== "nowhere") return view;
  const { priceTicks, quantityLots } = order.terms;
  return {
    ...view,
    remainingLots: 0,
    priceTicks: view.priceTicks === priceTicks ? 0 : view.priceTicks,
    quantityLots: view.quantityLots === quantityLots ? 0 : view.quantityLots,
  };
}

/** The same by a cheap comparison; what differs is told by the dear one. */
function same(actual: unknown, expected: unknown): void {
  if (!isDeepStrictEqual(actual, expected)) expect(actual).toEqual(expected);
}
