import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import { baseAtoms, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import fc from "fast-check";
import { expect, test } from "vitest";
import { amend, market, terms } from "../testing/orders.js";
import { createAdmit } from "./admit.js";

const grids = [
  market(),
  market({ symbol: "ETH/USDT", baseAsset: "ETH", tickSize: "1", lotSize: "1000" }),
  market({ symbol: "AAA/USDT", baseAsset: "AAA", tickSize: "0.0001", lotSize: "0.0001" }),
];

test("an order is covered exactly by what it needs, and by not one atom less", () => {
  const admit = createAdmit();
  const whole = fc.oneof(fc.integer({ min: 1, max: 99_999 }), fc.maxSafeNat());
  fc.assert(
    fc.property(fc.constantFrom(...grids), fc.boolean(), whole, whole, (made, isBuy, price, lots) => {
      fc.pre(price > 0 && lots > 0 && Number.isSafeInteger(price * lots));
      const grid = gridOf(made);
      const needed = isBuy ? quoteAtoms(grid, BigInt(price) * BigInt(lots)) : baseAtoms(grid, lots);
      const side = isBuy ? "buy" : "sell";
      const order = { side, symbol: made.symbol, priceTicks: price, quantityLots: lots } as const;
      const reservedAsset = isBuy ? made.quoteAsset : made.baseAsset;
      const told = (atoms: bigint) =>
        admit.order(made, terms(1, { ...order, reservedAsset, reservedAmount: formatAtoms(atoms) }));
      expect(told(needed)).toBeUndefined();
      expect(told(needed + 1n)).toBeUndefined();
      expect(told(needed - 1n)).toBe("reserved_amount");
      expect(atomsOfNumeric(formatAtoms(needed))).toBe(needed);
      const leg = (atoms: bigint) => {
        const legUnits = isBuy ? price * lots : lots;
        return admit.leg(made, side, amend(1, 1, { legUnits, legAmount: formatAtoms(atoms) }));
      };
      expect(leg(needed)).toBeUndefined();
      expect(leg(needed - 1n)).toBe("leg_amount");
    }),
    { numRuns: 300 },
  );
});

test("what is reserved is the asset that is given away", () => {
  const admit = createAdmit();
  const wrong = { side: "sell", reservedAsset: "USDT" } as const;
  expect(admit.order(market(), terms(1, wrong))).toBe("reserved_asset");
  expect(admit.order(market(), terms(1, { reservedAsset: "BTC" }))).toBe("reserved_asset");
});

test.each([
  ["MARKET", { priceTicks: 0, budgetTickLots: 500 }, "0.00005", "0.000049"],
  ["STOP", { priceTicks: 0, stopPriceTicks: 90, budgetTickLots: 500 }, "0.00005", "0.000049"],
  ["STOP_LIMIT", { priceTicks: 100, stopPriceTicks: 90, quantityLots: 5 }, "0.00005", "0.000049"],
] as const)("%s: a buyer has its budget or its limit reserved", (type, changes, enough, little) => {
  const admit = createAdmit();
  const told = (reservedAmount: string) =>
    admit.order(market(), terms(1, { type, ...changes, reservedAmount }));
  expect(told(enough)).toBeUndefined();
  expect(told(little)).toBe("reserved_amount");
});
