import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import { canonicalAmend } from "@bourse/shared/units/canonical.js";
import { gridOf } from "@bourse/shared/units/market.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type AmendContent, decideAmend, differingAmendField, type OrderSize, parseAmend } from "./amend.js";
import type { MarketRules } from "./market.js";

const market: MarketRules = {
  ...gridOf({
    symbol: "BTC/USDT",
    baseAsset: "BTC",
    quoteAsset: "USDT",
    tickSize: "0.01",
    lotSize: "0.00001",
  }),
  shard: 0,
  minQuantityLots: 10n,
  maxQuantityLots: 100_000_000n,
  minNotionalAtoms: parseAtoms("", "1"),
  protectionBps: 500,
  makerFeePpm: 0,
  takerFeePpm: 0,
  feeTiers: [],
  state: "TRADING",
};
/** 1 BTC at 100 USDT. */
const buy: OrderSize = {
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  priceTicks: 10_000,
  stopPriceTicks: 0,
  quantityLots: 100_000,
  budgetTickLots: 0,
};
const sell: OrderSize = { ...buy, side: "SELL" };
const stopBuy: OrderSize = {
  ...buy,
  type: "STOP",
  priceTicks: 0,
  stopPriceTicks: 10_000,
  budgetTickLots: 10_500 * 100_000,
};

const change = (price: string, quantity: string): AmendContent => ({ price, quantity });

