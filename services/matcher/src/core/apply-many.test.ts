import { describe, expect, test } from "vitest";
import { fate, show } from "../testing/ladder.js";
import {
  amend,
  apply,
  cancel,
  cancelAll,
  legId,
  market,
  orderId,
  passTime,
  resolve,
  shardOf,
  submit,
  terms,
  userId,
} from "../testing/orders.js";
import { checkShard } from "./check.js";
import { decide, decideControl } from "./decide.js";
import { entryOf, type Shard } from "./shard.js";
import { readState, stateBytes } from "./state-bytes.js";
import { dueTimer } from "./timers.js";
import type { MarketState, MatcherEvent, OrderTerms, SetSwitchCommand } from "./types.js";

const DAY_MS = 86_400_000;
const SYMBOL = "BTC/USDT";
const OTHER = "ETH/USDT";
const own = { userId: userId(7) };
const stop = (stopPriceTicks: number): Partial<OrderTerms> => ({
  type: "STOP",
  side: "sell",
  stopPriceTicks,
  timeInForce: "DAY",
});
const ended = (events: readonly MatcherEvent[]) =>
  events.flatMap((event) => (event.type === "ended" ? [event.orderId] : []));
const reasons = (events: readonly MatcherEvent[]) =>
  new Set(events.flatMap((event) => (event.type === "ended" ? [`${event.status} ${event.reason}`] : [])));
const setState = (shard: Shard, state: MarketState, symbol = SYMBOL) =>
  apply(shard, { type: "setMarketState", symbol, state, operatorId: userId(1), reason: "a test" });
const setSwitch = (user: number, timeoutMs: number, ...symbols: string[]): SetSwitchCommand => ({
  type: "setSwitch",
  userId: userId(user),
  symbols,
  timeoutMs,
});

/** Orders of user 7 in two markets, placed so that their order of ending differs from that of placing. */
function manyOrders(changes: Partial<OrderTerms> = {}): Shard {
  const shard = shardOf(market({ symbol: OTHER }), market());
  apply(shard, submit(1, { ...own, ...stop(90) }));
  apply(shard, submit(2, { ...own, ...changes, side: "sell", priceTicks: 103 }));
  apply(shard, submit(3, { ...own, ...changes, side: "sell", priceTicks: 102 }));
  apply(shard, submit(4, { ...own, ...changes, priceTicks: 99 }));
  apply(shard, submit(5, { ...own, ...changes, priceTicks: 100 }));
  apply(shard, submit(6, { ...own, ...changes, priceTicks: 100 }));
  apply(shard, submit(7, { ...own, ...stop(95) }));
  apply(shard, submit(8, { ...own, ...changes, priceTicks: 100, symbol: OTHER }));
  apply(shard, submit(9, { priceTicks: 100 }));
  return shard;
}
const IN_ORDER = [5, 6, 4, 3, 2, 1, 7, 8];

