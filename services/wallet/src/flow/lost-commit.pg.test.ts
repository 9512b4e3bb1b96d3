import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { beginning } from "../core/positions.js";
import type { Database } from "../io/database.js";
import { type CutProxy, openCutProxy } from "../testing/cut-proxy.js";
import { reserveRequest, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { getReservation } from "./reserve.js";
import { getCursor, settleBatch } from "./settle.js";
import { doTransfer } from "./transfer.js";

let wallet: WalletDatabase;
let proxy: CutProxy;
let pool: Pool;
let database: Database;
const alice = uuidOf("alice");

beforeEach(async () => {
  wallet = await openWalletDatabase();
  await wallet.deposit(alice, "USDT", "1");
  proxy = await openCutProxy(wallet.url);
  pool = openPool(proxy.url, { connectionsMax: 2, statementTimeoutMs: 5_000, applicationName: "test" });
  database = { pool, clock: systemClock, random: seededRandom(3), onCommit: () => {} };
});
afterEach(async () => {
  await pool.end();
  await proxy.close();
  await wallet.drop();
});

const request = reserveRequest({ orderId: uuidOf("order"), userId: alice, amountAtoms: 40n });

test.each(["before commit", "after commit"] as const)(
  "a reserve whose connection breaks %s holds once, and is answered from what stands",
  async (mode) => {
    proxy.cut(mode);
    expect(await reserveOne(database, request)).toMatchObject({
      type: "held",
      reservation: { state: "ACTIVE", amountAtoms: 40n },
    });
    expect(proxy.count()).toBe(1);
    expect(await wallet.balance(alice, "USDT")).toBe("99999960+40");
    expect(await wallet.breaches()).toEqual({});
  },
);

test("a refusal whose answer is lost stays the same refusal", async () => {
  proxy.cut("after commit");
  expect(await reserveOne(database, { ...request, amountAtoms: 10n ** 18n })).toMatchObject({
    type: "refused",
  });
  expect(await getReservation(database, request.orderId)).toMatchObject({ state: "REFUSED" });
});

test("when the database stays away the outcome is unknown, also when the money is held", async () => {
  proxy.cut("after commit", 99);
  await expect(reserveOne(database, request)).rejects.toMatchObject({
    reason: "WALLET_UNAVAILABLE",
    facts: { outcome: "UNKNOWN" },
  });
  expect(await wallet.balance(alice, "USDT")).toBe("99999960+40");

  proxy.cut("everything", 99);
  await expect(getReservation(database, request.orderId)).rejects.toMatchObject({
    reason: "WALLET_UNAVAILABLE",
  });
  proxy.cut("nothing");
  expect(await reserveOne(database, request)).toMatchObject({ type: "held", isReplayed: true });
});

test.each(["before commit", "after commit"] as const)(
  "a deposit whose connection breaks %s is done once",
  async (mode) => {
    proxy.cut(mode);
    const deposit = {
      kind: "DEPOSIT",
      requestId: "lost",
      transactionId: uuidOf("lost"),
      userId: alice,
      asset: "USDT",
      amountAtoms: 5n,
    } as const;
    expect((await doTransfer(database, deposit)).after.availableAtoms).toBe(100_000_005n);
    expect(await wallet.balance(alice, "USDT")).toBe("100000005+0");
    expect(await wallet.breaches()).toEqual({});
  },
);

test.each([
  ["before commit", beginning],
  ["after commit", { epoch: 1, seq: 9, operations: 0 }],
] as const)(
  "a settlement whose connection breaks %s is not repeated by itself: the cursor tells",
  async (mode, stands) => {
    const batch = {
      shard: 0,
      epoch: 1,
      after: beginning,
      through: { epoch: 1, seq: 9, operations: 0 },
      operations: [],
    };
    // The shard's row exists, so that there is one COMMIT only.
    await settleBatch(database, { ...batch, through: beginning });
    proxy.cut(mode);
    await expect(settleBatch(database, batch)).rejects.toMatchObject({
      reason: "WALLET_UNAVAILABLE",
      facts: { outcome: "UNKNOWN" },
    });
    expect((await getCursor(database, 0)).position).toEqual(stands);
  },
);
