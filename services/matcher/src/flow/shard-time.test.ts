import { expect, test } from "vitest";
import { createShardTime } from "./shard-time.js";

/** Two clocks moved by hand, apart from each other. */
function clocks(wallMs: number) {
  const now = { wallMs, monotonicMs: 0 };
  const clock = {
    wallMs: () => now.wallMs,
    monotonicMs: () => now.monotonicMs,
    sleep: () => Promise.resolve(),
  };
  const pass = (ms: number) => {
    now.wallMs += ms;
    now.monotonicMs += ms;
  };
  return { now, clock, pass };
}

test("at recovery time jumps forward to the wall clock once", () => {
  const { clock, pass } = clocks(50_000);
  const time = createShardTime(clock, 20_000);
  expect(time.now()).toBe(50_000);
  pass(1_000);
  expect(time.now()).toBe(51_000);
});

test("a wall clock behind the journal makes time slow, never backward", () => {
  const { clock, pass } = clocks(10_000);
  const time = createShardTime(clock, 20_000);
  expect(time.now()).toBe(20_000);
  pass(1_000);
  expect(time.now()).toBe(20_900);
  expect(time.offsetMs()).toBeCloseTo(11_000 - 20_900);
});

test("a wall clock that jumps is approached by a tenth of the time that passes", () => {
  const { now, clock, pass } = clocks(10_000);
  const time = createShardTime(clock, 0);
  now.wallMs += 3_600_000;
  expect(time.now()).toBe(10_000);
  pass(1_000);
  expect(time.now()).toBe(11_100);
  now.wallMs -= 3_600_050;
  pass(1_000);
  expect(time.now()).toBe(12_000);
});

test("a small difference is closed and then kept closed", () => {
  const { now, clock, pass } = clocks(10_000);
  const time = createShardTime(clock, 0);
  now.wallMs += 50;
  pass(1_000);
  expect(time.now()).toBe(11_050);
  pass(1_000);
  expect(time.now()).toBe(12_050);
});
