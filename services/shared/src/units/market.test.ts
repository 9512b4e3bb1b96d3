import fc from "fast-check";
import { expect, test } from "vitest";
import {
  feeAtoms,
  formatNotional,
  formatPrice,
  formatQuantity,
  gridOf,
  parsePriceTicks,
  parseQuantityLots,
} from "./market.js";

const btc = gridOf({
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
});

test("a grid whose tick times lot is no whole atom is refused", () => {
  const text = {
    symbol: "BTC/USD",
    baseAsset: "BTC",
    quoteAsset: "USD",
    tickSize: "0.01",
    lotSize: "0.00000001",
  };
  expect(() => gridOf(text)).toThrow(
    expect.objectContaining({ reason: "INVALID_MARKET", facts: { field: "lotSize" } }),
  );
});

test("what is off the grid is refused, never rounded", () => {
  expect(() => parsePriceTicks(btc, "price", "100.001")).toThrow(
    expect.objectContaining({ reason: "PRICE_OFF_TICK" }),
  );
  expect(() => parseQuantityLots(btc, "quantity", "0.000105")).toThrow(
    expect.objectContaining({ reason: "QUANTITY_OFF_LOT" }),
  );
});

test("text, counts and text again are the same value", () => {
  expect(formatPrice(btc, parsePriceTicks(btc, "price", "64000.50"))).toBe("64000.5");
  expect(formatQuantity(btc, parseQuantityLots(btc, "quantity", "0.00010"))).toBe("0.0001");
  expect(formatNotional(btc, 6_400_050n * 10n)).toBe("6.40005");
});

test("however an order is filled, its fees add up to the rounded fee of the whole", () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 0, max: 999_999 }),
      fc.array(fc.bigInt({ min: 1n, max: 10n ** 15n }), { minLength: 1, maxLength: 30 }),
      (ratePpm, fills) => {
        let received = 0n;
        let paid = 0n;
        for (const fill of fills) {
          const fee = feeAtoms(ratePpm, received, fill);
          expect(fee >= 0n && fee <= fill).toBe(true);
          paid += fee;
          received += fill;
        }
        expect(paid).toBe((received * BigInt(ratePpm) + 999_999n) / 1_000_000n);
      },
    ),
  );
});
