// Dense random flow for lockstep tests: few users, so that self-trades happen; few prices, so that stops
// cascade; small budgets, amends of every kind, states, timers. A step becomes a command once the state is
// known that it meets, so that most of them have an effect, and failures shrink.
import fc from "fast-check";
import type { SlowOrder, SlowShard } from "../core/slow-shard.js";
import type { Command, Market, OrderTerms, SelfTradePrevention, TimeInForce } from "../core/types.js";
import { market, orderId, terms, userId, uuid } from "./orders.js";

export const SLOW_SYMBOLS = ["BTC/USDT", "ETH/USDT"] as const;
const USERS = 4;
const OPERATOR = userId(99);
const SAFE_MAX = Number.MAX_SAFE_INTEGER;

/** What a step may look at. */
export interface SlowContext {
  readonly slow: SlowShard;
  readonly scale: Scale;
  /** Orders and legs so far: their ids are the numbers below. */
  orders: number;
  legs: number;
  /** Everything that was submitted, for repeats. */
  readonly submitted: OrderTerms[];
}

/** Time to pass before a command, and the command itself. */
export interface SlowStep {
  readonly advanceMs: number;
  readonly command: (context: SlowContext, timeMs: number) => Command;
}

/** Scales prices and lots so that notionals and their sums come near the limits of safe integers. */
export interface Scale {
  readonly price: number;
  readonly lots: number;
}

export const slowScale: fc.Arbitrary<Scale> = fc.constantFrom(
  { price: 1, lots: 1 },
  { price: 1, lots: 1 },
  { price: 80_000_001, lots: 5_003 },
  { price: 7, lots: 57_000_000_003 },
);

/** Two markets whose limits matter. */
export const slowMarkets: fc.Arbitrary<Market[]> = fc.tuple(
  ...SLOW_SYMBOLS.map((symbol) =>
    fc
      .record({
        protectionBps: fc.constantFrom(1, 500, 2_000, 9_999, 1_000_000),
        bandBps: fc.constantFrom(0, 0, 0, 300, 1_000),
        openOrdersMax: fc.constantFrom(0, 0, 4),
        sessionEndMinutes: fc.constantFrom(0, 1, 90, 1_439),
      })
      .map((changes) => market({ symbol, baseAsset: symbol.slice(0, 3), ...changes })),
  ),
);

const user = fc.integer({ min: 1, max: USERS });
const symbol = fc.constantFrom(...SLOW_SYMBOLS, SLOW_SYMBOLS[0], SLOW_SYMBOLS[0]);
const side = fc.constantFrom("buy" as const, "sell" as const);
const lots = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.integer({ min: 1, max: 200 }));
const price = fc.integer({ min: 90, max: 110 });
const mode = fc.constantFrom<SelfTradePrevention>("CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH", "DECREMENT");
const anyNumber = fc.nat({ max: 1_000_000 });

const advanceMs = fc.oneof(
  { weight: 60, arbitrary: fc.constantFrom(0, 0, 1, 7) },
  { weight: 8, arbitrary: fc.constantFrom(1_000, 60_000, 600_000) },
  { weight: 2, arbitrary: fc.constantFrom(3_600_000, 43_200_000, 200_000_000) },
);

type Make = (scale: Scale) => Partial<OrderTerms>;

const limit: fc.Arbitrary<Make> = fc
  .record({
    side,
    price,
    lots,
    tif: fc.constantFrom<TimeInForce>("GTC", "GTC", "GTC", "DAY", "IOC", "FOK"),
    postOnly: fc.constantFrom(false, false, false, true),
  })
  .map(({ side, price, lots, tif, postOnly }) => (by) => ({
    side,
    priceTicks: price * by.price,
    quantityLots: lots * by.lots,
    timeInForce: postOnly && tif !== "DAY" ? "GTC" : tif,
    postOnly,
  }));

