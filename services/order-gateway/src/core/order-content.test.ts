import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { describe, expect, test } from "vitest";
import { canonicalText, type PlaceRequest, parseContent } from "./order-content.js";

const limit: PlaceRequest = {
  clientOrderId: "",
  symbol: "BTC/USDT",
  side: "BUY",
  type: "LIMIT",
  timeInForce: undefined,
  price: "100",
  quantity: "1",
  quoteBudget: undefined,
  stopPrice: undefined,
  postOnly: false,
  selfTradePrevention: undefined,
};
const market: PlaceRequest = { ...limit, type: "MARKET", price: undefined };
const stop: PlaceRequest = { ...market, type: "STOP", stopPrice: "90" };
const stopLimit: PlaceRequest = { ...limit, type: "STOP_LIMIT", stopPrice: "90" };

/** "REASON field", or "ok". */
function judge(request: PlaceRequest): string {
  try {
    parseContent(request);
    return "ok";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason} ${error.facts.field}`;
  }
}

describe("decimals", () => {
  test.each([
    ["1e3", "INVALID_DECIMAL"],
    ["1E-2", "INVALID_DECIMAL"],
    ["NaN", "INVALID_DECIMAL"],
    ["-Infinity", "INVALID_DECIMAL"],
    [" 1", "INVALID_DECIMAL"],
    ["1\n", "INVALID_DECIMAL"],
    ["1\u00a0", "INVALID_DECIMAL"],
    ["+1", "INVALID_DECIMAL"],
    ["-1", "INVALID_DECIMAL"],
    ["-0.0", "INVALID_DECIMAL"],
    ["0", "PRICE_NOT_POSITIVE"],
    ["0.00000000", "PRICE_NOT_POSITIVE"],
    ["", "FIELD_REQUIRED"],
    ["1.000000001", "TOO_MANY_DECIMALS"],
    ["1.000000000", "TOO_MANY_DECIMALS"],
    ["1000000000000", "VALUE_TOO_LARGE"],
    ["1".repeat(10_000), "INVALID_DECIMAL"],
    ["01", "INVALID_DECIMAL"],
    [".5", "INVALID_DECIMAL"],
    ["5.", "INVALID_DECIMAL"],
    ["1,5", "INVALID_DECIMAL"],
    ["1_000", "INVALID_DECIMAL"],
    ["0x10", "INVALID_DECIMAL"],
    ["1n", "INVALID_DECIMAL"],
    ["\uff11", "INVALID_DECIMAL"],
    ["\u0661", "INVALID_DECIMAL"],
    ["1\u0000", "INVALID_DECIMAL"],
    ["1\u200b", "INVALID_DECIMAL"],
    ["9007199254740993", "VALUE_TOO_LARGE"],
  ])("a price of %j is %s", (price, reason) => {
    expect(judge({ ...limit, price })).toBe(`${reason} price`);
  });

  test("each decimal is refused under its own name", () => {
    expect(judge({ ...limit, quantity: "0" })).toBe("QUANTITY_NOT_POSITIVE quantity");
    expect(judge({ ...market, quantity: undefined, quoteBudget: "0" })).toBe(
      "AMOUNT_NOT_POSITIVE quote_budget",
    );
    expect(judge({ ...stop, stopPrice: "0" })).toBe("PRICE_NOT_POSITIVE stop_price");
    expect(judge({ ...limit, quantity: "x" })).toBe("INVALID_DECIMAL quantity");
  });
});

describe("combinations", () => {
  test.each<[string, PlaceRequest, string]>([
    ["LIMIT without price", { ...limit, price: undefined }, "PRICE_REQUIRED price"],
    ["LIMIT without quantity", { ...limit, quantity: undefined }, "QUANTITY_REQUIRED quantity"],
    ["LIMIT with a stop price", { ...limit, stopPrice: "1" }, "STOP_PRICE_NOT_ALLOWED stop_price"],
    [
      "LIMIT with a budget",
      { ...limit, quantity: undefined, quoteBudget: "1" },
      "INVALID_COMBINATION quote_budget",
    ],
    ["LIMIT with quantity and budget", { ...limit, quoteBudget: "1" }, "INVALID_COMBINATION quote_budget"],
    ["post-only IOC", { ...limit, postOnly: true, timeInForce: "IOC" }, "INVALID_COMBINATION post_only"],
    ["post-only FOK", { ...limit, postOnly: true, timeInForce: "FOK" }, "INVALID_COMBINATION post_only"],
    ["post-only GTC", { ...limit, postOnly: true, timeInForce: "GTC" }, "ok"],
    ["MARKET with price", { ...market, price: "1" }, "PRICE_NOT_ALLOWED price"],
    ["MARKET GTC", { ...market, timeInForce: "GTC" }, "INVALID_COMBINATION time_in_force"],
    ["MARKET DAY", { ...market, timeInForce: "DAY" }, "INVALID_COMBINATION time_in_force"],
    ["MARKET post-only", { ...market, postOnly: true }, "INVALID_COMBINATION post_only"],
    ["MARKET with a stop price", { ...market, stopPrice: "1" }, "STOP_PRICE_NOT_ALLOWED stop_price"],
    ["MARKET BUY without size", { ...market, quantity: undefined }, "QUANTITY_REQUIRED quantity"],
    ["MARKET BUY with both sizes", { ...market, quoteBudget: "1" }, "INVALID_COMBINATION quote_budget"],
    ["MARKET BUY by budget", { ...market, quantity: undefined, quoteBudget: "1" }, "ok"],
    [
      "MARKET SELL by budget",
      { ...market, side: "SELL", quantity: undefined, quoteBudget: "1" },
      "INVALID_COMBINATION quote_budget",
    ],
    ["STOP without stop price", { ...stop, stopPrice: undefined }, "STOP_PRICE_REQUIRED stop_price"],
    ["STOP with a price", { ...stop, price: "1" }, "PRICE_NOT_ALLOWED price"],
    ["STOP post-only", { ...stop, postOnly: true }, "INVALID_COMBINATION post_only"],
    [
      "STOP by budget",
      { ...stop, quantity: undefined, quoteBudget: "1" },
      "INVALID_COMBINATION quote_budget",
    ],
    ["STOP without quantity", { ...stop, quantity: undefined }, "QUANTITY_REQUIRED quantity"],
    ["STOP GTC", { ...stop, timeInForce: "GTC" }, "INVALID_COMBINATION time_in_force"],
    ["STOP IOC", { ...stop, timeInForce: "IOC" }, "ok"],
    ["STOP FOK", { ...stop, timeInForce: "FOK" }, "ok"],
    ["STOP DAY", { ...stop, timeInForce: "DAY" }, "ok"],
    ["a good STOP", stop, "ok"],
    ["a STOP SELL", { ...stop, side: "SELL" }, "ok"],
    ["STOP_LIMIT without price", { ...stopLimit, price: undefined }, "PRICE_REQUIRED price"],
    [
      "STOP_LIMIT without stop price",
      { ...stopLimit, stopPrice: undefined },
      "STOP_PRICE_REQUIRED stop_price",
    ],
    ["STOP_LIMIT by budget", { ...stopLimit, quoteBudget: "1" }, "INVALID_COMBINATION quote_budget"],
    [
      "post-only STOP_LIMIT IOC",
      { ...stopLimit, postOnly: true, timeInForce: "IOC" },
      "INVALID_COMBINATION post_only",
    ],
    ["post-only STOP_LIMIT", { ...stopLimit, postOnly: true }, "ok"],
    ["a good STOP_LIMIT", stopLimit, "ok"],
    ["a good DAY order", { ...limit, timeInForce: "DAY" }, "ok"],
    ["post-only DAY", { ...limit, postOnly: true, timeInForce: "DAY" }, "ok"],
    ["any order with a mode of self-trade prevention", { ...market, selfTradePrevention: "DECREMENT" }, "ok"],
  ])("%s", (_, request, verdict) => {
    expect(judge(request)).toBe(verdict);
  });
});

describe("canonical content", () => {
  const textOf = (change: Partial<PlaceRequest>) => canonicalText(parseContent({ ...limit, ...change }));

  test("is the same for the same values written otherwise", () => {
    expect(textOf({ price: "100.00", quantity: "1.0" })).toBe(textOf({}));
    expect(textOf({ timeInForce: "GTC" })).toBe(textOf({}));
    expect(textOf({ clientOrderId: "x" })).toBe(textOf({}));
    expect(textOf({ selfTradePrevention: "CANCEL_TAKER" })).toBe(textOf({}));
    expect(canonicalText(parseContent(stop))).toBe(
      canonicalText(parseContent({ ...stop, timeInForce: "IOC" })),
    );
  });

  test.each<[string, Partial<PlaceRequest>]>([
    ["symbol", { symbol: "ETH/USDT" }],
    ["side", { side: "SELL" }],
    ["time in force", { timeInForce: "IOC" }],
    ["price", { price: "100.1" }],
    ["quantity", { quantity: "2" }],
    ["post-only", { postOnly: true }],
    ["self-trade prevention", { selfTradePrevention: "CANCEL_MAKER" }],
    ["stop price and type", { type: "STOP_LIMIT", stopPrice: "90" }],
    ["type and budget", { type: "MARKET", price: undefined, quantity: undefined, quoteBudget: "100" }],
  ])("differs by %s", (_, change) => {
    expect(textOf(change)).not.toBe(textOf({}));
  });

  test("of a key from before there were stops and modes is what it was", () => {
    expect(textOf({})).toBe('["BTC/USDT","BUY","LIMIT","GTC","100","1","","",false]');
    expect(canonicalText(parseContent({ ...market, quantity: undefined, quoteBudget: "5" }))).toBe(
      '["BTC/USDT","BUY","MARKET","IOC","","","5","",false]',
    );
  });

  test("of stops and modes is fixed too", () => {
    const both = { ...stopLimit, timeInForce: "DAY", selfTradePrevention: "DECREMENT" } as const;
    expect(canonicalText(parseContent(both))).toBe(
      '["BTC/USDT","BUY","STOP_LIMIT","DAY","100","1","","90",false,"DECREMENT"]',
    );
  });
});
