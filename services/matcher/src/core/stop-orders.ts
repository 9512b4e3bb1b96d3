// Stops that the trades of a record trigger: the first of them runs, then it is looked again, until none is left.
import { assert } from "@bourse/shared/assert.js";
import { isOutOfBand } from "./apply-place.js";
import { type Book, dequeue } from "./book.js";
import { EXPIRED, endOrder, reasonCode } from "./end-order.js";
import { execute } from "./execute.js";
import { NONE } from "./none.js";
import type { Shard } from "./shard.js";
import {
  Code,
  codesOf,
  ExtraColumn,
  priceOf,
  SlotColumn,
  STOP_LIMIT,
  setExtraNumber,
  setSlotWord,
} from "./slots.js";
import { wouldTake } from "./take.js";
import { writeStopTriggered } from "./write-events.js";

const PRICE_OUT_OF_BAND = reasonCode("PRICE_OUT_OF_BAND");
const POST_ONLY_AT_TRIGGER = reasonCode("POST_ONLY_AT_TRIGGER");

/** Fires what the record's trades have reached, to a fixpoint. Each round ends one wait, so there are no more. */
export function fireStops(shard: Shard, book: Book): void {
  const { buyStops, sellStops } = book;
  if (book.highTicks !== 0) {
    assert(book.market.state === "TRADING", "nothing trades outside of TRADING");
    let waiting = book.stopCount;
    for (;;) {
      const slot = firstTriggered(book);
      if (slot === NONE) break;
      assert(waiting > 0, "a stop fires once");
      waiting -= 1;
      fire(shard, book, slot);
    }
  }
  book.highTicks = 0;
  book.lowTicks = 0;
  assert(buyStops.best === NONE || book.lastTradeTicks === 0 || isAhead(book), "no reached stop waits");
  assert(sellStops.best === NONE || book.lastTradeTicks === 0 || isBehind(book), "no reached stop waits");
}

const isAhead = (book: Book) => book.buyStops.prices[book.buyStops.best] > book.lastTradeTicks;
const isBehind = (book: Book) => book.sellStops.prices[book.sellStops.best] < book.lastTradeTicks;

/** Buys by ascending stop, then sells by descending stop; at one stop the one that waits longest. */
function firstTriggered({ buyStops, sellStops, highTicks, lowTicks }: Book): number {
  if (buyStops.best !== NONE && buyStops.prices[buyStops.best] <= highTicks) {
    return buyStops.oldest[buyStops.best];
  }
  if (sellStops.best !== NONE && sellStops.prices[sellStops.best] >= lowTicks) {
    return sellStops.oldest[sellStops.best];
  }
  return NONE;
}

function fire(shard: Shard, book: Book, slot: number): void {
  const { slots } = shard;
  writeStopTriggered(shard, slot);
  dequeue(book, slots, slot);
  const codes = codesOf(slots, slot) | Code.TRIGGERED;
  setSlotWord(slots, slot, SlotColumn.CODES, codes);
  setExtraNumber(slots, slot, ExtraColumn.UPDATED, shard.timeMs);
  if (((codes >> Code.TYPE_SHIFT) & Code.TYPE_MASK) === STOP_LIMIT) {
    const price = priceOf(slots, slot);
    if (isOutOfBand(book, price)) return endOrder(shard, book, slot, EXPIRED, PRICE_OUT_OF_BAND);
    if ((codes & Code.POST_ONLY) !== 0 && wouldTake(book, (codes & Code.SELL) !== 0, price)) {
      return endOrder(shard, book, slot, EXPIRED, POST_ONLY_AT_TRIGGER);
    }
  }
  execute(shard, book, slot);
}