describe("cancel-all", () => {
  test("ends a user's orders: markets by symbol, bids, asks, stops by seq", () => {
    const shard = manyOrders();
    const events = apply(shard, cancelAll(7));
    expect(ended(events)).toEqual(IN_ORDER.map(orderId));
    expect(reasons(events)).toEqual(new Set(["CANCELLED CANCEL_ALL"]));
    expect(show(shard)).toBe("bids | price | asks\n1 | 100 |");
    checkShard(shard);
  });

  test("by an operator says OPERATOR, and whose word it is belongs to its content", () => {
    const shard = manyOrders();
    const command = cancelAll(7, { operatorId: userId(99) });
    const events = apply(shard, command);
    expect(ended(events)).toEqual(IN_ORDER.map(orderId));
    expect(reasons(events)).toEqual(new Set(["CANCELLED OPERATOR"]));
    const again = readState(Buffer.concat([...stateBytes(shard)]));
    for (const each of [shard, again]) {
      expect(decideControl(each, 0, command)).toEqual({ type: "known", cancelled: 8 });
      for (const operatorId of ["", userId(98)])
        expect(decideControl(each, 0, { ...command, operatorId })).toMatchObject({
          reason: "REQUEST_ID_REUSED",
        });
    }
  });

  test("takes one market or one side, stops included", () => {
    expect(ended(apply(manyOrders(), cancelAll(7, { symbol: OTHER })))).toEqual([orderId(8)]);
    expect(ended(apply(manyOrders(), cancelAll(7, { side: "sell" })))).toEqual([3, 2, 1, 7].map(orderId));
    expect(ended(apply(manyOrders(), cancelAll(7, { side: "buy", symbol: SYMBOL })))).toEqual(
      [5, 6, 4].map(orderId),
    );
  });

  test("a repeat changes nothing and tells the same count until its expiry has passed", () => {
    const shard = manyOrders();
    const command = cancelAll(7);
    apply(shard, command);
    apply(shard, submit(20, own));
    expect(decideControl(shard, 30_000, command)).toEqual({ type: "known", cancelled: 8 });
    expect(decideControl(shard, 0, cancelAll(7, { side: "buy" }))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    expect(decideControl(shard, 0, cancelAll(8))).toEqual({ type: "apply" });
    expect(decideControl(shard, 30_001, command)).toMatchObject({ reason: "SUBMIT_EXPIRED" });
    passTime(shard, 30_001);
    apply(shard, cancelAll(8, { expiresAtMs: 60_000 }));
    expect([...shard.cancelAlls.values()].map(({ user }) => user)).toHaveLength(1);
  });

  test("refuses an unknown market and an expiry outside its time", () => {
    const shard = manyOrders();
    expect(decideControl(shard, 0, cancelAll(7, { symbol: "X/Y" }))).toMatchObject({
      reason: "SYMBOL_NOT_FOUND",
    });
    expect(decideControl(shard, 0, cancelAll(7, { expiresAtMs: 60_001 }))).toMatchObject({
      reason: "SUBMIT_EXPIRED",
    });
  });

  test("works in every market state, also for one who has nothing", () => {
    const shard = manyOrders();
    setState(shard, "HALTED");
    expect(ended(apply(shard, cancelAll(7)))).toHaveLength(8);
    expect(apply(shard, cancelAll(99))).toEqual([]);
  });

  test("ends 20,000 orders at most", () => {
    const shard = shardOf(market());
    for (let number = 1; number <= 20_001; number += 1) apply(shard, submit(number, own));
    expect(apply(shard, cancelAll(7))).toHaveLength(20_000);
    expect(shard.slots.count).toBe(1);
  });
});

describe("DAY", () => {
  test("orders and stops end at the first session end after they were accepted, nothing else does", () => {
    const shard = manyOrders({ timeInForce: "DAY" });
    expect(passTime(shard, DAY_MS - 1)).toEqual([]);
    const records = passTime(shard, DAY_MS);
    expect(records.map(ended)).toEqual([IN_ORDER.slice(0, -1).map(orderId), [orderId(8)]]);
    expect(reasons(records.flat())).toEqual(new Set(["EXPIRED DAY_END"]));
    expect(show(shard)).toBe("bids | price | asks\n1 | 100 |");
    expect(shard.timeMs).toBe(DAY_MS);
    checkShard(shard);
  });

  test("the session ends when its market says; what is accepted then lives for a day", () => {
    const shard = shardOf(market({ sessionEndMinutes: 90 }));
    apply(shard, submit(1, { timeInForce: "DAY" }));
    expect(dueTimer(shard, DAY_MS)).toMatchObject({
      dueMs: 90 * 60_000,
      command: { type: "endDay", symbol: SYMBOL },
    });
    passTime(shard, 90 * 60_000);
    apply(shard, submit(2, { timeInForce: "DAY" }, 90 * 60_000));
    expect(dueTimer(shard, 2 * DAY_MS)).toMatchObject({ dueMs: DAY_MS + 90 * 60_000 });
  });

  test("without a DAY order nothing falls due; a later one has its own end", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, { timeInForce: "DAY" }));
    apply(shard, cancel(1));
    expect(dueTimer(shard, 10 * DAY_MS)).toBeUndefined();
    passTime(shard, DAY_MS + 5);
    apply(shard, submit(2, { timeInForce: "DAY" }, DAY_MS + 1_000));
    expect(dueTimer(shard, 10 * DAY_MS)).toMatchObject({ dueMs: 2 * DAY_MS });
  });

  test("orders that do not fit one record end in the next one, at the same time", () => {
    const shard = shardOf(market());
    for (let number = 1; number <= 20_001; number += 1) apply(shard, submit(number, { timeInForce: "DAY" }));
    const records = passTime(shard, DAY_MS + 7);
    expect(records.map(({ length }) => length)).toEqual([20_000, 1]);
    expect(shard.slots.count).toBe(0);
  });

  test("ends in every state of the market", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, { timeInForce: "DAY" }));
    setState(shard, "HALTED");
    expect(fate(passTime(shard, DAY_MS).flat())).toBe("EXPIRED DAY_END");
  });
});

