// One command in, events out: the only door to the state. No clock, no randomness, no I/O, no order of
// iteration that depends on a hash: the same commands give the same events, byte for byte.
import { assert } from "@bourse/shared/assert.js";
import { applyCancel, applyResolve } from "./apply-cancel.js";
import { applyPlace } from "./apply-place.js";
import { isUncrossed } from "./book.js";
import { decide } from "./decide.js";
import { addBook, type Moment, type Shard } from "./shard.js";
import type { Command, MatcherEvent } from "./types.js";

/**
 * Applies the next command of the log. A client's command must have been decided to `apply` at the same
 * time; a log that holds anything else was written by other rules, and the assertion stops the replay.
 */
export function applyCommand(shard: Shard, moment: Moment, command: Command): MatcherEvent[] {
  assert(moment.seq === shard.seq + 1, "seqs have no gaps");
  assert(moment.timeMs >= shard.timeMs, "time never runs backwards");
  const events = eventsOf(shard, moment, command);
  shard.seq = moment.seq;
  shard.timeMs = moment.timeMs;
  return events;
}

function eventsOf(shard: Shard, moment: Moment, command: Command): MatcherEvent[] {
  switch (command.type) {
    case "submit": {
      assert(decide(shard, moment.timeMs, command).type === "apply", "a journaled submit was unknown");
      const events = applyPlace(shard, moment, command.terms);
      const book = shard.bookOfSymbol.get(command.terms.symbol);
      assert(book !== undefined && isUncrossed(book), "the book is not crossed");
      return events;
    }
    case "cancel":
      assert(
        decide(shard, moment.timeMs, command).type === "apply",
        "a journaled cancel names an open order",
      );
      return applyCancel(shard, moment, command.orderId);
    case "resolve":
      assert(decide(shard, moment.timeMs, command).type === "apply", "a journaled resolve changes something");
      return applyResolve(shard, moment, command);
    case "addMarket":
      addBook(shard, command.market);
      return [{ type: "marketAdded", market: command.market }];
    case "startEpoch":
      assert(command.epoch > shard.epoch, "epochs rise");
      shard.epoch = command.epoch;
      return [];
    case "tick":
      return [];
  }
}
