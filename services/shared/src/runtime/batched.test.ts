import { expect, test } from "vitest";
import { batched } from "./batched.js";

test("what arrives while a batch runs forms the next one", async () => {
  const sizes: number[] = [];
  const double = batched(
    async (items: readonly number[]) => {
      sizes.push(items.length);
      return items.map((item) => item * 2);
    },
    { batchMax: 10, inFlightMax: 1, queueMax: 100 },
  );
  expect(await Promise.all(Array.from({ length: 25 }, (_, i) => double(i)))).toEqual(
    Array.from({ length: 25 }, (_, i) => i * 2),
  );
  expect(sizes).toEqual([10, 10, 5]);
});

test("a full queue refuses at once, and a failed batch fails only its items", async () => {
  let calls = 0;
  const run = batched(
    async (items: readonly string[]) => {
      calls += 1;
      if (calls === 1) throw new Error("first batch");
      return items;
    },
    { batchMax: 1, inFlightMax: 1, queueMax: 2 },
  );
  const first = run("a");
  const second = run("b");
  await expect(run("c")).rejects.toMatchObject({ reason: "OVERLOADED" });
  await expect(first).rejects.toThrow("first batch");
  expect(await second).toBe("b");
});
