import { expect, test } from "vitest";
import { marketsOf, mergeValues, newMarket, shardsOf, testValues } from "./values.js";

test("maps are joined, all else is replaced", () => {
  const under = { a: { b: 1, c: [1, 2] }, d: 4 };
  expect(mergeValues(under, { a: { c: [3] }, e: { f: 6 } })).toEqual({
    a: { b: 1, c: [3] },
    d: 4,
    e: { f: 6 },
  });
  expect(under.a.c).toEqual([1, 2]);
});

test("markets and shards have their defaults", () => {
  expect(marketsOf({})).toEqual([]);
  expect(shardsOf({})).toBe(1);
  expect(shardsOf({ matcher: { shards: 3 } })).toBe(3);
});

test("a new market names its assets and its shard", () => {
  expect(newMarket("SOL/USDT", 2)).toMatchObject({ baseAsset: "SOL", quoteAsset: "USDT", shard: 2 });
  expect(testValues("host:5000/bourse:x").image).toEqual({ repository: "host:5000/bourse", tag: "x" });
});
