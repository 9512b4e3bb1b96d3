import { expect, test } from "vitest";
import { memoryBuckets } from "./rate-limit-store.js";
import { RouteCache } from "./route-cache.js";

test("the newest are remembered, also those that were set again", () => {
  const cache = new RouteCache<number>(3);
  for (const key of ["a", "b", "c"]) cache.set(key, 1);
  cache.set("a", 2);
  cache.set("d", 1);
  expect(["a", "b", "c", "d"].map((key) => cache.get(key))).toEqual([2, undefined, 1, 1]);
  cache.set("a", 3);
  cache.set("e", 1);
  cache.set("f", 1);
  expect(["a", "b", "c", "d", "e", "f"].map((key) => cache.get(key))).toEqual([
    3,
    undefined,
    undefined,
    undefined,
    1,
    1,
  ]);
});

const cache = new RouteCache<number>(50_000);
const buckets = memoryBuckets({
  take: () => ({ bucket: {} }) as never,
  clock: { monotonicMs: () => 0 } as never,
  bucketsMax: 50_000,
});

test.each([
  ["an order", (key: number) => cache.set(`${key}`, key)],
  ["a limit", (key: number) => void buckets.take(`${key}`, {} as never, 1)],
])("forgetting %s costs next to nothing, however much was forgotten before", (_, remember) => {
  const timeOf = (from: number) => {
    const startedMs = performance.now();
    for (let key = from; key < from + 50_000; key += 1) remember(key);
    return performance.now() - startedMs;
  };
  const filling = timeOf(0);
  const forgetting = timeOf(50_000) + timeOf(100_000);
  // A walk over what was forgotten took more than thirty times that.
  expect(forgetting / filling).toBeLessThan(15);
});
