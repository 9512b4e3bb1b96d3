// One command in, events out: the only door to the state. No clock, no randomness, no I/O, no order of
// iteration that depends on a hash: the same commands give the same events, byte for byte.
import { assert } from "@bourse/shared/assert.js";
import { applyAmend } from "./apply-amend.js";
import { applyCancel, applyCancelAll, applyResolve } from "./apply-cancel.js";
import { applyPlace } from "./apply-place.js";
import { restAtOnce } from "./at-once.js";
import { type Book, isUncrossed } from "./book.js";
import { decide, isInTime } from "./decide.js";
import type { EventBuffer } from "./event-buffer.js";
import { parseIdInto } from "./ids.js";
import { applyAddMarket, applySetMarketState, applySweepMarket } from "./markets.js";
import { findId } from "./memory.js";
import { fillInput, type OrderInput } from "./order-input.js";
import { bookOf, type Moment, ROOM, ROOM_BEFORE, type Shard, userNumber } from "./shard.js";
import { freeLeft } from "./slots.js";
import { fireStops } from "./stop-orders.js";
import { applyEndDay, applyFireSwitch, applyForget, applyLearnCursors, applySetSwitch } from "./timers.js";
import type { Command, SubmitCommand } from "./types.js";

/**
 * Applies the next command of the log. A client's command must have been decided to `apply` at the same
 * time; a log that holds anything else was written by other rules, and the assertion stops the replay. The
 * events are good until the next command.
 */
export function applyCommand(shard: Shard, moment: Moment, command: Command): EventBuffer {
  if (command.type === "submit") return applySubmit(shard, moment, command);
  const isDecided = command.type === "cancel" || command.type === "resolve" || command.type === "amend";
  if (isDecided)
    assert(decide(shard, moment.timeMs, command).type === "apply", "what is journaled changes something");
  begin(shard, moment);
  const book = run(shard, command);
  if (book !== undefined) finish(shard, book);
  return shard.events;
}

/** A new order, as numbers. What `decide` would refuse must not come here. */
export function placeOrder(shard: Shard, moment: Moment, input: OrderInput): EventBuffer {
  begin(shard, moment);
  const { memory, slots, id, events } = shard;
  id[0] = input.id0;
  id[1] = input.id1;
  id[2] = input.id2;
  id[3] = input.id3;
  assert(findId(memory, slots, id) < 0, "an order is placed once");
  if (!restAtOnce(shard, input)) finish(shard, applyPlace(shard, input));
  return events;
}

/** A cancel of an open order by the four words of its id; its owner's unless said. */
export function cancelOrder(
  shard: Shard,
  moment: Moment,
  first: number,
  second: number,
  third: number,
  fourth: number,
  isByOperator = false,
): EventBuffer {
  begin(shard, moment);
  const { id } = shard;
  id[0] = first;
  id[1] = second;
  id[2] = third;
  id[3] = fourth;
  applyCancel(shard, isByOperator);
  return shard.events;
}

function applySubmit(shard: Shard, moment: Moment, { terms, expiresAtMs }: SubmitCommand): EventBuffer {
  assert(isInTime(moment.timeMs, expiresAtMs), "a journaled submit was in time");
  const book = bookOf(shard, terms.symbol);
  fillInput(shard.input, terms, userNumber(shard, terms.userId), book.number);
  return placeOrder(shard, moment, shard.input);
}

function begin(shard: Shard, moment: Moment): void {
  assert(moment.seq === shard.seq + 1, "seqs have no gaps");
  assert(moment.timeMs >= shard.timeMs, "time never runs backwards");
  shard.seq = moment.seq;
  shard.timeMs = moment.timeMs;
  shard.room = shard.rules === 1 ? ROOM_BEFORE : ROOM;
  shard.trades = 0;
  shard.events.clear();
  freeLeft(shard.slots);
}

/** What the record's trades trigger, in the same record. */
function finish(shard: Shard, book: Book): void {
  if (book.highTicks !== 0) fireStops(shard, book);
  assert(isUncrossed(book), "the book is not crossed");
}

/** Returns the book where something may have traded. */
function run(shard: Shard, command: Exclude<Command, SubmitCommand>): Book | undefined {
  switch (command.type) {
    case "cancel":
      parseIdInto(shard.id, 0, command.orderId);
      applyCancel(shard, command.operatorId !== "");
      return undefined;
    case "resolve":
      applyResolve(shard, command);
      return undefined;
    case "amend":
      return applyAmend(shard, command);
    case "cancelAll":
      applyCancelAll(shard, command);
      return undefined;
    case "setMarketState":
      applySetMarketState(shard, command);
      return undefined;
    case "setSwitch":
      applySetSwitch(shard, command);
      return undefined;
    case "endDay":
      applyEndDay(shard, command.symbol);
      return undefined;
    case "fireSwitch":
      applyFireSwitch(shard, command.userId, command.symbol);
      return undefined;
    case "sweepMarket":
      applySweepMarket(shard, command.symbol);
      return undefined;
    case "learnCursors":
      applyLearnCursors(shard, command.throughSeq);
      return undefined;
    case "forget":
      applyForget(shard, command.throughSeq);
      return undefined;
    case "addMarket":
      applyAddMarket(shard, command.market);
      return undefined;
    case "startEpoch": {
      assert(command.epoch > shard.epoch, "epochs rise");
      const rules = Math.max(1, command.rules);
      assert(rules >= shard.rules, "rules never fall");
      shard.epoch = command.epoch;
      shard.rules = rules;
      return undefined;
    }
    case "tick":
      return undefined;
  }
}
