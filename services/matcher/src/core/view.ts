// What queries and answers tell about orders and books. Reads only.
import type { Book } from "./book.js";
import { ORDER_TYPES, SELF_TRADE_MODES, TIMES_IN_FORCE } from "./content-hash.js";
import { chunkWords, EndedCode, EndedColumn, endedNumber, endedWord, moreNumber, wordsAt } from "./ended.js";
import { sumHigh, sumLow, sumText } from "./exact.js";
import { idText } from "./ids.js";
import { bestTicks, type Levels } from "./levels.js";
import { isEndedRef, recordOf } from "./memory.js";
import { NONE } from "./none.js";
import { type Shard, userIdOf } from "./shard.js";
import {
  Code,
  codesOf,
  createdOf,
  ExtraColumn,
  executedHighOf,
  executedLotsOf,
  executedLowOf,
  extraNumber,
  nextOf,
  priceOf,
  remainingOf,
  SLOT_WORDS,
  SlotColumn,
  seqOf,
  slotWord,
  userOf,
} from "./slots.js";
import { END_REASONS, ORDER_STATUSES, type OrderTerms, type OrderView } from "./types.js";
import { quantityOf } from "./write-events.js";

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

/** What a caller knows about an order already, so that it need not be made again. */
export interface Given {
  readonly orderId: string;
  readonly userId: string;
  readonly terms: OrderTerms | undefined;
}

/** An order as it is now, by its entry; not for the key of an amend. */
export function viewOf(shard: Shard, entry: number, given?: Given): OrderView {
  return isEndedRef(entry)
    ? endedView(shard, recordOf(entry), given)
    : liveView(shard, recordOf(entry), given);
}

function liveView(shard: Shard, slot: number, given?: Given): OrderView {
  const { slots } = shard;
  const executedLots = executedLotsOf(slots, slot);
  const codes = codesOf(slots, slot);
  const open = executedLots === 0 ? "OPEN" : "PARTIALLY_FILLED";
  return {
    orderId: given?.orderId ?? idOfSlot(shard, slot),
    userId: given?.userId ?? userIdOf(shard, userOf(slots, slot)),
    terms: given === undefined ? termsOf(shard, slot) : given.terms,
    status: (codes & Code.WAITING) !== 0 ? "PENDING" : open,
    reason: "",
    executedLots,
    executedTickLots: sumText(executedHighOf(slots, slot), executedLowOf(slots, slot)),
    remainingLots: remainingOf(slots, slot),
    createdAtMs: createdOf(slots, slot),
    updatedAtMs: extraNumber(slots, slot, ExtraColumn.UPDATED) || createdOf(slots, slot),
    acceptedSeq: seqOf(slots, slot),
    isTombstone: false,
    priceTicks: priceOf(slots, slot),
    quantityLots: quantityOf(slots, slot),
    isTriggered: (codes & Code.TRIGGERED) !== 0,
  };
}

function idOfSlot({ slots }: Shard, slot: number): string {
  const at = slot * SLOT_WORDS + SlotColumn.ID;
  return idText(slots.words, at);
}

/** Terms of an open order as of now; what was reserved for it at first, and how, is not remembered. */
export function termsOf(shard: Shard, slot: number): OrderTerms {
  const { slots } = shard;
  const codes = codesOf(slots, slot);
  const { market } = shard.books[codes >>> Code.MARKET_SHIFT];
  const isSell = (codes & Code.SELL) !== 0;
  return {
    orderId: idOfSlot(shard, slot),
    userId: userIdOf(shard, userOf(slots, slot)),
    clientOrderId: slots.texts[slot],
    symbol: market.symbol,
    side: isSell ? "sell" : "buy",
    type: ORDER_TYPES[(codes >> Code.TYPE_SHIFT) & Code.TYPE_MASK],
    timeInForce: TIMES_IN_FORCE[(codes >> Code.TIME_SHIFT) & Code.TIME_MASK],
    priceTicks: priceOf(slots, slot),
    stopPriceTicks: extraNumber(slots, slot, ExtraColumn.STOP),
    quantityLots: quantityOf(slots, slot),
    budgetTickLots: extraNumber(slots, slot, ExtraColumn.BUDGET),
    byQuoteBudget: (codes & Code.BY_QUOTE_BUDGET) !== 0,
    postOnly: (codes & Code.POST_ONLY) !== 0,
    selfTradePrevention: SELF_TRADE_MODES[(codes >> Code.PREVENTION_SHIFT) & Code.PREVENTION_MASK],
    makerFeePpm: slotWord(slots, slot, SlotColumn.MAKER_FEE),
    takerFeePpm: slotWord(slots, slot, SlotColumn.TAKER_FEE),
    reservedAsset: isSell ? market.baseAsset : market.quoteAsset,
    reservedAmount: "",
    quoteBudget: "",
  };
}

