// What a shard does by itself because its time came: DAY orders end, switches fire, a delisted market is swept,
// ids are forgotten. Time is journaled time; nothing here reads a clock.
import { assert } from "@bourse/shared/assert.js";
import { openOf } from "./book.js";
import type { SwitchSet } from "./change-events.js";
import { EXPIRED, reasonCode } from "./end-order.js";
import { EndedCode, EndedColumn, endedNumber, endedWord, setEndedNumber } from "./ended.js";
import { cancelled, endMany } from "./mass-end.js";
import { findId, forgetOldest, requeueOldest } from "./memory.js";
import { NONE } from "./none.js";
import { noteDue } from "./session.js";
import { bookOf, booksBySymbol, type Shard, type Switch, switchKey, userIdOf, userNumber } from "./shard.js";
import type { SetSwitchCommand, TimerCommand } from "./types.js";
import { writeObject } from "./write-events.js";

/** How long after wallet and projector passed the end of an id it may be forgotten. */
export const FORGET_AFTER_MS = 600_000;
/** Ids forgotten by one record at most: a record must not hold up the shard. */
const FORGET_MAX = 20_000;

const DAY_END = reasonCode("DAY_END");
const DEAD_MAN = reasonCode("DEAD_MAN");

/** A timer that is due. */
export interface DueTimer {
  readonly dueMs: number;
  readonly command: TimerCommand;
}

/**
 * The earliest timer that is due at or before a time; of one time DAY ends by symbol, switches by symbol, then
 * user, sweeps by symbol, then forgetting. It stays due until its command is applied and nothing of it is left.
 */
export function dueTimer(shard: Shard, untilMs: number): DueTimer | undefined {
  if (untilMs < shard.nextDueMs) return undefined;
  const first = firstTimer(shard);
  shard.nextDueMs = first?.dueMs ?? Number.POSITIVE_INFINITY;
  return first !== undefined && first.dueMs <= untilMs ? first : undefined;
}

function firstTimer(shard: Shard): DueTimer | undefined {
  let first: DueTimer | undefined;
  const offer = (dueMs: number, command: TimerCommand) => {
    if (first === undefined || dueMs < first.dueMs) first = { dueMs, command };
  };
  const books = booksBySymbol(shard);
  for (const { dayEndMs, dayCount, market } of books) {
    if (dayCount > 0) offer(dayEndMs, { type: "endDay", symbol: market.symbol });
  }
  const next = nextSwitch(shard);
  if (next !== undefined) {
    const { symbol } = shard.books[next.market].market;
    offer(next.dueMs, { type: "fireSwitch", userId: userIdOf(shard, next.user), symbol });
  }
  for (const { sweepMs, market } of books) {
    if (sweepMs !== 0) offer(sweepMs, { type: "sweepMarket", symbol: market.symbol });
  }
  for (const { dueMs, throughSeq } of shard.learned) offer(dueMs, { type: "forget", throughSeq });
  return first;
}

/**
 * The switch that fires first. They are put in order once for many: when a gateway is lost, thousands fire in a row,
 * and to look through all of them for each took seconds.
 */
function nextSwitch(shard: Shard): Switch | undefined {
  // Sorting is stable: of one time the order of symbols and users holds.
  shard.switchesDue ??= switchesInOrder(shard)
    .sort((a, b) => a.dueMs - b.dueMs)
    .reverse();
  return shard.switchesDue.at(-1);
}

/** Switches by symbol, then user. */
export function switchesInOrder(shard: Shard): Switch[] {
  const keyed = [...shard.switches.values()].map((each) => ({
    each,
    symbol: shard.books[each.market].market.symbol,
    user: userIdOf(shard, each.user),
  }));
  const sign = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);
  keyed.sort((a, b) => sign(a.symbol, b.symbol) || sign(a.user, b.user));
  return keyed.map(({ each }) => each);
}

/** Sets, renews or disables a switch. */
export function applySetSwitch(shard: Shard, command: SetSwitchCommand): void {
  const { userId, timeoutMs } = command;
  const user = userNumber(shard, userId);
  const all = () => booksBySymbol(shard).map(({ market }) => market.symbol);
  const symbols = command.symbols.length > 0 ? command.symbols : all();
  const dueMs = timeoutMs === 0 ? 0 : shard.timeMs + timeoutMs;
  shard.switchesDue = undefined;
  for (const symbol of symbols) {
    const market = bookOf(shard, symbol).number;
    if (dueMs === 0) shard.switches.delete(switchKey(user, market));
    else shard.switches.set(switchKey(user, market), { user, market, dueMs });
  }
  if (dueMs !== 0) noteDue(shard, dueMs);
  writeObject(shard, { type: "switchSet", userId, symbols, dueAtMs: dueMs } satisfies SwitchSet);
}

/** The session ended: DAY orders end, as many as fit the record. */
export function applyEndDay(shard: Shard, symbol: string): void {
  const book = bookOf(shard, symbol);
  assert(book.dayCount > 0 && book.dayEndMs <= shard.timeMs, "a session ends at its time");
  endMany(shard, book, { isDay: true }, { status: EXPIRED, reason: DAY_END });
}

/** A switch fires once; it stays due while its orders do not fit one record. */
export function applyFireSwitch(shard: Shard, userId: string, symbol: string): void {
  const book = bookOf(shard, symbol);
  const user = userNumber(shard, userId);
  const set = shard.switches.get(switchKey(user, book.number));
  assert(set !== undefined && set.dueMs <= shard.timeMs, "a switch that fires is due");
  endMany(shard, book, { user }, cancelled(DEAD_MAN));
  if (openOf(book, user) > 0) return;
  shard.switches.delete(switchKey(user, book.number));
  if (shard.switchesDue?.at(-1) === set) shard.switchesDue.pop();
  else shard.switchesDue = undefined;
}

/** Wallet and projector have passed a seq: what ended before it may be forgotten later. */
export function applyLearnCursors(shard: Shard, throughSeq: number): void {
  const dueMs = shard.timeMs + FORGET_AFTER_MS;
  shard.learned.push({ throughSeq, dueMs });
  noteDue(shard, dueMs);
}

/** Forgets ids from the head of the queue. A leg is kept while its order is known. */
export function applyForget(shard: Shard, throughSeq: number): void {
  const { memory } = shard;
  const [first] = shard.learned;
  assert(first?.throughSeq === throughSeq && first.dueMs <= shard.timeMs, "what is forgotten was learned");
  for (let count = 0; count < FORGET_MAX; count += 1) {
    if (!mayForget(shard, throughSeq)) break;
    if (isLegInUse(shard, memory.ended.oldest)) {
      // Behind what ended by now, so that the queue stays in order.
      setEndedNumber(memory.ended, memory.ended.oldest, EndedColumn.END_SEQ, shard.seq);
      requeueOldest(memory);
    } else forgetOldest(memory);
  }
  if (!mayForget(shard, throughSeq)) shard.learned.shift();
}

function mayForget({ memory }: Shard, throughSeq: number): boolean {
  const { ended } = memory;
  return ended.oldest !== NONE && endedNumber(ended, ended.oldest, EndedColumn.END_SEQ) <= throughSeq;
}

function isLegInUse(shard: Shard, ended: number): boolean {
  const { memory, slots, id } = shard;
  if ((endedWord(memory.ended, ended, EndedColumn.CODES) & EndedCode.LEG) === 0) return false;
  for (let word = 0; word < 4; word += 1)
    id[word] = endedWord(memory.ended, ended, EndedColumn.LEG_ORDER + word);
  return findId(memory, slots, id) !== NONE;
}
