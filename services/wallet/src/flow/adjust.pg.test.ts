// Amends at the database: legs that join or are freed, races with late reserves, settlers that die on the way.
import { openPool } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Operation } from "../core/operation.js";
import { beginning, type Position } from "../core/positions.js";
import { openCutProxy } from "../testing/cut-proxy.js";
import { QUOTE, reserveRequest, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { listOrphans } from "./orphans.js";
import { getReservation } from "./reserve.js";
import { getCursor, settleBatch } from "./settle.js";

const alice = uuidOf("alice");
const [orderId, legId] = [uuidOf("order"), uuidOf("leg")];
const order = reserveRequest({ orderId, userId: alice, amountAtoms: 600n });
const leg = reserveRequest({ orderId: legId, legOf: orderId, userId: alice, amountAtoms: 300n });

let wallet: WalletDatabase;
let cursor: Position;
beforeEach(async () => {
  wallet = await openWalletDatabase();
  await wallet.deposit(alice, QUOTE, "0.00001");
  cursor = beginning;
});
afterEach(async () => {
  expect(await wallet.breaches()).toEqual({});
  await wallet.drop();
});

/** The next record of the shard, as a batch. */
function batchOf(...effects: Operation["effect"][]) {
  const seq = cursor.seq + 1;
  const operations = effects.map((effect, index) => ({ seq, index, timeMs: seq, effect }));
  return {
    shard: 0,
    epoch: 1,
    after: cursor,
    through: { epoch: 1, seq, operations: effects.length },
    operations,
  };
}

async function settle(...effects: Operation["effect"][]): Promise<void> {
  cursor = await settleBatch(wallet.database, batchOf(...effects));
}

const adjust = (remainingAtoms: bigint, name: string = legId) =>
  ({ type: "adjust", orderId, userId: alice, legId: name, remainingAtoms }) as const;
const release = (id: string, change: { status?: "CANCELLED" | "REJECTED"; reason?: string } = {}) => {
  const word = { status: "CANCELLED", reason: "USER", executedLots: 0, executedTickLots: 0n } as const;
  const amended = { amendedPriceTicks: 0, amendedQuantityLots: 0, legOf: undefined };
  return {
    type: "release",
    orderId: id,
    userId: alice,
    orderCreatedAtMs: 1,
    acceptedSeq: 1,
    ...word,
    ...amended,
    ...change,
  } as const;
};

test("an order whose leg joined holds both, gives back what it no longer needs, and ends with the new terms", async () => {
  await reserveOne(wallet.database, order);
  await reserveOne(wallet.database, leg);
  expect(await wallet.balance(alice, QUOTE)).toBe("100+900");
  await settle(adjust(850n));
  expect(await wallet.balance(alice, QUOTE)).toBe("150+850");
  expect(await wallet.breaches()).toEqual({});
  await settle({ ...adjust(700n), legId: undefined });
  await settle({ ...release(orderId), amendedPriceTicks: 107, amendedQuantityLots: 9 });
  expect(await wallet.balance(alice, QUOTE)).toBe("1000+0");
  expect(await getReservation(wallet.database, orderId)).toMatchObject({
    state: "CLOSED",
    amountAtoms: 600n,
    joinedAtoms: 300n,
    releasedAtoms: 900n,
    finalWord: { amendedPriceTicks: 107, amendedQuantityLots: 9 },
  });
  expect(await getReservation(wallet.database, legId)).toMatchObject({
    state: "CLOSED",
    legOf: orderId,
    movedAtoms: 300n,
    finalWord: { status: "CANCELLED", reason: "AMENDED", endedSeq: 1 },
  });
});

test("a refused amend frees its leg, and a tombstone does too", async () => {
  await reserveOne(wallet.database, order);
  await reserveOne(wallet.database, leg);
  const second = { ...leg, orderId: uuidOf("second leg"), amountAtoms: 50n };
  await reserveOne(wallet.database, second);
  expect(
    (await listOrphans(wallet.database, { shard: 0, olderThanMs: 0, limit: 0 })).map((row) => row.legOf),
  ).toEqual([undefined, orderId, orderId]);
  await settle(release(legId, { status: "REJECTED", reason: "" }));
  await settle(release(second.orderId, { status: "REJECTED", reason: "NOT_SEQUENCED" }));
  expect(await wallet.balance(alice, QUOTE)).toBe("400+600");
  expect(await reserveOne(wallet.database, leg)).toMatchObject({
    type: "held",
    isReplayed: true,
    reservation: { state: "CLOSED", finalWord: { status: "REJECTED", reason: "" } },
  });
});

test("an amend and a late reserve of its leg race: the leg ends closed, and nothing is held twice", async () => {
  await reserveOne(wallet.database, order);
  for (let round = 0; round < 20; round += 1) {
    const late = { ...leg, orderId: uuidOf(`late ${round}`), amountAtoms: 7n };
    const batch = batchOf(adjust(600n, late.orderId));
    const [settled, answer] = await Promise.all([
      settleBatch(wallet.database, batch),
      reserveOne(wallet.database, late),
    ]);
    cursor = settled;
    expect(answer.type).toBe("held");
    expect(await getReservation(wallet.database, late.orderId)).toMatchObject({
      state: "CLOSED",
      remainingAtoms: 0n,
    });
  }
  expect(await wallet.balance(alice, QUOTE)).toBe("400+600");
});

test.each(["before commit", "after commit"] as const)(
  "a wallet that loses its database %s joins the leg once: the cursor tells whether it did",
  async (mode) => {
    await reserveOne(wallet.database, order);
    await reserveOne(wallet.database, leg);
    const proxy = await openCutProxy(wallet.url);
    const pool = openPool(proxy.url, {
      connectionsMax: 1,
      statementTimeoutMs: 5_000,
      applicationName: "test",
    });
    const cut = { pool, clock: systemClock, random: seededRandom(3), onCommit: () => {} };
    try {
      const batch = batchOf(adjust(650n));
      proxy.cut(mode);
      await expect(settleBatch(cut, batch)).rejects.toMatchObject({ reason: "WALLET_UNAVAILABLE" });
      const isDone = (await getCursor(wallet.database, 0)).position.seq === 1;
      expect(isDone).toBe(mode === "after commit");
      // The settler sends the same again, and takes a cursor that stands at its end for success.
      if (isDone) await expect(settleBatch(cut, batch)).rejects.toMatchObject({ reason: "SEQ_GAP" });
      else await settleBatch(cut, batch);
      expect(await wallet.balance(alice, QUOTE)).toBe("350+650");
    } finally {
      await pool.end();
      await proxy.close();
    }
  },
);

test("a record that is cut between the join of a leg and the end of its order stays whole at both halves", async () => {
  await reserveOne(wallet.database, order);
  await reserveOne(wallet.database, leg);
  const { operations, ...batch } = batchOf(adjust(800n), release(orderId));
  const half = { epoch: 1, seq: 1, operations: 1 };
  await settleBatch(wallet.database, { ...batch, through: half, operations: operations.slice(0, 1) });
  expect(await wallet.breaches()).toEqual({});
  expect(await wallet.balance(alice, QUOTE)).toBe("200+800");
  await settleBatch(wallet.database, { ...batch, after: half, operations: operations.slice(1) });
  expect(await wallet.balance(alice, QUOTE)).toBe("1000+0");
});

test("an adjustment that needs more than is held changes nothing, the cursor neither", async () => {
  await reserveOne(wallet.database, order);
  await reserveOne(wallet.database, leg);
  await expect(settle(adjust(901n))).rejects.toMatchObject({
    reason: "SETTLEMENT_IMPOSSIBLE",
    facts: { why: "less is held than the order needs", remaining: "900", needed: "901" },
  });
  expect((await getCursor(wallet.database, 0)).position).toEqual(beginning);
  expect(await wallet.balance(alice, QUOTE)).toBe("100+900");
});
