import fc from "fast-check";
import { expect, test } from "vitest";
import { isProductAtMost, quotient, scaleDown, scaleUp, sumHigh, sumLow, sumText } from "./exact.js";

const safe = fc.oneof(
  fc.maxSafeNat(),
  fc.integer({ min: 0, max: 200_000 }),
  fc.integer({ min: 0, max: 1000 }).map((less) => Number.MAX_SAFE_INTEGER - less),
  // Where the ways without a remainder end.
  fc
    .tuple(fc.constantFrom(9_000_000_000, 1e15, 2 ** 52), fc.integer({ min: -3, max: 3 }))
    .map(([edge, away]) => edge + away),
);
const factor = fc.integer({ min: 1, max: 1_000_000 });
const MAX = BigInt(Number.MAX_SAFE_INTEGER);

test("sums of two numbers are exact", () => {
  fc.assert(
    fc.property(fc.array(safe, { maxLength: 50 }), (values) => {
      let [high, low] = [0, 0];
      for (const value of values) [high, low] = [sumHigh(high, low, value), sumLow(low, value)];
      expect(sumText(high, low)).toBe(String(values.reduce((sum, value) => sum + BigInt(value), 0n)));
    }),
  );
});

test("quotients are floored exactly", () => {
  fc.assert(
    fc.property(
      safe,
      safe.filter((value) => value > 0),
      (a, b) => {
        expect(BigInt(quotient(a, b))).toBe(BigInt(a) / BigInt(b));
      },
    ),
  );
});

test("scaling by basis points is exact, and clamped where it would leave the safe integers", () => {
  fc.assert(
    fc.property(safe, fc.integer({ min: 1, max: 1_010_000 }), (value, bps) => {
      const exact = (BigInt(value) * BigInt(bps)) / 10_000n;
      expect(BigInt(scaleDown(value, bps))).toBe(exact > MAX ? MAX : exact);
    }),
  );
  fc.assert(
    fc.property(safe, fc.integer({ min: 1, max: 9_999 }), (value, bps) => {
      expect(BigInt(scaleUp(value, bps))).toBe((BigInt(value) * BigInt(bps) + 9_999n) / 10_000n);
    }),
  );
});

test("products are compared exactly", () => {
  fc.assert(
    fc.property(safe, factor, safe, factor, (a, aTimes, b, bTimes) => {
      expect(isProductAtMost(a, aTimes, b, bTimes)).toBe(
        BigInt(a) * BigInt(aTimes) <= BigInt(b) * BigInt(bTimes),
      );
      expect(isProductAtMost(a, aTimes, a, aTimes)).toBe(true);
    }),
  );
});
