import { expect, test } from "vitest";
import { areMet, atLeast, atMost, mustHold, tableLines } from "./figures.js";

test("a figure is met up to its limit, and never when it was not measured", () => {
  expect(atMost("install", 90, 90, "s")).toMatchObject({ value: "90 s", must: "at most 90 s", isMet: true });
  expect(atMost("install", 90.1, 90, "s").isMet).toBe(false);
  expect(atMost("install", Number.NaN, 90, "s")).toMatchObject({ value: "not measured s", isMet: false });
  expect(atLeast("ratio", 0.7, 0.7, "x").isMet).toBe(true);
  expect(atLeast("ratio", Number.NaN, 0.7).isMet).toBe(false);
});

test("what is only shown cannot fail the test", () => {
  expect(areMet([{ what: "memory", value: "90 MiB" }, mustHold("audit", "17 of 17", "all", true)])).toBe(
    true,
  );
  expect(areMet([mustHold("audit", "16 of 17", "all", false)])).toBe(false);
});

test("the table aligns its columns", () => {
  const lines = tableLines([atMost("lost", 0, 0, ""), atMost("outage of shard 0", 16, 15, "s")]);
  expect(lines).toEqual([
    "what               measured  must",
    "lost               0         at most 0     ok",
    "outage of shard 0  16 s      at most 15 s  NOT MET",
  ]);
});
