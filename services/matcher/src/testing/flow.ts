// Random flow of every kind of command for properties: few users, few prices, so that everything meets everything.
import fc from "fast-check";
import { applyCommand } from "../core/apply.js";
import { decide, decideControl } from "../core/decide.js";
import type { EventBuffer } from "../core/event-buffer.js";
import type { Shard } from "../core/shard.js";
import { dueTimer } from "../core/timers.js";
import type { Command, ControlCommand, Market, OrderCommand, OrderTerms } from "../core/types.js";
import { amend, cancel, cancelAll, market, orderId, resolve, submit, userId } from "./orders.js";

const SYMBOLS = ["BTC/USDT", "ETH/USDT"] as const;

/** Two markets whose limits matter: protection, band and cap. */
export const markets: fc.Arbitrary<Market[]> = fc.tuple(...SYMBOLS.map(marketNamed));

function marketNamed(symbol: string): fc.Arbitrary<Market> {
  return fc
    .record({
      protectionBps: fc.constantFrom(1, 500, 2_000, 1_000_000),
      bandBps: fc.constantFrom(0, 0, 1_000, 3_000),
      openOrdersMax: fc.constantFrom(0, 0, 3),
      sessionEndMinutes: fc.constantFrom(0, 1),
    })
    .map((changes) => market({ symbol, baseAsset: symbol.slice(0, 3), ...changes }));
}

const user = fc.integer({ min: 1, max: 5 });
const symbol = fc.constantFrom(...SYMBOLS, SYMBOLS[0]);
const side = fc.constantFrom("buy", "sell");
const lots = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 200 }));
const price = fc.integer({ min: 88, max: 112 });
const mode = fc.constantFrom("CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH", "DECREMENT");

const anyTerms: fc.Arbitrary<Partial<OrderTerms>> = fc
  .record({
    side,
    type: fc.constantFrom("LIMIT", "LIMIT", "LIMIT", "LIMIT", "MARKET", "STOP", "STOP_LIMIT"),
    priceTicks: price,
    stopPriceTicks: price,
    quantityLots: lots,
    timeInForce: fc.constantFrom("GTC", "GTC", "IOC", "FOK", "DAY"),
    postOnly: fc.constantFrom(false, false, false, true),
    byQuoteBudget: fc.boolean(),
    selfTradePrevention: mode,
  })
  .map(({ type, ...drawn }): Partial<OrderTerms> => {
    const { side, quantityLots, timeInForce, selfTradePrevention } = drawn;
    const hasLimit = type === "LIMIT" || type === "STOP_LIMIT";
    const stopPriceTicks = type === "STOP" || type === "STOP_LIMIT" ? drawn.stopPriceTicks : 0;
    const base = { type, side, quantityLots, stopPriceTicks, selfTradePrevention } as const;
    if (hasLimit) {
      const mayRest = timeInForce === "GTC" || timeInForce === "DAY";
      const postOnly = drawn.postOnly && mayRest;
      return { ...base, priceTicks: drawn.priceTicks, timeInForce, postOnly };
    }
    const time = timeInForce === "GTC" || (type === "MARKET" && timeInForce === "DAY") ? "IOC" : timeInForce;
    const taking = { ...base, priceTicks: 0, timeInForce: time } as const;
    if (side === "sell") return taking;
    const byQuoteBudget = type === "MARKET" && drawn.byQuoteBudget;
    const budgetTickLots = drawn.priceTicks * quantityLots;
    return { ...taking, budgetTickLots, byQuoteBudget, quantityLots: byQuoteBudget ? 0 : quantityLots };
  });

/** A step that becomes a command once its number in the flow and its time are known. */
type Step = (number: number, timeMs: number) => OrderCommand | ControlCommand;

const place: fc.Arbitrary<Step> = fc.tuple(anyTerms, user, symbol).map(
  ([changes, owner, symbol]) =>
    (number, timeMs) =>
      submit(number, { ...changes, userId: userId(owner), symbol }, timeMs + 1_000),
);