describe("dead-man switch", () => {
  test("ends a user's orders in its markets when it is not renewed, once", () => {
    const shard = manyOrders();
    expect(apply(shard, setSwitch(7, 1_000))).toEqual([
      { type: "switchSet", userId: userId(7), symbols: [SYMBOL, OTHER], dueAtMs: 1_000 },
    ]);
    expect(passTime(shard, 999)).toEqual([]);
    const records = passTime(shard, 1_000);
    expect(records.map(ended)).toEqual([IN_ORDER.slice(0, -1).map(orderId), [orderId(8)]]);
    expect(reasons(records.flat())).toEqual(new Set(["CANCELLED DEAD_MAN"]));
    expect(dueTimer(shard, 10 ** 9)).toBeUndefined();
    checkShard(shard);
  });

  test("is renewed by a repeat, and disabled by zero, market by market", () => {
    const shard = manyOrders();
    apply(shard, setSwitch(7, 1_000));
    passTime(shard, 500);
    apply(shard, setSwitch(7, 1_000, OTHER));
    expect(apply(shard, setSwitch(7, 0, SYMBOL))).toMatchObject([{ symbols: [SYMBOL], dueAtMs: 0 }]);
    expect(passTime(shard, 1_499)).toEqual([]);
    expect(passTime(shard, 1_500).map(ended)).toEqual([[orderId(8)]]);
  });

  test("fires also after downtime and in a halted market, and where nothing is left to end", () => {
    const shard = manyOrders();
    apply(shard, setSwitch(7, 1_000, SYMBOL));
    apply(shard, setSwitch(8, 1_000, SYMBOL));
    setState(shard, "HALTED");
    expect(
      passTime(shard, DAY_MS / 2)
        .map(({ length }) => length)
        .sort(),
    ).toEqual([0, 7]);
  });

  test("refuses an unknown market and a timeout above a day", () => {
    const shard = manyOrders();
    expect(decideControl(shard, 0, setSwitch(7, 1, "X/Y"))).toMatchObject({ reason: "SYMBOL_NOT_FOUND" });
    expect(decideControl(shard, 0, setSwitch(7, DAY_MS + 1))).toMatchObject({ reason: "INVALID_FIELD" });
    expect(decideControl(shard, 0, setSwitch(7, DAY_MS))).toEqual({ type: "apply" });
  });
});

