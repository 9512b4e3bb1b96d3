// New orders: refuse, or accept; then they wait for their trigger, or meet the book.
import { fillSlot } from "./at-once.js";
import { type Book, openOf } from "./book.js";
import { placeStop, reasonCode, refuseOrder } from "./end-order.js";
import { isProductAtMost } from "./exact.js";
import { execute } from "./execute.js";
import { insertFound } from "./memory.js";
import type { OrderInput } from "./order-input.js";
import { type Shard, STOPS_MAX } from "./shard.js";
import {
  Code,
  DAY,
  ExtraColumn,
  GTC,
  LIMIT,
  SLOT_MASK,
  SLOT_WORDS,
  SlotColumn,
  STOP,
  STOP_LIMIT,
  setExtraNumber,
  takeSlot,
} from "./slots.js";
import { wouldTake } from "./take.js";
import type { MarketState } from "./types.js";
import { writeAccepted } from "./write-events.js";

const { CODES } = SlotColumn;
const WORDS = SLOT_WORDS;
const MASK = SLOT_MASK;
const C = { ...Code };
const ACCEPT = reasonCode("");
const PRICE_OUT_OF_BAND = reasonCode("PRICE_OUT_OF_BAND");
const OPEN_ORDER_LIMIT = reasonCode("OPEN_ORDER_LIMIT");
const POST_ONLY_WOULD_TAKE = reasonCode("POST_ONLY_WOULD_TAKE");
const STOP_WOULD_TRIGGER = reasonCode("STOP_WOULD_TRIGGER");
const BUDGET_LEFT = ExtraColumn.BUDGET;
const STOP_PRICE = ExtraColumn.STOP;

/** Decides about an order whose id was just looked up in vain: its whole fate, but for the stops it triggers. */
export function applyPlace(shard: Shard, input: OrderInput): Book {
  const book = shard.books[input.book];
  const slot = openSlot(shard, input);
  const reason = reasonToReject(book, input);
  if (reason !== ACCEPT) {
    refuseOrder(shard, book, slot, reason);
    return book;
  }
  // Accepted: nothing below this line may reject the order.
  writeAccepted(shard, slot);
  if (input.type === STOP || input.type === STOP_LIMIT) placeStop(shard, book, slot);
  else execute(shard, book, slot);
  return book;
}

/** The order at hand in a slot of its own, known by its id. */
function openSlot(shard: Shard, input: OrderInput): number {
  const { slots, memory } = shard;
  const slot = takeSlot(slots);
  insertFound(memory, slots, slot);
  fillSlot(shard, slot, input);
  slots.words[(slot & MASK) * WORDS + CODES] = codesOf(input);
  if (input.budgetTickLots !== 0) setExtraNumber(slots, slot, BUDGET_LEFT, input.budgetTickLots);
  if (input.stopPriceTicks !== 0) setExtraNumber(slots, slot, STOP_PRICE, input.stopPriceTicks);
  return slot;
}

function codesOf(input: OrderInput): number {
  return (
    (input.isSell ? C.SELL : 0) |
    (input.type << C.TYPE_SHIFT) |
    (input.timeInForce << C.TIME_SHIFT) |
    (input.isPostOnly ? C.POST_ONLY : 0) |
    (input.selfTradePrevention << C.PREVENTION_SHIFT) |
    (input.isByQuoteBudget ? C.BY_QUOTE_BUDGET : 0) |
    (input.budgetTickLots > 0 ? C.HAS_BUDGET : 0) |
    (input.book << C.MARKET_SHIFT) |
    C.AT_HAND
  );
}

/** The matcher's own checks in their fixed order; the first that fails wins. */
function reasonToReject(book: Book, input: OrderInput): number {
  const { market } = book;
  const isPostOnly = input.type === LIMIT && input.isPostOnly;
  if (market.state !== "TRADING" && !(market.state === "POST_ONLY" && isPostOnly)) {
    return stateReason(market.state);
  }
  if (input.type === LIMIT && isOutOfBand(book, input.priceTicks)) return PRICE_OUT_OF_BAND;
  const isStop = input.type === STOP || input.type === STOP_LIMIT;
  const isCapped = isStop || input.timeInForce === GTC || input.timeInForce === DAY;
  if (market.openOrdersMax > 0 && isCapped && openOf(book, input.user) >= market.openOrdersMax) {
    return OPEN_ORDER_LIMIT;
  }
  if (isStop && book.stopCount >= STOPS_MAX) return OPEN_ORDER_LIMIT;
  if (isPostOnly && wouldTake(book, input.isSell, input.priceTicks)) return POST_ONLY_WOULD_TAKE;
  return isStop && wouldTrigger(book, input) ? STOP_WOULD_TRIGGER : ACCEPT;
}

function stateReason(state: MarketState): number {
  return state === "TRADING" ? ACCEPT : reasonCode(`SYMBOL_${state}`);
}

/** |limit − last trade| × 10,000 > band × last trade. Off without a band or a trade. */
export function isOutOfBand({ market, lastTradeTicks }: Book, priceTicks: number): boolean {
  if (market.bandBps === 0 || lastTradeTicks === 0) return false;
  const away = Math.abs(priceTicks - lastTradeTicks);
  return !isProductAtMost(away, 10_000, lastTradeTicks, market.bandBps);
}

function wouldTrigger({ lastTradeTicks }: Book, { isSell, stopPriceTicks }: OrderInput): boolean {
  if (lastTradeTicks === 0) return false;
  return isSell ? lastTradeTicks <= stopPriceTicks : lastTradeTicks >= stopPriceTicks;
}
