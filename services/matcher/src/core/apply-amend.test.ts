import { describe, expect, test } from "vitest";
import { fate, shardOfLadder, show, trades } from "../testing/ladder.js";
import {
  amend,
  apply,
  cancel,
  legId,
  market,
  offer,
  orderId,
  resolve,
  shardOf,
  submit,
  userId,
} from "../testing/orders.js";
import { checkShard } from "./check.js";
import { amendOutcome, decide, differingAmendField, isLegRef, orderOfLeg } from "./decide.js";
import { entryOf, type Shard } from "./shard.js";
import { readState, stateBytes } from "./state-bytes.js";
import type { AmendCommand, MarketState, MatcherEvent, OrderTerms } from "./types.js";
import { viewOf } from "./view.js";

const LADDER = `
  bids  | price | asks
        | 102   | 5
        | 101   | 3
  4 2 6 | 100   |
`;
// 1002 is the first of the three bids, 1003 the second.
const FIRST = 1002;
const SECOND = 1003;

const change = (shard: Shard, number: number, changes: Partial<AmendCommand>, key = number) =>
  apply(shard, amend(key, number, changes));
const refusal = (events: readonly MatcherEvent[]) =>
  events[0]?.type === "amendRefused" ? events[0].reason : events[0]?.type;
const book = (shard: Shard) => show(shard).split("\n").slice(1);
const setState = (shard: Shard, state: MarketState) =>
  apply(shard, { type: "setMarketState", symbol: "BTC/USDT", state, operatorId: userId(1), reason: "test" });

describe("place in the queue", () => {
  test("the same price and a smaller quantity keep it", () => {
    const shard = shardOfLadder(LADDER);
    const events = change(shard, SECOND, { quantityLots: 1 });
    expect(events).toMatchObject([
      {
        type: "amended",
        orderId: orderId(SECOND),
        legId: legId(SECOND),
        keepsPlace: true,
        wasResting: true,
        oldPriceTicks: 100,
        oldRemainingLots: 2,
        priceTicks: 100,
        remainingLots: 1,
        quantityLots: 1,
        reservedUnits: 100,
      },
    ]);
    expect(book(shard)).toEqual(["| 102 | 5", "| 101 | 3", "4 1 6 | 100 |"]);
    checkShard(shard);
  });

  test("the same price and quantity change nothing but the time", () => {
    const shard = shardOfLadder(LADDER);
    expect(change(shard, SECOND, { priceTicks: 100, quantityLots: 2 })).toMatchObject([{ keepsPlace: true }]);
    expect(book(shard).at(-1)).toBe("4 2 6 | 100 |");
    const [event] = apply(shard, cancel(SECOND));
    expect(event).toMatchObject({ amendedPriceTicks: 0, amendedQuantityLots: 0 });
  });

  test("a larger quantity or another price loses it", () => {
    const shard = shardOfLadder(LADDER);
    const larger = change(shard, SECOND, { quantityLots: 3, legUnits: 100 });
    expect(larger.map(({ type }) => type)).toEqual(["amended", "rested"]);
    expect(larger[0]).toMatchObject({ keepsPlace: false, wasResting: true, oldRemainingLots: 2 });
    expect(book(shard).at(-1)).toBe("4 6 3 | 100 |");
    change(shard, FIRST, { priceTicks: 99 });
    expect(book(shard).slice(-2)).toEqual(["6 3 | 100 |", "4 | 99 |"]);
    checkShard(shard);
  });

  test("the total counts what was executed", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { side: "sell", quantityLots: 3 }));
    const [event] = change(shard, FIRST, { quantityLots: 4 });
    expect(event).toMatchObject({ keepsPlace: true, remainingLots: 1, quantityLots: 4 });
    expect(viewOf(shard, entryOf(shard, orderId(FIRST)))).toMatchObject({
      status: "PARTIALLY_FILLED",
      quantityLots: 4,
      remainingLots: 1,
    });
  });
});

