import { expect, test } from "vitest";
import type { OrderRecord, Outcome } from "./record.js";
import { compareWords, sumVerdicts } from "./verdict.js";

const told = (clientOrderId: string, outcome: Outcome): OrderRecord => ({
  clientOrderId,
  userId: "u",
  symbol: "BTC/USDT",
  shard: 0,
  startMs: 0,
  sentMs: 0,
  endMs: 1,
  attempts: 1,
  outcome,
  reasons: [],
});
const listed = (clientOrderId: string, orderId = `id-${clientOrderId}`, isAccepted = true) => ({
  clientOrderId,
  orderId,
  isAccepted,
});

test("words that fit what is listed are neither lost nor doubled", () => {
  const records = [told("a", "acknowledged"), told("b", "tombstone"), told("c", "refused")];
  const orders = [listed("a"), listed("b", "id-b", false), listed("of an earlier run")];
  expect(compareWords(records, orders)).toEqual({ lost: 0, doubled: 0, examples: [] });
});

test.each<[string, readonly OrderRecord[], readonly ReturnType<typeof listed>[], number, number]>([
  ["acknowledged and not listed", [told("a", "acknowledged")], [], 1, 0],
  ["acknowledged and listed as never accepted", [told("a", "acknowledged")], [listed("a", "x", false)], 1, 0],
  ["listed twice", [told("a", "acknowledged")], [listed("a", "x"), listed("a", "y")], 0, 1],
  ["refused for good, and there", [told("a", "refused")], [listed("a")], 0, 1],
  ["a tombstone that trades", [told("a", "tombstone")], [listed("a")], 0, 1],
])("%s is found", (_name, records, orders, lost, doubled) => {
  const verdict = compareWords(records, orders);
  expect(verdict).toMatchObject({ lost, doubled });
  expect(verdict.examples[0]).toContain("a (BTC/USDT)");
});

test("verdicts of users add up", () => {
  const one = compareWords([told("a", "acknowledged")], []);
  expect(sumVerdicts([one, one])).toMatchObject({ lost: 2, doubled: 0 });
});
