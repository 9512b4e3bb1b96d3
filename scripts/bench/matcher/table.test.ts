import { expect, test } from "vitest";
import { atLeast, atMost, median, tableLines, unmeasured, worst } from "./table.js";

test("a figure is graded against what must be and what would be better", () => {
  expect([59, 60, 100].map((ratio) => atLeast(ratio, 60, 100))).toEqual(["not met", "met", "stretch met"]);
  expect([6, 5, 3].map((seconds) => atMost(seconds, 5, 3))).toEqual(["not met", "met", "stretch met"]);
  expect(worst(["stretch met", "met"])).toBe("met");
  expect(worst(["stretch met", "not met"])).toBe("not met");
});

test("the middle of several runs counts", () => {
  expect(median([9, 1, 5])).toBe(5);
  expect(median([4, 1, 2, 9])).toBe(3);
});

test("what could not be measured is said in the table", () => {
  const row = { what: "core against a peer", must: "1x", stretch: "2x" };
  const lines = tableLines([unmeasured(row, "there is no Java here")]);
  expect(lines.at(-1)).toBe("core against a peer  1x    2x       there is no Java here  NOT MEASURED");
});
