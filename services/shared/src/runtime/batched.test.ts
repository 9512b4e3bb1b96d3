import { expect, test, vi } from "vitest";
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

test("items of one key wait for each other, in order, while another key runs", async () => {
  const running = new Map<string, number>();
  let together = 0;
  const gates: (() => void)[] = [];
  const seen: string[] = [];
  const run = batched(
    async (items: readonly string[]) => {
      const keys = new Set(items.map((item) => item.slice(0, 1)));
      for (const key of keys) {
        running.set(key, (running.get(key) ?? 0) + 1);
        expect(running.get(key)).toBe(1);
      }
      together = Math.max(together, [...running.values()].filter((count) => count > 0).length);
      seen.push(...items);
      await new Promise<void>((resolve) => gates.push(resolve));
      for (const key of keys) running.set(key, 0);
      return items;
    },
    { batchMax: 2, inFlightMax: 2, queueMax: 100, keyOf: (item) => item.slice(0, 1) },
  );
  // "a" and "b" fall into different lanes.
  const all = ["a1", "a2", "a3", "b1", "a4", "a5"].map(run);
  for (let done = 0; done < 4; done += 1) {
    await vi.waitFor(() => expect(gates.length).toBeGreaterThan(0));
    gates.shift()?.();
  }
  expect(await Promise.all(all)).toEqual(["a1", "a2", "a3", "b1", "a4", "a5"]);
  expect(together).toBe(2);
  expect(seen.filter((item) => item.startsWith("a"))).toEqual(["a1", "a2", "a3", "a4", "a5"]);
});

test("the queue's limit counts what waits in all lanes", async () => {
  const run = batched(async (items: readonly string[]) => items, {
    batchMax: 1,
    inFlightMax: 2,
    queueMax: 2,
    keyOf: (item) => item,
  });
  const taken = [run("a"), run("b")];
  await expect(run("c")).rejects.toMatchObject({ reason: "OVERLOADED" });
  expect(await Promise.all(taken)).toEqual(["a", "b"]);
});
