// Cancels of one order or of many, and Resolve with its tombstones.
import { assert } from "@bourse/shared/assert.js";
import { CANCELLED, endOrder, reasonCode, rememberTombstone, statusCode } from "./end-order.js";
import { cancelled, endMany } from "./mass-end.js";
import { findId, isEndedRef, recordOf } from "./memory.js";
import { booksBySymbol, cancelAllKey, entryOf, ROOM, type Shard, userNumber } from "./shard.js";
import { Code, codesOf } from "./slots.js";
import type { CancelAllCommand, ResolveCommand } from "./types.js";
import { writeTombstone } from "./write-events.js";

const USER = reasonCode("USER");
const OPERATOR = reasonCode("OPERATOR");
const CANCEL_ALL = reasonCode("CANCEL_ALL");

/** Takes the open order whose id is in `shard.id` out of its market, as its owner or an operator asked. */
export function applyCancel(shard: Shard, isByOperator: boolean): void {
  const ref = findId(shard.memory, shard.slots, shard.id);
  assert(ref >= 0 && !isEndedRef(ref), "an applied cancel names an open order");
  const slot = recordOf(ref);
  const book = shard.books[codesOf(shard.slots, slot) >>> Code.MARKET_SHIFT];
  endOrder(shard, book, slot, CANCELLED, isByOperator ? OPERATOR : USER);
}

/** Cancels the order if it is known; else writes a tombstone, so that its late Submit is refused. */
export function applyResolve(shard: Shard, command: ResolveCommand): void {
  if (entryOf(shard, command.orderId) >= 0) {
    applyCancel(shard, command.tombstoneReason === "OPERATOR");
    return;
  }
  const user = userNumber(shard, command.userId);
  const status = statusCode(command.tombstoneStatus);
  const reason = reasonCode(command.tombstoneReason);
  writeTombstone(shard, user, status, reason);
  // The look-up left the id's words and its free cell behind.
  rememberTombstone(shard, user, status, reason);
}

/** Ends a user's open orders, as many as fit the record, and remembers the request until its expiry has passed. */
export function applyCancelAll(shard: Shard, command: CancelAllCommand): void {
  const { requestId, symbol, side, expiresAtMs, operatorId } = command;
  const end = cancelled(operatorId === "" ? CANCEL_ALL : OPERATOR);
  const user = userNumber(shard, command.userId);
  let done = 0;
  for (const book of booksBySymbol(shard)) {
    if (symbol !== "" && book.market.symbol !== symbol) continue;
    done += endMany(shard, book, { user, side }, { ...end, max: ROOM - done });
  }
  for (const [key, before] of shard.cancelAlls) {
    if (before.expiresAtMs < shard.timeMs) shard.cancelAlls.delete(key);
  }
  const request = { user, requestId, symbol, side, expiresAtMs, cancelled: done };
  const by = operatorId === "" ? {} : { operatorId };
  shard.cancelAlls.set(cancelAllKey(user, requestId), { ...request, ...by });
}
