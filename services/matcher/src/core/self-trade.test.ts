import { describe, expect, test } from "vitest";
import { FIRST_LADDER_ORDER, fate, shardOfLadder, show, trades } from "../testing/ladder.js";
import { apply, cancel, orderId, submit, userId } from "../testing/orders.js";
import { checkShard } from "./check.js";
import type { MatcherEvent, OrderTerms } from "./types.js";

// The own order is 1001, first in line; 1002 is another's behind it.
const LADDER = `
  bids | price | asks
       | 102   | 5
       | 101   | 2 3
`;
const own = { userId: userId(FIRST_LADDER_ORDER + 1) };

const place = (changes: Partial<OrderTerms>, ladder = LADDER) => {
  const shard = shardOfLadder(ladder);
  const events = apply(shard, submit(1, { ...own, priceTicks: 102, ...changes }));
  checkShard(shard);
  return {
    shard,
    events,
    trades: trades(events),
    fate: fate(events),
    book: show(shard).split("\n").slice(1),
  };
};
const prevented = (events: readonly MatcherEvent[]) =>
  events.find(({ type }) => type === "selfTradePrevented");
const ends = (events: readonly MatcherEvent[]) =>
  events.flatMap((event) =>
    event.type === "ended"
      ? [[event.orderId, event.reason, event.remainingLots, event.amendedQuantityLots]]
      : [],
  );

describe("CANCEL_TAKER", () => {
  test("ends the taker and leaves the maker", () => {
    const { events, book } = place({ quantityLots: 9 });
    expect(prevented(events)).toMatchObject({
      mode: "CANCEL_TAKER",
      userId: own.userId,
      takerSide: "buy",
      takerOrderId: orderId(1),
      makerOrderId: orderId(1001),
      priceTicks: 101,
      quantityLots: 2,
      takerRemainingLots: 9,
      takerReservedUnits: 9 * 102,
      makerRemainingLots: 2,
      makerReservedUnits: 2,
    });
    expect(ends(events)).toEqual([[orderId(1), "SELF_TRADE", 9, 0]]);
    expect(book).toEqual(["| 102 | 5", "| 101 | 2 3"]);
  });
});

describe("CANCEL_MAKER", () => {
  const mode = { selfTradePrevention: "CANCEL_MAKER" } as const;

  test("ends the maker, and the taker goes on", () => {
    const { events, trades, fate, book } = place({ ...mode, quantityLots: 4 });
    expect(ends(events).slice(0, 2)).toEqual([
      [orderId(1001), "SELF_TRADE", 2, 0],
      [orderId(1002), "", 0, 0],
    ]);
    expect(trades).toEqual(["3 @ 101 < 1002", "1 @ 102 < 1000"]);
    expect(fate).toBe("FILLED");
    expect(book).toEqual(["| 102 | 4"]);
  });

  test("a FOK passes over own orders", () => {
    expect(place({ ...mode, quantityLots: 8, timeInForce: "FOK" }).fate).toBe("FILLED");
    const { fate, book } = place({ ...mode, quantityLots: 9, timeInForce: "FOK" });
    expect(fate).toBe("EXPIRED FOK_NOT_FILLABLE");
    expect(book).toEqual(["| 102 | 5", "| 101 | 2 3"]);
  });

  test("what it prevents moves no reference: a trade index counts trades alone", () => {
    const { events, shard } = place({ ...mode, quantityLots: 1 });
    expect(events.find(({ type }) => type === "trade")).toMatchObject({ index: 0 });
    expect(shard.books[0].lastTradeTicks).toBe(101);
    const only = place({ ...mode, quantityLots: 1 }, "bids | price | asks\n | 102 | 5\n | 101 | 2");
    expect(only.trades).toEqual(["1 @ 102 < 1000"]);
  });
});

describe("CANCEL_BOTH", () => {
  const mode = { selfTradePrevention: "CANCEL_BOTH" } as const;

  test("ends both", () => {
    const { events, book } = place({ ...mode, quantityLots: 9 });
    expect(ends(events)).toEqual([
      [orderId(1001), "SELF_TRADE", 2, 0],
      [orderId(1), "SELF_TRADE", 9, 0],
    ]);
    expect(book).toEqual(["| 102 | 5", "| 101 | 3"]);
  });

  test("a FOK stops counting at the first own order", () => {
    expect(place({ ...mode, quantityLots: 3, timeInForce: "FOK" }).fate).toBe("EXPIRED FOK_NOT_FILLABLE");
  });
});

