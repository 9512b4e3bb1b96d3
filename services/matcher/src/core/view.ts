// What queries and answers tell about orders and books. Reads only.
import { type Book, bestTicks, type Levels, NONE, oldestAt, ticksAt } from "./book.js";
import { sumHigh, sumLow, sumText } from "./exact.js";
import {
  createdMsOf,
  executedLotsOf,
  executedTickLotsOf,
  firstEntryAfter,
  idOf,
  isOpenEntry,
  isTombstone,
  marketOf,
  NO_SLOT,
  reasonOf,
  seqOf,
  slotOf,
  statusOf,
  updatedMsOf,
  userOf,
} from "./known-orders.js";
import type { Shard } from "./shard.js";
import type { OrderView } from "./types.js";

/** All that rests at one price. */
export interface LevelView {
  readonly priceTicks: number;
  /** Sum of open lots, whole number as text. */
  readonly quantityLots: string;
  readonly orderCount: number;
}

/** What MARKET orders are priced with; 0 for none. */
export interface QuoteView {
  readonly symbol: string;
  readonly lastTradeTicks: number;
  readonly bestBidTicks: number;
  readonly bestAskTicks: number;
}

/** An order as it is now. */
export function viewOf(shard: Shard, entry: number): OrderView {
  const { known } = shard;
  const slot = slotOf(known, entry);
  const slots = slot === NO_SLOT ? undefined : shard.books[marketOf(known, entry) ?? -1].slots;
  return {
    orderId: idOf(known, entry),
    userId: shard.users[userOf(known, entry)],
    terms: slots?.terms[slot],
    status: statusOf(known, entry),
    reason: reasonOf(known, entry),
    executedLots: executedLotsOf(known, entry),
    executedTickLots: executedTickLotsOf(known, entry),
    remainingLots: slots?.remainingLots[slot] ?? 0,
    createdAtMs: createdMsOf(known, entry),
    updatedAtMs: updatedMsOf(known, entry),
    acceptedSeq: seqOf(known, entry),
    isTombstone: isTombstone(known, entry),
  };
}

/** Open orders decided after a seq, oldest first, and whether there are more. */
export function openOrdersAfter(
  shard: Shard,
  afterSeq: number,
  max: number,
): { orders: OrderView[]; hasMore: boolean } {
  const orders: OrderView[] = [];
  for (let entry = firstEntryAfter(shard.known, afterSeq); entry < shard.known.count; entry += 1) {
    if (!isOpenEntry(shard.known, entry)) continue;
    if (orders.length === max) return { orders, hasMore: true };
    orders.push(viewOf(shard, entry));
  }
  return { orders, hasMore: false };
}

/** Every level of a side, best first. */
export function levelsOf(book: Book, levels: Levels): LevelView[] {
  const views: LevelView[] = [];
  for (let rank = 0; rank < levels.count; rank += 1) {
    let high = 0;
    let low = 0;
    let orderCount = 0;
    for (let slot = oldestAt(levels, rank); slot !== NONE; slot = book.slots.next[slot]) {
      high = sumHigh(high, low, book.slots.remainingLots[slot]);
      low = sumLow(low, book.slots.remainingLots[slot]);
      orderCount += 1;
    }
    views.push({ priceTicks: ticksAt(levels, rank), quantityLots: sumText(high, low), orderCount });
  }
  return views;
}

export function quoteOf(book: Book): QuoteView {
  return {
    symbol: book.market.symbol,
    lastTradeTicks: book.lastTradeTicks,
    bestBidTicks: bestTicks(book.bids),
    bestAskTicks: bestTicks(book.asks),
  };
}