test("timers of one time go in order: DAY ends by symbol, switches by symbol, then user, sweeps, forgetting", () => {
  const shard = shardOf(market({ symbol: OTHER }), market());
  passTime(shard, DAY_MS - 600_000);
  const expiry = DAY_MS - 590_000;
  for (const [index, symbol] of [OTHER, SYMBOL].entries()) {
    apply(shard, submit(index + 1, { symbol, timeInForce: "DAY" }, expiry));
  }
  for (const user of [2, 1]) apply(shard, setSwitch(user, 600_000, OTHER, SYMBOL));
  apply(shard, { type: "learnCursors", throughSeq: 1 });
  const order: string[] = [];
  for (let due = dueTimer(shard, DAY_MS); due !== undefined; due = dueTimer(shard, DAY_MS)) {
    const { command } = due;
    const user = command.type === "fireSwitch" ? command.userId : "";
    order.push(`${command.type} ${"symbol" in command ? command.symbol : ""} ${user}`.trim());
    apply(shard, command, due.dueMs);
  }
  const users = [userId(1), userId(2)].sort();
  expect(order).toEqual([
    `endDay ${SYMBOL}`,
    `endDay ${OTHER}`,
    ...users.map((user) => `fireSwitch ${SYMBOL} ${user}`),
    ...users.map((user) => `fireSwitch ${OTHER} ${user}`),
    "forget",
  ]);
});

describe("market states", () => {
  test("a change is an event with operator and reason", () => {
    const shard = shardOf(market());
    expect(setState(shard, "CANCEL_ONLY")).toEqual([
      {
        type: "marketStateChanged",
        symbol: SYMBOL,
        state: "CANCEL_ONLY",
        oldState: "TRADING",
        operatorId: userId(1),
        reason: "a test",
      },
    ]);
    expect(fate(apply(shard, submit(1)))).toBe("REJECTED SYMBOL_CANCEL_ONLY");
    setState(shard, "TRADING");
    expect(fate(apply(shard, submit(2)))).toBe("RESTED 1 @ 100");
  });

  test("DELISTED cancels all by the same command and is final", () => {
    const shard = manyOrders();
    const events = setState(shard, "DELISTED");
    expect(ended(events)).toEqual([5, 6, 9, 4, 3, 2, 1, 7].map(orderId));
    expect(reasons(events)).toEqual(new Set(["CANCELLED DELISTED"]));
    expect(shard.slots.count).toBe(1);
    expect(fate(apply(shard, submit(30)))).toBe("REJECTED SYMBOL_DELISTED");
    const back = { type: "setMarketState", symbol: SYMBOL, operatorId: userId(1), reason: "x" } as const;
    expect(decideControl(shard, 0, { ...back, state: "TRADING" })).toMatchObject({
      reason: "SYMBOL_DELISTED",
    });
    expect(decideControl(shard, 0, { ...back, state: "DELISTED" })).toMatchObject({ type: "known" });
    expect(decideControl(shard, 0, { ...back, symbol: "X/Y", state: "HALTED" })).toMatchObject({
      reason: "SYMBOL_NOT_FOUND",
    });
    checkShard(shard);
  });

  test("orders of a delisted market that do not fit the record are swept at once", () => {
    const shard = shardOf(market());
    for (let number = 1; number <= 20_001; number += 1) apply(shard, submit(number));
    passTime(shard, 5);
    expect(ended(setState(shard, "DELISTED"))).toHaveLength(20_000);
    expect(dueTimer(shard, 5)).toEqual({ dueMs: 5, command: { type: "sweepMarket", symbol: SYMBOL } });
    expect(passTime(shard, 5).map(ended)).toEqual([[orderId(20_001)]]);
    expect(dueTimer(shard, DAY_MS)).toBeUndefined();
  });
});

