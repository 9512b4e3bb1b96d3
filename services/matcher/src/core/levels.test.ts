import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createLevels, findLevel, type Levels, levelAt, removeLevel } from "./levels.js";
import { NONE } from "./none.js";
import { addPrice, createPriceTree, priceBelow, removePrice } from "./price-tree.js";

const TICKS_MAX = Number.MAX_SAFE_INTEGER;
/** Near ones, far ones, and the edges of words and of the range. */
const ticks = fc.oneof(
  fc.integer({ min: 1, max: 100 }),
  fc.integer({ min: 6_500_000 - 40, max: 6_500_000 + 40 }),
  fc.constantFrom(
    1,
    31,
    32,
    33,
    1023,
    1024,
    2 ** 31 - 1,
    2 ** 31,
    2 ** 32,
    2 ** 32 + 1,
    TICKS_MAX - 1,
    TICKS_MAX,
  ),
  fc.integer({ min: 1, max: TICKS_MAX }),
);

function pricesOf(levels: Levels): number[] {
  const prices: number[] = [];
  for (let level = levels.best; level !== NONE; level = levels.worse[level])
    prices.push(levels.prices[level]);
  return prices;
}

describe("levels", () => {
  for (const isDescending of [true, false]) {
    test(`stand in order whatever comes and goes, ${isDescending ? "highest" : "lowest"} first`, () => {
      fc.assert(
        fc.property(fc.array(ticks, { minLength: 1, maxLength: 150, size: "max" }), (steps) => {
          const levels = createLevels(isDescending);
          const model = new Set<number>();
          for (const price of steps) {
            if (model.delete(price)) removeLevel(levels, findLevel(levels, price));
            else {
              levelAt(levels, price);
              model.add(price);
            }
            const sorted = [...model].sort((a, b) => (isDescending ? b - a : a - b));
            expect(pricesOf(levels)).toEqual(sorted);
            expect(levels.count).toBe(model.size);
          }
        }),
        { numRuns: 150 },
      );
    });
  }

  test("a price has one level", () => {
    const levels = createLevels(true);
    expect(levelAt(levels, 7)).toBe(levelAt(levels, 7));
    expect(findLevel(levels, 8)).toBe(NONE);
  });

  test("memory follows the number of prices, not their range", () => {
    const levels = createLevels(false);
    for (let round = 0; round < 20; round += 1) {
      const prices = Array.from({ length: 100 }, (_, index) => 1 + index * 90_071_992_547_409 + round);
      for (const price of prices) levelAt(levels, price);
      for (const price of prices) removeLevel(levels, findLevel(levels, price));
    }
    expect(levels.count).toBe(0);
    expect(levels.tree.count).toBe(0);
    expect(levels.tree.bits.length).toBeLessThanOrEqual(4096);
    expect(levels.prices.length).toBe(128);
  });
});

test("the tree finds the next price below, across any gap", () => {
  const tree = createPriceTree();
  for (const price of [1, 40, 6_500_000, 2 ** 40, TICKS_MAX]) addPrice(tree, price);
  expect(priceBelow(tree, TICKS_MAX)).toBe(2 ** 40);
  expect(priceBelow(tree, 2 ** 40)).toBe(6_500_000);
  expect(priceBelow(tree, 6_499_999)).toBe(40);
  expect(priceBelow(tree, 40)).toBe(1);
  removePrice(tree, 40);
  expect(priceBelow(tree, 6_500_000)).toBe(1);
  expect(() => priceBelow(tree, 1)).toThrow("there is a lower price");
});