describe("a total that is executed already", () => {
  test("cancels the rest, whatever price is named", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { side: "sell", quantityLots: 3 }));
    const events = change(shard, FIRST, { quantityLots: 2, priceTicks: 99 });
    expect(events).toMatchObject([
      { type: "amended", priceTicks: 100, remainingLots: 0, quantityLots: 3, reservedUnits: 0 },
      { type: "ended", status: "CANCELLED", reason: "AMENDED", executedLots: 3, remainingLots: 0 },
    ]);
    expect(events[1]).toMatchObject({ amendedQuantityLots: 3, amendedPriceTicks: 0 });
    expect(book(shard).at(-1)).toBe("2 6 | 100 |");
    checkShard(shard);
  });

  test("does so in every market state", () => {
    for (const state of ["POST_ONLY", "CANCEL_ONLY", "HALTED"] as const) {
      const shard = shardOfLadder(LADDER);
      apply(shard, submit(1, { side: "sell", quantityLots: 3 }));
      setState(shard, state);
      expect(fate(change(shard, FIRST, { quantityLots: 3 }))).toBe("CANCELLED AMENDED");
    }
  });
});

describe("an amend that crosses", () => {
  test("trades as a taker at the makers' prices with its fees as placed, then rests", () => {
    const shard = shardOfLadder(LADDER);
    const events = change(shard, FIRST, { priceTicks: 101, legUnits: 4 });
    expect(trades(events)).toEqual(["3 @ 101 < 1001"]);
    expect(events[1]).toMatchObject({
      takerSide: "buy",
      buyerLimitTicks: 101,
      taker: { orderId: orderId(FIRST), feePpm: 200, receivedBefore: "0", remainingLots: 1 },
    });
    expect(fate(events)).toBe("RESTED 1 @ 101");
    checkShard(shard);
  });

  test("counts what it received in each role apart", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { side: "sell", quantityLots: 1 }));
    const events = change(shard, FIRST, { priceTicks: 102, legUnits: 6 });
    expect(events[1]).toMatchObject({ taker: { receivedBefore: "0" } });
    expect(events.at(-1)).toMatchObject({ status: "FILLED", executedLots: 4, executedTickLots: "403" });
  });

  test("meets its owner as its mode says, and may end", () => {
    const shard = shardOfLadder("bids | price | asks\n | 101 | 3");
    apply(shard, submit(1, { userId: userId(1000), priceTicks: 100 }));
    const events = change(shard, 1, { userId: userId(1000), priceTicks: 101, legUnits: 1 });
    expect(events.map(({ type }) => type)).toEqual(["amended", "selfTradePrevented", "ended"]);
    expect(fate(events)).toBe("EXPIRED SELF_TRADE");
    expect(events.at(-1)).toMatchObject({ resting: undefined, amendedPriceTicks: 101 });
  });
});

