import { expect, test } from "vitest";
import { formatRecord, type OrderRecord, parseRecords, recordHeader } from "./record.js";

const record: OrderRecord = {
  clientOrderId: "load-1",
  userId: "u",
  symbol: "BTC/USDT",
  shard: 1,
  startMs: 1000.5,
  sentMs: 1000.5,
  endMs: 1012.5,
  attempts: 2,
  outcome: "acknowledged",
  reasons: ["DRAINING", "TRANSPORT_FAILED"],
};

test("a record comes back from its line as it was", () => {
  const plain = { ...record, reasons: [] };
  const text = `${recordHeader}\n${formatRecord(record)}\n${formatRecord(plain)}\n`;
  expect(parseRecords(text)).toEqual([record, plain]);
});

test("a last line that is still being written is left out", () => {
  expect(parseRecords(`${formatRecord(record)}\nload-2,u,BTC`)).toEqual([record]);
  expect(parseRecords("")).toEqual([]);
});
