import { describe, expect, test } from "vitest";
import { FIRST_LADDER_ORDER, fate, ladderText, shardOfLadder, show, trades } from "../testing/ladder.js";
import { apply, market, numberOf, orderId, shardOf, submit, userId } from "../testing/orders.js";
import type { OrderTerms } from "./types.js";

const LADDER = `
  bids | price | asks
       | 103   | 7
       | 102   | 5
       | 101   | 1 2
  4    | 100   |
  6 1  | 99    |
`;
const EMPTY = "bids | price | asks";

const place = (ladder: string, changes: Partial<OrderTerms>, properties = {}) => {
  const shard = shardOfLadder(ladder, properties);
  const events = apply(shard, submit(1, changes));
  return { shard, events, trades: trades(events), fate: fate(events) };
};

describe("LIMIT", () => {
  test("a buy takes the best ask first, oldest first, and rests the remainder", () => {
    const { shard, trades, fate } = place(LADDER, { quantityLots: 4, priceTicks: 101 });
    expect(trades).toEqual(["1 @ 101 < 1002", "2 @ 101 < 1003"]);
    expect(fate).toBe("RESTED 1 @ 101");
    expect(show(shard)).toBe(
      ladderText(`
        bids | price | asks
             | 103   | 7
             | 102   | 5
        1    | 101   |
        4    | 100   |
        6 1  | 99    |
      `),
    );
  });

  test("a sell takes the best bid first and trades at the makers' prices", () => {
    const { shard, trades, fate } = place(LADDER, { side: "sell", quantityLots: 6, priceTicks: 99 });
    expect(trades).toEqual(["4 @ 100 < 1004", "2 @ 99 < 1005"]);
    expect(fate).toBe("FILLED");
    expect(show(shard)).toContain("4 1 | 99 |");
  });

  test("an order stops at its own price", () => {
    const { fate, trades } = place(LADDER, { quantityLots: 10, priceTicks: 102 });
    expect(trades).toEqual(["1 @ 101 < 1002", "2 @ 101 < 1003", "5 @ 102 < 1001"]);
    expect(fate).toBe("RESTED 2 @ 102");
  });

  test("IOC expires what it cannot take, also on an empty book", () => {
    expect(place(LADDER, { timeInForce: "IOC", quantityLots: 4, priceTicks: 101 }).fate).toBe(
      "EXPIRED IOC_REMAINDER",
    );
    expect(place(EMPTY, { timeInForce: "IOC" }).fate).toBe("EXPIRED IOC_REMAINDER");
  });

  test("FOK trades in full", () => {
    const { trades, fate } = place(LADDER, { timeInForce: "FOK", quantityLots: 8, priceTicks: 102 });
    expect(trades).toEqual(["1 @ 101 < 1002", "2 @ 101 < 1003", "5 @ 102 < 1001"]);
    expect(fate).toBe("FILLED");
  });

  test("FOK that cannot trade in full changes nothing", () => {
    const { shard, events, fate } = place(LADDER, { timeInForce: "FOK", quantityLots: 9, priceTicks: 102 });
    expect(events.map(({ type }) => type)).toEqual(["accepted", "ended"]);
    expect(fate).toBe("EXPIRED FOK_NOT_FILLABLE");
    expect(show(shard)).toBe(ladderText(LADDER));
  });

  test("a trade tells both parties what they received before in their role, and the buyer's limit", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { quantityLots: 2, priceTicks: 102 }));
    const [, second] = apply(shard, submit(2, { quantityLots: 1, priceTicks: 102 }));
    expect(second).toMatchObject({
      type: "trade",
      index: 0,
      buyerLimitTicks: 102,
      maker: { orderId: orderId(1003), feePpm: 100, receivedBefore: "101", remainingLots: 0 },
      taker: { orderId: orderId(2), feePpm: 200, receivedBefore: "0", remainingLots: 0 },
    });
  });

  test("an order's fills in two roles are counted apart", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { quantityLots: 5, priceTicks: 101 }));
    const [, trade] = apply(shard, submit(2, { side: "sell", quantityLots: 1, priceTicks: 101 }));
    expect(trade).toMatchObject({ maker: { orderId: orderId(1), receivedBefore: "0", remainingLots: 1 } });
    const [, next, end] = apply(shard, submit(3, { side: "sell", quantityLots: 1, priceTicks: 101 }));
    expect(next).toMatchObject({ maker: { orderId: orderId(1), receivedBefore: "1", remainingLots: 0 } });
    expect(end).toMatchObject({ status: "FILLED", executedLots: 5, executedTickLots: "505" });
  });

  test("sums of notional go beyond 2^53 exactly", () => {
    const shard = shardOfLadder(EMPTY);
    const priceTicks = 3_000_000_001;
    for (const number of [1, 2, 3]) apply(shard, submit(number, { priceTicks, quantityLots: 3_000_000 }));
    const events = apply(shard, submit(9, { side: "sell", priceTicks: 1, quantityLots: 9_000_000 }));
    expect(trades(events)).toHaveLength(3);
    expect(events.at(-1)).toMatchObject({ status: "FILLED", executedTickLots: "27000000009000000" });
    expect(events.filter(({ type }) => type === "trade").at(-1)).toMatchObject({
      taker: { receivedBefore: "18000000006000000" },
    });
  });

  test("by rules 1 taking stops after 5,000 trades in one record and the rest expires", () => {
    const shard = shardOf();
    apply(shard, { type: "startEpoch", epoch: 1, rules: 0 });
    apply(shard, { type: "addMarket", market: market() });
    for (let number = 1; number <= 5001; number += 1) {
      apply(shard, submit(number, { side: "sell", priceTicks: number, quantityLots: 1 }));
    }
    const events = apply(shard, submit(9001, { priceTicks: 10_000, quantityLots: 5001 }));
    expect(trades(events)).toHaveLength(5000);
    expect(fate(events)).toBe("EXPIRED PRICE_PROTECTION");
    expect(show(shard)).toBe(`${EMPTY}\n| 5001 | 1`);
  });
});

