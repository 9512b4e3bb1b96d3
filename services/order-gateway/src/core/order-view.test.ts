import { gridOf } from "@bourse/shared/units/market.js";
import { describe, expect, test } from "vitest";
import type { OrderContent } from "./order-content.js";
import type { OrderTerms, Reservation } from "./order-types.js";
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
  quantityLots: 150_000,
  budgetTickLots: 0,
  byQuoteBudget: false,
  postOnly: false,
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
  postOnly: false,
};

describe("the owner's view", () => {
  test("shows prices and quantities as the client sent them, in canonical text", () => {
    const progress = {
      status: "PARTIALLY_FILLED",
      reason: "",
      executedLots: 50_000,
      executedTickLots: 500_000_000n,
      acceptedSeq: 7,
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
    const row: Reservation = { orderId: "order", userId: "user", state: "ACTIVE", shard: 0, terms };
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
    } as const;
    expect(progressOfReservation({ ...row, state: "CLOSED", end })).toMatchObject({
      status: "CANCELLED",
      reason: "USER",
      acceptedSeq: 11,
      createdMs: 5,
      updatedMs: 6,
    });
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
  ])("that differs is told the field: %s", (field, change) => {
    expect(differingField({ ...content, ...change }, terms, grid)).toBe(field);
  });
});
