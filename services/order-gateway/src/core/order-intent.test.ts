import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import { canonicalTerms } from "@bourse/shared/units/canonical.js";
import { gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import { TIERS } from "@bourse/shared/units/tiers.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { MarketRules, Quote } from "./market.js";
import { canonicalText, type OrderContent } from "./order-content.js";
import { decideTerms } from "./order-intent.js";
import type { MarketState } from "./order-types.js";

const key = { orderId: "order", userId: "user", clientOrderId: "client", tier: "basic" as const };
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
  makerFeePpm: 1_000,
  takerFeePpm: 2_000,
  feeTiers: [],
  state: "TRADING",
};
const limit: OrderContent = {
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  timeInForce: "GTC",
  price: "100.5",
  quantity: "2",
  quoteBudget: "",
  stopPrice: "",
  postOnly: false,
  selfTradePrevention: "CANCEL_TAKER",
};
const byQuantity: OrderContent = { ...limit, type: "MARKET", timeInForce: "IOC", price: "" };
const byBudget: OrderContent = { ...byQuantity, quantity: "", quoteBudget: "100" };
const stop: OrderContent = { ...byQuantity, type: "STOP", stopPrice: "99.99" };
const stopLimit: OrderContent = { ...limit, type: "STOP_LIMIT", stopPrice: "99.99" };
const traded: Quote = { lastTradeTicks: 10_000, bestBidTicks: 9_990, bestAskTicks: 10_010 };