describe("post-only", () => {
  test("is rejected when any opposite order is at or through its price, own orders included", () => {
    expect(place(LADDER, { postOnly: true, priceTicks: 101 }).fate).toBe("REJECTED POST_ONLY_WOULD_TAKE");
    const own = { userId: userId(FIRST_LADDER_ORDER + 2) };
    expect(place(LADDER, { ...own, postOnly: true, priceTicks: 101 }).fate).toBe(
      "REJECTED POST_ONLY_WOULD_TAKE",
    );
    expect(place(LADDER, { side: "sell", postOnly: true, priceTicks: 100 }).fate).toBe(
      "REJECTED POST_ONLY_WOULD_TAKE",
    );
  });

  test("rests otherwise; a refused order carries its terms and no acceptance", () => {
    expect(place(LADDER, { postOnly: true, priceTicks: 100 }).fate).toBe("RESTED 1 @ 100");
    const { events, shard } = place(LADDER, { postOnly: true, priceTicks: 101 });
    expect(events).toHaveLength(1);
    const end = { type: "ended", terms: { orderId: orderId(1) }, remainingLots: 1, acceptedSeq: shard.seq };
    expect(events[0]).toMatchObject(end);
  });
});

describe("MARKET", () => {
  const buy = (changes: Partial<OrderTerms>) => ({ type: "MARKET" as const, ...changes });
  const byQuote = (budgetTickLots: number) =>
    buy({ quantityLots: 0, budgetTickLots, byQuoteBudget: true, quoteBudget: "1" });

  test("by quantity trades at any price inside its budget", () => {
    const { trades, fate } = place(LADDER, buy({ quantityLots: 4, budgetTickLots: 10_000 }));
    expect(trades).toEqual(["1 @ 101 < 1002", "2 @ 101 < 1003", "1 @ 102 < 1001"]);
    expect(fate).toBe("FILLED");
  });

  test("by quantity with a budget that ends first expires with BUDGET_EXHAUSTED", () => {
    const { trades, fate } = place(LADDER, buy({ quantityLots: 4, budgetTickLots: 250 }));
    expect(trades).toEqual(["1 @ 101 < 1002", "1 @ 101 < 1003"]);
    expect(fate).toBe("EXPIRED BUDGET_EXHAUSTED");
  });

  test("by quote budget buys whole lots and is filled when it buys no further lot", () => {
    const { trades, fate, events } = place(LADDER, byQuote(404));
    expect(trades).toEqual(["1 @ 101 < 1002", "2 @ 101 < 1003"]);
    expect(fate).toBe("FILLED");
    expect(events.at(-1)).toMatchObject({ executedLots: 3, executedTickLots: "303", remainingLots: 0 });
  });

  test("by quote budget that buys nothing at all is exhausted", () => {
    expect(place(LADDER, byQuote(100)).fate).toBe("EXPIRED BUDGET_EXHAUSTED");
  });

  test("by quote budget that could buy more of a book that is empty now lacked liquidity", () => {
    const { fate, trades } = place(`${EMPTY}\n | 101 | 1`, byQuote(500));
    expect(trades).toEqual(["1 @ 101 < 1000"]);
    expect(fate).toBe("EXPIRED INSUFFICIENT_LIQUIDITY");
  });

  test("an empty book lacks liquidity; a FOK is not fillable", () => {
    expect(place(EMPTY, buy({ side: "sell" })).fate).toBe("EXPIRED INSUFFICIENT_LIQUIDITY");
    expect(place(EMPTY, buy({ side: "sell", timeInForce: "FOK" })).fate).toBe("EXPIRED FOK_NOT_FILLABLE");
  });

  test("FOK by quote budget is filled where it would end as filled", () => {
    expect(place(LADDER, { ...byQuote(404), timeInForce: "FOK" }).fate).toBe("FILLED");
    expect(place(`${EMPTY}\n | 101 | 1`, { ...byQuote(500), timeInForce: "FOK" }).fate).toBe(
      "EXPIRED FOK_NOT_FILLABLE",
    );
  });

  test("nothing trades outside the protection, which starts from the last trade", () => {
    const ladder = `
      bids | price | asks
           | 106   | 9
           | 105   | 1
           | 100   | 2
    `;
    const shard = shardOfLadder(ladder, { protectionBps: 500 });
    apply(shard, submit(1, { priceTicks: 100, quantityLots: 1 }));
    const events = apply(shard, submit(2, buy({ quantityLots: 5, budgetTickLots: 1_000 })));
    expect(trades(events)).toEqual(["1 @ 100 < 1002", "1 @ 105 < 1001"]);
    expect(fate(events)).toBe("EXPIRED PRICE_PROTECTION");
  });

  test("without a trade the protection starts from the best opposite order and rounds inward", () => {
    const sells = `${EMPTY}\n9 | 99 |\n9 | 95 |\n9 | 94 |`;
    // 99 × 0.95 = 94.05: 95 is the last price inside.
    const { trades } = place(sells, buy({ side: "sell", quantityLots: 30 }), { protectionBps: 500 });
    expect(trades).toEqual(["9 @ 99 < 1000", "9 @ 95 < 1001"]);
  });

  test("a protection of more than the whole price still sells at one tick", () => {
    const { trades } = place(`${EMPTY}\n1 | 50 |\n1 | 1 |`, buy({ side: "sell", quantityLots: 2 }));
    expect(trades).toEqual(["1 @ 50 < 1000", "1 @ 1 < 1001"]);
  });
});

