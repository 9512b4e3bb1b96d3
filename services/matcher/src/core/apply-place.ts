// New orders: refuse, or accept and take, then rest or end.
import { assert } from "@bourse/shared/assert.js";
import { type Book, bestTicks, dequeue, enqueue, oppositeOf, type Slots } from "./book.js";
import { isProductAtMost, sumHigh, sumLow, sumText } from "./exact.js";
import {
  addEntry,
  addExecuted,
  createdMsOf,
  endEntry,
  executedLotsOf,
  executedTickLotsOf,
  seqOf,
  setSlot,
} from "./known-orders.js";
import { bookOf, entryOf, type Moment, type Shard, termsHash, userNumber } from "./shard.js";
import { type Fill, planTake, type TakePlan } from "./take.js";
import type { EndReason, FinalStatus, MatcherEvent, OrderTerms, TradeParty } from "./types.js";

/** An incoming order on its way through the book. */
interface Taker {
  readonly terms: OrderTerms;
  readonly entry: number;
  readonly user: number;
  readonly timeMs: number;
  /** Open quantity; 0 for an order by quote budget. */
  remainingLots: number;
  /** Received as taker so far: lots, and the sum of tick times lot in two numbers. */
  lots: number;
  high: number;
  low: number;
  trades: number;
}

/** Decides about an order that the shard does not know yet: its whole fate, in order. */
export function applyPlace(shard: Shard, moment: Moment, terms: OrderTerms): MatcherEvent[] {
  const book = bookOf(shard, terms.symbol);
  const user = userNumber(shard, terms.userId);
  const reason = reasonToReject(book, terms, user);
  const taker = openTaker(shard, moment, { terms, user, market: book.number });
  if (reason !== undefined) {
    return [ended(shard, taker, { status: "REJECTED", reason, terms })];
  }

  // Accepted: nothing below this line may reject the order.
  const events: MatcherEvent[] = [{ type: "accepted", terms }];
  const plan = planTake(book, terms, user);
  if (terms.timeInForce === "FOK" && plan.end !== "filled") {
    events.push(ended(shard, taker, { status: "EXPIRED", reason: "FOK_NOT_FILLABLE" }));
    return events;
  }
  for (const fill of plan.fills) trade(shard, book, taker, fill, events);
  if (plan.prevented !== undefined) events.push(prevention(book, taker, plan.prevented));
  events.push(finish(shard, book, taker, plan));
  return events;
}

/** The matcher's own checks in their fixed order; the first that fails wins. */
function reasonToReject(book: Book, terms: OrderTerms, user: number): EndReason | undefined {
  const { market } = book;
  const isPostOnly = terms.type === "LIMIT" && terms.postOnly;
  if (market.state !== "TRADING" && !(market.state === "POST_ONLY" && isPostOnly)) {
    return `SYMBOL_${market.state}`;
  }
  if (isOutOfBand(book, terms)) return "PRICE_OUT_OF_BAND";
  if (terms.timeInForce === "GTC" && market.openOrdersMax > 0) {
    if ((book.openOfUser.get(user) ?? 0) >= market.openOrdersMax) return "OPEN_ORDER_LIMIT";
  }
  return isPostOnly && wouldTake(book, terms) ? "POST_ONLY_WOULD_TAKE" : undefined;
}

/** |limit − last trade| × 10,000 > band × last trade. Off without a band or a trade. */
function isOutOfBand({ market, lastTradeTicks }: Book, terms: OrderTerms): boolean {
  if (market.bandBps === 0 || lastTradeTicks === 0 || terms.type !== "LIMIT") return false;
  const away = Math.abs(terms.priceTicks - lastTradeTicks);
  return !isProductAtMost(away, 10_000, lastTradeTicks, market.bandBps);
}

function wouldTake(book: Book, terms: OrderTerms): boolean {
  const best = bestTicks(oppositeOf(book, terms.side));
  if (best === 0) return false;
  return terms.side === "buy" ? best <= terms.priceTicks : best >= terms.priceTicks;
}

