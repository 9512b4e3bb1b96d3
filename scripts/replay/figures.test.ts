import { expect, test } from "vitest";
import {
  addedCounts,
  formatCount,
  formatMs,
  histogramPercentile,
  percentile,
  readHistogram,
  sorted,
} from "./figures.js";

test("percentiles are values that occurred", () => {
  const values = sorted(Array.from({ length: 1_000 }, (_, index) => 1_000 - index));
  expect([0.5, 0.99, 0.999, 1].map((p) => percentile(values, p))).toEqual([500, 990, 999, 1_000]);
  expect(percentile([7], 0.5)).toBe(7);
  expect(percentile([], 0.5)).toBeNaN();
});

const page = (first: number, second: number, rest: number) => `# TYPE x_seconds histogram
x_seconds_bucket{le="0.001",shard="0"} ${first}
x_seconds_bucket{le="0.01",shard="0"} ${first + second}
x_seconds_bucket{le="+Inf",shard="0"} ${first + second + rest}
x_seconds_sum{shard="0"} 1
x_seconds_count{shard="0"} ${first + second + rest}
`;

test("a histogram is read from a metrics page and what was added lies between two readings", () => {
  const before = readHistogram(page(10, 0, 0), "x_seconds");
  const after = readHistogram(page(60, 40, 0), "x_seconds");
  expect(readHistogram(page(1, 1, 1), "y_seconds")).toBeUndefined();
  if (before === undefined || after === undefined) throw new Error("the histogram was not read");
  const added = addedCounts(before, after);
  expect(added.counts).toEqual([50, 40, 0]);
  expect(histogramPercentile(added, 0.5)).toBeCloseTo(0.0009, 6);
  expect(histogramPercentile(added, 0.99)).toBeCloseTo(0.001 + 0.009 * (39.1 / 40), 6);
});

test("a process that was started again counts from zero", () => {
  const before = readHistogram(page(10, 5, 0), "x_seconds");
  const after = readHistogram(page(3, 0, 0), "x_seconds");
  if (before === undefined || after === undefined) throw new Error("the histogram was not read");
  expect(addedCounts(before, after).counts).toEqual([3, 0, 0]);
});

test("numbers are written to be read", () => {
  expect(formatCount(49_046)).toBe("49,046");
  expect([0.456, 12.34, 345.6, Number.NaN].map(formatMs)).toEqual(["0.46 ms", "12.3 ms", "346 ms", "-"]);
});
