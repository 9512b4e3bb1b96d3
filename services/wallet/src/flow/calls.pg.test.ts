import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { TradeOperation } from "../core/operation.js";
import { beginning } from "../core/positions.js";
import type { ReleaseCall } from "../core/release-call.js";
import type { Database } from "../io/database.js";
import { type CutProxy, openCutProxy } from "../testing/cut-proxy.js";
import { dumpOf } from "../testing/dump.js";
import { BASE, fingerprintOf, QUOTE, reserveRequest, uuidOf } from "../testing/names.js";
import { callOf, reservedPair, tradeOfPair } from "../testing/trades.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { listOrphans } from "./orphans.js";
import { releaseReservation } from "./release.js";
import { getReservation } from "./reserve.js";
import { settleBatch } from "./settle.js";
import { settleTrade } from "./settle-trade.js";

let wallet: WalletDatabase;
/** The database as two wallet processes see it, the second through a way that may break. */
let first: Database;
let second: Database;
let pools: Pool[];
let proxy: CutProxy;
beforeAll(async () => {
  wallet = await openWalletDatabase();
  proxy = await openCutProxy(wallet.url);
  const open = (url: string, seed: number): Database => {
    const pool = openPool(url, { connectionsMax: 8, statementTimeoutMs: 5_000, applicationName: "test" });
    return { pool, clock: systemClock, random: seededRandom(seed), onCommit: () => {} };
  };
  first = open(wallet.url, 1);
  second = open(proxy.url, 2);
  pools = [first.pool, second.pool];
});
afterAll(async () => {
  await Promise.all(pools.map((pool) => pool.end()));
  await proxy.close();
  await wallet.drop();
});

const releaseOf = (orderId: string, userId: string, content = orderId): ReleaseCall => ({
  orderId,
  userId,
  amountAtoms: undefined,
  fingerprintHex: fingerprintOf(content),
});

/** Runs calls at once, on both wallets in turn; one that fails answers its reason. */
function race<T>(count: number, run: (database: Database, index: number) => Promise<T>) {
  return Promise.all(
    Array.from({ length: count }, (_, index) =>
      run(index % 2 === 0 ? first : second, index).catch((error: { reason: string }) => error.reason),
    ),
  );
}

test("a trade moves money once, its duplicates get the same entries, and other content is a conflict", async () => {
  const pair = await reservedPair(wallet, "once");
  const call = callOf(tradeOfPair(pair, "once"));
  const settled = await settleTrade(first, call);
  expect(settled.isReplayed).toBe(false);
  expect(settled.entries.map(({ userId, asset, amountAtoms }) => [userId, asset, amountAtoms])).toEqual([
    [pair.buyerId, QUOTE, -400_000_000n],
    [pair.buyerId, BASE, 49_900_000n],
    [pair.sellerId, BASE, -50_000_000n],
    [pair.sellerId, QUOTE, 399_600_000n],
    ["00000000-0000-0000-0000-000000000001", BASE, 100_000n],
    ["00000000-0000-0000-0000-000000000001", QUOTE, 400_000n],
  ]);
  const { rows } = await wallet.pool.query<{ entry_id: number }>(
    "SELECT entry_id FROM wallet.ledger_entries WHERE transaction_id = $1 ORDER BY entry_id",
    [call.trade.tradeId],
  );
  expect(settled.entries.map(({ entryId }) => entryId)).toEqual(rows.map(({ entry_id: id }) => id));

  const before = await dumpOf(wallet.pool);
  expect(await settleTrade(second, call)).toEqual({ ...settled, isReplayed: true });
  await expect(settleTrade(first, callOf(call.trade, "other"))).rejects.toMatchObject({
    reason: "TRADE_ID_REUSED",
    facts: { trade_id: call.trade.tradeId },
  });
  expect(await dumpOf(wallet.pool)).toEqual(before);
  expect(await wallet.balance(pair.buyerId, QUOTE)).toBe("100000000+500000000");
  expect(await wallet.breaches()).toEqual({});
});

