import { expect, test } from "vitest";
import type { OrderRecord } from "./record.js";
import { progressLine, summaryOf } from "./summary.js";

const record = (tookMs: number, more: Partial<OrderRecord> = {}): OrderRecord => ({
  clientOrderId: "c",
  userId: "u",
  symbol: "BTC/USDT",
  shard: 0,
  startMs: 1_000,
  sentMs: 1_000,
  endMs: 1_000 + tookMs,
  attempts: 1,
  outcome: "acknowledged",
  reasons: [],
  ...more,
});

test("latency counts for the acknowledged, and once more for the retried", () => {
  const records = [
    ...Array.from({ length: 99 }, () => record(5)),
    record(4_000, { sentMs: 2_000, attempts: 3, reasons: ["DRAINING"] }),
    record(9_000, { outcome: "tombstone", reasons: ["DRAINING", "OUTCOME_UNKNOWN"] }),
    record(1, { outcome: "refused", reasons: ["INSUFFICIENT_FUNDS"] }),
  ];
  expect(summaryOf({ records, seconds: 10, cancels: 4, cancelsFailed: 0 })).toEqual({
    seconds: 10,
    placed: 101,
    acknowledged: 100,
    errors: 1,
    refused: 1,
    rejected: 0,
    tombstones: 1,
    retried: 1,
    ratePerSecond: 10,
    p50Ms: 5,
    p99Ms: 5,
    maxMs: 4_000,
    retriedP99Ms: 3_000,
    cancels: 4,
    cancelsFailed: 0,
    reasons: { DRAINING: 2, OUTCOME_UNKNOWN: 1, INSUFFICIENT_FUNDS: 1 },
  });
});

test("a run without an order has figures of zero", () => {
  expect(summaryOf({ records: [], seconds: 1, cancels: 0, cancelsFailed: 0 })).toMatchObject({
    placed: 0,
    p99Ms: 0,
  });
  expect(progressLine([], 3, 5_000)).toContain("5 s: 0 final words, 3 on their way");
});