/** Cancels, resolves or amends something placed a few steps before, sometimes something never placed. */
const change: fc.Arbitrary<Step> = fc
  .record({
    back: fc.integer({ min: -1, max: 12 }),
    owner: user,
    kind: fc.constantFrom("cancel", "resolve", "resolveOpen", "amend", "amend", "amend"),
    priceTicks: fc.oneof(fc.constant(0), price),
    quantityLots: lots,
    legUnits: fc.constantFrom(0, 50_000),
  })
  .map(({ back, owner, kind, ...changes }) => (number, timeMs) => {
    const target = Math.max(0, number - back);
    const names = { orderId: orderId(target), userId: userId(owner) };
    const expiresAtMs = timeMs + 1_000;
    if (kind === "cancel") return { ...cancel(target), ...names };
    if (kind !== "amend")
      return resolve(target, { ...names, expiresAtMs, cancelIfOpen: kind === "resolveOpen" });
    const legAmount = changes.legUnits === 0 ? "" : "1000";
    return amend(number, target, { ...names, ...changes, legAmount, expiresAtMs });
  });

const control: fc.Arbitrary<Step> = fc
  .record({
    owner: user,
    symbol,
    kind: fc.constantFrom("cancelAll", "setSwitch", "setSwitch", "setMarketState"),
    state: fc.constantFrom("TRADING", "TRADING", "TRADING", "POST_ONLY", "CANCEL_ONLY", "HALTED", "DELISTED"),
    timeoutMs: fc.constantFrom(0, 3, 2_000),
    isAll: fc.boolean(),
  })
  .map(({ owner, symbol, kind, state, timeoutMs, isAll }) => (number, timeMs) => {
    if (kind === "setMarketState")
      return { type: kind, symbol, state, operatorId: userId(9), reason: `step ${number}` };
    if (kind === "setSwitch")
      return { type: kind, userId: userId(owner), symbols: isAll ? [] : [symbol], timeoutMs };
    const requestId = `r-${number % 3}`;
    return cancelAll(owner, { requestId, symbol: isAll ? "" : symbol, expiresAtMs: timeMs + 1_000 });
  });

const step = fc.oneof(
  { weight: 14, arbitrary: place },
  { weight: 6, arbitrary: change },
  { weight: 1, arbitrary: control },
);

/** Commands with the time that passes before each. */
export const flow = fc.array(fc.tuple(step, fc.constantFrom(0, 1, 1, 1, 700, 60_000)), {
  minLength: 1,
  maxLength: 120,
  size: "max",
});
export type Flow = typeof flow extends fc.Arbitrary<infer F> ? F : never;

/** One record as it came to be. The events hold until the next. */
export type OnRecord = (
  moment: { seq: number; timeMs: number },
  command: Command,
  events: EventBuffer,
) => void;

/** Plays commands on a shard as the sequencer does: timers first, then what goes into the log. */
export function playFlow(shard: Shard, made: readonly Market[], steps: Flow, onRecord: OnRecord): void {
  const apply = (command: Command, timeMs: number) => {
    const moment = { seq: shard.seq + 1, timeMs };
    onRecord(moment, command, applyCommand(shard, moment, command));
  };
  const runTimers = (untilMs: number) => {
    for (;;) {
      const due = dueTimer(shard, untilMs);
      if (due === undefined) return;
      apply(due.command, Math.max(due.dueMs, shard.timeMs));
    }
  };
  apply({ type: "startEpoch", epoch: 2, rules: 2 }, 0);
  for (const each of made) apply({ type: "addMarket", market: { ...each, shard: shard.number } }, 0);
  apply({ type: "tick" }, 1);
  for (const [index, [make, passMs]] of steps.entries()) {
    const timeMs = shard.timeMs + passMs;
    runTimers(timeMs);
    const command = make(index + 1, timeMs);
    const isOrder = "orderId" in command || command.type === "submit";
    const verdict = isOrder
      ? decide(shard, timeMs, command as OrderCommand)
      : decideControl(shard, timeMs, command as ControlCommand);
    if (verdict.type === "apply") apply(command, timeMs);
  }
  apply({ type: "learnCursors", throughSeq: shard.seq }, shard.timeMs);
  runTimers(shard.timeMs + 700_000);
}
