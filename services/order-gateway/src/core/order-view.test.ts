import { gridOf } from "@bourse/shared/units/market.js";
import { describe, expect, test } from "vitest";
import type { OrderContent } from "./order-content.js";
import type { OrderEnd, OrderTerms, Reservation } from "./order-types.js";
import { differingField, progressOfReservation, viewOf } from "./order-view.js";

const grid = gridOf({
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
});
const terms: OrderTerms = {
  orderId: "order",
  userId: "user",
  clientOrderId: "client",
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  timeInForce: "GTC",
  priceTicks: 10_050,
  stopPriceTicks: 0,
  quantityLots: 150_000,
  budgetTickLots: 0,
  byQuoteBudget: false,
  postOnly: false,
  selfTradePrevention: "CANCEL_TAKER",
  makerFeePpm: 0,
  takerFeePpm: 0,
  reservedAsset: "USDT",
  reservedAmount: "150.75",
  quoteBudget: "",
};
const content: OrderContent = {
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  timeInForce: "GTC",
  price: "100.5",
  quantity: "1.5",
  quoteBudget: "",
  stopPrice: "",
  postOnly: false,
  selfTradePrevention: "CANCEL_TAKER",
};

const END: OrderEnd = {
  status: "FILLED",
  reason: "",
  executedLots: 0,
  executedTickLots: 0n,
  createdAtMs: 1,
  endedAtMs: 2,
  endedSeq: 9,
  acceptedSeq: 7,
  amendedPriceTicks: 0,
  amendedQuantityLots: 0,
};
const PENDING = progressOfReservation({
  orderId: "order",
  userId: "user",
  state: "ACTIVE",
  shard: 0,
  isLeg: false,
});
const unchanged = { priceTicks: 0, quantityLots: 0, isTriggered: false };

describe("the owner's view", () => {
  test("shows prices and quantities as the client sent them, in canonical text", () => {
    const progress = {
      status: "PARTIALLY_FILLED",
      reason: "",
      executedLots: 50_000,
      executedTickLots: 500_000_000n,
      acceptedSeq: 7,
      ...unchanged,
    } as const;
    expect(viewOf(terms, grid, progress)).toMatchObject({
      price: "100.5",
      quantity: "1.5",
      quoteBudget: "",
      filledQuantity: "0.5",
      executedQuote: "50",
      status: "PARTIALLY_FILLED",
    });
  });

  test("of a closed reservation is its final word, of an active one PENDING", () => {
    const row: Reservation = {
      orderId: "order",
      userId: "user",
      state: "ACTIVE",
      shard: 0,
      isLeg: false,
      terms,
    };
    expect(progressOfReservation(row)).toMatchObject({ status: "PENDING", acceptedSeq: 0 });
    const end = {
      status: "CANCELLED",
      reason: "USER",
      executedLots: 0,
      executedTickLots: 0n,
      createdAtMs: 5,
      endedAtMs: 6,
      endedSeq: 12,
      acceptedSeq: 11,
      amendedPriceTicks: 0,
      amendedQuantityLots: 0,
    } as const;
    expect(progressOfReservation({ ...row, state: "CLOSED", end })).toMatchObject({
      status: "CANCELLED",
      reason: "USER",
      acceptedSeq: 11,
      createdMs: 5,
      updatedMs: 6,
    });
  });

  test("shows price and quantity as they are now, and as they were at the end", () => {
    const open = { ...PENDING, status: "OPEN", priceTicks: 10_100, quantityLots: 100_000 } as const;
    expect(viewOf(terms, grid, open)).toMatchObject({ price: "101", quantity: "1" });
    const row: Reservation = {
      orderId: "order",
      userId: "user",
      state: "CLOSED",
      shard: 0,
      isLeg: false,
      terms,
    };
    const amended = {
      ...END,
      status: "CANCELLED",
      amendedPriceTicks: 10_100,
      amendedQuantityLots: 0,
    } as const;
    const progress = progressOfReservation({ ...row, end: amended });
    expect(viewOf(terms, grid, progress)).toMatchObject({ price: "101", quantity: "1.5" });
  });

  test.each<[string, Partial<OrderEnd>, boolean]>([
    ["one that traded", { status: "CANCELLED", reason: "USER", executedLots: 1 }, true],
    ["one that a rule of the book ended", { status: "EXPIRED", reason: "INSUFFICIENT_LIQUIDITY" }, true],
    ["one whose day ended", { status: "EXPIRED", reason: "DAY_END" }, false],
    ["one that was cancelled", { status: "CANCELLED", reason: "USER" }, false],
    ["one that never entered", { status: "REJECTED", reason: "STOP_WOULD_TRIGGER" }, false],
  ])("says of a stop that ended whether it had fired: %s", (_, end, triggered) => {
    const stop: OrderTerms = { ...terms, type: "STOP_LIMIT", stopPriceTicks: 10_000 };
    const row: Reservation = { orderId: "order", userId: "user", state: "CLOSED", shard: 0, isLeg: false };
    const progress = progressOfReservation({ ...row, terms: stop, end: { ...END, ...end } });
    expect(viewOf(stop, grid, progress)).toMatchObject({ triggered, stopPrice: "100", type: "STOP_LIMIT" });
    expect(viewOf(terms, grid, progress).triggered).toBe(false);
  });
});

describe("a repeated placement", () => {
  test("with the same content differs in nothing", () => {
    expect(differingField(content, terms, grid)).toBeUndefined();
  });

  test.each<[string, Partial<OrderContent>]>([
    ["symbol", { symbol: "ETH/USDT" }],
    ["side", { side: "SELL" }],
    ["type", { type: "MARKET", price: "" }],
    ["time_in_force", { timeInForce: "IOC" }],
    ["price", { price: "100.51" }],
    ["quantity", { quantity: "1.50001" }],
    ["quote_budget", { quoteBudget: "5" }],
    ["post_only", { postOnly: true }],
    ["stop_price", { stopPrice: "90" }],
    ["self_trade_prevention", { selfTradePrevention: "DECREMENT" }],
  ])("that differs is told the field: %s", (field, change) => {
    expect(differingField({ ...content, ...change }, terms, grid)).toBe(field);
  });
});
