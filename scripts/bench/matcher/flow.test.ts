import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { makeFlow, realistic } from "./flow.js";
import { readFlow, writeFlow } from "./flow-file.js";
import { totalsOf } from "./plain-book.js";

const flow = makeFlow({ ...realistic, commands: 200_000 });
const share = (op: number) => flow.ops.filter((each) => each === op).length / flow.count;

test("the flow has the shape that is claimed for it", () => {
  expect(share(0)).toBeCloseTo(0.53, 1);
  expect(share(1)).toBeCloseTo(0.43, 1);
  expect(share(2)).toBeCloseTo(0.017, 2);
  expect(share(3)).toBeCloseTo(0.023, 2);
  expect(totalsOf(flow).resting).toBeGreaterThan(3_500);
  expect(totalsOf(flow).resting).toBeLessThan(4_700);
});

test("a cancel names an order that rests, so every core has the same to do", () => {
  const { resting, trades } = totalsOf(flow);
  const placed = flow.ops.filter((op) => op === 0).length;
  const cancelled = flow.ops.filter((op) => op === 1).length;
  expect(placed - cancelled).toBeGreaterThanOrEqual(resting);
  expect(placed - cancelled - resting).toBeLessThanOrEqual(2 * trades);
});

test("a flow comes back from its file as it was", () => {
  const folder = mkdtempSync(join(tmpdir(), "bourse-flow-"));
  try {
    writeFlow(join(folder, "flow.bin"), flow);
    expect(totalsOf(readFlow(join(folder, "flow.bin")))).toEqual(totalsOf(flow));
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test("the same seed gives the same flow, another seed another", () => {
  const small = { ...realistic, commands: 5_000 };
  expect(makeFlow(small)).toEqual(makeFlow(small));
  expect(makeFlow({ ...small, seed: 9 }).prices).not.toEqual(makeFlow(small).prices);
});
