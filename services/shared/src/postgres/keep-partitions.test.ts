import { expect, test, vi } from "vitest";
import { createLogger } from "../runtime/log.js";
import { manualClock } from "../testing/clock.js";
import { keepPartitionsAhead } from "./keep-partitions.js";

const DAY_MS = 86_400_000;
const log = createLogger({ service: "test", level: "silent" });

test("partitions are made every hour, after a failure every minute; what is made ahead runs out meanwhile", async () => {
  const clock = manualClock(Date.UTC(2026, 10, 1));
  const stop = new AbortController();
  const times: number[] = [];
  const ahead: number[] = [];
  let isBroken = false;
  const running = keepPartitionsAhead({
    make: async (nowMs) => {
      times.push(nowMs);
      if (isBroken) throw new Error("no database");
      return 30;
    },
    onAhead: (days) => ahead.push(days),
    ...{ clock, log, signal: stop.signal },
  });
  const advance = async (ms: number) => {
    const rounds = times.length;
    clock.advance(ms);
    await vi.waitFor(() => expect(ahead).toHaveLength(rounds + 1));
    await vi.waitFor(() => expect(clock.sleeping()).toBe(1));
  };
  await vi.waitFor(() => expect(clock.sleeping()).toBe(1));
  await advance(3_600_000);
  isBroken = true;
  await advance(3_600_000);
  clock.advance(59_999);
  expect(clock.sleeping()).toBe(1);
  await advance(2 * DAY_MS);
  await advance(40 * DAY_MS);
  isBroken = false;
  await advance(60_000);
  expect(ahead).toEqual([30, 30, 29, 27, 0, 30]);
  expect(times.map((time, index) => time - (times[index - 1] ?? time)).slice(0, 3)).toEqual([
    0, 3_600_000, 3_600_000,
  ]);
  stop.abort();
  await running;
  expect(clock.sleeping()).toBe(0);
});

test("what was never made is no day ahead", async () => {
  const clock = manualClock(Date.UTC(2026, 10, 1));
  const stop = new AbortController();
  const ahead: number[] = [];
  const running = keepPartitionsAhead({
    make: () => Promise.reject(new Error("no database")),
    onAhead: (days) => ahead.push(days),
    ...{ clock, log, signal: stop.signal },
  });
  await vi.waitFor(() => expect(ahead).toEqual([0]));
  stop.abort();
  await running;
});