function openTaker(
  shard: Shard,
  { seq, timeMs }: Moment,
  order: { terms: OrderTerms; user: number; market: number },
): Taker {
  const { terms, user, market } = order;
  assert(entryOf(shard, terms.orderId) === -1, "an order is placed once");
  // The look-up left the id's words behind.
  const id = shard.idWords;
  const entry = addEntry(shard.known, { id, user, market, termsHash: termsHash(terms), seq, timeMs });
  const remainingLots = terms.quantityLots;
  return { terms, entry, user, timeMs, remainingLots, lots: 0, high: 0, low: 0, trades: 0 };
}

/** Trades with one maker at its price; the maker's end follows its last trade. */
function trade(shard: Shard, book: Book, taker: Taker, fill: Fill, events: MatcherEvent[]): void {
  const { slots } = book;
  const { slot, quantityLots } = fill;
  const priceTicks = slots.priceTicks[slot];
  const tickLots = priceTicks * quantityLots;
  assert(tickLots <= Number.MAX_SAFE_INTEGER, "a fill's notional is exact");
  slots.remainingLots[slot] -= quantityLots;
  if (!taker.terms.byQuoteBudget) taker.remainingLots -= quantityLots;
  events.push(traded(shard, book, taker, { slot, quantityLots, priceTicks }));

  const executed = { quantityLots, tickLots, timeMs: taker.timeMs };
  const maker = slots.entry[slot];
  addExecuted(shard.known, maker, executed);
  addExecuted(shard.known, taker.entry, executed);
  addMade(slots, slot, quantityLots, tickLots);
  taker.lots += quantityLots;
  taker.high = sumHigh(taker.high, taker.low, tickLots);
  taker.low = sumLow(taker.low, tickLots);
  taker.trades += 1;
  book.lastTradeTicks = priceTicks;
  if (slots.remainingLots[slot] === 0) events.push(fillMaker(shard, book, slot, taker.timeMs));
}

function addMade(slots: Slots, slot: number, quantityLots: number, tickLots: number): void {
  const low = slots.makerLow[slot];
  slots.makerLots[slot] += quantityLots;
  slots.makerHigh[slot] = sumHigh(slots.makerHigh[slot], low, tickLots);
  slots.makerLow[slot] = sumLow(low, tickLots);
}

function traded(
  shard: Shard,
  book: Book,
  taker: Taker,
  { slot, quantityLots, priceTicks }: Fill & { priceTicks: number },
): MatcherEvent {
  const makerTerms = termsAt(book.slots, slot);
  const buyer = taker.terms.side === "buy" ? taker.terms : makerTerms;
  return {
    type: "trade",
    symbol: book.market.symbol,
    priceTicks,
    quantityLots,
    takerSide: taker.terms.side,
    maker: makerParty(shard, book, slot, makerTerms),
    taker: takerParty(taker),
    // A budget order's terms have price 0, which is what the event says of a buyer without a limit.
    buyerLimitTicks: buyer.priceTicks,
    index: taker.trades,
  };
}

function makerParty(shard: Shard, { slots }: Book, slot: number, terms: OrderTerms): TradeParty {
  const received =
    terms.side === "buy"
      ? String(slots.makerLots[slot])
      : sumText(slots.makerHigh[slot], slots.makerLow[slot]);
  return {
    orderId: terms.orderId,
    userId: terms.userId,
    clientOrderId: terms.clientOrderId,
    feePpm: terms.makerFeePpm,
    receivedBefore: received,
    createdAtMs: createdMsOf(shard.known, slots.entry[slot]),
    remainingLots: slots.remainingLots[slot],
  };
}