describe("DECREMENT", () => {
  const mode = { selfTradePrevention: "DECREMENT" } as const;

  test("a larger taker loses the maker's lots, ends it and goes on; its quantity is lowered for good", () => {
    const { events, trades, book } = place({ ...mode, quantityLots: 6 });
    expect(prevented(events)).toMatchObject({
      quantityLots: 2,
      takerRemainingLots: 4,
      takerReservedUnits: 4 * 102,
      makerRemainingLots: 0,
      makerReservedUnits: 0,
    });
    expect(trades).toEqual(["3 @ 101 < 1002", "1 @ 102 < 1000"]);
    expect(events.at(-1)).toMatchObject({ status: "FILLED", executedLots: 4, amendedQuantityLots: 4 });
    expect(ends(events)[0]).toEqual([orderId(1001), "SELF_TRADE", 0, 0]);
    expect(book).toEqual(["| 102 | 4"]);
  });

  test("a smaller taker ends; the maker keeps its place with what is left", () => {
    const { shard, events, book } = place({ ...mode, quantityLots: 1 });
    expect(ends(events)).toEqual([[orderId(1), "SELF_TRADE", 0, 0]]);
    expect(book).toEqual(["| 102 | 5", "| 101 | 1 3"]);
    const filled = apply(shard, submit(2, { priceTicks: 101 }));
    expect(filled).toContainEqual(
      expect.objectContaining({
        orderId: orderId(1001),
        status: "FILLED",
        executedLots: 1,
        amendedQuantityLots: 1,
      }),
    );
  });

  test("equals end both, the maker first, also after fills", () => {
    const ladder = "bids | price | asks\n | 102 | 5\n | 101 | 4 2";
    const shard = shardOfLadder(ladder);
    const events = apply(
      shard,
      submit(1, { ...mode, userId: userId(1002), priceTicks: 102, quantityLots: 6 }),
    );
    expect(ends(events)).toEqual([
      [orderId(1001), "", 0, 0],
      [orderId(1002), "SELF_TRADE", 0, 0],
      [orderId(1), "SELF_TRADE", 0, 0],
    ]);
    expect(events.at(-1)).toMatchObject({ status: "EXPIRED", executedLots: 4 });
    checkShard(shard);
  });

  test("a lowered maker that is cancelled says its quantity at its end", () => {
    const { shard } = place({ ...mode, quantityLots: 1 });
    const [event] = apply(shard, cancel(1001));
    expect(event).toMatchObject({ remainingLots: 1, amendedQuantityLots: 1, executedLots: 0 });
  });

  test("a FOK stops counting at the first own order", () => {
    expect(place({ ...mode, quantityLots: 3, timeInForce: "FOK" }).fate).toBe("EXPIRED FOK_NOT_FILLABLE");
  });

  test("a quote budget counts the lots it can pay and loses what they cost", () => {
    const budget = { type: "MARKET", quantityLots: 0, byQuoteBudget: true, priceTicks: 0 } as const;
    const { events, trades } = place({ ...mode, ...budget, budgetTickLots: 101 * 2 + 101 });
    expect(prevented(events)).toMatchObject({
      quantityLots: 2,
      takerRemainingLots: 0,
      takerReservedUnits: 101,
      makerRemainingLots: 0,
    });
    expect(trades).toEqual(["1 @ 101 < 1002"]);
    expect(fate(events)).toBe("FILLED");
    // All the lots that it can pay are lost: that is zero.
    const all = place({ ...mode, ...budget, budgetTickLots: 150 });
    expect(all.fate).toBe("EXPIRED SELF_TRADE");
    expect(all.book).toEqual(["| 102 | 5", "| 101 | 1 3"]);
  });

  test("a quantity with a budget counts what it can pay, never above its quantity", () => {
    const byQuantity = { type: "MARKET", priceTicks: 0 } as const;
    const some = place({ ...mode, ...byQuantity, quantityLots: 3, budgetTickLots: 10_000 });
    expect(prevented(some.events)).toMatchObject({ takerRemainingLots: 1, takerReservedUnits: 10_000 - 202 });
    expect(some.trades).toEqual(["1 @ 101 < 1002"]);
    const poor = place({ ...mode, ...byQuantity, quantityLots: 3, budgetTickLots: 101 });
    expect(ends(poor.events)).toEqual([[orderId(1), "SELF_TRADE", 0, 0]]);
  });
});

test("an order meets its owner only where limit, protection and budget would let it trade", () => {
  const mode = { selfTradePrevention: "CANCEL_BOTH" } as const;
  expect(place({ ...mode, priceTicks: 100 }).fate).toBe("RESTED 1 @ 100");
  const poor = { type: "MARKET", priceTicks: 0, quantityLots: 1, budgetTickLots: 100 } as const;
  expect(place({ ...mode, ...poor }).fate).toBe("EXPIRED BUDGET_EXHAUSTED");
});

test("a rest ended by prevention never rests", () => {
  const { book, fate } = place({ quantityLots: 9, timeInForce: "GTC" });
  expect(fate).toBe("EXPIRED SELF_TRADE");
  expect(book.some((line) => line.startsWith("9"))).toBe(false);
});
