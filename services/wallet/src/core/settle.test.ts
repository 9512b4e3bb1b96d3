import fc from "fast-check";
import { expect, test } from "vitest";
import { history } from "../testing/history.js";
import { memoryWallet } from "../testing/memory-wallet.js";
import { BASE, QUOTE, reserveRequest, usersOf, uuidOf } from "../testing/names.js";
import type { Operation, TradeOperation } from "./operation.js";
import { FEES_USER_ID } from "./postings.js";
import { keyText, type Reservation } from "./reservation.js";
import { decideSettlement } from "./settle.js";
import { ledgerEntriesOf } from "./settle-trade.js";

const alice = uuidOf("alice");
const bob = uuidOf("bob");
const buyId = uuidOf("buy");
const sellId = uuidOf("sell");

const operation = (effect: Operation["effect"], index = 0): Operation => ({
  seq: 9,
  index,
  timeMs: 9_000,
  effect,
});

/** Alice has 1,000 held to buy, Bob 10 to sell. */
function tradingWallet() {
  const money = memoryWallet({
    [keyText({ userId: alice, asset: QUOTE })]: 1_000n,
    [keyText({ userId: bob, asset: BASE })]: 10n,
  });
  money.reserve(reserveRequest({ orderId: buyId, userId: alice, asset: QUOTE, amountAtoms: 1_000n }));
  money.reserve(reserveRequest({ orderId: sellId, userId: bob, asset: BASE, amountAtoms: 10n }));
  return money;
}

/** 10 base for 900 quote, where the buyer would have paid 1,000; 10 % of what each receives is fee. */
const trade: TradeOperation = {
  type: "trade",
  tradeId: uuidOf("trade"),
  symbol: "BTC/USDT",
  baseAsset: BASE,
  quoteAsset: QUOTE,
  baseAtoms: 10n,
  quoteAtoms: 900n,
  buyerReservedAtoms: 1_000n,
  buyer: {
    orderId: buyId,
    userId: alice,
    role: "TAKER",
    feeAtoms: 1n,
    feePpm: 100_000,
    receivedBeforeAtoms: 0n,
  },
  seller: {
    orderId: sellId,
    userId: bob,
    role: "MAKER",
    feeAtoms: 90n,
    feePpm: 100_000,
    receivedBeforeAtoms: 0n,
  },
};

test("a trade pays from what was held, takes fees from what is received, and gives improvement back at once", () => {
  const money = tradingWallet();
  money.settle([operation(trade)]);

  const available = (userId: string, asset: string) => money.available.get(keyText({ userId, asset })) ?? 0n;
  expect([available(alice, BASE), available(alice, QUOTE)]).toEqual([9n, 100n]);
  expect([available(bob, BASE), available(bob, QUOTE)]).toEqual([0n, 810n]);
  expect([available(FEES_USER_ID, BASE), available(FEES_USER_ID, QUOTE)]).toEqual([1n, 90n]);
  expect([...money.reserved.values()].every((atoms) => atoms === 0n)).toBe(true);
  expect(money.rows.get(buyId)).toMatchObject({
    remainingAtoms: 0n,
    spentAtoms: 900n,
    improvementAtoms: 100n,
  });
  const entries = ledgerEntriesOf(trade).map(({ amountAtoms }) => amountAtoms);
  expect(entries).toEqual([-900n, 9n, -10n, 810n, 1n, 90n]);
});

const misfits: [string, Partial<TradeOperation>][] = [
  ["more than is held", { buyerReservedAtoms: 1_001n }],
  ["a price above the limit", { buyerReservedAtoms: 899n }],
  ["a fee that is one atom too low", { buyer: { ...trade.buyer, feeAtoms: 0n } }],
  ["another sum received before", { seller: { ...trade.seller, receivedBeforeAtoms: 1n } }],
  ["another owner", { buyer: { ...trade.buyer, userId: uuidOf("carol") } }],
  ["a user on both sides", { buyer: { ...trade.buyer, userId: bob } }],
  ["another asset", { quoteAsset: "EUR" }],
  ["an order that was never reserved", { buyer: { ...trade.buyer, orderId: uuidOf("nobody") } }],
  ["one order on both sides", { seller: { ...trade.seller, orderId: buyId } }],
  ["two takers", { seller: { ...trade.seller, role: "TAKER" } }],
  ["no quantity", { baseAtoms: 0n }],
];

test.each(misfits)("a trade with %s stops the shard and moves nothing", (_, change) => {
  const money = tradingWallet();
  const before = new Map(money.rows);
  expect(() => money.settle([operation({ ...trade, ...change })])).toThrowError(
    expect.objectContaining({
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: expect.objectContaining({ seq: "9", index: "0" }),
    }),
  );
  expect(money.rows).toEqual(before);
});