test("fees are rounded up on the totals, as a shard's are", async () => {
  const pair = await reservedPair(wallet, "cumulative");
  const small = (name: string, [buyerFee, sellerFee]: readonly [bigint, bigint], before: bigint) => {
    const trade = tradeOfPair(pair, name);
    return callOf({
      ...trade,
      baseAtoms: 300n,
      quoteAtoms: 300n,
      buyerReservedAtoms: 300n,
      buyer: { ...trade.buyer, feeAtoms: buyerFee, receivedBeforeAtoms: before },
      seller: { ...trade.seller, feeAtoms: sellerFee, receivedBeforeAtoms: before },
    });
  };
  // 0.6 and 0.3 atoms are due of the first, 1.2 and 0.6 of both: what was rounded up is not taken again.
  await settleTrade(first, small("first small", [1n, 1n], 0n));
  for (const wrong of [
    [2n, 0n],
    [1n, 1n],
    [0n, 0n],
  ] as const) {
    await expect(settleTrade(first, small("bad small", wrong, 300n))).rejects.toMatchObject({
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: { why: "the fee differs" },
    });
  }
  await settleTrade(first, small("second small", [1n, 0n], 300n));
  expect(await wallet.breaches()).toEqual({});
});

test("duplicates that race on two wallets settle once, with one answer", async () => {
  const pair = await reservedPair(wallet, "race");
  const call = callOf(tradeOfPair(pair, "race"));
  const answers = await race(40, (database, index) =>
    settleTrade(database, index % 5 === 4 ? callOf(call.trade, "other") : call),
  );
  const settled = answers.filter((answer) => typeof answer === "object");
  // Whoever came first decides which content the id stands for.
  expect([8, 32]).toContain(settled.length);
  expect(answers.filter((answer) => answer === "TRADE_ID_REUSED")).toHaveLength(40 - settled.length);
  expect(settled.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
  expect(new Set(settled.map(({ entries }) => entries.map(({ entryId }) => entryId).join())).size).toBe(1);
  expect(await wallet.balance(pair.sellerId, BASE)).toBe("0+50000000");
  expect(await wallet.breaches()).toEqual({});
});

test("one trade id for two pairs that race moves the money of one", async () => {
  const [left, right] = [await reservedPair(wallet, "left"), await reservedPair(wallet, "right")];
  const answers = await race(20, (database, index) => {
    const [pair, content] = index % 4 < 2 ? [left, "left"] : [right, "right"];
    return settleTrade(database, callOf(tradeOfPair(pair, "shared"), content));
  });
  expect(answers.filter((answer) => answer === "TRADE_ID_REUSED")).toHaveLength(10);
  const held = await Promise.all([left, right].map(({ sellerId }) => wallet.balance(sellerId, BASE)));
  expect(held.sort()).toEqual(["0+100000000", "0+50000000"]);
  expect(await wallet.breaches()).toEqual({});
});

test("trades of the same orders that race keep to what was received before", async () => {
  const pair = await reservedPair(wallet, "hot");
  const answers = await race(12, (database, index) =>
    settleTrade(database, callOf(tradeOfPair(pair, `hot ${index}`))),
  );
  expect(answers.filter((answer) => typeof answer === "object")).toHaveLength(1);
  expect(answers.filter((answer) => answer === "SETTLEMENT_IMPOSSIBLE")).toHaveLength(11);
  expect(await wallet.breaches()).toEqual({});
});

test("a release frees all that is left, once; its duplicates get the same answer", async () => {
  const pair = await reservedPair(wallet, "release");
  await settleTrade(first, callOf(tradeOfPair(pair, "release")));
  const call = { ...releaseOf(pair.buyOrderId, pair.buyerId), amountAtoms: 500_000_000n };
  const answers = await race(30, (database, index) =>
    releaseReservation(database, index % 6 === 5 ? { ...call, fingerprintHex: fingerprintOf("?") } : call),
  );
  const released = answers.filter((answer) => typeof answer === "object");
  expect([5, 25]).toContain(released.length);
  expect(answers.filter((answer) => answer === "ORDER_ID_REUSED")).toHaveLength(30 - released.length);
  expect(released.filter(({ isReplayed }) => !isReplayed)).toHaveLength(1);
  for (const { reservation, releasedAtoms } of released) {
    expect(releasedAtoms).toBe(500_000_000n);
    expect(reservation).toEqual(released[0]?.reservation);
  }
  expect(await wallet.balance(pair.buyerId, QUOTE)).toBe("600000000+0");
  await expect(settleTrade(first, callOf(tradeOfPair(pair, "too late")))).rejects.toMatchObject({
    reason: "SETTLEMENT_IMPOSSIBLE",
    facts: { why: "the reservation is not active", order_id: pair.buyOrderId },
  });
  expect(await wallet.breaches()).toEqual({});
});

test("reserve and release in any order and at once end with nothing held and CLOSED for ever", async () => {
  const userId = uuidOf("orders at once");
  await wallet.deposit(userId, QUOTE, "1");
  const orders = Array.from({ length: 20 }, (_, index) => uuidOf(`at once ${index}`));
  const requestOf = (orderId: string) =>
    reserveRequest({ orderId, userId, amountAtoms: 7n, shard: undefined });
  const answers = await race(80, async (database, index) => {
    const orderId = orders[Math.floor(index / 4)] ?? "";
    if (index % 4 < 2) await reserveOne(database, requestOf(orderId));
    else await releaseReservation(database, releaseOf(orderId, userId));
    return "done";
  });
  expect(new Set(answers)).toEqual(new Set(["done"]));
  expect(await wallet.balance(userId, QUOTE)).toBe("100000000+0");
  for (const orderId of orders) {
    const row = await getReservation(first, orderId);
    expect(row).toMatchObject({ state: "CLOSED", remainingAtoms: 0n, shard: undefined });
    expect(await reserveOne(second, requestOf(orderId))).toMatchObject({
      type: "held",
      reservation: { state: "CLOSED" },
    });
  }
  expect(await wallet.breaches()).toEqual({});
});

test("a gateway whose order was released before it reserved is told the tombstone's word", async () => {
  const [orderId, userId] = [uuidOf("early release"), uuidOf("early user")];
  const { reservation } = await releaseReservation(first, releaseOf(orderId, userId));
  expect(await getReservation(first, orderId)).toEqual(reservation);
  expect(await reserveOne(first, reserveRequest({ orderId, userId, shard: 0 }))).toMatchObject({
    type: "held",
    reservation: { state: "CLOSED", finalWord: { status: "REJECTED", reason: "NOT_SEQUENCED" } },
  });
  expect(await wallet.breaches()).toEqual({});
});

test("what names a shard is left to it, and what names none is invisible to sweep and stream", async () => {
  const userId = uuidOf("both kinds");
  await wallet.deposit(userId, QUOTE, "1");
  const [sharded, free] = [uuidOf("sharded"), uuidOf("free")];
  await reserveOne(first, reserveRequest({ orderId: sharded, userId, shard: 5 }));
  await reserveOne(first, reserveRequest({ orderId: free, userId, shard: undefined }));
  const before = await dumpOf(wallet.pool);

  await expect(releaseReservation(first, releaseOf(sharded, userId))).rejects.toMatchObject({
    reason: "OWNED_BY_SHARD",
    facts: { order_id: sharded, shard: "5" },
  });
  for (const shard of [0, 5]) {
    const orphans = await listOrphans(first, { shard, olderThanMs: 0, limit: 0 });
    expect(orphans.map(({ orderId }) => orderId)).toEqual(shard === 5 ? [sharded] : []);
  }
  const operations = [{ seq: 1, index: 0, timeMs: 1, effect: { type: "mark", orderId: free } as const }];
  const through = { epoch: 1, seq: 1, operations: 1 };
  await expect(
    settleBatch(first, { shard: 0, epoch: 1, after: beginning, through, operations }),
  ).rejects.toMatchObject({
    reason: "SETTLEMENT_IMPOSSIBLE",
    facts: { why: "the order belongs to another shard" },
  });
  // With a shard it is other content than without, and the other way about.
  for (const [orderId, shard] of [
    [free, 0],
    [sharded, undefined],
  ] as const) {
    const answer = await reserveOne(first, reserveRequest({ orderId, userId, shard }));
    expect(answer).toMatchObject({ type: "conflict" });
  }
  expect(await dumpOf(wallet.pool)).toEqual(before);
});

test("a trade id stands for one trade, whether a shard settled it or a call", async () => {
  const [byShard, byCall] = [
    await reservedPair(wallet, "by shard", 7),
    await reservedPair(wallet, "by call"),
  ];
  const [ofShard, ofCall] = [tradeOfPair(byShard, "of shard"), tradeOfPair(byCall, "of call")];
  const settle = (trade: TradeOperation, seq: number) => {
    const after = seq === 1 ? beginning : { epoch: 1, seq: seq - 1, operations: 1 };
    const operations = [{ seq, index: 0, timeMs: 1, effect: trade }];
    return settleBatch(first, {
      shard: 7,
      epoch: 1,
      after,
      through: { epoch: 1, seq, operations: 1 },
      operations,
    });
  };
  await settle(ofShard, 1);
  await settleTrade(first, callOf(ofCall));
  const before = await dumpOf(wallet.pool);
  for (const trade of [ofShard, { ...ofCall, tradeId: ofShard.tradeId }])
    await expect(settleTrade(first, callOf(trade))).rejects.toMatchObject({ reason: "OWNED_BY_SHARD" });
  // Of the shard's own orders, as they stand after their first trade.
  const second = {
    ...ofShard,
    tradeId: ofCall.tradeId,
    buyer: { ...ofShard.buyer, receivedBeforeAtoms: 50_000_000n },
    seller: { ...ofShard.seller, receivedBeforeAtoms: 400_000_000n },
  };
  await expect(settle(second, 2)).rejects.toMatchObject({
    reason: "SETTLEMENT_IMPOSSIBLE",
    facts: { why: "it was settled before" },
  });
  expect(await dumpOf(wallet.pool)).toEqual(before);
  expect(await wallet.breaches()).toEqual({});
});

test.each(["before commit", "after commit"] as const)(
  "a release and a trade whose connection breaks %s are done once and answered",
  async (mode) => {
    const pair = await reservedPair(wallet, mode);
    const call = callOf(tradeOfPair(pair, mode));
    const cuts = proxy.count();
    proxy.cut(mode);
    const settled = await settleTrade(second, call);
    proxy.cut(mode);
    const released = await releaseReservation(second, releaseOf(pair.sellOrderId, pair.sellerId));
    expect(proxy.count()).toBe(cuts + 2);
    expect(settled.isReplayed).toBe(mode === "after commit");
    expect(released).toMatchObject({ releasedAtoms: 50_000_000n, isReplayed: mode === "after commit" });
    expect(await settleTrade(first, call)).toEqual({ ...settled, isReplayed: true });
    expect(await wallet.balance(pair.sellerId, BASE)).toBe("50000000+0");
    expect(await wallet.breaches()).toEqual({});
  },
);

test("a database that stays away is no answer: the same call later finds what was done", async () => {
  const pair = await reservedPair(wallet, "away");
  const call = callOf(tradeOfPair(pair, "away"));
  proxy.cut("after commit", 99);
  await expect(settleTrade(second, call)).rejects.toMatchObject({
    reason: "WALLET_UNAVAILABLE",
    facts: { outcome: "UNKNOWN" },
  });
  proxy.cut("nothing");
  expect(await settleTrade(second, call)).toMatchObject({ isReplayed: true });
  expect(await wallet.breaches()).toEqual({});
});
