import fc from "fast-check";
import { expect, test } from "vitest";
import { decimalsNeeded, formatPercent, formatScaled, parseScaled } from "./decimal.js";

test("text on the grid becomes whole steps, whatever zeros it carries", () => {
  expect(parseScaled("233.99", 2)).toBe(23_399n);
  expect(parseScaled("0.10000000", 8)).toBe(10_000_000n);
  expect(parseScaled("585.3000", 2)).toBe(58_530n);
  expect(parseScaled("-5", 1)).toBe(-50n);
});

test("text off the grid and what is no decimal number is refused", () => {
  expect(() => parseScaled("0.001", 2)).toThrow("more than 2 decimals");
  for (const text of ["", "1e3", "1.", ".5", "01", " 1", "1,5", "NaN"]) {
    expect(() => parseScaled(text, 8)).toThrow("not a decimal number");
  }
});

test("steps become canonical text and come back, beyond what a float can hold", () => {
  expect(formatScaled(23_390n, 2)).toBe("233.9");
  expect(formatScaled(-1n, 8)).toBe("-0.00000001");
  expect(formatScaled(0n, 3)).toBe("0");
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 30n), max: 10n ** 30n }), fc.nat(12), (steps, decimals) => {
      const text = formatScaled(steps, decimals);
      expect(parseScaled(text, decimals)).toBe(steps);
      expect(decimalsNeeded(text)).toBeLessThanOrEqual(decimals);
    }),
  );
});

test("a percentage is rounded, and 100 means all", () => {
  expect(formatPercent(4_935, 4_956)).toBe("99.58 %");
  expect(formatPercent(49_045, 49_046)).toBe("99.99 %");
  expect(formatPercent(98, 98)).toBe("100.00 %");
  expect(formatPercent(0, 98)).toBe("0.00 %");
  expect(formatPercent(0, 0)).toBe("-");
});
