// What an order at hand takes from the book, best price first, oldest first; who meets himself is prevented.
import { assert } from "@bourse/shared/assert.js";
import type { Book } from "./book.js";
import { EXPIRED, endOrder, FILLED, reasonCode } from "./end-order.js";
import { BASE, quotient, scaleDown, scaleUp, sumHigh, sumLow } from "./exact.js";
import type { Levels } from "./levels.js";
import { NONE } from "./none.js";
import type { Shard } from "./shard.js";
import {
  CANCEL_MAKER,
  CANCEL_TAKER,
  Code,
  DECREMENT,
  EXTRA_NUMBERS,
  ExtraColumn,
  extraNumber,
  extraOf,
  LIMIT,
  SLOT_MASK,
  SLOT_NUMBERS,
  SLOT_WORDS,
  SlotColumn,
  type Slots,
  STOP_LIMIT,
  setExtraNumber,
} from "./slots.js";
import { quantityOf, writePrevented, writeTrade } from "./write-events.js";

/** Why taking stopped. */
export const TakeEnd = {
  FILLED: 0,
  NO_LIQUIDITY: 1,
  LIMIT: 2,
  BUDGET: 3,
  SELF_TRADE: 4,
  /** The record has no room for more. */
  NO_ROOM: 5,
} as const;

const { PRICE, REMAINING, USER, CODES, NEXT } = SlotColumn;
const { MAKER_LOTS, TAKER_LOTS, UPDATED, BUDGET } = ExtraColumn;
const { SELL, BY_QUOTE_BUDGET, HAS_BUDGET, TYPE_SHIFT, TYPE_MASK, PREVENTION_SHIFT, PREVENTION_MASK } = Code;
const WORDS = SLOT_WORDS;
const MASK = SLOT_MASK;
const NUMBERS = SLOT_NUMBERS;
const EXTRAS = EXTRA_NUMBERS;
const NOTHING = NONE;
const END_FILLED = TakeEnd.FILLED;
const END_NO_LIQUIDITY = TakeEnd.NO_LIQUIDITY;
const END_LIMIT = TakeEnd.LIMIT;
const END_BUDGET = TakeEnd.BUDGET;
const END_SELF_TRADE = TakeEnd.SELF_TRADE;
const END_NO_ROOM = TakeEnd.NO_ROOM;
const SELF_TRADE = reasonCode("SELF_TRADE");
const NO_REASON = reasonCode("");

const MAX_EXACT = Number.MAX_SAFE_INTEGER;
const SUM_BASE = BASE;

/** The whole in basis points. */
const BPS = 10_000;

/** Worst price at which an order may trade: its limit, or the protection that a MARKET order starts with. */
function limitOf(book: Book, codes: number, priceTicks: number): number {
  const type = (codes >> TYPE_SHIFT) & TYPE_MASK;
  if (type === LIMIT || type === STOP_LIMIT) return priceTicks;
  const isSell = (codes & SELL) !== 0;
  const levels = isSell ? book.bids : book.asks;
  const reference = book.lastTradeTicks === 0 ? levels.prices[levels.best] : book.lastTradeTicks;
  const { protectionBps } = book.market;
  if (!isSell) return scaleDown(reference, BPS + protectionBps);
  return protectionBps >= BPS ? 1 : Math.max(1, scaleUp(reference, BPS - protectionBps));
}

