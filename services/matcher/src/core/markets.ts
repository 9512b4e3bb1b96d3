// What operators do with markets.
import { assert } from "@bourse/shared/assert.js";
import type { MarketStateChanged } from "./change-events.js";
import { reasonCode } from "./end-order.js";
import { cancelled, endMany } from "./mass-end.js";
import { noteDue } from "./session.js";
import { addBook, bookOf, type Shard } from "./shard.js";
import type { Market, MarketAdded, SetMarketStateCommand } from "./types.js";
import { writeObject } from "./write-events.js";

const DELISTED = reasonCode("DELISTED");

export function applyAddMarket(shard: Shard, market: Market): void {
  addBook(shard, market);
  writeObject(shard, { type: "marketAdded", market } satisfies MarketAdded);
}

/** Changes what a market accepts. DELISTED ends its orders, what does not fit the record in the next ones. */
export function applySetMarketState(shard: Shard, command: SetMarketStateCommand): void {
  const { symbol, state, operatorId, reason } = command;
  const book = bookOf(shard, symbol);
  const oldState = book.market.state;
  assert(oldState !== "DELISTED", "a delisted market stays delisted");
  book.market = { ...book.market, state };
  writeObject(shard, {
    type: "marketStateChanged",
    symbol,
    state,
    oldState,
    operatorId,
    reason,
  } satisfies MarketStateChanged);
  if (state !== "DELISTED") return;
  book.sweepMs = shard.timeMs;
  sweep(shard, symbol);
}

/** Ends the next orders of a delisted market. */
export function applySweepMarket(shard: Shard, symbol: string): void {
  assert(bookOf(shard, symbol).sweepMs !== 0, "only a delisted market with orders is swept");
  sweep(shard, symbol);
}

function sweep(shard: Shard, symbol: string): void {
  const book = bookOf(shard, symbol);
  endMany(shard, book, {}, cancelled(DELISTED));
  if (book.openCount === 0) book.sweepMs = 0;
  else noteDue(shard, book.sweepMs);
}
