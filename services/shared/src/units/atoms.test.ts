import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { atomsOfNumeric, checkDecimal, formatAtoms, parseAtoms, parsePositiveAtoms } from "./atoms.js";

function reasonOf(run: () => unknown): string {
  try {
    run();
  } catch (error) {
    if (error instanceof DomainError) return error.reason;
    throw error;
  }
  return "ok";
}

describe("decimal text of the edge", () => {
  test.each([
    ["1e3", "INVALID_DECIMAL"],
    ["NaN", "INVALID_DECIMAL"],
    ["-Infinity", "INVALID_DECIMAL"],
    [" 1", "INVALID_DECIMAL"],
    ["1\n", "INVALID_DECIMAL"],
    ["+1", "INVALID_DECIMAL"],
    ["-0.0", "INVALID_DECIMAL"],
    ["01", "INVALID_DECIMAL"],
    [".5", "INVALID_DECIMAL"],
    ["5.", "INVALID_DECIMAL"],
    ["1_000", "INVALID_DECIMAL"],
    ["0x10", "INVALID_DECIMAL"],
    ["１", "INVALID_DECIMAL"],
    ["1\u0000", "INVALID_DECIMAL"],
    ["9".repeat(10_000), "INVALID_DECIMAL"],
    ["", "FIELD_REQUIRED"],
    ["1.000000001", "TOO_MANY_DECIMALS"],
    ["1.000000000", "TOO_MANY_DECIMALS"],
    ["1000000000000", "VALUE_TOO_LARGE"],
    ["0", "ok"],
    ["999999999999.99999999", "ok"],
  ])("%j is %s", (text, reason) => {
    expect(reasonOf(() => checkDecimal("price", text))).toBe(reason);
  });

  test("zero is refused where an amount must be positive", () => {
    expect(reasonOf(() => parsePositiveAtoms("amount", "0.00000000"))).toBe("AMOUNT_NOT_POSITIVE");
  });
});

test("formatting and parsing are each other's inverse, and output is canonical", () => {
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 10n ** 20n - 1n }), (atoms) => {
      const text = formatAtoms(atoms);
      expect(text).not.toMatch(/\.[0-9]*0$|\.$/);
      expect(parseAtoms("amount", text)).toBe(atoms);
    }),
  );
});

test("a stored amount may be negative and larger than what the edge takes", () => {
  expect(atomsOfNumeric("-12345678901234567890.12345678")).toBe(-1_234_567_890_123_456_789_012_345_678n);
  expect(atomsOfNumeric("5")).toBe(500_000_000n);
});
