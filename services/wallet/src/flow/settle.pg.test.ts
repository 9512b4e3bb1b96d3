import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Operation } from "../core/operation.js";
import { beginning } from "../core/positions.js";
import { ledgerEntriesOf } from "../core/settle-trade.js";
import { history } from "../testing/history.js";
import { BASE, QUOTE, reserveRequest, usersOf, uuidOf } from "../testing/names.js";
import {
  openWalletDatabase,
  playHistory,
  positionAfter,
  reserveOne,
  type WalletDatabase,
} from "../testing/wallet-database.js";
import { listOrphans, noteSequenced } from "./orphans.js";
import { getReservation, reserveBatch } from "./reserve.js";
import { getCursor, settleBatch } from "./settle.js";

let wallet: WalletDatabase;
beforeEach(async () => {
  wallet = await openWalletDatabase();
});
afterEach(() => wallet.drop());

const users = usersOf(4);
async function fundUsers(): Promise<void> {
  for (const userId of users) for (const asset of [BASE, QUOTE]) await wallet.deposit(userId, asset, "0.002");
}

/** Reserves of a history carried out, its operations returned for the test to settle. */
async function operationsOf(seed: number, orders: number): Promise<Operation[]> {
  const operations: Operation[] = [];
  let isHeld = true;
  for (const step of history(seed, { orders, users, isHeld: () => isHeld })) {
    if (step.type === "record") operations.push(...step.operations);
    else isHeld = (await reserveOne(wallet.database, step.request)).type === "held";
  }
  return operations;
}

const move = { shard: 0, epoch: 1, after: beginning, operations: [] };

test.each([1, 7, 1_000])(
  "a history settled %i operations at a time leaves every audit clean and nothing held",
  async (batchSize) => {
    await fundUsers();
    await playHistory(wallet.database, { seed: 11, orders: 150, users, batchSize });
    expect(await wallet.breaches()).toEqual({});
    const { rows } = await wallet.pool.query(
      `SELECT count(*) FILTER (WHERE state = 'CLOSED') AS closed, count(*) FILTER (WHERE state = 'ACTIVE') AS active,
            (SELECT count(*) FROM wallet.settled_trades) AS trades FROM wallet.reservations`,
    );
    expect(rows[0]).toMatchObject({ active: 0 });
    expect(rows[0].closed).toBeGreaterThan(50);
    expect(rows[0].trades).toBeGreaterThan(50);
  },
);

test("the ledger has the entries that the core says follow from each trade, in their order", async () => {
  await fundUsers();
  const operations = await operationsOf(23, 60);
  const trades = operations.flatMap(({ effect }) => (effect.type === "trade" ? [effect] : []));
  expect(trades.length).toBeGreaterThan(20);
  await settleBatch(wallet.database, { ...move, through: positionAfter(operations.at(-1)), operations });
  for (const trade of trades) {
    const { rows } = await wallet.pool.query(
      `SELECT e.user_id, e.asset, e.amount, e.kind, t.kind AS booked
         FROM wallet.ledger_entries e JOIN wallet.ledger_transactions t USING (transaction_id, recorded_at)
        WHERE transaction_id = $1 ORDER BY entry_id`,
      [trade.tradeId],
    );
    expect(rows.map((row) => ({ ...row, amount: atomsOfNumeric(row.amount) }))).toEqual(
      ledgerEntriesOf(trade).map(({ userId, asset, amountAtoms }) => ({
        user_id: userId,
        asset,
        amount: amountAtoms,
        kind: "TRADE",
        booked: "TRADE",
      })),
    );
  }
});

test("reserves and settlements of the same accounts at once: nobody waits in a circle, all money is there", async () => {
  await fundUsers();
  const operations = await operationsOf(29, 80);
  const settled = (async () => {
    let after = beginning;
    for (let at = 0; at < operations.length; at += 20) {
      const part = operations.slice(at, at + 20);
      const through = positionAfter(part.at(-1));
      await settleBatch(wallet.database, { ...move, after, through, operations: part });
      after = through;
    }
  })();
  const answers = await Promise.all(
    Array.from({ length: 40 }, (_, number) =>
      reserveBatch(
        wallet.database,
        [...users]
          .reverse()
          .map((userId) =>
            reserveRequest({ orderId: uuidOf(`beside ${number} ${userId}`), userId, amountAtoms: 1n }),
          ),
      ),
    ),
  );
  await settled;
  expect(answers.flat().map(({ type }) => type)).toEqual(answers.flat().map(() => "held"));
  expect(await wallet.breaches()).toEqual({});
});