function takerParty({ terms, timeMs, remainingLots, lots, high, low }: Taker): TradeParty {
  return {
    orderId: terms.orderId,
    userId: terms.userId,
    clientOrderId: terms.clientOrderId,
    feePpm: terms.takerFeePpm,
    receivedBefore: terms.side === "buy" ? String(lots) : sumText(high, low),
    createdAtMs: timeMs,
    remainingLots,
  };
}

function fillMaker(shard: Shard, book: Book, slot: number, timeMs: number): MatcherEvent {
  const { slots } = book;
  const terms = termsAt(slots, slot);
  const entry = slots.entry[slot];
  dequeue(book, slot);
  endEntry(shard.known, entry, { status: "FILLED", reason: "", timeMs });
  return {
    type: "ended",
    orderId: terms.orderId,
    userId: terms.userId,
    symbol: terms.symbol,
    status: "FILLED",
    reason: "",
    executedLots: executedLotsOf(shard.known, entry),
    executedTickLots: executedTickLotsOf(shard.known, entry),
    resting: { side: terms.side, priceTicks: terms.priceTicks },
    remainingLots: 0,
    createdAtMs: createdMsOf(shard.known, entry),
    acceptedSeq: seqOf(shard.known, entry),
    terms: undefined,
    isTombstone: false,
  };
}

function prevention(book: Book, taker: Taker, { slot, quantityLots }: Fill): MatcherEvent {
  return {
    type: "selfTradePrevented",
    symbol: book.market.symbol,
    takerOrderId: taker.terms.orderId,
    makerOrderId: termsAt(book.slots, slot).orderId,
    priceTicks: book.slots.priceTicks[slot],
    quantityLots,
  };
}

/** What becomes of the taker when it has taken what it can: filled, resting or expired. */
function finish(shard: Shard, book: Book, taker: Taker, plan: TakePlan): MatcherEvent {
  const { terms, remainingLots } = taker;
  if (plan.end === "filled") return ended(shard, taker, { status: "FILLED", reason: "" });
  const mayRest = terms.timeInForce === "GTC" && (plan.end === "limit" || plan.end === "no_liquidity");
  if (!mayRest) return ended(shard, taker, { status: "EXPIRED", reason: reasonToExpire(terms, plan) });
  const slot = enqueue(book, { terms, entry: taker.entry, user: taker.user, remainingLots });
  setSlot(shard.known, taker.entry, slot);
  const { orderId, symbol, side, priceTicks } = terms;
  return { type: "rested", orderId, symbol, side, priceTicks, remainingLots };
}

function reasonToExpire(terms: OrderTerms, { end }: TakePlan): EndReason {
  if (end === "self_trade") return "SELF_TRADE";
  if (terms.type === "LIMIT") return terms.timeInForce === "IOC" ? "IOC_REMAINDER" : "PRICE_PROTECTION";
  if (end === "no_liquidity") return "INSUFFICIENT_LIQUIDITY";
  return end === "budget" ? "BUDGET_EXHAUSTED" : "PRICE_PROTECTION";
}

/** The final word on an order that never rested. */
function ended(
  shard: Shard,
  taker: Taker,
  end: { status: FinalStatus; reason: EndReason; terms?: OrderTerms },
): MatcherEvent {
  const { known } = shard;
  const { status, reason } = end;
  endEntry(known, taker.entry, { status, reason, timeMs: taker.timeMs });
  return {
    type: "ended",
    orderId: taker.terms.orderId,
    userId: taker.terms.userId,
    symbol: taker.terms.symbol,
    status,
    reason,
    executedLots: executedLotsOf(known, taker.entry),
    executedTickLots: executedTickLotsOf(known, taker.entry),
    resting: undefined,
    remainingLots: taker.remainingLots,
    createdAtMs: taker.timeMs,
    acceptedSeq: seqOf(known, taker.entry),
    terms: end.terms,
    isTombstone: false,
  };
}

function termsAt(slots: Slots, slot: number): OrderTerms {
  const terms = slots.terms[slot];
  assert(terms !== undefined, "a slot in a queue holds an order");
  return terms;
}