const taking: fc.Arbitrary<Make> = fc
  .record({
    side,
    lots,
    tif: fc.constantFrom<TimeInForce>("IOC", "IOC", "FOK"),
    byQuoteBudget: fc.boolean(),
    perLot: fc.integer({ min: 1, max: 120 }),
    extra: fc.integer({ min: 0, max: 120 }),
  })
  .map((order) => (by) => {
    const quantityLots = order.lots * by.lots;
    const base = { type: "MARKET", priceTicks: 0, timeInForce: order.tif } as const;
    if (order.side === "sell") return { ...base, side: "sell", quantityLots };
    const { byQuoteBudget } = order;
    const budgetTickLots = Math.min(order.perLot * by.price * quantityLots + order.extra, SAFE_MAX);
    return {
      ...base,
      side: "buy",
      budgetTickLots,
      byQuoteBudget,
      quantityLots: byQuoteBudget ? 0 : quantityLots,
    };
  });

const stop: fc.Arbitrary<Make> = fc
  .record({
    side,
    lots,
    stop: fc.integer({ min: 88, max: 112 }),
    tif: fc.constantFrom<TimeInForce>("IOC", "IOC", "FOK", "DAY"),
    perLot: fc.integer({ min: 85, max: 140 }),
  })
  .map(({ side, lots, stop, tif, perLot }) => (by) => {
    // The budget is a whole number for each lot, as the gateway makes it.
    const quantityLots = Math.min(lots * by.lots, Math.floor(SAFE_MAX / (perLot * by.price)));
    const stopPriceTicks = stop * by.price;
    const budgetTickLots = side === "buy" ? perLot * by.price * quantityLots : 0;
    const shape = { type: "STOP", priceTicks: 0, timeInForce: tif } as const;
    return { ...shape, side, stopPriceTicks, quantityLots, budgetTickLots };
  });

const stopLimit: fc.Arbitrary<Make> = fc
  .record({
    side,
    price,
    lots,
    stop: fc.integer({ min: 88, max: 112 }),
    tif: fc.constantFrom<TimeInForce>("GTC", "GTC", "DAY", "IOC", "FOK"),
    postOnly: fc.constantFrom(false, true),
  })
  .map(({ side, price, lots, stop, tif, postOnly }) => (by) => ({
    type: "STOP_LIMIT",
    side,
    stopPriceTicks: stop * by.price,
    priceTicks: price * by.price,
    quantityLots: lots * by.lots,
    timeInForce: postOnly && tif !== "DAY" ? "GTC" : tif,
    postOnly,
  }));

type Choose = SlowStep["command"];

const expiry = fc.constantFrom(30_000, 30_000, 30_000, 30_000, 30_000, 0, 60_000, 60_001, -1);

const place: fc.Arbitrary<Choose> = fc
  .record({
    make: fc.oneof(
      { weight: 9, arbitrary: limit },
      { weight: 3, arbitrary: taking },
      { weight: 3, arbitrary: stop },
      { weight: 3, arbitrary: stopLimit },
    ),
    user,
    symbol,
    mode,
    expiry,
  })
  .map(({ make, user, symbol, mode, expiry }) => (context, timeMs) => {
    context.orders += 1;
    const made = terms(context.orders, {
      ...make(context.scale),
      symbol,
      userId: userId(user),
      selfTradePrevention: mode,
    });
    context.submitted.push(made);
    return { type: "submit", terms: made, expiresAtMs: timeMs + expiry };
  });

/** The same order again, sometimes with other content. */
const repeat: fc.Arbitrary<Choose> = fc
  .record({ pick: anyNumber, change: fc.constantFrom(0, 0, 1), expiry })
  .map(({ pick, change, expiry }) => (context, timeMs) => {
    if (context.submitted.length === 0) return { type: "tick" };
    const before = context.submitted[pick % context.submitted.length];
    const again = { ...before, makerFeePpm: before.makerFeePpm + change };
    return { type: "submit", terms: again, expiresAtMs: timeMs + expiry };
  });

/** An open order mostly, else any that was placed, sometimes none. */
function targetOf({ slow, orders }: SlowContext, pick: number): { id: string; order: SlowOrder | undefined } {
  if (slow.orders.length > 0 && pick % 5 !== 0) {
    const order = slow.orders[pick % slow.orders.length];
    return { id: order.terms.orderId, order };
  }
  const id = orderId(1 + (pick % (orders + 2)));
  const known = slow.known.get(id);
  return { id, order: known?.type === "order" ? known.order : undefined };
}

