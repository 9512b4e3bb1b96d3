import { describe, expect, test } from "vitest";
import { FIRST_LADDER_ORDER, fate, shardOfLadder, show, trades } from "../testing/ladder.js";
import { amend, apply, cancel, market, orderId, shardOf, submit, userId } from "../testing/orders.js";
import { checkShard } from "./check.js";
import { entryOf, type Shard } from "./shard.js";
import type { MatcherEvent, OrderTerms } from "./types.js";
import { viewOf } from "./view.js";

const kinds = (events: readonly MatcherEvent[]) => events.map(({ type }) => type);
const ended = (events: readonly MatcherEvent[], number: number) =>
  events.find((event) => event.type === "ended" && event.orderId === orderId(number));
const triggered = (events: readonly MatcherEvent[]) =>
  events.flatMap((event) => (event.type === "stopTriggered" ? [event.orderId] : []));

const buyStop = (stopPriceTicks: number, changes: Partial<OrderTerms> = {}): Partial<OrderTerms> => ({
  type: "STOP",
  side: "buy",
  stopPriceTicks,
  budgetTickLots: 1_000_000,
  ...changes,
});
const sellStop = (stopPriceTicks: number, changes: Partial<OrderTerms> = {}): Partial<OrderTerms> => ({
  type: "STOP",
  side: "sell",
  stopPriceTicks,
  ...changes,
});
const stopLimit = (
  side: "buy" | "sell",
  stopPriceTicks: number,
  priceTicks: number,
  changes: Partial<OrderTerms> = {},
): Partial<OrderTerms> => ({ type: "STOP_LIMIT", side, stopPriceTicks, priceTicks, ...changes });

/** A trade at a price: a sell that rests and a buy that takes it, of two other users. */
function tradeAt(shard: Shard, priceTicks: number, number = 900): MatcherEvent[] {
  apply(shard, submit(number, { side: "sell", priceTicks }));
  return apply(shard, submit(number + 1, { priceTicks, timeInForce: "IOC" }));
}