describe("forgetting", () => {
  const learn = (shard: Shard, throughSeq: number) => apply(shard, { type: "learnCursors", throughSeq });
  const isKnown = (shard: Shard, id: string) => entryOf(shard, id) >= 0;

  test("an ended id goes ten minutes after the cursors passed its end, an open one never", () => {
    const shard = shardOf(market());
    for (const number of [1, 2, 3]) apply(shard, submit(number));
    apply(shard, cancel(1));
    const { seq } = shard;
    apply(shard, cancel(2));
    learn(shard, seq);
    passTime(shard, 599_999);
    expect(isKnown(shard, orderId(1))).toBe(true);
    passTime(shard, 600_000);
    expect([1, 2, 3].map((number) => isKnown(shard, orderId(number)))).toEqual([false, true, true]);
    checkShard(shard);
    // Not the id is refused then but its expiry; in time it would be a new order.
    expect(decide(shard, 600_000, { ...submit(1), expiresAtMs: 600_000 })).toEqual({ type: "apply" });
  });

  test("tombstones are forgotten like orders", () => {
    const shard = shardOf(market());
    apply(shard, resolve(1));
    learn(shard, shard.seq);
    passTime(shard, 600_000);
    expect(isKnown(shard, orderId(1))).toBe(false);
  });

  test("the key of an amend is remembered as long as its order", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, { quantityLots: 5 }));
    apply(shard, amend(1, 1, { quantityLots: 4 }));
    learn(shard, shard.seq);
    passTime(shard, 600_000);
    expect(isKnown(shard, legId(1))).toBe(true);
    apply(shard, cancel(1));
    learn(shard, shard.seq);
    passTime(shard, 1_200_000);
    expect(isKnown(shard, orderId(1))).toBe(false);
    checkShard(shard);
    learn(shard, shard.seq);
    passTime(shard, 1_800_000);
    expect(isKnown(shard, legId(1))).toBe(false);
    checkShard(shard);
  });

  test("20,000 ids go in one record at most, the timer stays due", () => {
    const shard = shardOf(market());
    for (let number = 1; number <= 20_001; number += 1) apply(shard, resolve(number));
    learn(shard, shard.seq);
    expect(passTime(shard, 600_000)).toHaveLength(2);
    checkShard(shard);
    expect(shard.memory.ended.oldest).toBe(-1);
  });

  test("an id that is forgotten and used again is an order like any other", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, { timeInForce: "IOC" }));
    learn(shard, shard.seq);
    passTime(shard, 600_000);
    expect(fate(apply(shard, { ...submit(1), terms: terms(1), expiresAtMs: 600_000 }))).toBe(
      "RESTED 1 @ 100",
    );
    checkShard(shard);
  });
});

describe("rules", () => {
  test("never fall; 0 is 1", () => {
    const shard = shardOf();
    apply(shard, { type: "startEpoch", epoch: 1, rules: 0 });
    expect(shard.rules).toBe(1);
    apply(shard, { type: "startEpoch", epoch: 2, rules: 2 });
    expect(() => apply(shard, { type: "startEpoch", epoch: 3, rules: 1 })).toThrow("rules never fall");
  });

  test("a record of rules 2 has room for 20,000 trades and preventions", () => {
    const shard = shardOf(market());
    for (let number = 1; number <= 20_002; number += 1) {
      const mine = number === 5 ? userId(30_000) : userId(number);
      apply(shard, submit(number, { side: "sell", priceTicks: number, userId: mine }));
    }
    const taker = { priceTicks: 30_000, quantityLots: 20_002, userId: userId(30_000) };
    const fok = { ...taker, selfTradePrevention: "CANCEL_MAKER", timeInForce: "FOK" } as const;
    expect(fate(apply(shard, submit(29_999, { ...fok, quantityLots: 20_000 })))).toBe(
      "EXPIRED FOK_NOT_FILLABLE",
    );
    const ioc = { ...fok, timeInForce: "IOC" } as const;
    const events = apply(shard, submit(30_001, ioc));
    expect(events.filter(({ type }) => type === "trade")).toHaveLength(19_999);
    expect(fate(events)).toBe("EXPIRED IOC_REMAINDER");
    expect(show(shard)).toContain("| 20001 | 1");
    checkShard(shard);
  });
});