describe("refusals leave the order as it was", () => {
  const refused = (shard: Shard, number: number, changes: Partial<AmendCommand>) => {
    const before = show(shard);
    const events = change(shard, number, changes);
    expect(events).toHaveLength(1);
    expect(show(shard)).toBe(before);
    checkShard(shard);
    return refusal(events);
  };

  test("ORDER_NOT_OPEN once it has ended", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, cancel(FIRST));
    expect(refused(shard, FIRST, { quantityLots: 1 })).toBe("ORDER_NOT_OPEN");
  });

  test("ORDER_NOT_OPEN of a tombstone, whose market only the command names", () => {
    const shard = shardOf(market());
    apply(shard, resolve(1));
    expect(change(shard, 1, { quantityLots: 1 })).toMatchObject([
      { type: "amendRefused", reason: "ORDER_NOT_OPEN", symbol: "BTC/USDT" },
    ]);
  });

  test("LEG_TOO_SMALL of a buyer unless old reserve and leg cover the new one", () => {
    const shard = shardOfLadder(LADDER);
    expect(refused(shard, FIRST, { quantityLots: 5, legUnits: 99 })).toBe("LEG_TOO_SMALL");
    const other = { orderId: orderId(FIRST), userId: userId(FIRST), quantityLots: 5, legUnits: 100 };
    expect(refusal(apply(shard, amend(77, FIRST, other)))).toBe("amended");
  });

  test("LEG_TOO_SMALL of a seller by its lots; a better price needs nothing", () => {
    const shard = shardOfLadder(LADDER);
    expect(refused(shard, 1000, { quantityLots: 6 })).toBe("LEG_TOO_SMALL");
    expect(refusal(change(shard, 1001, { priceTicks: 200 }))).toBe("amended");
  });

  test("LEG_TOO_SMALL is judged by what is open now, not by what was", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { side: "sell", quantityLots: 3 }));
    // A higher price for the one lot left: one tick, although four lots were once reserved for.
    expect(refusal(change(shard, FIRST, { priceTicks: 101, legUnits: 1 }))).toBe("amended");
  });

  test("POST_ONLY_WOULD_TAKE where a post-only order would take", () => {
    const shard = shardOfLadder(LADDER);
    apply(shard, submit(1, { postOnly: true, priceTicks: 99 }));
    expect(refused(shard, 1, { priceTicks: 101, legUnits: 10 })).toBe("POST_ONLY_WOULD_TAKE");
    expect(refusal(apply(shard, amend(5, 1, { priceTicks: 100, legUnits: 10 })))).toBe("amended");
  });

  test("PRICE_OUT_OF_BAND only when the price changes", () => {
    const shard = shardOfLadder(LADDER, { bandBps: 1_000 });
    apply(shard, submit(1, { priceTicks: 101 }));
    expect(refused(shard, FIRST, { priceTicks: 90 })).toBe("PRICE_OUT_OF_BAND");
    const narrow = shardOfLadder("bids | price | asks\n | 200 | 1\n 1 | 100 |", { bandBps: 1_000 });
    apply(narrow, submit(1, { priceTicks: 200 }));
    expect(refusal(change(narrow, 1001, { quantityLots: 2, legUnits: 100 }))).toBe("amended");
  });

  test("the state's reason outside TRADING; in POST_ONLY only what would take", () => {
    for (const state of ["CANCEL_ONLY", "HALTED"] as const) {
      const shard = shardOfLadder(LADDER);
      setState(shard, state);
      expect(refused(shard, FIRST, { quantityLots: 1 })).toBe(`SYMBOL_${state}`);
    }
    const shard = shardOfLadder(LADDER);
    setState(shard, "POST_ONLY");
    expect(refused(shard, FIRST, { priceTicks: 101, legUnits: 10 })).toBe("SYMBOL_POST_ONLY");
    expect(refusal(change(shard, SECOND, { priceTicks: 99 }))).toBe("amended");
  });

  test("ORDER_NOT_OPEN in a delisted market, since every order has ended", () => {
    const shard = shardOfLadder(LADDER);
    setState(shard, "DELISTED");
    expect(refused(shard, FIRST, { quantityLots: 1 })).toBe("ORDER_NOT_OPEN");
  });

  test("SYMBOL_DELISTED of an order that the record of the delisting had no room for", () => {
    // A shard that serves never says it: the rest is due at once, and due timers go before any client's command.
    const shard = shardOf(market());
    for (let number = 1; number <= 20_001; number += 1) apply(shard, submit(number));
    setState(shard, "DELISTED");
    expect(refused(shard, 20_001, { priceTicks: 99 })).toBe("SYMBOL_DELISTED");
  });

  test("PRICE_NOT_ALLOWED of a STOP, which has no limit", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, { type: "STOP", stopPriceTicks: 110, budgetTickLots: 150 }));
    expect(refused(shard, 1, { priceTicks: 100 })).toBe("PRICE_NOT_ALLOWED");
  });

  test("NOTIONAL_TOO_LARGE where price times quantity leaves the safe integers", () => {
    const shard = shardOfLadder(LADDER);
    const legUnits = Number.MAX_SAFE_INTEGER;
    expect(refused(shard, FIRST, { quantityLots: 2 ** 47, legUnits })).toBe("NOTIONAL_TOO_LARGE");
  });
});