describe("self-trade prevention", () => {
  const ladder = `
    bids | price | asks
         | 102   | 5
         | 101   | 1 2
  `;
  const own = { userId: userId(FIRST_LADDER_ORDER + 2) };

  test("keeps the fills so far, tells what would have traded and expires the rest", () => {
    const { shard, events, trades, fate } = place(ladder, { ...own, quantityLots: 9, priceTicks: 102 });
    expect(trades).toEqual(["1 @ 101 < 1001"]);
    expect(events.at(-2)).toMatchObject({
      type: "selfTradePrevented",
      makerOrderId: orderId(1002),
      priceTicks: 101,
      quantityLots: 2,
    });
    expect(fate).toBe("EXPIRED SELF_TRADE");
    expect(show(shard)).toBe(`${EMPTY}\n| 102 | 5\n| 101 | 2`);
  });

  test("is not judged when the order is filled before, or its price does not reach", () => {
    expect(place(ladder, { ...own, quantityLots: 1, priceTicks: 102 }).fate).toBe("FILLED");
    expect(place(ladder, { ...own, quantityLots: 1, priceTicks: 100 }).fate).toBe("RESTED 1 @ 100");
  });

  test("a FOK stops counting at the first own order and changes nothing", () => {
    const { shard, events, fate } = place(ladder, {
      ...own,
      timeInForce: "FOK",
      quantityLots: 2,
      priceTicks: 102,
    });
    expect(fate).toBe("EXPIRED FOK_NOT_FILLABLE");
    expect(events.map(({ type }) => type)).toEqual(["accepted", "ended"]);
    expect(show(shard)).toBe(ladderText(ladder));
  });

  test("does not touch another user's order at the same price behind it", () => {
    const shard = shardOfLadder(ladder);
    const events = apply(shard, submit(1, { userId: userId(1001), quantityLots: 3, priceTicks: 101 }));
    expect(trades(events)).toEqual([]);
    expect(events.some((event) => event.type === "trade")).toBe(false);
    expect(numberOf(events[1]?.type === "selfTradePrevented" ? events[1].makerOrderId : "")).toBe(1001);
  });
});

