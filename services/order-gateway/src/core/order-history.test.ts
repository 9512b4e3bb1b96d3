import {
  EndReason,
  OrderStatus,
  SelfTradePrevention,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import {
  formatNotional,
  formatPrice,
  formatQuantity,
  type Grid,
  gridOf,
} from "@bourse/shared/units/market.js";
import { describe, expect, test } from "vitest";
import { decodeHistory } from "../io/history-records.js";
import { playSession, USERS } from "../testing/shard-session.js";
import type { KnownOrder } from "../testing/tiny-book.js";
import { type TinyShard, testMarket, tinyShard } from "../testing/tiny-shard.js";
import { foldHistory } from "./order-history.js";
import type { Fill, HistoryChanges, NewOrder, OrderUpdate } from "./order-history-types.js";

const [ALICE = "", BOB = ""] = USERS;

/** Row changes of all records of a shard, folded in batches of `size`. */
function foldAll(shard: TinyShard, size = Number.POSITIVE_INFINITY): HistoryChanges[] {
  const grids = new Map<string, Grid>();
  const records = decodeHistory(shard.records);
  const changes: HistoryChanges[] = [];
  for (let from = 0; from < records.length; from += size)
    changes.push(foldHistory(grids, records.slice(from, from + size)));
  return changes;
}

/** What the tables would hold after these changes. */
function store(batches: readonly HistoryChanges[]) {
  const orders = new Map<string, NewOrder>();
  const fills: Fill[] = [];
  for (const batch of batches) {
    for (const order of batch.orders) {
      expect(orders.has(order.orderId)).toBe(false);
      orders.set(order.orderId, order);
    }
    for (const update of batch.updates)
      orders.set(update.orderId, updated(orders.get(update.orderId), update));
    fills.push(...batch.fills);
  }
  return { orders, fills };
}

/** What the UPDATE of the orders table does. */
function updated(before: NewOrder | undefined, update: OrderUpdate): NewOrder {
  if (before === undefined) throw new Error("no such order");
  const { finalQuantity, finalQuote, reason, updatedAtMs } = update;
  expect(update.createdAtMs ?? before.createdAtMs).toBe(before.createdAtMs);
  const filledQuantity = sum(before.filledQuantity, update.addedQuantity);
  const executedQuote = sum(before.executedQuote, update.addedQuote);
  expect(finalQuantity ?? filledQuantity).toBe(filledQuantity);
  expect(finalQuote ?? executedQuote).toBe(executedQuote);
  const triggered = before.triggered || update.triggered;
  const quantity = update.quantity ?? before.quantity;
  const waits = before.status === OrderStatus.PENDING && !update.triggered;
  const open = filledQuantity === "0" ? OrderStatus.OPEN : OrderStatus.PARTIALLY_FILLED;
  return {
    ...{ ...before, reason, updatedAtMs, filledQuantity, executedQuote, triggered },
    price: update.price ?? before.price,
    quantity: quantity === undefined ? undefined : sum(quantity, `-${update.loweredQuantity}`),
    status: update.status || (waits ? OrderStatus.PENDING : open),
  };
}

function sum(a: string, b: string): string {
  return formatAtoms(atomsOfNumeric(a) + atomsOfNumeric(b));
}

describe("a fold", () => {
  test("follows an order through acceptance, fills and end", () => {
    const shard = tinyShard();
    const maker = shard.place({
      user: ALICE,
      clientOrderId: "a",
      side: "sell",
      priceTicks: 5_000_000,
      quantityLots: 300,
    });
    const taker = shard.place({
      user: BOB,
      clientOrderId: "b",
      side: "buy",
      priceTicks: 5_000_100,
      quantityLots: 100,
    });
    shard.cancel(maker);
    const { orders, fills } = store(foldAll(shard));
    expect(orders.get(maker)).toMatchObject({
      status: OrderStatus.CANCELLED,
      reason: EndReason.USER,
      price: "50000",
      quantity: "0.003",
      filledQuantity: "0.001",
      executedQuote: "50",
      acceptedSeq: 2,
    });
    expect(orders.get(taker)).toMatchObject({
      status: OrderStatus.FILLED,
      reason: 0,
      filledQuantity: "0.001",
    });
    // 0.25 % of 0.001 BTC and 0.1 % of 50 USDT: each taken from what is received.
    expect(fills.map(({ userId, fee, feeAsset }) => [userId, fee, feeAsset])).toEqual([
      [ALICE, "0.05", "USDT"],
      [BOB, "0.0000025", "BTC"],
    ]);
  });

  test("keeps what was refused and ignores the tombstone of an order that never came", () => {
    const shard = tinyShard();
    const order = { user: ALICE, clientOrderId: "a", side: "buy", priceTicks: 1, quantityLots: 1 } as const;
    const rejected = shard.reject(order, EndReason.OPEN_ORDER_LIMIT);
    shard.tombstone(BOB, "b");
    const { orders } = store(foldAll(shard));
    expect([...orders.keys()]).toEqual([rejected]);
    expect(orders.get(rejected)).toMatchObject({
      status: OrderStatus.REJECTED,
      reason: EndReason.OPEN_ORDER_LIMIT,
      filledQuantity: "0",
      timeInForce: TimeInForce.GTC,
    });
  });

  test("shows a budget instead of price and quantity", () => {
    const shard = tinyShard();
    shard.place({ user: ALICE, clientOrderId: "a", side: "sell", priceTicks: 5_000_000, quantityLots: 300 });
    const bought = shard.buyFor({ user: BOB, clientOrderId: "b", budgetTickLots: 1_004_000_000 });
    const order = store(foldAll(shard)).orders.get(bought);
    expect(order).toMatchObject({
      status: OrderStatus.FILLED,
      quoteBudget: "100.4000000",
      executedQuote: "100",
    });
    expect(order?.price).toBeUndefined();
    expect(order?.quantity).toBeUndefined();
  });

  test("follows a stop from its wait to its trigger", () => {
    const shard = tinyShard();
    const limit = { user: ALICE, side: "sell", priceTicks: 100, quantityLots: 10 } as const;
    const stop = shard.place({ ...limit, clientOrderId: "stop", priceTicks: 90, stopPriceTicks: 100 });
    const waiting = foldAll(shard, 1);
    expect(store(waiting).orders.get(stop)).toMatchObject({
      ...{ status: OrderStatus.PENDING, price: "0.9", stopPrice: "1", quantity: "0.0001", triggered: false },
    });
    shard.amend(stop, { priceTicks: 91, quantityLots: 8 });
    expect(store(foldAll(shard, 1)).orders.get(stop)).toMatchObject({
      ...{ status: OrderStatus.PENDING, price: "0.91", quantity: "0.00008", triggered: false },
    });
    shard.place({ ...limit, clientOrderId: "maker" });
    shard.place({ ...limit, clientOrderId: "taker", user: BOB, side: "buy", quantityLots: 4 });
    // It rests: nothing says when it was created, the row is found by its id.
    const fired = foldAll(shard, 1);
    expect(fired.at(-1)?.updates).toContainEqual(
      expect.objectContaining({ orderId: stop, createdAtMs: undefined, triggered: true }),
    );
    for (const size of [1, 100])
      expect(store(foldAll(shard, size)).orders.get(stop)).toMatchObject({
        ...{ status: OrderStatus.OPEN, stopPrice: "1", triggered: true, filledQuantity: "0" },
      });
  });

  test("keeps what was executed through an amend, also to no more than it", () => {
    const shard = tinyShard();
    const order = { side: "sell", priceTicks: 100, quantityLots: 10 } as const;
    const maker = shard.place({ ...order, user: ALICE, clientOrderId: "maker" });
    shard.place({ ...order, user: BOB, clientOrderId: "taker", side: "buy", quantityLots: 4 });
    shard.amend(maker, { priceTicks: 101, quantityLots: 12 });
    expect(store(foldAll(shard, 1)).orders.get(maker)).toMatchObject({
      ...{
        status: OrderStatus.PARTIALLY_FILLED,
        price: "1.01",
        quantity: "0.00012",
        filledQuantity: "0.00004",
      },
    });
    shard.amend(maker, { priceTicks: 102, quantityLots: 3 });
    expect(store(foldAll(shard, 1)).orders.get(maker)).toMatchObject({
      ...{ status: OrderStatus.CANCELLED, reason: EndReason.AMENDED },
      ...{ price: "1.01", quantity: "0.00004", filledQuantity: "0.00004" },
    });
  });

  test("lowers who survives a prevention, and ends the other with the quantity that it had", () => {
    const shard = tinyShard();
    const order = { user: ALICE, priceTicks: 100, quantityLots: 10 } as const;
    const decrement = { selfTradePrevention: SelfTradePrevention.DECREMENT };
    const maker = shard.place({ ...order, clientOrderId: "maker", side: "sell" });
    const taker = shard.place({
      ...order,
      clientOrderId: "taker",
      side: "buy",
      quantityLots: 4,
      ...decrement,
    });
    for (const size of [1, 100]) {
      const { orders } = store(foldAll(shard, size));
      expect(orders.get(maker)).toMatchObject({ status: OrderStatus.OPEN, quantity: "0.00006" });
      expect(orders.get(taker)).toMatchObject({
        ...{ status: OrderStatus.EXPIRED, reason: EndReason.SELF_TRADE, quantity: "0.00004" },
        selfTradePrevention: SelfTradePrevention.DECREMENT,
      });
    }
    shard.place({ ...order, clientOrderId: "rest", user: BOB, side: "buy" });
    expect(store(foldAll(shard, 1)).orders.get(maker)).toMatchObject({
      ...{ status: OrderStatus.FILLED, quantity: "0.00006", filledQuantity: "0.00006" },
    });
  });

  test("reads the terms of rules 1 from the event, and knows their prevention as CANCEL_TAKER", () => {
    const shard = tinyShard(0, testMarket(0), 1);
    const placed = shard.place({
      ...{ user: ALICE, clientOrderId: "a", side: "buy", priceTicks: 100, quantityLots: 1 },
    });
    expect(store(foldAll(shard)).orders.get(placed)).toMatchObject({
      ...{ price: "1", selfTradePrevention: SelfTradePrevention.CANCEL_TAKER, triggered: false },
    });
  });

  test("refuses a final word that its trades do not add up to", () => {
    const shard = tinyShard();
    shard.place({ user: ALICE, clientOrderId: "a", side: "sell", priceTicks: 10, quantityLots: 5 });
    shard.place({ user: BOB, clientOrderId: "b", side: "buy", priceTicks: 10, quantityLots: 5 });
    const records = decodeHistory(shard.records);
    const wrong = records.map((record) => ({
      ...record,
      events: record.events.map((event) => (event.type === "ended" ? { ...event, executedLots: 4 } : event)),
    }));
    expect(() => foldHistory(new Map(), wrong)).toThrow(
      "the final word agrees with the trades on the quantity",
    );
  });
});

describe("whatever the flow and however it is batched, the history", () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])("is what the shard knows (seed %i)", (seed) => {
    const shard = tinyShard();
    playSession(shard, { seed, length: 400 });
    const grid = gridOf(shard.market);
    const whole = store(foldAll(shard));
    for (const size of [1, 3, 17]) expect(store(foldAll(shard, size))).toEqual(whole);
    expect(whole.orders.size).toBe(shard.orders.size);
    for (const known of shard.orders.values())
      expectKnown(grid, whole.orders.get(known.terms.orderId), known);
    expect(whole.fills.length).toBe(2 * shard.trades());
  });

  test.each([11, 12, 13])("charges rate × received, rounded up once per order and role (seed %i)", (seed) => {
    const shard = tinyShard();
    playSession(shard, { seed, length: 400 });
    const grid = gridOf(shard.market);
    const { fills } = store(foldAll(shard, 5));
    for (const known of shard.orders.values()) {
      for (const [role, number, ppm] of [
        ["maker", 1, known.terms.makerFeePpm],
        ["taker", 2, known.terms.takerFeePpm],
      ] as const) {
        const isBuy = known.terms.side === 1;
        const atoms = known.received[role] * (isBuy ? grid.lotAtoms : grid.quoteAtomsPerTickLot);
        const expected = (atoms * BigInt(ppm) + 999_999n) / 1_000_000n;
        const paid = fills
          .filter(({ orderId, role }) => orderId === known.terms.orderId && role === number)
          .reduce((total, { fee }) => total + atomsOfNumeric(fee), 0n);
        expect(paid).toBe(expected);
      }
    }
  });
});

function expectKnown(grid: Grid, order: NewOrder | undefined, known: KnownOrder): void {
  expect(order).toMatchObject({
    userId: known.terms.userId,
    price: known.priceTicks === 0 ? undefined : formatPrice(grid, known.priceTicks),
    quantity: known.terms.byQuoteBudget ? undefined : formatQuantity(grid, known.quantityLots),
    triggered: known.isTriggered,
    status: known.status,
    reason: known.reason,
    filledQuantity: formatQuantity(grid, known.executedLots),
    executedQuote: formatNotional(grid, known.executedTickLots),
    createdAtMs: known.createdAtMs,
    acceptedSeq: known.acceptedSeq,
  });
}