describe("a waiting stop", () => {
  const stop = { type: "STOP", stopPriceTicks: 110, quantityLots: 4, budgetTickLots: 4 * 121 } as const;

  test("changes its quantity; its budget changes with it, by the lot", () => {
    const shard = shardOf(market());
    apply(shard, submit(1, stop));
    expect(change(shard, 1, { quantityLots: 6, legUnits: 241 })).toMatchObject([{ reason: "LEG_TOO_SMALL" }]);
    expect(apply(shard, amend(9, 1, { quantityLots: 6, legUnits: 242 }))).toMatchObject([
      {
        type: "amended",
        keepsPlace: false,
        wasResting: false,
        priceTicks: 0,
        remainingLots: 6,
        reservedUnits: 6 * 121,
      },
    ]);
    expect(viewOf(shard, entryOf(shard, orderId(1)))).toMatchObject({ status: "PENDING", quantityLots: 6 });
    checkShard(shard);
  });

  test("keeps its seq when it only shrinks, and loses it otherwise", () => {
    const fired = (changes: Partial<AmendCommand>) => {
      const shard = shardOf(market());
      for (const number of [1, 2]) apply(shard, submit(number, stop));
      change(shard, 1, changes);
      apply(shard, submit(8, { side: "sell", priceTicks: 110 }));
      const events = apply(shard, submit(9, { priceTicks: 110 }));
      return events.flatMap((event) => (event.type === "stopTriggered" ? [event.orderId] : []));
    };
    expect(fired({ quantityLots: 3 })).toEqual([1, 2].map(orderId));
    expect(fired({ quantityLots: 5, legUnits: 1_000 })).toEqual([2, 1].map(orderId));
  });

  test("a STOP_LIMIT changes its limit without being judged by band or book", () => {
    const shard = shardOfLadder(LADDER, { bandBps: 100 });
    apply(shard, submit(1, { priceTicks: 101 }));
    const changes: Partial<OrderTerms> = {
      type: "STOP_LIMIT",
      stopPriceTicks: 105,
      priceTicks: 103,
      postOnly: true,
    };
    apply(shard, submit(2, changes));
    expect(change(shard, 2, { priceTicks: 500, legUnits: 400 })).toMatchObject([
      { type: "amended", priceTicks: 500, keepsPlace: false },
    ]);
  });
});