const undo: fc.Arbitrary<Choose> = fc
  .record({
    pick: anyNumber,
    stranger: fc.constantFrom(false, false, false, true),
    isByOperator: fc.constantFrom(false, false, true),
    expiry,
  })
  .chain(({ pick, stranger, isByOperator, expiry }) =>
    fc.constantFrom("cancel", "cancel", "resolve", "resolveOpen", "resolveLeg").map(
      (kind): Choose =>
        (context, timeMs) => {
          const { id, order } = targetOf(context, pick);
          const owner = order?.terms.userId ?? userId(1 + (pick % USERS));
          const by = stranger ? userId(1 + (pick % USERS)) : owner;
          if (kind === "cancel") {
            return { type: "cancel", orderId: id, userId: by, operatorId: isByOperator ? OPERATOR : "" };
          }
          const reason = isByOperator ? "OPERATOR" : "USER";
          const isLeg = kind === "resolveLeg";
          return {
            type: "resolve",
            orderId: isLeg ? legToResolve(context, pick) : id,
            userId: by,
            symbol: order?.terms.symbol ?? (pick % 5 === 0 ? "NO/SUCH" : SLOW_SYMBOLS[0]),
            tombstoneStatus: kind === "resolve" ? "REJECTED" : "CANCELLED",
            tombstoneReason: kind === "resolve" ? "NOT_SEQUENCED" : reason,
            expiresAtMs: timeMs + expiry,
            cancelIfOpen: kind === "resolveOpen",
          };
        },
    ),
  );

const legId = (number: number) => uuid(3, number);

/** A leg that is not known yet, or whose order is: when others are forgotten is not told outside. */
function legToResolve(context: SlowContext, pick: number): string {
  const number = 1 + (pick % (context.legs + 2));
  const leg = context.slow.known.get(legId(number));
  const isSettled = leg !== undefined && (leg.type !== "leg" || context.slow.known.has(leg.orderId));
  if (isSettled) return legId(number);
  context.legs += 1;
  return legId(context.legs);
}

const amend: fc.Arbitrary<Choose> = fc
  .record({
    pick: anyNumber,
    price: fc.oneof(fc.constantFrom(0, 0), price),
    total: fc.constantFrom("keep", "less", "more", "least", "executed", "huge"),
    by: lots,
    leg: fc.constantFrom("exact", "exact", "exact", "plenty", "short", "none"),
    legAgain: fc.constantFrom(false, false, false, false, false, true),
    expiry,
  })
  .map((step) => (context, timeMs) => {
    const { id, order } = targetOf(context, step.pick);
    const priceTicks =
      order?.terms.type === "STOP" && step.pick % 4 !== 0 ? 0 : step.price * context.scale.price;
    const quantityLots = order === undefined ? 0 : totalOf(order, step.total, step.by * context.scale.lots);
    const needed = order === undefined ? 0 : legNeeded(order, priceTicks, quantityLots);
    const legs = { exact: needed, plenty: needed + 1_000, short: Math.max(0, needed - 1), none: 0 };
    const legUnits = Math.min(legs[step.leg], SAFE_MAX);
    const key = step.legAgain ? legAgain(context, step.pick, id) : newLeg(context);
    const known = context.slow.known.get(key);
    // Every other repeat says what was said before.
    const content =
      known?.type === "leg" && step.pick % 2 === 0 ? known : { orderId: id, priceTicks, quantityLots };
    return {
      type: "amend",
      orderId: content.orderId,
      userId: order?.terms.userId ?? userId(1),
      legId: key,
      symbol: order?.terms.symbol ?? SLOW_SYMBOLS[0],
      priceTicks: content.priceTicks,
      quantityLots: content.quantityLots,
      legUnits,
      legAmount: legUnits === 0 ? "" : "1",
      expiresAtMs: timeMs + step.expiry,
    };
  });

function newLeg(context: SlowContext): string {
  context.legs += 1;
  return legId(context.legs);
}

/** A leg whose order is still known. */
function legAgain(context: SlowContext, pick: number, order: string): string {
  const number = 1 + (pick % Math.max(1, context.legs));
  const leg = context.slow.known.get(legId(number));
  const isKept = leg?.type === "leg" && context.slow.known.has(leg.orderId);
  return isKept || (leg?.type === "tombstone" && order !== "") ? legId(number) : newLeg(context);
}

