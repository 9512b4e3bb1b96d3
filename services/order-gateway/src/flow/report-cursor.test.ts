import { createLogger } from "@bourse/shared/runtime/log.js";
import { manualClock } from "@bourse/shared/testing/clock.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { HistoryPosition } from "../io/history-cursor.js";
import { createCursorReporter } from "./report-cursor.js";

const log = createLogger({ service: "test", level: "silent" });
const at = (seq: number): HistoryPosition => ({ epoch: 1, seq });

let stop: AbortController;
let clock: ReturnType<typeof manualClock>;
let reported: number[];
let answers: (Error | undefined)[];
let running: Promise<void>;
let reporter: ReturnType<typeof createCursorReporter>;
let accepted: number;

beforeEach(() => {
  stop = new AbortController();
  clock = manualClock();
  reported = [];
  answers = [];
  accepted = 0;
  reporter = createCursorReporter({
    report: ({ seq }) => {
      reported.push(seq);
      const failure = answers.shift();
      return failure === undefined ? Promise.resolve() : Promise.reject(failure);
    },
    clock,
    log,
    onReported: () => {
      accepted += 1;
    },
  });
  running = reporter.run(stop.signal);
});
afterEach(async () => {
  stop.abort();
  await running;
});

test("reports at once, then the newest position a quarter of a second later", async () => {
  reporter.note(at(1));
  await settled();
  expect(reported).toEqual([1]);
  for (const seq of [2, 3, 4]) reporter.note(at(seq));
  await settled();
  expect(reported).toEqual([1]);
  clock.advance(250);
  await settled();
  expect(reported).toEqual([1, 4]);
});

test("is silent while nothing new is noted", async () => {
  reporter.note(at(1));
  await settled();
  clock.advance(60_000);
  await settled();
  expect(reported).toEqual([1]);
  expect(clock.sleeping()).toBe(0);
});

test("repeats what was not taken, or what is newer by then", async () => {
  answers = [new Error("away"), new Error("away")];
  reporter.note(at(1));
  await settled();
  expect(accepted).toBe(0);
  clock.advance(250);
  await settled();
  reporter.note(at(2));
  clock.advance(250);
  await settled();
  expect(reported).toEqual([1, 1, 2]);
  expect(accepted).toBe(1);
});

/** Lets everything run that is ready to run. */
function settled(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
