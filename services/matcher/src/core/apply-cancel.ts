// Cancels, and Resolve with its tombstones.
import { assert } from "@bourse/shared/assert.js";
import { dequeue } from "./book.js";
import {
  addEntry,
  createdMsOf,
  endEntry,
  executedLotsOf,
  executedTickLotsOf,
  isOpenEntry,
  marketOf,
  seqOf,
  slotOf,
} from "./known-orders.js";
import { entryOf, type Moment, type Shard, userNumber } from "./shard.js";
import type { MatcherEvent, ResolveCommand } from "./types.js";

/** Takes an open order out of the book, as its owner asked. */
export function applyCancel(shard: Shard, { timeMs }: Moment, orderId: string): MatcherEvent[] {
  const { known } = shard;
  const entry = entryOf(shard, orderId);
  assert(entry >= 0 && isOpenEntry(known, entry), "an applied cancel names an open order");
  const book = shard.books[marketOf(known, entry) ?? -1];
  const slot = slotOf(known, entry);
  const terms = book.slots.terms[slot];
  assert(terms !== undefined, "an open order rests in its book");
  const remainingLots = book.slots.remainingLots[slot];
  dequeue(book, slot);
  endEntry(known, entry, { status: "CANCELLED", reason: "USER", timeMs });
  return [
    {
      type: "ended",
      orderId,
      userId: terms.userId,
      symbol: terms.symbol,
      status: "CANCELLED",
      reason: "USER",
      executedLots: executedLotsOf(known, entry),
      executedTickLots: executedTickLotsOf(known, entry),
      resting: { side: terms.side, priceTicks: terms.priceTicks },
      remainingLots,
      createdAtMs: createdMsOf(known, entry),
      acceptedSeq: seqOf(known, entry),
      terms: undefined,
      isTombstone: false,
    },
  ];
}

/** Cancels the order if it is known; else writes a tombstone, so that its late Submit is refused. */
export function applyResolve(shard: Shard, moment: Moment, command: ResolveCommand): MatcherEvent[] {
  if (entryOf(shard, command.orderId) >= 0) return applyCancel(shard, moment, command.orderId);
  const { orderId, userId, symbol, tombstoneStatus: status, tombstoneReason: reason } = command;
  const { seq, timeMs } = moment;
  const user = userNumber(shard, userId);
  // The look-up left the id's words behind.
  const id = shard.idWords;
  const entry = addEntry(shard.known, { id, user, market: undefined, termsHash: [0, 0], seq, timeMs });
  endEntry(shard.known, entry, { status, reason, timeMs, isTombstone: true });
  return [
    {
      type: "ended",
      orderId,
      userId,
      symbol,
      status,
      reason,
      executedLots: 0,
      executedTickLots: "0",
      resting: undefined,
      remainingLots: 0,
      createdAtMs: timeMs,
      acceptedSeq: seq,
      terms: undefined,
      isTombstone: true,
    },
  ];
}