test("the same batch again is refused with the cursor as it is, and nothing moves twice", async () => {
  await fundUsers();
  const operations = await operationsOf(5, 20);
  const batch = { ...move, through: positionAfter(operations.at(-1)), operations };
  await settleBatch(wallet.database, batch);
  const balances = await Promise.all(users.map((userId) => wallet.balance(userId, QUOTE)));
  await expect(settleBatch(wallet.database, batch)).rejects.toMatchObject({
    reason: "SEQ_GAP",
    facts: {
      seq: String(batch.through.seq),
      operations: String(batch.through.operations),
      epoch: "1",
      stored_epoch: "1",
    },
  });
  expect(await Promise.all(users.map((userId) => wallet.balance(userId, QUOTE)))).toEqual(balances);
  expect(await wallet.breaches()).toEqual({});
});

test("two settlers that race over the same history settle it once", async () => {
  await fundUsers();
  const operations = await operationsOf(6, 60);
  const settler = async () => {
    let wins = 0;
    for (let start = 0; start < operations.length; start += 5) {
      const part = operations.slice(start, start + 5);
      const after = positionAfter(operations[start - 1]);
      const done = await settleBatch(wallet.database, {
        ...move,
        after,
        through: positionAfter(part.at(-1)),
        operations: part,
      }).then(
        () => true,
        (error: { reason?: string }) => (error.reason === "SEQ_GAP" ? false : Promise.reject(error)),
      );
      if (done) wins += 1;
    }
    return wins;
  };
  const wins = await Promise.all([settler(), settler(), settler()]);
  expect(wins.reduce((sum, each) => sum + each, 0)).toBe(Math.ceil(operations.length / 5));
  expect((await getCursor(wallet.database, 0)).position).toEqual(positionAfter(operations.at(-1)));
  expect(await wallet.breaches()).toEqual({});
});

test("shards settle at the same time over the same users", async () => {
  await fundUsers();
  const histories = await Promise.all(
    [0, 1, 2].map(async (shard) => {
      const operations: Operation[] = [];
      let isHeld = true;
      for (const step of history(100 + shard, { orders: 60, users, isHeld: () => isHeld })) {
        if (step.type === "record") operations.push(...step.operations);
        else isHeld = (await reserveOne(wallet.database, { ...step.request, shard })).type === "held";
      }
      return { shard, operations };
    }),
  );
  await Promise.all(
    histories.map(async ({ shard, operations }) => {
      for (let start = 0; start < operations.length; start += 3) {
        const part = operations.slice(start, start + 3);
        const after = positionAfter(operations[start - 1]);
        await settleBatch(wallet.database, {
          shard,
          epoch: 1,
          after,
          through: positionAfter(part.at(-1)),
          operations: part,
        });
      }
    }),
  );
  expect(await wallet.breaches()).toEqual({});
});

test("an empty batch stores a new epoch without moving, and a lower one is refused from then on", async () => {
  await settleBatch(wallet.database, { ...move, epoch: 3, through: beginning });
  expect(await getCursor(wallet.database, 0)).toEqual({ position: beginning, storedEpoch: 3 });
  await expect(
    settleBatch(wallet.database, { ...move, epoch: 2, through: { epoch: 2, seq: 1, operations: 0 } }),
  ).rejects.toMatchObject({ reason: "STALE_EPOCH", facts: { stored_epoch: "3", seq: "0" } });
});

test("the cursor passes records without operations", async () => {
  const through = { epoch: 1, seq: 40, operations: 0 };
  await settleBatch(wallet.database, { ...move, through });
  expect((await getCursor(wallet.database, 0)).position).toEqual(through);
});

test("a settlement that cannot be applied leaves everything as it was, the cursor too", async () => {
  await fundUsers();
  const operations = await operationsOf(8, 30);
  const trade = operations.findIndex(({ effect }) => effect.type === "trade");
  const spoilt = operations.map((operation, index) =>
    index === trade && operation.effect.type === "trade"
      ? { ...operation, effect: { ...operation.effect, buyer: { ...operation.effect.buyer, feeAtoms: 77n } } }
      : operation,
  );
  const batch = { ...move, through: positionAfter(operations.at(-1)) };
  await expect(settleBatch(wallet.database, { ...batch, operations: spoilt })).rejects.toMatchObject({
    reason: "SETTLEMENT_IMPOSSIBLE",
    facts: { why: "the fee differs", seq: String(operations[trade]?.seq) },
  });
  expect((await getCursor(wallet.database, 0)).position).toEqual(beginning);
  const { rows } = await wallet.pool.query("SELECT count(*) AS trades FROM wallet.settled_trades");
  expect(rows).toEqual([{ trades: 0 }]);
  expect(await wallet.breaches()).toEqual({});
  await settleBatch(wallet.database, { ...batch, operations });
});

