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

test("forgetting costs next to nothing, however much was forgotten before", () => {
  const cache = new RouteCache<number>(100_000);
  const forgotten = memoryBuckets({
    take: () => ({ bucket: {} }) as never,
    clock: { monotonicMs: () => 0 } as never,
    bucketsMax: 100_000,
  });
  for (let index = 0; index < 100_000; index += 1) {
    cache.set(`${index}`, index);
    void forgotten.take(`${index}`, {} as never, 1);
  }
  const startedMs = performance.now();
  for (let index = 100_000; index < 150_000; index += 1) {
    cache.set(`${index}`, index);
    void forgotten.take(`${index}`, {} as never, 1);
  }
  // A walk over what was forgotten took 0.2 ms each.
  expect(performance.now() - startedMs).toBeLessThan(3_000);
  expect([cache.get("49999"), cache.get("50000")]).toEqual([undefined, 50_000]);
});