describe("rules of the market", () => {
  test("the state decides what is taken", () => {
    const states = {
      HALTED: "REJECTED SYMBOL_HALTED",
      CANCEL_ONLY: "REJECTED SYMBOL_CANCEL_ONLY",
      DELISTED: "REJECTED SYMBOL_DELISTED",
      POST_ONLY: "REJECTED SYMBOL_POST_ONLY",
    } as const;
    for (const [state, expected] of Object.entries(states)) {
      const shard = shardOf(market({ state: state as keyof typeof states }));
      expect(fate(apply(shard, submit(1)))).toBe(expected);
    }
    expect(fate(apply(shardOf(market({ state: "POST_ONLY" })), submit(1, { postOnly: true })))).toBe(
      "RESTED 1 @ 100",
    );
  });

  test("the band holds limits near the last trade, on both sides, and is off before the first", () => {
    const shard = shardOf(market({ bandBps: 1_000 }));
    apply(shard, submit(1, { side: "sell", priceTicks: 100 }));
    apply(shard, submit(2, { priceTicks: 100 }));
    expect(fate(apply(shard, submit(3, { priceTicks: 90 })))).toBe("RESTED 1 @ 90");
    expect(fate(apply(shard, submit(4, { priceTicks: 89 })))).toBe("REJECTED PRICE_OUT_OF_BAND");
    expect(fate(apply(shard, submit(5, { side: "sell", priceTicks: 110 })))).toBe("RESTED 1 @ 110");
    expect(fate(apply(shard, submit(6, { side: "sell", priceTicks: 111 })))).toBe(
      "REJECTED PRICE_OUT_OF_BAND",
    );
  });

  test("the cap counts a user's resting orders in this market, for GTC only", () => {
    const shard = shardOf(market({ openOrdersMax: 2 }));
    const own = { userId: userId(7) };
    apply(shard, submit(1, own));
    apply(shard, submit(2, own));
    expect(fate(apply(shard, submit(3, own)))).toBe("REJECTED OPEN_ORDER_LIMIT");
    expect(fate(apply(shard, submit(4, { ...own, timeInForce: "IOC" })))).toBe("EXPIRED IOC_REMAINDER");
    expect(fate(apply(shard, submit(5)))).toBe("RESTED 1 @ 100");
    apply(shard, { type: "cancel", orderId: orderId(1), userId: userId(7), operatorId: "" });
    expect(fate(apply(shard, submit(6, own)))).toBe("RESTED 1 @ 100");
  });
});