function endedView(shard: Shard, ended: number, given?: Given): OrderView {
  const { memory } = shard;
  const codes = endedWord(memory.ended, ended, EndedColumn.CODES);
  const isLeg = (codes & EndedCode.LEG) !== 0;
  const number = (column: number) => endedNumber(memory.ended, ended, column);
  const more = (column: number) => (isLeg ? 0 : moreNumber(memory.ended, ended, column));
  return {
    orderId: given?.orderId ?? idOfEnded(shard, ended),
    userId: given?.userId ?? userIdOf(shard, endedWord(memory.ended, ended, EndedColumn.USER)),
    terms: given?.terms,
    status: ORDER_STATUSES[codes & EndedCode.STATUS_MASK],
    reason: END_REASONS[(codes >> EndedCode.REASON_SHIFT) & EndedCode.REASON_MASK],
    executedLots: more(EndedColumn.EXECUTED_LOTS),
    executedTickLots: sumText(more(EndedColumn.EXECUTED_HIGH), more(EndedColumn.EXECUTED_LOW)),
    remainingLots: 0,
    createdAtMs: number(EndedColumn.CREATED),
    updatedAtMs: number(EndedColumn.UPDATED),
    acceptedSeq: number(EndedColumn.SEQ),
    isTombstone: (codes & EndedCode.TOMBSTONE) !== 0,
    priceTicks: more(EndedColumn.PRICE),
    quantityLots: more(EndedColumn.QUANTITY),
    isTriggered: (codes & EndedCode.TRIGGERED) !== 0,
  };
}

function idOfEnded({ memory }: Shard, ended: number): string {
  return idText(chunkWords(memory.ended, ended), wordsAt(ended) + EndedColumn.ID);
}

/** Open orders accepted after a seq, waiting stops included, oldest first, and whether there are more. */
export function openOrdersAfter(
  shard: Shard,
  afterSeq: number,
  max: number,
): { orders: OrderView[]; hasMore: boolean } {
  const { slots } = shard;
  const seqs = new Float64Array(slots.count);
  const found = new Int32Array(slots.count);
  let count = 0;
  for (let slot = 0; slot < slots.used; slot += 1) {
    if ((codesOf(slots, slot) & Code.LIVE) === 0 || seqOf(slots, slot) <= afterSeq) continue;
    seqs[count] = seqOf(slots, slot);
    found[count] = slot;
    count += 1;
  }
  const sorted = seqs.slice(0, count).sort();
  const lastSeq = count > max ? sorted[max - 1] : Number.POSITIVE_INFINITY;
  const chosen = [...found.subarray(0, count)].filter((_, index) => seqs[index] <= lastSeq);
  chosen.sort((a, b) => seqOf(slots, a) - seqOf(slots, b));
  return { orders: chosen.map((slot) => liveView(shard, slot)), hasMore: count > max };
}

/** Every level of a side, best first. */
export function levelsOf(shard: Shard, levels: Levels): LevelView[] {
  const { slots } = shard;
  const views: LevelView[] = [];
  for (let level = levels.best; level !== NONE; level = levels.worse[level]) {
    let high = 0;
    let low = 0;
    let orderCount = 0;
    for (let slot = levels.oldest[level]; slot !== NONE; slot = nextOf(slots, slot)) {
      high = sumHigh(high, low, remainingOf(slots, slot));
      low = sumLow(low, remainingOf(slots, slot));
      orderCount += 1;
    }
    views.push({ priceTicks: levels.prices[level], quantityLots: sumText(high, low), orderCount });
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
