import { describe, expect, test } from "vitest";
import {
  amend,
  apply,
  cancel,
  cancelAll,
  market,
  passTime,
  resolve,
  shardOf,
  submit,
  userId,
} from "../testing/orders.js";
import { checkShard } from "./check.js";
import type { Shard } from "./shard.js";
import { readState, stateBytes } from "./state-bytes.js";
import { dueTimer } from "./timers.js";
import type { Command } from "./types.js";
import { openOrdersAfter } from "./view.js";

const bytesOf = (shard: Shard) => Buffer.concat([...stateBytes(shard)]);
/** As it comes from a file: at an odd place of a larger buffer. */
const restored = (shard: Shard) => {
  const bytes = bytesOf(shard);
  const shifted = Buffer.alloc(bytes.length + 1);
  bytes.copy(shifted, 1);
  return readState(shifted.subarray(1));
};

const TIERS = [{ tier: "pro", makerFeePpm: 1, takerFeePpm: 2 }];

/** A shard in which everything that is remembered is there. */
function fullShard(): Shard {
  const shard = shardOf(market({ bandBps: 2_000 }), market({ symbol: "ETH/USDT", feeTiers: TIERS }));
  apply(shard, { type: "startEpoch", epoch: 3, rules: 2 });
  apply(shard, submit(1, { priceTicks: 100, quantityLots: 9, clientOrderId: "first:order" }));
  apply(shard, submit(2, { priceTicks: 100, quantityLots: 4, clientOrderId: "second" }));
  apply(shard, submit(3, { priceTicks: 99, timeInForce: "DAY" }));
  apply(shard, submit(4, { side: "sell", priceTicks: 100, quantityLots: 3 }));
  apply(shard, submit(5, { side: "sell", priceTicks: 110, quantityLots: 3, postOnly: true }));
  apply(shard, submit(6, { type: "STOP", stopPriceTicks: 120, budgetTickLots: 150, timeInForce: "DAY" }));
  apply(shard, submit(7, { type: "STOP_LIMIT", side: "sell", stopPriceTicks: 90, priceTicks: 80 }));
  apply(shard, submit(8, { symbol: "ETH/USDT", selfTradePrevention: "DECREMENT" }));
  apply(shard, amend(1, 2, { quantityLots: 3 }));
  apply(shard, cancel(3));
  apply(shard, resolve(50));
  apply(shard, cancelAll(60, { requestId: "r:9" }));
  apply(shard, { type: "setSwitch", userId: userId(1), symbols: [], timeoutMs: 700_000 });
  apply(shard, { type: "learnCursors", throughSeq: shard.seq });
  return shard;
}

describe("a state that is written and read", () => {
  test("has the same bytes and passes the whole check", () => {
    const shard = fullShard();
    const copy = restored(shard);
    checkShard(copy);
    expect(bytesOf(copy).equals(bytesOf(shard))).toBe(true);
    expect(openOrdersAfter(copy, 0, 100)).toEqual(openOrdersAfter(shard, 0, 100));
    expect(copy.books.map(({ market }) => market.feeTiers)).toEqual([[], TIERS]);
  });

  test("has the same future", () => {
    const shard = fullShard();
    const copy = restored(shard);
    const future: Command[] = [
      amend(2, 1, { quantityLots: 5 }),
      submit(20, { side: "sell", priceTicks: 85, quantityLots: 6 }),
      submit(21, { priceTicks: 120, quantityLots: 20 }),
      cancel(5),
    ].filter((command) => command.type !== "cancel");
    for (const command of future) expect(apply(copy, command)).toEqual(apply(shard, command));
    expect(dueTimer(copy, 10 ** 12)).toEqual(dueTimer(shard, 10 ** 12));
    expect(passTime(copy, 90_000_000)).toEqual(passTime(shard, 90_000_000));
    expect(bytesOf(copy).equals(bytesOf(shard))).toBe(true);
  });

  test("is empty when the shard is new", () => {
    const shard = shardOf();
    expect(bytesOf(restored(shard)).equals(bytesOf(shard))).toBe(true);
  });
});

test("bytes do not tell where things lie in memory", () => {
  // The second shard used and freed slots and levels before.
  const shards = [false, true].map((isUsed) => {
    const shard = shardOf(market());
    const [first, second] = isUsed ? [5, 1] : [1, 5];
    for (const number of [first, second]) {
      apply(shard, submit(number, { priceTicks: isUsed ? 90 : 95, userId: userId(1) }));
    }
    const ended = isUsed ? [cancel(5, 1), cancel(1, 1)] : [cancel(5, 1), cancel(1, 1)];
    for (const command of ended) apply(shard, command);
    return shard;
  });
  const live = shards.map((shard) => {
    for (const number of [7, 8, 9])
      apply(shard, submit(number, { priceTicks: 100 + number, userId: userId(1) }));
    return openOrdersAfter(shard, 0, 10);
  });
  expect(live[0]).toEqual(live[1]);
  const copies = shards.map(restored);
  expect(copies.map((copy) => copy.slots.used)).toEqual([3, 3]);
  for (const [index, copy] of copies.entries()) {
    expect(bytesOf(copy).equals(bytesOf(shards[index] as Shard))).toBe(true);
  }
});

test("any change of the state changes its bytes", () => {
  const seen = new Set<string>();
  const shard = shardOf(market());
  const note = () => {
    const text = bytesOf(shard).toString("latin1");
    expect(seen.has(text)).toBe(false);
    seen.add(text);
  };
  note();
  for (const number of [1, 2, 3]) {
    apply(shard, submit(number));
    note();
  }
  apply(shard, cancel(2));
  note();
});

test("bytes of another form, cut ones and longer ones are refused", () => {
  const bytes = bytesOf(fullShard());
  expect(() => readState(bytes.subarray(0, bytes.length - 8))).toThrow("assertion failed");
  expect(() => readState(Buffer.concat([bytes, Buffer.alloc(8)]))).toThrow("assertion failed");
  const other = Buffer.from(bytes);
  other.write("X", bytes.indexOf("bourse-shard-state"));
  expect(() => readState(other)).toThrow("form");
});
