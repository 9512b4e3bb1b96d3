import { expect, test } from "vitest";
import type { OrderRecord } from "../load/record.js";
import { firstAcknowledgedMs, outageMs, seenDuring } from "./outages.js";

const ack = (endMs: number, more: Partial<OrderRecord> = {}): OrderRecord => ({
  clientOrderId: "c",
  userId: "u",
  symbol: "BTC/USDT",
  shard: 0,
  startMs: endMs - 5,
  sentMs: more.startMs ?? endMs - 5,
  endMs,
  attempts: 1,
  outcome: "acknowledged",
  reasons: [],
  ...more,
});
const event = { name: "kill", fromMs: 1_000, toMs: 3_000 };

test("an outage is the longest silence that touches the event", () => {
  const records = [0, 100, 900, 1_100, 2_900, 2_950, 9_000, 30_000].map((endMs) => ack(endMs));
  expect(outageMs(records, event, 0)).toBe(6_050);
  expect(outageMs(records, { ...event, toMs: 2_000 }, 0)).toBe(1_800);
});

test("silence of another shard, and orders that were no acknowledgement, do not count", () => {
  const records = [ack(900), ack(2_500), ack(1_500, { shard: 1 }), ack(1_600, { outcome: "tombstone" })];
  expect(outageMs(records, event, 0)).toBe(1_600);
  expect(outageMs(records, event, 1)).toBeNaN();
});

test("what clients saw counts for orders that were due during the event", () => {
  const records = [
    ack(500),
    ack(1_500),
    ack(8_000, { startMs: 2_000, attempts: 4 }),
    ack(2_100, { startMs: 2_050, outcome: "failed" }),
    ack(9_000),
  ];
  expect(seenDuring(records, event)).toEqual({
    orders: 3,
    retried: 1,
    errors: 1,
    retriedP99Ms: 6_000,
    maxMs: 6_000,
  });
  expect(seenDuring([], event)).toMatchObject({ orders: 0, retriedP99Ms: 0 });
});

test("a market's first acknowledgement is the earliest, whatever the order of the records", () => {
  const records = [ack(7, { symbol: "A/B" }), ack(5, { symbol: "A/B" }), ack(1)];
  expect(firstAcknowledgedMs(records, "A/B")).toBe(5);
  expect(firstAcknowledgedMs(records, "C/D")).toBeUndefined();
});