describe("placing", () => {
  test("a stop is accepted and waits, outside the book, as PENDING", () => {
    const shard = shardOf(market());
    const events = apply(shard, submit(1, buyStop(110, { quantityLots: 3 })));
    expect(kinds(events)).toEqual(["accepted", "stopPlaced"]);
    expect(events[1]).toMatchObject({ side: "buy", stopPriceTicks: 110, remainingLots: 3 });
    expect(show(shard)).toBe("bids | price | asks");
    const view = viewOf(shard, entryOf(shard, orderId(1)));
    expect(view).toMatchObject({ status: "PENDING", quantityLots: 3, isTriggered: false });
    expect(view.terms).toMatchObject({ type: "STOP", stopPriceTicks: 110, budgetTickLots: 1_000_000 });
    checkShard(shard);
  });

  test("without a trade it stays dormant; at or through the last trade it would trigger at once", () => {
    const shard = shardOf(market());
    expect(kinds(apply(shard, submit(1, buyStop(1))))).toContain("stopPlaced");
    apply(shard, cancel(1));
    tradeAt(shard, 100);
    expect(fate(apply(shard, submit(2, buyStop(100))))).toBe("REJECTED STOP_WOULD_TRIGGER");
    expect(fate(apply(shard, submit(3, buyStop(99))))).toBe("REJECTED STOP_WOULD_TRIGGER");
    expect(fate(apply(shard, submit(4, buyStop(101))))).toBe("stopPlaced");
    expect(fate(apply(shard, submit(5, sellStop(100))))).toBe("REJECTED STOP_WOULD_TRIGGER");
    expect(fate(apply(shard, submit(6, sellStop(101))))).toBe("REJECTED STOP_WOULD_TRIGGER");
    expect(fate(apply(shard, submit(7, sellStop(99))))).toBe("stopPlaced");
  });

  test("the cap counts waiting stops, and holds stops of every time in force", () => {
    const shard = shardOf(market({ openOrdersMax: 2 }));
    const own = { userId: userId(7) };
    apply(shard, submit(1, { ...own, priceTicks: 50 }));
    apply(shard, submit(2, buyStop(110, own)));
    expect(fate(apply(shard, submit(3, buyStop(111, { ...own, timeInForce: "FOK" }))))).toBe(
      "REJECTED OPEN_ORDER_LIMIT",
    );
    expect(fate(apply(shard, submit(4, { ...own, timeInForce: "DAY" })))).toBe("REJECTED OPEN_ORDER_LIMIT");
    expect(fate(apply(shard, submit(5, { ...own, timeInForce: "IOC" })))).toBe("EXPIRED IOC_REMAINDER");
  });

  test("a market holds 10,000 waiting stops at most, so that one record can hold all that a trade fires", () => {
    const shard = shardOf(market());
    for (let number = 1; number <= 10_000; number += 1) apply(shard, submit(number, sellStop(90)));
    expect(fate(apply(shard, submit(10_001, buyStop(110))))).toBe("REJECTED OPEN_ORDER_LIMIT");
    expect(fate(apply(shard, submit(10_002, { priceTicks: 100 })))).toBe("RESTED 1 @ 100");
    apply(shard, submit(10_003, { side: "sell", priceTicks: 90, timeInForce: "IOC", quantityLots: 2 }));
    expect(triggered(tradeAt(shard, 90, 20_000))).toHaveLength(10_000);
    expect(fate(apply(shard, submit(10_004, buyStop(110))))).toBe("stopPlaced");
    checkShard(shard);
  });

  test("outside TRADING no stop is taken, also where post-only orders are", () => {
    expect(fate(apply(shardOf(market({ state: "POST_ONLY" })), submit(1, buyStop(110))))).toBe(
      "REJECTED SYMBOL_POST_ONLY",
    );
  });

  test("the band is not judged for the limit of a stop that waits", () => {
    const shard = shardOf(market({ bandBps: 1_000 }));
    tradeAt(shard, 100);
    expect(fate(apply(shard, submit(1, stopLimit("buy", 105, 500))))).toBe("stopPlaced");
  });
});