function judge(content: OrderContent, rules: MarketRules = market, quote?: Quote): string {
  try {
    decideTerms(key, content, rules, quote);
    return "ok";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason} ${error.facts.field ?? ""}`.trim();
  }
}

describe("what an order reserves", () => {
  test.each<[string, OrderContent, string, string]>([
    ["a limit buy its notional", limit, "USDT", "201"],
    ["a limit sell its quantity", { ...limit, side: "SELL" }, "BTC", "2"],
    ["a market sell its quantity", { ...byQuantity, side: "SELL" }, "BTC", "2"],
    ["a market buy by budget the budget", byBudget, "USDT", "100"],
    ["a market buy by quantity 5 % above the last trade", byQuantity, "USDT", "210"],
    // 99.99 + 5 % is 104.9895: inward to the tick.
    ["a stop buy 5 % above its stop price, on the tick", stop, "USDT", "209.96"],
    ["a stop sell its quantity", { ...stop, side: "SELL" }, "BTC", "2"],
    ["a stop limit buy its limit", stopLimit, "USDT", "201"],
    ["a stop limit sell its quantity", { ...stopLimit, side: "SELL" }, "BTC", "2"],
  ])("%s", (_, content, asset, amount) => {
    const terms = decideTerms(key, content, market, traded);
    expect([terms.reservedAsset, terms.reservedAmount]).toEqual([asset, amount]);
  });

  test("a budget is cut to whole steps of tick × lot: the rest buys nothing and stays available", () => {
    const terms = decideTerms(key, { ...byBudget, quoteBudget: "100.00000019" }, market, traded);
    expect(terms.reservedAmount).toBe("100.0000001");
    expect(terms.quoteBudget).toBe("100.00000019");
    expect(terms.byQuoteBudget).toBe(true);
  });

  test("without a trade a market buy starts from the best ask, without either it is refused", () => {
    const quote = { lastTradeTicks: 0, bestBidTicks: 1, bestAskTicks: 20_000 };
    expect(decideTerms(key, byQuantity, market, quote).reservedAmount).toBe("420");
    expect(judge(byQuantity, market, { ...quote, bestAskTicks: 0 })).toBe("INSUFFICIENT_LIQUIDITY");
    expect(judge(byQuantity, market, undefined)).toBe("INSUFFICIENT_LIQUIDITY");
  });

  test("a derived budget is rounded up, so that the protection price is always covered", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 10, max: 1e6 }),
        fc.integer({ min: 1, max: 1e9 }),
        (lots, lastTradeTicks) => {
          const rules = { ...market, minNotionalAtoms: 0n };
          const quantity = String(lots / 100_000);
          fc.pre(!quantity.includes("e"));
          const terms = decideTerms(key, { ...byQuantity, quantity }, rules, { ...traded, lastTradeTicks });
          const worstTicks = Math.floor((lastTradeTicks * 10_500) / 10_000);
          expect(BigInt(terms.budgetTickLots)).toBeGreaterThanOrEqual(BigInt(worstTicks) * BigInt(lots));
          const exactAtoms = quoteAtoms(rules, BigInt(lastTradeTicks) * BigInt(lots)) * 10_500n;
          expect(parseAtoms("", terms.reservedAmount)).toBe((exactAtoms + 9_999n) / 10_000n);
        },
      ),
    );
  });

  test("a derived budget is reserved to the atom, and buys whole steps of tick × lot", () => {
    const quantity = "0.0001";
    const rules = { ...market, minNotionalAtoms: 0n };
    const terms = decideTerms(key, { ...byQuantity, quantity }, rules, { ...traded, lastTradeTicks: 5_001 });
    // 10 lots at 5,001 ticks and 5 % are 52,510.5 steps of 10 atoms.
    expect([terms.budgetTickLots, terms.reservedAmount]).toEqual([52_510, "0.00525105"]);
  });
});

test("a stop carries its stop price, a stop buy the budget that it may spend", () => {
  expect(decideTerms(key, stop, market, undefined)).toMatchObject({
    priceTicks: 0,
    stopPriceTicks: 9_999,
    quantityLots: 200_000,
    budgetTickLots: 10_498 * 200_000,
    byQuoteBudget: false,
  });
  expect(decideTerms(key, { ...stop, side: "SELL" }, market)).toMatchObject({ budgetTickLots: 0 });
  expect(decideTerms(key, { ...stopLimit, selfTradePrevention: "DECREMENT" }, market)).toMatchObject({
    priceTicks: 10_050,
    stopPriceTicks: 9_999,
    budgetTickLots: 0,
    selfTradePrevention: "DECREMENT",
  });
});

describe("filters", () => {
  test.each<[string, Partial<OrderContent>, string]>([
    ["off the tick", { price: "100.001" }, "PRICE_OFF_TICK price"],
    ["off the lot", { quantity: "0.000105" }, "QUANTITY_OFF_LOT quantity"],
    ["below the least quantity", { quantity: "0.00009" }, "QUANTITY_TOO_SMALL quantity"],
    ["above the largest quantity", { quantity: "1000.00001" }, "QUANTITY_TOO_LARGE quantity"],
    ["below the least notional", { price: "0.01", quantity: "1" }, "NOTIONAL_TOO_SMALL quantity"],
    ["the smallest legal quantity", { price: "10000", quantity: "0.0001" }, "ok"],
    ["the largest legal quantity", { quantity: "1000" }, "ok"],
  ])("%s", (_, change, verdict) => {
    expect(judge({ ...limit, ...change })).toBe(verdict);
  });

  test.each<[string, OrderContent, string]>([
    ["a stop price off the tick", { ...stop, stopPrice: "99.999" }, "PRICE_OFF_TICK stop_price"],
    ["a stop below the least quantity", { ...stop, quantity: "0.00009" }, "QUANTITY_TOO_SMALL quantity"],
    [
      "a stop below the least notional at its stop price",
      { ...stop, stopPrice: "0.01" },
      "NOTIONAL_TOO_SMALL quantity",
    ],
    // The limit decides, not the stop price.
    ["a stop limit with a small stop price", { ...stopLimit, stopPrice: "0.01" }, "ok"],
    ["a stop limit with a small limit", { ...stopLimit, price: "0.01" }, "NOTIONAL_TOO_SMALL quantity"],
    [
      "a limit that is small enough with a stop price that is not",
      { ...stopLimit, side: "SELL", price: "1", quantity: "1000", stopPrice: "999999999" },
      "NOTIONAL_TOO_LARGE quantity",
    ],
    [
      "a stop whose budget is too large though its notional is not",
      // 90,071,992,547.4 ticks of 10^5 lots are just within 2^53 - 1; 5 % more are not.
      { ...stop, quantity: "1", stopPrice: "900719925.47" },
      "NOTIONAL_TOO_LARGE quantity",
    ],
    ["the same as a sell", { ...stop, side: "SELL", quantity: "1", stopPrice: "900719925.47" }, "ok"],
  ])("%s", (_, content, verdict) => {
    expect(judge(content)).toBe(verdict);
  });

  test("a notional that no safe integer holds is refused", () => {
    const wide = { ...market, maxQuantityLots: 0n };
    expect(judge({ ...limit, price: "999999999", quantity: "1000000" }, wide)).toBe(
      "NOTIONAL_TOO_LARGE quantity",
    );
    expect(judge({ ...byBudget, quoteBudget: "999999999999.99999999" }, wide)).toBe(
      "NOTIONAL_TOO_LARGE quote_budget",
    );
  });

  test("the least notional of a market order is judged by its budget, else by the price there is", () => {
    expect(judge({ ...byBudget, quoteBudget: "0.99" })).toBe("NOTIONAL_TOO_SMALL quote_budget");
    const sell: OrderContent = { ...byQuantity, side: "SELL", quantity: "0.0001" };
    expect(judge(sell, market, { ...traded, lastTradeTicks: 10_000 })).toBe("NOTIONAL_TOO_SMALL quantity");
    expect(judge(sell, market, { ...traded, lastTradeTicks: 1_000_000 })).toBe("ok");
    expect(judge(sell, market, undefined)).toBe("ok");
  });

  test("a budget of exactly the least notional passes, also where it is no whole number of steps", () => {
    const grid = gridOf({ ...market, tickSize: "0.03", lotSize: "0.00001" });
    expect(judge({ ...byBudget, quoteBudget: "1" }, { ...market, ...grid })).toBe("ok");
  });

  test("a budget that buys nothing at all is too small, whatever the market's least notional", () => {
    expect(judge({ ...byBudget, quoteBudget: "0.00000001" }, { ...market, minNotionalAtoms: 0n })).toBe(
      "NOTIONAL_TOO_SMALL quote_budget",
    );
  });
});

describe("market states", () => {
  test.each<[MarketState, string, string]>([
    ["TRADING", "ok", "ok"],
    ["POST_ONLY", "SYMBOL_POST_ONLY symbol", "ok"],
    ["CANCEL_ONLY", "SYMBOL_CANCEL_ONLY symbol", "SYMBOL_CANCEL_ONLY symbol"],
    ["HALTED", "SYMBOL_HALTED symbol", "SYMBOL_HALTED symbol"],
    ["DELISTED", "SYMBOL_DELISTED symbol", "SYMBOL_DELISTED symbol"],
  ])("in %s a plain order: %s, a post-only one: %s", (state, plain, postOnly) => {
    expect(judge(limit, { ...market, state })).toBe(plain);
    expect(judge({ ...limit, postOnly: true }, { ...market, state })).toBe(postOnly);
  });

  test("the state is judged before the filters", () => {
    expect(judge({ ...limit, price: "100.001" }, { ...market, state: "HALTED" })).toBe(
      "SYMBOL_HALTED symbol",
    );
  });
});

test("the rates are those of the caller's tier, else the market's own, whatever the order is", () => {
  const tiers = [
    { tier: "plus", makerFeePpm: 500, takerFeePpm: 1_500 },
    { tier: "pro", makerFeePpm: 0, takerFeePpm: 999_999 },
  ];
  const rules: MarketRules = { ...market, feeTiers: tiers };
  const rates = (tier: (typeof TIERS)[number], content = limit) => {
    const { makerFeePpm, takerFeePpm } = decideTerms({ ...key, tier }, content, rules, traded);
    return [makerFeePpm, takerFeePpm];
  };
  expect(TIERS.map((tier) => rates(tier))).toEqual([
    [1_000, 2_000],
    [500, 1_500],
    [0, 999_999],
    [1_000, 2_000],
  ]);
  for (const content of [byBudget, byQuantity, stop, stopLimit])
    expect(rates("plus", content)).toEqual([500, 1_500]);
});

test("the terms of an order say what its client said: its fingerprint can be made from them again", () => {
  const contents = [limit, byBudget, byQuantity, stop, stopLimit].flatMap((content) =>
    (["CANCEL_TAKER", "DECREMENT"] as const).map((mode) => ({ ...content, selfTradePrevention: mode })),
  );
  const day: OrderContent = { ...limit, side: "SELL", timeInForce: "DAY", postOnly: true, price: "100" };
  for (const content of [...contents, day]) {
    const terms = decideTerms(key, content, market, traded);
    expect(canonicalTerms(terms, market)).toBe(canonicalText(content));
  }
});
