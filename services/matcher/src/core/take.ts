// What an incoming order would trade: planned first, so that a FOK order can be refused before anything
// changes, and so that planning and doing are one walk over the book.
import { type Book, bestTicks, NONE, oldestAt, oppositeOf, ticksAt } from "./book.js";
import { quotient, scaleDown, scaleUp } from "./exact.js";
import type { OrderTerms } from "./types.js";

/**
 * Trades in one record at most; the rest of the order ends. A record must fit one message to followers
 * (4 MiB), and a trade takes up to 450 bytes.
 */
export const TRADES_MAX = 5000;

/** Why taking stopped. */
export type TakeEnd = "filled" | "no_liquidity" | "limit" | "budget" | "self_trade" | "trades_max";

/** One trade to make: the maker's slot and how many lots. */
export interface Fill {
  readonly slot: number;
  readonly quantityLots: number;
}

export interface TakePlan {
  readonly fills: readonly Fill[];
  readonly end: TakeEnd;
  /** The own order that stopped it and what would have traded; only for "self_trade". */
  readonly prevented: Fill | undefined;
}

/** Plans what an order of `user` takes, best price first, oldest first. Changes nothing. */
export function planTake(book: Book, terms: OrderTerms, user: number): TakePlan {
  const { slots } = book;
  const levels = oppositeOf(book, terms.side);
  const limitTicks = limitOf(book, terms);
  const fills: Fill[] = [];
  let leftLots = terms.byQuoteBudget ? Number.MAX_SAFE_INTEGER : terms.quantityLots;
  const hasBudget = terms.budgetTickLots > 0;
  let leftBudget = terms.budgetTickLots;
  const stop = (end: TakeEnd, prevented?: Fill): TakePlan => ({ fills, end, prevented });

  for (let rank = 0; rank < levels.count; rank += 1) {
    const priceTicks = ticksAt(levels, rank);
    if (isOutside(terms, priceTicks, limitTicks)) return stop("limit");
    for (let slot = oldestAt(levels, rank); slot !== NONE; slot = slots.next[slot]) {
      const affordable = hasBudget ? quotient(leftBudget, priceTicks) : Number.MAX_SAFE_INTEGER;
      // A quote budget that traded and buys no further lot has done what it was asked to.
      if (affordable === 0) return stop(terms.byQuoteBudget && fills.length > 0 ? "filled" : "budget");
      const quantityLots = Math.min(leftLots, affordable, slots.remainingLots[slot]);
      if (slots.user[slot] === user) return stop("self_trade", { slot, quantityLots });
      if (fills.length === TRADES_MAX) return stop("trades_max");
      fills.push({ slot, quantityLots });
      leftLots -= quantityLots;
      if (hasBudget) leftBudget -= quantityLots * priceTicks;
      if (leftLots === 0) return stop("filled");
      if (terms.byQuoteBudget && leftBudget < priceTicks) return stop("filled");
      // Lots of this maker are left, so it was the budget that ended.
      if (quantityLots < slots.remainingLots[slot]) return stop("budget");
    }
  }
  return stop("no_liquidity");
}

/** Worst price at which an order may trade: its limit, or the protection of a MARKET order. */
function limitOf(book: Book, terms: OrderTerms): number {
  if (terms.type === "LIMIT") return terms.priceTicks;
  const reference = book.lastTradeTicks === 0 ? bestTicks(oppositeOf(book, terms.side)) : book.lastTradeTicks;
  const { protectionBps } = book.market;
  if (terms.side === "buy") return scaleDown(reference, BPS + protectionBps);
  return protectionBps >= BPS ? 1 : Math.max(1, scaleUp(reference, BPS - protectionBps));
}

/** The whole in basis points. */
const BPS = 10_000;

function isOutside(terms: OrderTerms, priceTicks: number, limitTicks: number): boolean {
  return terms.side === "buy" ? priceTicks > limitTicks : priceTicks < limitTicks;
}
