// The whole state of a shard, and the small things that all its parts ask.
import { assert } from "@bourse/shared/assert.js";
import { type Book, createBook } from "./book.js";
import { EventBuffer } from "./event-buffer.js";
import { parseIdInto } from "./ids.js";
import { createMemory, findId, type Memory } from "./memory.js";
import { OrderInput } from "./order-input.js";
import { createSlots, type Slots } from "./slots.js";
import type { Market, OrderTerms, Side } from "./types.js";
import { createUsers, type Users, userOfText, userOfWords, userText } from "./users.js";

/** When a command is applied: its place in the log and the shard's time. */
export interface Moment {
  readonly seq: number;
  readonly timeMs: number;
}

/** Version of the rules that a new epoch starts with. */
export const RULES = 2;

/** Trades and preventions of a record at most, by rules 2; a mass end ends so many orders at most. */
export const ROOM = 20_000;
/** Trades of a record at most, by rules 1. */
export const ROOM_BEFORE = 5_000;

/** Stops that wait in one market at most: a record must hold all that one trade may fire. */
export const STOPS_MAX = 10_000;

/** A cancel-all that was decided, until its expiry has passed. */
export interface CancelAllDone {
  readonly user: number;
  readonly requestId: string;
  readonly symbol: string;
  readonly side: Side | "";
  readonly expiresAtMs: number;
  readonly cancelled: number;
  /** Absent when the owner asked. */
  readonly operatorId?: string;
}

/** Dead-man switch of one user in one market. */
export interface Switch {
  readonly user: number;
  readonly market: number;
  readonly dueMs: number;
}

/** Position that wallet and projector have passed, and when ids that ended before it may be forgotten. */
export interface Learned {
  readonly throughSeq: number;
  readonly dueMs: number;
}

/** Everything that later decisions depend on, and room to work in. Changed by applying commands only. */
export interface Shard {
  /** Number of the shard. */
  readonly number: number;
  epoch: number;
  /** Version of the rules; 0 before the first epoch, which counts as the newest. */
  rules: number;
  /** Place and time of the last command applied, or of the one at hand. */
  seq: number;
  timeMs: number;
  /** Markets in the order in which they were made. */
  readonly books: Book[];
  readonly bookOfSymbol: Map<string, Book>;
  readonly users: Users;
  readonly slots: Slots;
  readonly memory: Memory;
  /** By user and request id. */
  readonly cancelAlls: Map<string, CancelAllDone>;
  /** By user and market. */
  readonly switches: Map<string, Switch>;
  /** The same as they fire, the first one last; undefined until asked, and when one was set since. */
  switchesDue: Switch[] | undefined;
  /** Oldest first; due times and positions rise. */
  learned: Learned[];
  /** Earliest time at which a timer may be due; never late. */
  nextDueMs: number;

  // Room for the command at hand.
  readonly events: EventBuffer;
  readonly input: OrderInput;
  /** An id that is looked up. */
  readonly id: Int32Array;
  /** Trades and preventions that the record has room for. */
  room: number;
  /** Trades of the record so far. */
  trades: number;
}

/** Key of a cancel-all in `cancelAlls`. */
export const cancelAllKey = (user: number, requestId: string) => `${user}|${requestId}`;

/** Key of a dead-man switch in `switches`. */
export const switchKey = (user: number, market: number) => `${user}|${market}`;

export function createShard(number: number): Shard {
  return {
    number,
    epoch: 0,
    rules: 0,
    seq: 0,
    timeMs: 0,
    books: [],
    bookOfSymbol: new Map(),
    users: createUsers(),
    slots: createSlots(),
    memory: createMemory(),
    cancelAlls: new Map(),
    switches: new Map(),
    switchesDue: undefined,
    learned: [],
    nextDueMs: Number.POSITIVE_INFINITY,
    events: new EventBuffer(),
    input: new OrderInput(),
    id: new Int32Array(4),
    room: 0,
    trades: 0,
  };
}

/** Book of a market that exists. */
export function bookOf(shard: Shard, symbol: string): Book {
  const book = shard.bookOfSymbol.get(symbol);
  assert(book !== undefined, "the market of an applied command exists");
  return book;
}

/** Books in the order of their symbols. */
export function booksBySymbol({ books }: Shard): Book[] {
  return [...books].sort((a, b) => (a.market.symbol < b.market.symbol ? -1 : 1));
}

export function addBook(shard: Shard, market: Market): Book {
  assert(!shard.bookOfSymbol.has(market.symbol), "a market is made once");
  assert(shard.books.length < 0xffff, "a market's number has 16 bits");
  const book = createBook(market, shard.books.length);
  shard.books.push(book);
  shard.bookOfSymbol.set(market.symbol, book);
  return book;
}

/**
 * Ref of an id, or -1: the live order, ended order, tombstone or amend that has it. Good until the next command.
 * Leaves the id's words in `shard.id`.
 */
export function entryOf(shard: Shard, id: string): number {
  parseIdInto(shard.id, 0, id);
  return findId(shard.memory, shard.slots, shard.id);
}

/** Number of a user, given on first sight. */
export function userNumber(shard: Shard, userId: string): number {
  return userOfText(shard.users, userId);
}

/** The same by the four words of the id. */
export function userNumberOfWords(shard: Shard, a: number, b: number, c: number, d: number): number {
  return userOfWords(shard.users, a | 0, b | 0, c | 0, d | 0);
}

/** Id of a user as text. */
export function userIdOf(shard: Shard, user: number): string {
  return userText(shard.users, user);
}

/** Resting orders and waiting stops of the shard. */
export function openCountOf(shard: Shard): number {
  return shard.slots.count;
}

/** Fields of terms in their fixed order: what a comparison goes by. */
export const TERMS_FIELDS = [
  "orderId",
  "userId",
  "clientOrderId",
  "symbol",
  "side",
  "type",
  "timeInForce",
  "priceTicks",
  "stopPriceTicks",
  "quantityLots",
  "budgetTickLots",
  "byQuoteBudget",
  "postOnly",
  "selfTradePrevention",
  "makerFeePpm",
  "takerFeePpm",
  "reservedAsset",
  "reservedAmount",
  "quoteBudget",
] as const satisfies readonly (keyof OrderTerms)[];