describe("triggering", () => {
  test("a trade at the stop price fires a buy; it takes at market in the same record", () => {
    const shard = shardOfLadder("bids | price | asks\n | 112 | 5\n | 110 | 1");
    apply(shard, submit(1, buyStop(110, { quantityLots: 2 })));
    const events = apply(shard, submit(2, { priceTicks: 110 }));
    expect(kinds(events)).toEqual(["accepted", "trade", "ended", "ended", "stopTriggered", "trade", "ended"]);
    expect(trades(events)).toEqual(["1 @ 110 < 1001", "2 @ 112 < 1000"]);
    expect(events[4]).toMatchObject({ orderId: orderId(1), stopPriceTicks: 110, remainingLots: 2 });
    // One index for the record, no limit of a budget order.
    expect(events[5]).toMatchObject({ index: 1, buyerLimitTicks: 0, taker: { receivedBefore: "0" } });
    expect(fate(events)).toBe("FILLED");
    expect(viewOf(shard, entryOf(shard, orderId(1)))).toMatchObject({ isTriggered: true, status: "FILLED" });
    checkShard(shard);
  });

  test("a trade below the stop of a buy does not fire it, one at the stop of a sell does", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, buyStop(101)));
    apply(shard, submit(2, sellStop(99)));
    expect(triggered(tradeAt(shard, 100))).toEqual([]);
    const events = tradeAt(shard, 99, 910);
    expect(triggered(events)).toEqual([orderId(2)]);
    expect(fate(events)).toBe("EXPIRED INSUFFICIENT_LIQUIDITY");
  });

  test("what is triggered stays triggered when a later trade of the record moves back", () => {
    // The sweep trades at 101 and 105; the buy stop at 104 fires although a fired sell moves the price down.
    const shard = shardOfLadder("bids | price | asks\n | 105 | 1\n | 101 | 1\n 9 | 90 |");
    apply(shard, submit(1, sellStop(101, { quantityLots: 2 })));
    apply(shard, submit(2, buyStop(104, { quantityLots: 1 })));
    const events = apply(shard, submit(3, { priceTicks: 105, quantityLots: 2 }));
    expect(triggered(events)).toEqual([orderId(2), orderId(1)]);
    expect(trades(events)).toEqual(["1 @ 101 < 1001", "1 @ 105 < 1000", "2 @ 90 < 1002"]);
    expect(ended(events, 2)).toMatchObject({ status: "EXPIRED", reason: "INSUFFICIENT_LIQUIDITY" });
  });

  test("buys go by ascending stop, then seq; after them sells by descending stop, then seq", () => {
    const shard = shardOf(market());
    const stops = [buyStop(103), buyStop(102), buyStop(102), sellStop(97), sellStop(98), sellStop(98)];
    for (const [index, stop] of stops.entries()) apply(shard, submit(index + 1, stop));
    apply(shard, submit(10, { priceTicks: 97 }));
    apply(shard, submit(11, { side: "sell", priceTicks: 103 }));
    // Both trades in one record: a sell down to 97 cannot also buy at 103, so a fired stop does it.
    apply(shard, submit(12, stopLimit("buy", 101, 103, { quantityLots: 1 })));
    const events = apply(shard, submit(13, { side: "sell", priceTicks: 97 }));
    expect(triggered(events)).toEqual([5, 6, 4].map(orderId));
    const second = apply(shard, submit(14, { priceTicks: 103 }));
    expect(triggered(second)).toEqual([12, 2, 3, 1].map(orderId));
  });

  test("a cascade runs to its end in one record, one stop after another", () => {
    const ladder = Array.from({ length: 50 }, (_, step) => ` 1 | ${1000 - step} |`).join("\n");
    const shard = shardOfLadder(`bids | price | asks\n${ladder}`);
    for (let step = 0; step < 48; step += 1) apply(shard, submit(step + 1, sellStop(1000 - step)));
    const events = apply(shard, submit(99, { side: "sell", priceTicks: 1000 }));
    expect(triggered(events)).toHaveLength(48);
    expect(trades(events)).toHaveLength(49);
    expect(show(shard)).toBe("bids | price | asks\n1 | 951 |");
    checkShard(shard);
  });

  test("a fired stop that rests is queued by the time of its trigger and keeps its creation", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, stopLimit("buy", 101, 100, { quantityLots: 2 })), 10);
    apply(shard, submit(2, { priceTicks: 100, quantityLots: 5 }), 20);
    apply(shard, submit(3, { side: "sell", priceTicks: 101 }), 30);
    const events = apply(shard, submit(4, { priceTicks: 101 }), 40);
    expect(fate(events)).toBe("RESTED 2 @ 100");
    expect(show(shard)).toContain("5 2 | 100 |");
    const view = viewOf(shard, entryOf(shard, orderId(1)));
    expect(view).toMatchObject({ status: "OPEN", createdAtMs: 10, acceptedSeq: 2, isTriggered: true });
  });

  test("a fired STOP is FOK if it says so", () => {
    const shard = shardOfLadder("bids | price | asks\n | 112 | 1\n | 110 | 1");
    apply(shard, submit(1, buyStop(110, { quantityLots: 2, timeInForce: "FOK" })));
    expect(fate(apply(shard, submit(2, { priceTicks: 110 })))).toBe("EXPIRED FOK_NOT_FILLABLE");
  });

  test("a fired STOP that jumped over its budget ends in BUDGET_EXHAUSTED", () => {
    const shard = shardOfLadder("bids | price | asks\n | 130 | 5\n | 110 | 1");
    apply(shard, submit(1, buyStop(110, { quantityLots: 2, budgetTickLots: 231 })));
    const events = apply(shard, submit(2, { priceTicks: 110 }));
    expect(trades(events)).toEqual(["1 @ 110 < 1001", "1 @ 130 < 1000"]);
    expect(fate(events)).toBe("EXPIRED BUDGET_EXHAUSTED");
  });

  test("a fired STOP keeps to the protection that starts with the last trade", () => {
    const shard = shardOfLadder("bids | price | asks\n | 130 | 5\n | 110 | 1", { protectionBps: 500 });
    apply(shard, submit(1, buyStop(110, { quantityLots: 2 })));
    expect(fate(apply(shard, submit(2, { priceTicks: 110 })))).toBe("EXPIRED PRICE_PROTECTION");
  });

  test("a fired STOP_LIMIT outside the band expires", () => {
    const shard = shardOf(market({ bandBps: 1_000 }));
    apply(shard, submit(1, stopLimit("buy", 101, 120)));
    const events = tradeAt(shard, 101);
    expect(triggered(events)).toEqual([orderId(1)]);
    expect(fate(events)).toBe("EXPIRED PRICE_OUT_OF_BAND");
  });

  test("a fired STOP_LIMIT that is post-only and would take expires, else it rests", () => {
    const shard = shardOfLadder("bids | price | asks\n | 110 | 9");
    apply(shard, submit(1, stopLimit("buy", 110, 111, { postOnly: true })));
    apply(shard, submit(2, stopLimit("buy", 110, 109, { postOnly: true })));
    const events = apply(shard, submit(3, { priceTicks: 110 }));
    expect(ended(events, 1)).toMatchObject({ status: "EXPIRED", reason: "POST_ONLY_AT_TRIGGER" });
    expect(fate(events)).toBe("RESTED 1 @ 109");
  });

  test("a fired stop meets its owner as its own mode says", () => {
    const shard = shardOfLadder("bids | price | asks\n | 112 | 5\n | 110 | 1");
    const own = { userId: userId(FIRST_LADDER_ORDER), selfTradePrevention: "CANCEL_MAKER" } as const;
    apply(shard, submit(1, buyStop(110, own)));
    const events = apply(shard, submit(2, { priceTicks: 110 }));
    expect(events.at(-3)).toMatchObject({
      type: "selfTradePrevented",
      mode: "CANCEL_MAKER",
      makerRemainingLots: 5,
    });
    expect(fate(events)).toBe("EXPIRED INSUFFICIENT_LIQUIDITY");
  });

  test("a cap that is full does not hold a fired stop", () => {
    const shard = shardOf(market({ openOrdersMax: 2 }));
    const own = { userId: userId(7) };
    apply(shard, submit(1, stopLimit("buy", 110, 90, own)));
    apply(shard, submit(2, { ...own, priceTicks: 80 }));
    expect(fate(tradeAt(shard, 110))).toBe("RESTED 1 @ 90");
  });

  test("an amend that trades fires stops as well", () => {
    const shard = shardOfLadder("bids | price | asks\n | 110 | 1\n 1 | 100 |");
    apply(shard, submit(1, sellStop(110)));
    const own = { orderId: orderId(1001), userId: userId(1001), legUnits: 10 };
    const events = apply(shard, amend(1, 1001, { ...own, priceTicks: 110 }));
    expect(triggered(events)).toEqual([orderId(1)]);
  });

  test("after a halt a resume evaluates nothing", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, buyStop(110)));
    const set = (state: "HALTED" | "TRADING") =>
      apply(shard, {
        type: "setMarketState",
        symbol: "BTC/USDT",
        state,
        operatorId: userId(1),
        reason: "test",
      });
    set("HALTED");
    expect(kinds(set("TRADING"))).toEqual(["marketStateChanged"]);
  });
});

describe("ending", () => {
  test("a waiting stop is cancelled like any order, and never stood in the book", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, sellStop(90, { quantityLots: 4 })));
    const [event] = apply(shard, cancel(1));
    expect(event).toMatchObject({ type: "ended", status: "CANCELLED", reason: "USER", remainingLots: 4 });
    expect(event).toMatchObject({ resting: undefined });
    checkShard(shard);
  });
});