test("an order of another shard is not settled here", () => {
  const money = tradingWallet();
  expect(() => decideSettlement(1, money.rows, [operation(trade)])).toThrowError(
    expect.objectContaining({ reason: "SETTLEMENT_IMPOSSIBLE" }),
  );
});

test("what no shard decides about is settled by calls alone, and what a shard decides about never is", () => {
  const orders = tradingWallet().rows;
  const unowned = new Map([...orders].map(([id, row]) => [id, { ...row, shard: undefined }]));
  const refused = expect.objectContaining({
    facts: expect.objectContaining({ why: "the order belongs to another shard" }),
  });
  expect(() => decideSettlement(0, unowned, [operation(trade)])).toThrowError(refused);
  expect(() => decideSettlement(undefined, orders, [operation(trade)])).toThrowError(refused);
  const mixed = new Map([...unowned, ...[...orders].slice(0, 1)]);
  expect(() => decideSettlement(undefined, mixed, [operation(trade)])).toThrowError(refused);
  expect(decideSettlement(undefined, unowned, [operation(trade)])).toMatchObject({
    deltas: decideSettlement(0, orders, [operation(trade)]).deltas,
    changed: [{ shard: undefined }, { shard: undefined }],
  });
});

test("a rate that changes within an order stops the shard", () => {
  const money = tradingWallet();
  const half = { ...trade, baseAtoms: 5n, quoteAtoms: 450n, buyerReservedAtoms: 500n };
  const first = {
    ...half,
    buyer: { ...trade.buyer, feeAtoms: 1n },
    seller: { ...trade.seller, feeAtoms: 45n },
  };
  const second = {
    ...half,
    tradeId: uuidOf("second"),
    buyer: { ...trade.buyer, feePpm: 0, feeAtoms: 0n, receivedBeforeAtoms: 5n },
    seller: { ...trade.seller, feeAtoms: 45n, receivedBeforeAtoms: 450n },
  };
  expect(() => money.settle([operation(first), operation(second, 1)])).toThrowError(
    expect.objectContaining({
      facts: expect.objectContaining({ why: "the fee rate changed within an order" }),
    }),
  );
});

const release = (orderId: string, userId: string, executedLots = 0) =>
  ({
    type: "release",
    orderId,
    userId,
    status: "CANCELLED",
    reason: "USER",
    executedLots,
    executedTickLots: BigInt(executedLots),
    orderCreatedAtMs: 1,
    acceptedSeq: 3,
    amendedPriceTicks: 0,
    amendedQuantityLots: 0,
    legOf: undefined,
  }) as const;

test("the end of an order frees what is left and keeps the final word", () => {
  const money = tradingWallet();
  money.settle([operation(release(buyId, alice))]);
  expect(money.available.get(keyText({ userId: alice, asset: QUOTE }))).toBe(1_000n);
  expect(money.rows.get(buyId)).toMatchObject({
    state: "CLOSED",
    remainingAtoms: 0n,
    releasedAtoms: 1_000n,
    finalWord: { status: "CANCELLED", reason: "USER", acceptedSeq: 3, endedSeq: 9, endedAtMs: 9_000 },
  });
});

test("the same end again changes nothing, another one stops the shard", () => {
  const money = tradingWallet();
  money.settle([operation(release(buyId, alice))]);
  expect(money.settle([operation(release(buyId, alice))])).toMatchObject({
    changed: [],
    tombstones: [],
    deltas: [],
  });
  const other = { ...release(buyId, alice), status: "EXPIRED", reason: "IOC_REMAINDER" } as const;
  expect(() => money.settle([operation(other)])).toThrowError(
    expect.objectContaining({ reason: "SETTLEMENT_IMPOSSIBLE" }),
  );
});

test("an end that says nothing was executed does not close an order that has traded", () => {
  const money = tradingWallet();
  expect(() => money.settle([operation(trade), operation(release(buyId, alice), 1)])).toThrowError(
    expect.objectContaining({
      facts: expect.objectContaining({ why: "what was executed is not what was settled" }),
    }),
  );
});

test("the end of an order that was never reserved leaves a tombstone, unless it claims to have traded", () => {
  const money = memoryWallet({});
  const { tombstones } = money.settle([operation(release(buyId, alice))]);
  expect(tombstones).toMatchObject([
    { orderId: buyId, userId: alice, state: "CLOSED", asset: undefined, shard: 0 },
  ]);
  expect(() => money.settle([operation(release(sellId, bob, 1))])).toThrowError(
    expect.objectContaining({ reason: "SETTLEMENT_IMPOSSIBLE" }),
  );
});

