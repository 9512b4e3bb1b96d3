// The whole state of a shard, and the small things that all its parts ask.
import { assert } from "@bourse/shared/assert.js";
import { type Book, createBook } from "./book.js";
import { createKnownOrders, findEntry, type KnownOrders, parseIdInto } from "./known-orders.js";
import type { Market, OrderTerms } from "./types.js";

/** When a command is applied: its place in the log and the shard's time. */
export interface Moment {
  readonly seq: number;
  readonly timeMs: number;
}

/** Everything that later decisions depend on, and nothing else. Changed by applyCommand only. */
export interface Shard {
  /** Number of the shard. */
  readonly number: number;
  epoch: number;
  /** Place and time of the last command applied. */
  seq: number;
  timeMs: number;
  /** Markets in the order in which they were made. */
  readonly books: Book[];
  readonly bookOfSymbol: Map<string, Book>;
  /** Users by number, in the order in which they were first seen. */
  readonly users: string[];
  readonly numberOfUser: Map<string, number>;
  readonly known: KnownOrders;
  /** Room for an id that is being looked up. */
  readonly idWords: Uint32Array;
}

export function createShard(number: number): Shard {
  return {
    number,
    epoch: 0,
    seq: 0,
    timeMs: 0,
    books: [],
    bookOfSymbol: new Map(),
    users: [],
    numberOfUser: new Map(),
    known: createKnownOrders(),
    idWords: new Uint32Array(4),
  };
}

/** Book of a market that exists. */
export function bookOf(shard: Shard, symbol: string): Book {
  const book = shard.bookOfSymbol.get(symbol);
  assert(book !== undefined, "the market of an applied command exists");
  return book;
}

export function addBook(shard: Shard, market: Market): void {
  assert(!shard.bookOfSymbol.has(market.symbol), "a market is made once");
  const book = createBook(market, shard.books.length);
  shard.books.push(book);
  shard.bookOfSymbol.set(market.symbol, book);
}

/** Entry of an order id, or -1. Leaves the id's words in `idWords`. */
export function entryOf(shard: Shard, orderId: string): number {
  return findEntry(shard.known, parseIdInto(shard.idWords, orderId));
}

/** Number of a user, given on first sight. */
export function userNumber(shard: Shard, userId: string): number {
  const known = shard.numberOfUser.get(userId);
  if (known !== undefined) return known;
  shard.users.push(userId);
  shard.numberOfUser.set(userId, shard.users.length - 1);
  return shard.users.length - 1;
}

/** Fields of terms in their fixed order: what a hash, a comparison and the state's bytes go by. */
export const TERMS_FIELDS = [
  "orderId",
  "userId",
  "clientOrderId",
  "symbol",
  "side",
  "type",
  "timeInForce",
  "priceTicks",
  "quantityLots",
  "budgetTickLots",
  "byQuoteBudget",
  "postOnly",
  "makerFeePpm",
  "takerFeePpm",
  "reservedAsset",
  "reservedAmount",
  "quoteBudget",
] as const satisfies readonly (keyof OrderTerms)[];

/** Terms as one line. No field can hold a line feed or a vertical bar, so no two terms share a line. */
export function termsLine(terms: OrderTerms): string {
  return (
    `${terms.orderId}|${terms.userId}|${terms.clientOrderId}|${terms.symbol}|${terms.side}|${terms.type}|` +
    `${terms.timeInForce}|${terms.priceTicks}|${terms.quantityLots}|${terms.budgetTickLots}|` +
    `${terms.byQuoteBudget}|${terms.postOnly}|${terms.makerFeePpm}|${terms.takerFeePpm}|` +
    `${terms.reservedAsset}|${terms.reservedAmount}|${terms.quoteBudget}`
  );
}

/**
 * 64-bit hash of terms (FNV-1a, twice): tells a repeat from a reuse of the id. Accidents only: the
 * wallet has compared the client's content before.
 */
export function termsHash(terms: OrderTerms): readonly [number, number] {
  const line = termsLine(terms);
  let first = 0x811c9dc5;
  let second = 0x9dc5811c;
  for (let at = 0; at < line.length; at += 1) {
    const code = line.charCodeAt(at);
    first = Math.imul(first ^ code, 0x01000193);
    second = Math.imul(second ^ code, 0x01000193) ^ (first >>> 15);
  }
  return [first >>> 0, second >>> 0];
}