function totalOf(order: SlowOrder, kind: string, by: number): number {
  const quantity = Number(order.quantity);
  const executed = Number(order.executed);
  switch (kind) {
    case "less":
      return Math.max(1, quantity - by);
    case "more":
      return quantity + by;
    case "least":
      return executed + 1;
    case "executed":
      return executed;
    case "huge":
      return 1_000_000_000_000;
    default:
      return 0;
  }
}

/** What the amend needs beyond what is reserved for the open part. */
function legNeeded(order: SlowOrder, priceTicks: number, quantityLots: number): number {
  const total = quantityLots === 0 ? order.quantity : BigInt(quantityLots);
  const open = total - order.executed;
  if (order.terms.side === "sell") return Number(max(0n, open - order.remaining));
  const isBudget = order.terms.type === "STOP" || order.terms.type === "MARKET";
  const before = isBudget ? order.budgetLeft : order.price * order.remaining;
  const perLot = isBudget ? order.budgetLeft / max(1n, order.remaining) : BigInt(priceTicks) || order.price;
  return Number(max(0n, perLot * open - before));
}

const max = (a: bigint, b: bigint) => (a > b ? a : b);

const cancelAll: fc.Arbitrary<Choose> = fc
  .record({
    user,
    request: fc.integer({ min: 1, max: 6 }),
    symbol: fc.constantFrom("", "", ...SLOW_SYMBOLS, "NO/SUCH"),
    side: fc.constantFrom("" as const, "" as const, "buy" as const, "sell" as const),
    operatorId: fc.constantFrom("", "", OPERATOR),
    expiry,
  })
  .map(({ user, request, symbol, side, operatorId, expiry }) => (_context, timeMs) => ({
    type: "cancelAll",
    userId: userId(user),
    requestId: `r-${request}`,
    symbol,
    side,
    operatorId,
    expiresAtMs: timeMs + expiry,
  }));

/** Mostly back to trading; the second market may be delisted. */
const setState: fc.Arbitrary<Choose> = fc
  .record({
    symbol,
    state: fc.constantFrom(
      "TRADING",
      "TRADING",
      "TRADING",
      "POST_ONLY",
      "POST_ONLY",
      "CANCEL_ONLY",
      "HALTED",
      "DELISTED",
    ),
  })
  .map(({ symbol, state }) => () => ({
    type: "setMarketState",
    symbol,
    state: state === "DELISTED" && symbol === SLOW_SYMBOLS[0] ? "TRADING" : state,
    operatorId: userId(99),
    reason: "test",
  }));

const setSwitch: fc.Arbitrary<Choose> = fc
  .record({
    user,
    symbols: fc.constantFrom<readonly string[]>([], [SLOW_SYMBOLS[0]], [SLOW_SYMBOLS[1], SLOW_SYMBOLS[0]]),
    timeoutMs: fc.constantFrom(0, 1, 5_000, 600_000, 86_400_000),
  })
  .map(({ user, symbols, timeoutMs }) => () => ({
    type: "setSwitch",
    userId: userId(user),
    symbols,
    timeoutMs,
  }));

const learn: fc.Arbitrary<Choose> = fc.integer({ min: 1, max: 12 }).map((behind) => ({ slow }) => {
  const last = slow.learned.at(-1)?.throughSeq ?? slow.forgotten;
  const throughSeq = Math.max(last + 1, slow.seq - behind);
  return throughSeq > slow.seq ? { type: "tick" } : { type: "learnCursors", throughSeq };
});

const choose: fc.Arbitrary<Choose> = fc.oneof(
  { weight: 60, arbitrary: place },
  { weight: 22, arbitrary: amend },
  { weight: 12, arbitrary: undo },
  { weight: 3, arbitrary: repeat },
  { weight: 2, arbitrary: cancelAll },
  { weight: 2, arbitrary: setState },
  { weight: 2, arbitrary: setSwitch },
  { weight: 2, arbitrary: learn },
);

/** One step. */
export const slowStep: fc.Arbitrary<SlowStep> = fc
  .tuple(advanceMs, choose)
  // What fails is told as commands, not as steps.
  .map(([advanceMs, command]) => ({ advanceMs, command, [fc.toStringMethod]: () => "step" }));