test("a refused order stays refused when the shard closes it", () => {
  const money = memoryWallet({});
  money.reserve(reserveRequest({ orderId: buyId, userId: alice }));
  expect(money.settle([operation(release(buyId, alice))])).toMatchObject({ changed: [], tombstones: [] });
  expect(money.rows.get(buyId)?.state).toBe("REFUSED");
});

test("a word of the shard takes the order out of the sweep's sight, and is refused for an unknown order", () => {
  const money = tradingWallet();
  const mark = (orderId: string) => operation({ type: "mark", orderId });
  expect(money.settle([mark(buyId)]).changed).toMatchObject([{ orderId: buyId, isSequenced: true }]);
  expect(() => money.settle([mark(uuidOf("nobody"))])).toThrowError(
    expect.objectContaining({ reason: "SETTLEMENT_IMPOSSIBLE" }),
  );
});

test("money is neither created nor lost, whatever the history and however it is cut into batches", () => {
  fc.assert(
    fc.property(fc.integer(), fc.integer({ min: 1, max: 7 }), (seed, batchSize) => {
      const users = usersOf(4);
      const money = memoryWallet(
        Object.fromEntries(
          users.flatMap((userId) => [BASE, QUOTE].map((asset) => [keyText({ userId, asset }), 60_000n])),
        ),
      );
      const before = [money.total(BASE), money.total(QUOTE)];
      let held = true;
      const batch: Operation[] = [];
      for (const step of history(seed, { orders: 40, users, isHeld: () => held })) {
        if (step.type === "reserve") held = money.reserve(step.request);
        else batch.push(...step.operations);
        while (batch.length >= batchSize) money.settle(batch.splice(0, batchSize));
        expect([money.total(BASE), money.total(QUOTE)]).toEqual(before);
      }
      money.settle(batch);
      expect([...money.reserved.values()].every((atoms) => atoms === 0n)).toBe(true);
      for (const row of money.rows.values()) expectAccounted(row);
    }),
    { numRuns: 50 },
  );
});

test("after every record an open order holds its reserve price times what is open, whatever was amended", () => {
  const users = usersOf(4);
  const seen = { joined: 0, freed: 0, refused: 0, orders: 0 };
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      const money = memoryWallet(
        Object.fromEntries(
          users.flatMap((userId) => [BASE, QUOTE].map((asset) => [keyText({ userId, asset }), 90_000n])),
        ),
      );
      let held = true;
      for (const step of history(seed, { orders: 40, users, isHeld: () => held })) {
        if (step.type === "reserve") {
          held = money.reserve(step.request);
          continue;
        }
        money.settle(step.operations);
        const active = [...money.rows.values()].filter(({ state }) => state === "ACTIVE");
        expect(new Map(active.map((row) => [row.orderId, row.remainingAtoms]))).toEqual(step.held);
      }
      for (const row of money.rows.values()) {
        const legs = [...money.rows.values()].filter(({ legOf }) => legOf === row.orderId);
        expect(row.joinedAtoms).toBe(legs.reduce((sum, { movedAtoms }) => sum + movedAtoms, 0n));
        seen.orders += 1;
        if (row.joinedAtoms > 0n) seen.joined += 1;
        if (row.legOf !== undefined && row.releasedAtoms > 0n) seen.freed += 1;
        if (row.legOf !== undefined && row.state === "REFUSED") seen.refused += 1;
      }
    }),
    { numRuns: 60 },
  );
  // Every way of a leg was taken.
  for (const count of Object.values(seen)) expect(count).toBeGreaterThan(0);
});

/** I3, I5, I7 and I8 of one row. */
function expectAccounted(row: Reservation): void {
  if (row.state === "REFUSED") return;
  const {
    amountAtoms,
    joinedAtoms,
    spentAtoms,
    improvementAtoms,
    releasedAtoms,
    movedAtoms,
    remainingAtoms,
  } = row;
  const wentTo = spentAtoms + improvementAtoms + releasedAtoms + movedAtoms + remainingAtoms;
  expect(amountAtoms + joinedAtoms).toBe(wentTo);
  expect([row.state, remainingAtoms]).toEqual(["CLOSED", 0n]);
  for (const { receivedAtoms, feeAtoms, feePpm } of Object.values(row.totals)) {
    expect(feeAtoms).toBe((receivedAtoms * BigInt(feePpm ?? 0) + 999_999n) / 1_000_000n);
  }
}