/** Trades and prevents until the order at hand must stop. Returns why. */
export function take(shard: Shard, book: Book, taker: number): number {
  const { slots } = shard;
  const words = slots.words;
  const numbers = slots.numbers;
  const codes = words[(taker & MASK) * WORDS + CODES];
  const user = words[(taker & MASK) * WORDS + USER];
  const at = (taker & MASK) * NUMBERS;
  const isSell = (codes & SELL) !== 0;
  const levels = isSell ? book.bids : book.asks;
  if (levels.best === NOTHING) return END_NO_LIQUIDITY;
  const limit = limitOf(book, codes, numbers[at + PRICE]);
  const byQuote = (codes & BY_QUOTE_BUDGET) !== 0;
  let lastPrice = 0;
  for (;;) {
    if (byQuote) {
      if (lastPrice > 0 && extraNumber(slots, taker, BUDGET) < lastPrice) return END_FILLED;
    } else if (numbers[at + REMAINING] === 0) return END_FILLED;
    const level = levels.best;
    if (level === NOTHING) return END_NO_LIQUIDITY;
    const price = levels.prices[level];
    if (isSell ? price < limit : price > limit) return END_LIMIT;
    const maker = levels.oldest[level];
    let lots = slots.numbers[(maker & MASK) * NUMBERS + REMAINING];
    if (!byQuote && numbers[at + REMAINING] < lots) lots = numbers[at + REMAINING];
    if ((codes & HAS_BUDGET) !== 0) {
      const affordable = quotient(extraNumber(slots, taker, BUDGET), price);
      if (affordable === 0) return byQuote && lastPrice > 0 ? END_FILLED : END_BUDGET;
      if (affordable < lots) lots = affordable;
    }
    const isOwn = slots.words[(maker & MASK) * WORDS + USER] === user;
    if (shard.room === 0 && !(isOwn && shard.rules === 1)) return END_NO_ROOM;
    if (shard.room > 0) shard.room -= 1;
    if (!isOwn) {
      trade(shard, book, maker, taker, lots);
      lastPrice = price;
    } else if (!prevent(shard, book, maker, taker, lots)) return END_SELF_TRADE;
  }
}

/** Trades with one maker at its price; the maker's end follows its last trade. */
function trade(shard: Shard, book: Book, maker: number, taker: number, lots: number): void {
  const { slots } = shard;
  const makerExtra = extraOf(slots, maker);
  const takerExtra = extraOf(slots, taker);
  writeTrade(shard, maker, taker, lots);
  const { numbers, extras } = slots;
  const m = (maker & MASK) * NUMBERS;
  const price = numbers[m + PRICE];
  const tickLots = price * lots;
  assert(lots > 0, "a trade moves something");
  assert(tickLots <= MAX_EXACT, "a fill's notional is exact");
  const left = numbers[m + REMAINING] - lots;
  numbers[m + REMAINING] = left;
  const mx = makerExtra * EXTRAS;
  addFill(extras, mx + MAKER_LOTS, lots, tickLots);
  extras[mx + UPDATED] = shard.timeMs;

  const codes = slots.words[(taker & MASK) * WORDS + CODES];
  if ((codes & BY_QUOTE_BUDGET) === 0) numbers[(taker & MASK) * NUMBERS + REMAINING] -= lots;
  const tx = takerExtra * EXTRAS;
  addFill(extras, tx + TAKER_LOTS, lots, tickLots);
  extras[tx + UPDATED] = shard.timeMs;
  if ((codes & HAS_BUDGET) !== 0) extras[tx + BUDGET] -= tickLots;

  shard.trades += 1;
  book.lastTradeTicks = price;
  if (price > book.highTicks) book.highTicks = price;
  if (book.lowTicks === 0 || price < book.lowTicks) book.lowTicks = price;
  if (left === 0) endOrder(shard, book, maker, FILLED, NO_REASON);
}

/** Adds a fill to the sums of one role, whose columns are lots, low, high. */
function addFill(extras: Float64Array, at: number, lots: number, tickLots: number): void {
  const low = extras[at + 1];
  extras[at] += lots;
  if (low + tickLots < SUM_BASE) {
    extras[at + 1] = low + tickLots;
    return;
  }
  extras[at + 2] = sumHigh(extras[at + 2], low, tickLots);
  extras[at + 1] = sumLow(low, tickLots);
}

/**
 * The next maker has the taker's owner: what the taker's mode says. Returns whether the taker goes on; if not, it
 * is the caller's to end it.
 */
function prevent(shard: Shard, book: Book, maker: number, taker: number, lots: number): boolean {
  const { slots } = shard;
  const codes = slots.words[(taker & MASK) * WORDS + CODES];
  const mode = (codes >> PREVENTION_SHIFT) & PREVENTION_MASK;
  if (mode === DECREMENT) return decrement(shard, book, maker, taker, lots);
  writePrevented(shard, { maker, taker, lots, mode });
  if (mode !== CANCEL_TAKER) endOrder(shard, book, maker, EXPIRED, SELF_TRADE);
  return mode === CANCEL_MAKER;
}

