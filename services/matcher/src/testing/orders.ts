// Markets, users and orders for tests, with everything that a test does not care about filled in.
import { applyCommand } from "../core/apply.js";
import { decide } from "../core/decide.js";
import { readEvents } from "../core/read-events.js";
import { createShard, type Shard } from "../core/shard.js";
import { dueTimer } from "../core/timers.js";
import type {
  AmendCommand,
  CancelAllCommand,
  CancelCommand,
  Command,
  Market,
  MatcherEvent,
  OrderCommand,
  OrderTerms,
  ResolveCommand,
  SubmitCommand,
} from "../core/types.js";

export const SYMBOL = "BTC/USDT";

/** A market without limits of any kind. */
export function market(changes: Partial<Market> = {}): Market {
  return {
    symbol: SYMBOL,
    baseAsset: "BTC",
    quoteAsset: "USDT",
    tickSize: "0.01",
    lotSize: "0.00001",
    minQuantity: "0.0001",
    maxQuantity: "0",
    minNotional: "0",
    shard: 0,
    protectionBps: 1_000_000,
    bandBps: 0,
    openOrdersMax: 0,
    makerFeePpm: 100,
    takerFeePpm: 200,
    state: "TRADING",
    sessionEndMinutes: 0,
    feeTiers: [],
    ...changes,
  };
}

/** A UUID that tells its number: version 5 by its form, like the ids of the exchange. */
export function uuid(kind: number, number: number): string {
  const digits = number.toString(16).padStart(12, "0");
  const spread = (Math.imul(number + 1, 0x9e3779b1) >>> 0).toString(16).padStart(8, "0");
  return `${spread}-${kind.toString(16).padStart(4, "0")}-5000-8000-${digits}`;
}

export const userId = (number: number) => uuid(1, number);
export const orderId = (number: number) => uuid(2, number);

/** Number of an id made by `uuid`. */
export const numberOf = (id: string) => Number.parseInt(id.slice(24), 16);

/** Key of the amend `number`. */
export const legId = (number: number) => uuid(3, number);

/** Terms of order `number`; a limit order of its own user unless changed. */
export function terms(number: number, changes: Partial<OrderTerms> = {}): OrderTerms {
  const type = changes.type ?? "LIMIT";
  const hasLimit = type === "LIMIT" || type === "STOP_LIMIT";
  return {
    orderId: orderId(number),
    userId: userId(number),
    clientOrderId: `c-${number}`,
    symbol: SYMBOL,
    side: "buy",
    type,
    timeInForce: hasLimit ? "GTC" : "IOC",
    priceTicks: hasLimit ? 100 : 0,
    stopPriceTicks: 0,
    quantityLots: 1,
    budgetTickLots: 0,
    byQuoteBudget: false,
    postOnly: false,
    selfTradePrevention: "CANCEL_TAKER",
    makerFeePpm: 100,
    takerFeePpm: 200,
    reservedAsset: "USDT",
    reservedAmount: "1000000",
    quoteBudget: "",
    ...changes,
  };
}

export function submit(
  number: number,
  changes: Partial<OrderTerms> = {},
  expiresAtMs = 30_000,
): SubmitCommand {
  return { type: "submit", terms: terms(number, changes), expiresAtMs };
}

export function cancel(number: number, user = number, operatorId = ""): CancelCommand {
  return { type: "cancel", orderId: orderId(number), userId: userId(user), operatorId };
}

export function resolve(number: number, changes: Partial<ResolveCommand> = {}): ResolveCommand {
  return {
    type: "resolve",
    orderId: orderId(number),
    userId: userId(number),
    symbol: SYMBOL,
    tombstoneStatus: "REJECTED",
    tombstoneReason: "NOT_SEQUENCED",
    expiresAtMs: 30_000,
    cancelIfOpen: false,
    ...changes,
  };
}

/** Amend `key` of an order; 0 keeps price or quantity. */
export function amend(key: number, number: number, changes: Partial<AmendCommand> = {}): AmendCommand {
  return {
    type: "amend",
    orderId: orderId(number),
    userId: userId(number),
    legId: legId(key),
    symbol: SYMBOL,
    priceTicks: 0,
    quantityLots: 0,
    legUnits: 0,
    legAmount: "",
    expiresAtMs: 30_000,
    ...changes,
  };
}

export function cancelAll(user: number, changes: Partial<CancelAllCommand> = {}): CancelAllCommand {
  return {
    type: "cancelAll",
    userId: userId(user),
    requestId: "r-1",
    symbol: "",
    side: "",
    operatorId: "",
    expiresAtMs: 30_000,
    ...changes,
  };
}

/** A shard with these markets. */
export function shardOf(...markets: Market[]): Shard {
  const shard = createShard(0);
  for (const each of markets) apply(shard, { type: "addMarket", market: each });
  return shard;
}

/** Applies a command, at the shard's present time unless another is given. */
export function apply(shard: Shard, command: Command, timeMs = shard.timeMs): MatcherEvent[] {
  applyCommand(shard, { seq: shard.seq + 1, timeMs }, command);
  return readEvents(shard, command);
}

/** Applies a client's command if it has an effect, as the sequencer does. */
export function offer(shard: Shard, command: OrderCommand): MatcherEvent[] | undefined {
  return decide(shard, shard.timeMs, command).type === "apply" ? apply(shard, command) : undefined;
}

/** Lets time pass: applies all timers that fall due, as the sequencer does. Events of each of them. */
export function passTime(shard: Shard, untilMs: number): MatcherEvent[][] {
  const records: MatcherEvent[][] = [];
  for (let due = dueTimer(shard, untilMs); due !== undefined; due = dueTimer(shard, untilMs)) {
    records.push(apply(shard, due.command, Math.max(due.dueMs, shard.timeMs)));
  }
  apply(shard, { type: "tick" }, Math.max(untilMs, shard.timeMs));
  return records;
}
