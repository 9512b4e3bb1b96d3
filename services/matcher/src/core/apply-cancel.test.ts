import { expect, test } from "vitest";
import { fate, shardOfLadder, show } from "../testing/ladder.js";
import {
  apply,
  cancel,
  market,
  offer,
  orderId,
  resolve,
  shardOf,
  submit,
  terms,
  userId,
} from "../testing/orders.js";
import { decide, ownEntry } from "./decide.js";
import { createShard, entryOf, type Shard } from "./shard.js";
import { viewOf } from "./view.js";

const viewNow = (shard: Shard) => viewOf(shard, entryOf(shard, orderId(1)));

const LADDER = `
  bids  | price | asks
  1 2 3 | 100   |
`;

test("a cancel takes an order out of the middle of its queue", () => {
  const shard = shardOfLadder(LADDER);
  const events = apply(shard, cancel(1001));
  expect(events).toMatchObject([
    {
      type: "ended",
      status: "CANCELLED",
      reason: "USER",
      remainingLots: 2,
      resting: { side: "buy", priceTicks: 100 },
      // Its market is the first record.
      acceptedSeq: 3,
    },
  ]);
  expect(show(shard)).toBe("bids | price | asks\n1 3 | 100 |");
  apply(shard, cancel(1000));
  apply(shard, cancel(1002));
  expect(show(shard)).toBe("bids | price | asks");
});

test("a cancel of an unknown or a foreign order has no effect, of an ended one its final state", () => {
  const shard = shardOfLadder(LADDER);
  expect(decide(shard, 0, cancel(5))).toMatchObject({ type: "refuse", reason: "ORDER_NOT_FOUND" });
  expect(decide(shard, 0, cancel(1000, 7))).toMatchObject({ type: "refuse", reason: "ORDER_NOT_FOUND" });
  apply(shard, cancel(1000));
  expect(decide(shard, 0, cancel(1000))).toEqual({ type: "known", entry: entryOf(shard, orderId(1000)) });
});

test("an operator's word ends another's order with OPERATOR, once", () => {
  const shard = shardOfLadder(LADDER);
  const command = cancel(1001, 1001, userId(99));
  expect(fate(apply(shard, command))).toBe("CANCELLED OPERATOR");
  const known = { type: "known", entry: entryOf(shard, orderId(1001)) };
  expect(decide(shard, 0, command)).toEqual(known);
  // Whoever asks later: the first word stands.
  expect(decide(shard, 0, cancel(1001))).toEqual(known);
  expect(viewOf(shard, known.entry)).toMatchObject({ status: "CANCELLED", reason: "OPERATOR" });
  expect(decide(shard, 0, cancel(1000, 7, userId(99)))).toMatchObject({ reason: "ORDER_NOT_FOUND" });
});

test("an operator's Resolve cancels what is open, and its tombstone says OPERATOR", () => {
  const shard = shardOf(market());
  const word = { tombstoneStatus: "CANCELLED", tombstoneReason: "OPERATOR", cancelIfOpen: true } as const;
  apply(shard, submit(1));
  expect(fate(offer(shard, resolve(1, word)) ?? [])).toBe("CANCELLED OPERATOR");
  expect(offer(shard, resolve(2, word))).toMatchObject([{ reason: "OPERATOR", isTombstone: true }]);
  expect(offer(shard, submit(2))).toBeUndefined();
  expect(viewOf(shard, entryOf(shard, orderId(2)))).toMatchObject({
    ...{ status: "CANCELLED", reason: "OPERATOR", isTombstone: true },
  });
});

test("Resolve of an unknown order writes a tombstone, and the late Submit is told of it", () => {
  const shard = shardOf(market());
  const [tombstone] = offer(shard, resolve(1)) ?? [];
  const word = { status: "REJECTED", reason: "NOT_SEQUENCED", isTombstone: true };
  expect(tombstone).toMatchObject({ ...word, acceptedSeq: shard.seq });
  expect(offer(shard, submit(1))).toBeUndefined();
  const view = viewOf(shard, ownEntry(shard, orderId(1), userId(1)));
  expect(view).toMatchObject({ status: "REJECTED", reason: "NOT_SEQUENCED", isTombstone: true });
  expect(view.terms).toBeUndefined();
});