describe("idempotency", () => {
  test("the same key again is known with its outcome and changes nothing", () => {
    const shard = shardOfLadder(LADDER);
    change(shard, FIRST, { quantityLots: 3 });
    const verdict = decide(shard, 10 ** 9, amend(FIRST, FIRST, { quantityLots: 3 }));
    expect(verdict.type).toBe("known");
    const entry = verdict.type === "known" ? verdict.entry : -1;
    expect(isLegRef(shard, entry)).toBe(true);
    expect(amendOutcome(shard, entry)).toBe("");
    expect(viewOf(shard, orderOfLeg(shard, entry))).toMatchObject({ quantityLots: 3, status: "OPEN" });
    change(shard, 1000, { quantityLots: 9 });
    expect(amendOutcome(shard, entryOf(shard, legId(1000)))).toBe("LEG_TOO_SMALL");
  });

  test("the same key with another price or quantity is reused, whatever became of the first", () => {
    const shard = shardOfLadder(LADDER);
    change(shard, FIRST, { quantityLots: 3 });
    change(shard, 1000, { quantityLots: 9 });
    const verdictOf = (key: number, order: number, content: Partial<AmendCommand>) => {
      const verdict = decide(shard, 10 ** 9, amend(key, order, content));
      if (verdict.type !== "refuse") return verdict.type;
      const again = { priceTicks: 0, quantityLots: 0, ...content };
      return `${verdict.reason} ${differingAmendField(shard, verdict.entry, again)}`;
    };
    expect(verdictOf(FIRST, FIRST, { quantityLots: 3 })).toBe("known");
    expect(verdictOf(FIRST, FIRST, { quantityLots: 4 })).toBe("REQUEST_ID_REUSED quantity");
    expect(verdictOf(FIRST, FIRST, { quantityLots: 3, priceTicks: 1 })).toBe("REQUEST_ID_REUSED price");
    // What was reserved is no part of what was asked.
    expect(verdictOf(FIRST, FIRST, { quantityLots: 3, legUnits: 5 })).toBe("known");
    const restored = readState(Buffer.concat([...stateBytes(shard)]));
    expect(decide(restored, 10 ** 9, amend(FIRST, FIRST, { quantityLots: 4 }))).toMatchObject({
      reason: "REQUEST_ID_REUSED",
    });
    expect(decide(restored, 10 ** 9, amend(FIRST, FIRST, { quantityLots: 3 })).type).toBe("known");
  });

  test("a key of another order is reused; an order's id is no key", () => {
    const shard = shardOfLadder(LADDER);
    change(shard, FIRST, { quantityLots: 3 });
    const reused = { type: "refuse", reason: "REQUEST_ID_REUSED" };
    expect(decide(shard, 0, amend(FIRST, SECOND))).toMatchObject(reused);
    expect(decide(shard, 0, amend(1, SECOND, { legId: orderId(FIRST) }))).toMatchObject(reused);
    expect(
      decide(shard, 0, { ...submit(1), terms: { ...submit(1).terms, orderId: legId(FIRST) } }),
    ).toMatchObject({
      reason: "CLIENT_ORDER_ID_REUSED",
    });
    expect(decide(shard, 0, { ...cancel(FIRST), orderId: legId(FIRST) })).toMatchObject({
      reason: "ORDER_NOT_FOUND",
    });
  });

  test("an unknown or a foreign order is not found; an unknown key is refused outside its time", () => {
    const shard = shardOfLadder(LADDER);
    const notFound = { type: "refuse", reason: "ORDER_NOT_FOUND" };
    expect(decide(shard, 0, amend(1, 5))).toMatchObject(notFound);
    expect(decide(shard, 0, amend(1, FIRST, { userId: userId(SECOND) }))).toMatchObject(notFound);
    expect(decide(shard, 30_001, amend(1, FIRST))).toMatchObject({ reason: "SUBMIT_EXPIRED" });
    expect(decide(shard, 0, amend(1, FIRST, { expiresAtMs: 60_001 }))).toMatchObject({
      reason: "SUBMIT_EXPIRED",
    });
  });

  test("Resolve of a key tells it, or writes a tombstone that answers the late amend", () => {
    const shard = shardOfLadder(LADDER);
    const leg = (key: number) => resolve(0, { orderId: legId(key), userId: userId(FIRST) });
    expect(offer(shard, leg(1))).toMatchObject([{ type: "ended", isTombstone: true, orderId: legId(1) }]);
    const late = decide(shard, 0, amend(1, FIRST, { quantityLots: 1 }));
    expect(late.type).toBe("known");
    expect(amendOutcome(shard, late.type === "known" ? late.entry : -1)).toBe("TOMBSTONE");
    change(shard, FIRST, { quantityLots: 3 }, 2);
    expect(decide(shard, 0, leg(2)).type).toBe("known");
    checkShard(shard);
  });

  test("an amend there and back leaves no trace at the end", () => {
    const shard = shardOfLadder(LADDER);
    change(shard, FIRST, { quantityLots: 3 }, 1);
    change(shard, FIRST, { quantityLots: 4, legUnits: 100 }, 2);
    expect(apply(shard, cancel(FIRST))).toMatchObject([{ amendedQuantityLots: 0, amendedPriceTicks: 0 }]);
  });
});
