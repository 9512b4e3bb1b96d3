// Markets, users and orders for tests, with everything that a test does not care about filled in.
import { applyCommand } from "../core/apply.js";
import { decide } from "../core/decide.js";
import { createShard, type Shard } from "../core/shard.js";
import type {
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

/** Terms of order `number`; a limit order of its own user unless changed. */
export function terms(number: number, changes: Partial<OrderTerms> = {}): OrderTerms {
  const type = changes.type ?? "LIMIT";
  return {
    orderId: orderId(number),
    userId: userId(number),
    clientOrderId: `c-${number}`,
    symbol: SYMBOL,
    side: "buy",
    type,
    timeInForce: type === "LIMIT" ? "GTC" : "IOC",
    priceTicks: type === "LIMIT" ? 100 : 0,
    quantityLots: 1,
    budgetTickLots: 0,
    byQuoteBudget: false,
    postOnly: false,
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

export function cancel(number: number, user = number): CancelCommand {
  return { type: "cancel", orderId: orderId(number), userId: userId(user) };
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

/** A shard with these markets. */
export function shardOf(...markets: Market[]): Shard {
  const shard = createShard(0);
  for (const each of markets) apply(shard, { type: "addMarket", market: each });
  return shard;
}

/** Applies a command at the shard's present time. */
export function apply(shard: Shard, command: Command): MatcherEvent[] {
  return applyCommand(shard, { seq: shard.seq + 1, timeMs: shard.timeMs }, command);
}

/** Applies a client's command if it has an effect, as the sequencer does. */
export function offer(shard: Shard, command: OrderCommand): MatcherEvent[] | undefined {
  return decide(shard, shard.timeMs, command).type === "apply" ? apply(shard, command) : undefined;
}