function judge(run: () => unknown): string {
  try {
    run();
    return "ok";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason} ${error.facts.field ?? ""}`.trim();
  }
}

describe("what an amend reserves more", () => {
  test.each<[string, OrderSize, AmendContent, string]>([
    ["a smaller quantity nothing", buy, change("", "0.5"), ""],
    ["the same again nothing", buy, change("100", "1"), ""],
    ["a higher price the difference", buy, change("101", ""), "1"],
    ["a larger quantity the difference", buy, change("", "1.5"), "50"],
    ["both the difference of their products", buy, change("110", "2"), "120"],
    // Had the first BTC been executed already, all of the second would have to be paid for at 60.
    [
      "a lower price with a larger quantity what is new, should all that was be executed",
      buy,
      change("60", "2"),
      "60",
    ],
    ["a lower price with a smaller quantity nothing", buy, change("60", "0.5"), ""],
    ["a seller's higher price nothing", sell, change("200", ""), ""],
    ["a seller's larger quantity the lots", sell, change("50", "1.25"), "0.25"],
    ["a stop buy's larger quantity, each lot at what it may pay", stopBuy, change("", "1.5"), "52.5"],
    ["a stop buy's smaller quantity nothing", stopBuy, change("", "0.5"), ""],
  ])("%s", (_, order, content, amount) => {
    expect(decideAmend(content, market, order).change.legAmount).toBe(amount);
  });

  test("is enough whatever was executed meanwhile, and never more than what the order then needs", () => {
    const size = fc.record({
      price: fc.integer({ min: 1, max: 1e6 }),
      lots: fc.integer({ min: 10, max: 1e6 }),
    });
    fc.assert(
      fc.property(
        size,
        size,
        fc.constantFrom("BUY" as const, "SELL" as const),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (was, is, side, share) => {
          const order = { ...buy, side, priceTicks: was.price, quantityLots: was.lots };
          const rules = { ...market, minNotionalAtoms: 0n };
          const texts = change((is.price / 100).toFixed(2), (is.lots / 100_000).toFixed(5));
          const { legUnits } = decideAmend(texts, rules, order).change;
          const executed = Math.floor(share * Math.min(was.lots, is.lots));
          const perLot = (priceTicks: number) => (side === "BUY" ? priceTicks : 1);
          const held = perLot(was.price) * (was.lots - executed) + legUnits;
          expect(held).toBeGreaterThanOrEqual(perLot(is.price) * (is.lots - executed));
          expect(legUnits).toBeLessThanOrEqual(perLot(is.price) * is.lots);
        },
      ),
    );
  });

  test("comes with the order as it is afterwards, from which the next amend is decided", () => {
    expect(decideAmend(change("101", "2"), market, buy).after).toMatchObject({
      priceTicks: 10_100,
      quantityLots: 200_000,
    });
    const { after, change: first } = decideAmend(change("", "2"), market, stopBuy);
    expect([first.priceTicks, first.quantityLots, first.legUnits]).toEqual([0, 200_000, 10_500 * 100_000]);
    expect(after.budgetTickLots).toBe(10_500 * 200_000);
    expect(decideAmend(change("", "1"), market, after).after.budgetTickLots).toBe(stopBuy.budgetTickLots);
  });
});

describe("what is refused", () => {
  test.each<[string, OrderSize, AmendContent, string]>([
    ["a price off the tick", buy, change("100.001", ""), "PRICE_OFF_TICK price"],
    ["a quantity off the lot", buy, change("", "0.000105"), "QUANTITY_OFF_LOT quantity"],
    ["a quantity below the least", buy, change("", "0.00009"), "QUANTITY_TOO_SMALL quantity"],
    ["a quantity above the largest", buy, change("", "1000.00001"), "QUANTITY_TOO_LARGE quantity"],
    ["a notional below the least", buy, change("0.01", ""), "NOTIONAL_TOO_SMALL price"],
    ["a notional below the least by quantity", buy, change("", "0.001"), "NOTIONAL_TOO_SMALL quantity"],
    ["a notional above 2^53 - 1", buy, change("999999999.99", "1000"), "NOTIONAL_TOO_LARGE quantity"],
    [
      "a notional above 2^53 - 1 at the stop price",
      { ...sell, type: "STOP_LIMIT", stopPriceTicks: 1e11 },
      change("", "1"),
      "NOTIONAL_TOO_LARGE quantity",
    ],
    ["a price of a STOP", stopBuy, change("100", ""), "PRICE_NOT_ALLOWED price"],
    [
      "a STOP below the least notional at its stop price",
      stopBuy,
      change("", "0.001"),
      "NOTIONAL_TOO_SMALL quantity",
    ],
    // What is not touched is not judged: the market's limits may have changed since.
    [
      "nothing of a price amend of a small order",
      { ...buy, quantityLots: 9, priceTicks: 2_000_000 },
      change("20001", ""),
      "ok",
    ],
  ])("%s", (_, order, content, verdict) => {
    expect(judge(() => decideAmend(content, market, order))).toBe(verdict);
  });

  test.each([
    ["neither price nor quantity", {}, "FIELD_REQUIRED price"],
    ["an empty price", { price: "" }, "FIELD_REQUIRED price"],
    ["a price of zero", { price: "0" }, "PRICE_NOT_POSITIVE price"],
    ["a quantity of zero", { quantity: "0.0" }, "QUANTITY_NOT_POSITIVE quantity"],
    ["a quantity that is no number", { quantity: "1e3" }, "INVALID_DECIMAL quantity"],
    ["nothing of a good one", { price: "1.0" }, "ok"],
  ])("%s", (_, given, verdict) => {
    const request = { requestId: "r", price: undefined, quantity: undefined, ...given };
    expect(judge(() => parseAmend(request))).toBe(verdict);
  });
});

test("the content of an amend is its order, price and quantity, however they are written", () => {
  const textOf = (price?: string, quantity?: string) =>
    canonicalAmend("order", parseAmend({ requestId: "r", price, quantity }));
  expect(textOf("100.0", "1.00")).toBe(textOf("100", "1"));
  expect(textOf("100")).not.toBe(textOf("100", "1"));
  expect(textOf("100")).not.toBe(textOf(undefined, "100"));
});

test("a repeat that differs from what was reserved for is told the field", () => {
  const stored = { priceTicks: 10_000, quantityLots: 0 };
  expect(differingAmendField(change("100", ""), stored, market)).toBeUndefined();
  expect(differingAmendField(change("101", ""), stored, market)).toBe("price");
  expect(differingAmendField(change("", "1"), stored, market)).toBe("price");
  expect(differingAmendField(change("100", "1"), stored, market)).toBe("quantity");
});