test("a trade id that was settled before stops the shard, whatever its place", async () => {
  await fundUsers();
  const operations = await operationsOf(9, 30);
  const last = operations.findLast(({ effect }) => effect.type === "trade");
  const first = operations.find(({ effect }) => effect.type === "trade");
  if (first?.effect.type !== "trade" || last?.effect.type !== "trade")
    throw new Error("the history has trades");
  const { tradeId } = first.effect;
  const twice = operations.map((operation) =>
    operation === last && operation.effect.type === "trade"
      ? { ...operation, effect: { ...operation.effect, tradeId } }
      : operation,
  );
  await expect(
    settleBatch(wallet.database, { ...move, through: positionAfter(operations.at(-1)), operations: twice }),
  ).rejects.toMatchObject({ reason: "SETTLEMENT_IMPOSSIBLE", facts: { sqlstate: "23505" } });
});

test("a release and a late reserve of the same order race: it ends closed and holds nothing", async () => {
  const [userId = ""] = users;
  await wallet.deposit(userId, QUOTE, "1");
  let cursor = beginning;
  for (let seq = 1; seq <= 20; seq += 1) {
    const orderId = uuidOf(`race ${seq}`);
    const effect = {
      type: "release",
      orderId,
      userId,
      status: "CANCELLED",
      reason: "USER",
      executedLots: 0,
      executedTickLots: 0n,
      orderCreatedAtMs: seq,
      acceptedSeq: seq,
      amendedPriceTicks: 0,
      amendedQuantityLots: 0,
      legOf: undefined,
    } as const;
    const through = { epoch: 1, seq, operations: 1 };
    const batch = { ...move, after: cursor, through, operations: [{ seq, index: 0, timeMs: seq, effect }] };
    await Promise.all([
      settleBatch(wallet.database, batch),
      reserveOne(wallet.database, reserveRequest({ orderId, userId, amountAtoms: 5n })),
    ]);
    cursor = through;
    expect(await getReservation(wallet.database, orderId)).toMatchObject({
      state: "CLOSED",
      remainingAtoms: 0n,
    });
  }
  expect(await wallet.balance(userId, QUOTE)).toBe("100000000+0");
  expect(await wallet.breaches()).toEqual({});
});

test("an orphan is listed until its shard has said a word about it", async () => {
  const [userId = ""] = users;
  await wallet.deposit(userId, QUOTE, "1");
  const ids = ["one", "two", "three"].map(uuidOf);
  for (const orderId of ids) await reserveOne(wallet.database, reserveRequest({ orderId, userId }));
  const query = { shard: 0, olderThanMs: 0, limit: 0 };
  const orphans = async () => (await listOrphans(wallet.database, query)).map(({ orderId }) => orderId);
  expect(await orphans()).toEqual(ids);
  expect(await listOrphans(wallet.database, { ...query, olderThanMs: 60_000 })).toEqual([]);
  expect(await listOrphans(wallet.database, { ...query, shard: 1 })).toEqual([]);

  await noteSequenced(wallet.database, [ids[0] ?? "", uuidOf("nobody")]);
  const mark = { seq: 1, index: 0, timeMs: 1, effect: { type: "mark" as const, orderId: ids[1] ?? "" } };
  await settleBatch(wallet.database, { ...move, through: positionAfter(mark), operations: [mark] });
  expect(await orphans()).toEqual([ids[2]]);
});

test("a list of orphans goes on behind each of them, also where many have one time", async () => {
  const [userId = ""] = users;
  await wallet.deposit(userId, QUOTE, "1");
  const ids = ["one", "two", "three"].map(uuidOf);
  // Reserves of one transaction have its time.
  await reserveBatch(
    wallet.database,
    ids.map((orderId) => reserveRequest({ orderId, userId })),
  );
  const late = uuidOf("late");
  await reserveOne(wallet.database, reserveRequest({ orderId: late, userId }));
  const query = { shard: 0, olderThanMs: 0, limit: 1 };
  let after: string | undefined;
  for (const orderId of [...ids.toSorted(), late]) {
    expect(await listOrphans(wallet.database, { ...query, after })).toMatchObject([{ orderId }]);
    after = orderId;
  }
  expect(await listOrphans(wallet.database, { ...query, after })).toEqual([]);
  expect(await listOrphans(wallet.database, { ...query, after: uuidOf("nobody") })).toEqual([]);
});