test("an unknown order of a market that is not here gets no tombstone, but by the first rules", () => {
  const shard = shardOf(market());
  const elsewhere = resolve(1, { symbol: "ETH/USDT" });
  expect(decide(shard, 0, elsewhere)).toMatchObject({ type: "refuse", reason: "SYMBOL_NOT_FOUND" });
  const before = createShard(0);
  apply(before, { type: "startEpoch", epoch: 1, rules: 1 });
  expect(decide(before, 0, elsewhere)).toEqual({ type: "apply" });
});

test("the first word stands: a later Resolve with another word changes nothing", () => {
  const shard = shardOf(market());
  offer(shard, resolve(1));
  const word = { tombstoneStatus: "CANCELLED", tombstoneReason: "USER", cancelIfOpen: true } as const;
  expect(offer(shard, resolve(1, word))).toBeUndefined();
  expect(viewNow(shard)).toMatchObject({ status: "REJECTED", reason: "NOT_SEQUENCED" });
});

test("Resolve of an open order only asks, or cancels it when told to", () => {
  const shard = shardOf(market());
  apply(shard, submit(1));
  expect(offer(shard, resolve(1))).toBeUndefined();
  expect(fate(offer(shard, resolve(1, { cancelIfOpen: true })) ?? [])).toBe("CANCELLED USER");
  expect(offer(shard, resolve(1, { cancelIfOpen: true }))).toBeUndefined();
});

test("an unknown id is refused outside its time, a known one answered whatever the expiry", () => {
  const shard = shardOf(market());
  const at = (expiresAtMs: number) => decide(shard, 1_000_000, submit(1, {}, expiresAtMs));
  expect(at(999_999)).toMatchObject({ type: "refuse", reason: "SUBMIT_EXPIRED" });
  expect(at(1_060_001)).toMatchObject({ type: "refuse", reason: "SUBMIT_EXPIRED" });
  expect(at(1_000_000)).toEqual({ type: "apply" });
  expect(at(1_060_000)).toEqual({ type: "apply" });
  expect(decide(shard, 1_000_000, resolve(1, { expiresAtMs: 1 }))).toMatchObject({
    reason: "SUBMIT_EXPIRED",
  });
  apply(shard, submit(1));
  expect(at(1)).toEqual({ type: "known", entry: 0 });
  expect(decide(shard, 1_000_000, resolve(1, { expiresAtMs: 1 }))).toEqual({ type: "known", entry: 0 });
});

test("the same id with other terms is refused, open or ended; with the same terms it is known", () => {
  const shard = shardOf(market());
  apply(shard, submit(1, { quantityLots: 5 }));
  expect(decide(shard, 0, submit(1, { quantityLots: 5 }))).toEqual({ type: "known", entry: 0 });
  const reused = { type: "refuse", reason: "CLIENT_ORDER_ID_REUSED" };
  for (const changes of [
    { quantityLots: 6 },
    { priceTicks: 101 },
    { side: "sell" as const },
    { postOnly: true },
  ]) {
    expect(decide(shard, 0, submit(1, { quantityLots: 5, ...changes }))).toMatchObject(reused);
  }
  apply(shard, cancel(1));
  expect(decide(shard, 0, submit(1, { quantityLots: 6 }))).toMatchObject(reused);
  expect(decide(shard, 0, submit(1, { quantityLots: 5 }))).toMatchObject({ type: "known" });
});

test("an order's view follows its life", () => {
  const shard = shardOf(market());
  apply(shard, submit(1, { quantityLots: 5 }));
  expect(viewNow(shard)).toMatchObject({
    status: "OPEN",
    remainingLots: 5,
    terms: terms(1, { quantityLots: 5, reservedAmount: "" }),
  });
  apply(shard, submit(2, { side: "sell", quantityLots: 2 }));
  expect(viewNow(shard)).toMatchObject({
    status: "PARTIALLY_FILLED",
    remainingLots: 3,
    executedTickLots: "200",
  });
  apply(shard, cancel(1));
  expect(viewNow(shard)).toMatchObject({ status: "CANCELLED", remainingLots: 0, executedLots: 2 });
  expect(viewNow(shard).terms).toBeUndefined();
});

test("a market that does not exist refuses orders", () => {
  expect(decide(shardOf(), 0, submit(1))).toMatchObject({ type: "refuse", reason: "SYMBOL_NOT_FOUND" });
});