/** Both lose `lots` for good; `lots` is all that one of them has, or can pay. */
function decrement(shard: Shard, book: Book, maker: number, taker: number, lots: number): boolean {
  const { slots } = shard;
  const codes = slots.words[(taker & MASK) * WORDS + CODES];
  const price = slots.numbers[(maker & MASK) * NUMBERS + PRICE];
  const isMakerGone = lose(shard, maker, lots, false);
  let isTakerGone = false;
  if ((codes & HAS_BUDGET) !== 0) {
    const budget = extraNumber(slots, taker, BUDGET);
    isTakerGone = quotient(budget, price) === lots;
    setExtraNumber(slots, taker, BUDGET, budget - lots * price);
  }
  isTakerGone = lose(shard, taker, lots, isTakerGone) || isTakerGone;
  writePrevented(shard, { maker, taker, lots, mode: DECREMENT });
  if (isMakerGone) endOrder(shard, book, maker, EXPIRED, SELF_TRADE);
  return !isTakerGone;
}

/** Lowers an order's quantity by `lots`; who has none left, or shall have none, keeps its quantity and ends. */
function lose(shard: Shard, slot: number, lots: number, isAll: boolean): boolean {
  const { slots } = shard;
  const numbers = slots.numbers;
  const at = (slot & MASK) * NUMBERS + REMAINING;
  const codes = slots.words[(slot & MASK) * WORDS + CODES];
  setExtraNumber(slots, slot, UPDATED, shard.timeMs);
  if ((codes & BY_QUOTE_BUDGET) !== 0) return isAll;
  if (isAll || numbers[at] === lots) {
    setExtraNumber(slots, slot, ExtraColumn.LOST, numbers[at]);
    numbers[at] = 0;
    return true;
  }
  noteQuantity(shard, slot);
  numbers[at] -= lots;
  return false;
}

/** Keeps the quantity as submitted, before it changes for the first time. */
export function noteQuantity(shard: Shard, slot: number): void {
  if (extraNumber(shard.slots, slot, ExtraColumn.FIRST_QUANTITY) !== 0) return;
  setExtraNumber(shard.slots, slot, ExtraColumn.FIRST_QUANTITY, quantityOf(shard.slots, slot));
}

/** Whether a FOK order at hand would be filled: the walk of `take`, changing nothing. */
export function wouldFill(shard: Shard, book: Book, taker: number): boolean {
  const { slots } = shard;
  const codes = slots.words[(taker & MASK) * WORDS + CODES];
  const user = slots.words[(taker & MASK) * WORDS + USER];
  const at = (taker & MASK) * NUMBERS;
  const isSell = (codes & SELL) !== 0;
  const levels = isSell ? book.bids : book.asks;
  if (levels.best === NOTHING) return false;
  const limit = limitOf(book, codes, slots.numbers[at + PRICE]);
  const byQuote = (codes & BY_QUOTE_BUDGET) !== 0;
  const mode = (codes >> PREVENTION_SHIFT) & PREVENTION_MASK;
  let left = byQuote ? Number.MAX_SAFE_INTEGER : slots.numbers[at + REMAINING];
  let budget = extraNumber(slots, taker, BUDGET);
  let lastPrice = 0;
  let { room } = shard;
  for (let level = levels.best; level !== NOTHING; level = levels.worse[level]) {
    const price = levels.prices[level];
    for (let maker = levels.oldest[level]; maker !== NOTHING; maker = nextOf(slots, maker)) {
      if (byQuote && lastPrice > 0 && budget < lastPrice) return true;
      if (isSell ? price < limit : price > limit) return false;
      let lots = Math.min(left, slots.numbers[(maker & MASK) * NUMBERS + REMAINING]);
      if ((codes & HAS_BUDGET) !== 0) {
        const affordable = quotient(budget, price);
        if (affordable === 0) return byQuote && lastPrice > 0;
        lots = Math.min(lots, affordable);
      }
      if (room === 0) return false;
      room -= 1;
      if (slots.words[(maker & MASK) * WORDS + USER] === user) {
        if (mode !== CANCEL_MAKER) return false;
        continue;
      }
      left -= lots;
      budget -= lots * price;
      lastPrice = price;
      if (left === 0) return true;
    }
  }
  return byQuote && lastPrice > 0 && budget < lastPrice;
}

function nextOf(slots: Slots, slot: number): number {
  return slots.words[(slot & MASK) * WORDS + NEXT];
}

/** Whether an order at hand or in the book would take at a price: any opposite order counts, own ones too. */
export function wouldTake(book: Book, isSell: boolean, priceTicks: number): boolean {
  const levels: Levels = isSell ? book.bids : book.asks;
  if (levels.best === NOTHING) return false;
  return isSell ? levels.prices[levels.best] >= priceTicks : levels.prices[levels.best] <= priceTicks;
}
