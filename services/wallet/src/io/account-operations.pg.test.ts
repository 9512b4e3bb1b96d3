// Migration 0010 with data in the tables, both ways, and its audit views over damage.
import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADJUSTMENTS_USER_ID, EXTERNAL_USER_ID } from "../core/postings.js";
import { doTransfer } from "../flow/transfer.js";
import { endWithdrawal, getWithdrawal, holdWithdrawal } from "../flow/withdraw.js";
import { accountRequest, adjustmentOf, depositOf } from "../testing/account-requests.js";
import { uuidOf } from "../testing/names.js";
import {
  breachesOf,
  migrations,
  openWalletDatabase,
  type WalletDatabase,
} from "../testing/wallet-database.js";

let wallet: WalletDatabase;
const alice = uuidOf("alice");
const { directory, schema } = migrations;

beforeAll(async () => {
  wallet = await openWalletDatabase();
  const { database } = wallet;
  await doTransfer(database, depositOf({ requestId: "deposit", amountAtoms: 1_000n }));
  await doTransfer(database, adjustmentOf({ requestId: "give", amountAtoms: 50n }));
  await doTransfer(database, adjustmentOf({ requestId: "take", amountAtoms: 20n, direction: "DEBIT" }));
  for (const requestId of ["completed", "cancelled", "held"]) {
    await holdWithdrawal(database, accountRequest({ requestId, amountAtoms: 100n }));
  }
  await endWithdrawal(database, "completed", "COMPLETED");
  await endWithdrawal(database, "cancelled", "CANCELLED");
});
afterAll(() => wallet.drop());

const withUser = "user_id = $1";
const damages: [string, string, string][] = [
  [
    "i1",
    "an adjustment that the house does not know",
    `UPDATE wallet.transfers SET amount = amount + 1 WHERE reason IS NOT NULL AND direction = 'CREDIT' AND ${withUser}`,
  ],
  [
    "i2",
    "an entry of another kind than its transaction",
    `UPDATE wallet.ledger_entries SET kind = 'TRADE' WHERE kind = 'DEPOSIT' AND ${withUser}`,
  ],
  [
    "i4",
    "a hold that nobody holds",
    `UPDATE wallet.withdrawals SET amount = amount + 1 WHERE state = 'HELD' AND ${withUser}`,
  ],
  [
    "i9",
    "a completed withdrawal without transfer",
    `DELETE FROM wallet.transfers WHERE kind = 'WITHDRAWAL' AND ${withUser}`,
  ],
  [
    "i9",
    "a transfer without withdrawal",
    `DELETE FROM wallet.withdrawals WHERE state = 'COMPLETED' AND ${withUser}`,
  ],
  [
    "i9",
    "a transfer of a cancelled withdrawal",
    `UPDATE wallet.withdrawals SET state = 'CANCELLED' WHERE state = 'COMPLETED' AND ${withUser}`,
  ],
  [
    "i9",
    "a withdrawal of another amount than its transfer",
    `UPDATE wallet.withdrawals SET amount = amount + 1 WHERE state = 'COMPLETED' AND ${withUser}`,
  ],
  [
    "i9",
    "an adjustment against the outside world",
    `UPDATE wallet.ledger_entries SET user_id = '${EXTERNAL_USER_ID}' WHERE kind = 'ADJUSTMENT' AND user_id <> $1`,
  ],
  [
    "i9",
    "an answer with other entries",
    `UPDATE wallet.transfers SET entry_ids = '{1,99}' WHERE kind = 'DEPOSIT' AND ${withUser}`,
  ],
  [
    "i9",
    "a debit that was a credit",
    `UPDATE wallet.transfers SET direction = 'CREDIT' WHERE direction = 'DEBIT' AND kind = 'ADJUSTMENT' AND ${withUser}`,
  ],
  [
    "i9",
    "a key that nothing was done under",
    `DELETE FROM wallet.withdrawals WHERE state = 'HELD' AND ${withUser}`,
  ],
];

test.each(damages)("audit_%s finds %s", async (name, _, damage) => {
  const client = await wallet.pool.connect();
  try {
    await client.query("BEGIN");
    expect(await breachesOf(client)).toEqual({});
    await client.query("SET LOCAL session_replication_role = replica");
    const { rowCount } = await client.query(damage, [alice]);
    expect(rowCount).toBeGreaterThan(0);
    expect(Object.keys(await breachesOf(client))).toContain(name);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});

test.each([
  [
    "reason",
    "UPDATE wallet.transfers SET reason = NULL WHERE kind = 'ADJUSTMENT'",
    "an_adjustment_has_a_reason",
  ],
  [
    "direction",
    "UPDATE wallet.transfers SET direction = 'DEBIT' WHERE kind = 'DEPOSIT'",
    "direction_of_its_kind",
  ],
])("a transfer has the %s of its kind", async (_, sql, constraint) => {
  const client = await wallet.pool.connect();
  try {
    await client.query("BEGIN; ALTER TABLE wallet.transfers DISABLE TRIGGER append_only");
    await expect(client.query(sql)).rejects.toMatchObject({ code: "23514", constraint });
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});

// Last: they take columns away.
test("going down frees what is held and turns adjustments into transfers; no atom is lost, every audit clean", async () => {
  expect(await wallet.balance(alice, "BTC")).toBe("830+100");
  await migrateDown(wallet.pool, directory, { schema, to: 9 });
  expect(await breachesOf(wallet.pool)).toEqual({});
  expect(await wallet.balance(alice, "BTC")).toBe("930+0");
  expect(await wallet.balance(EXTERNAL_USER_ID, "BTC")).toBe("-930+0");
  expect(await wallet.balance(ADJUSTMENTS_USER_ID, "BTC")).toBe("0+0");
  const { rows } = await wallet.pool.query(
    "SELECT request_id, kind FROM wallet.transfers ORDER BY request_id",
  );
  expect(rows.map(({ request_id, kind }) => `${request_id} ${kind}`)).toEqual([
    "completed WITHDRAWAL",
    "deposit DEPOSIT",
    "give DEPOSIT",
    "take WITHDRAWAL",
  ]);
});

test("going up finds the kinds, keys and entries of what was there", async () => {
  const { rows } = await wallet.pool.query(
    "SELECT array_agg(entry_id ORDER BY entry_id) AS ids FROM wallet.ledger_entries GROUP BY transaction_id",
  );
  await migrate(wallet.pool, directory, { schema });
  expect(await breachesOf(wallet.pool)).toEqual({});
  const transfers = await wallet.pool.query("SELECT entry_ids AS ids FROM wallet.transfers");
  const sorted = (lists: { ids: string[] }[]) => lists.map(({ ids }) => ids.join()).sort();
  expect(sorted(transfers.rows)).toEqual(sorted(rows));

  // What was done before is answered as done, and its key is taken.
  const { database } = wallet;
  expect(await getWithdrawal(database, "completed")).toMatchObject({ state: "COMPLETED", amountAtoms: 100n });
  expect(await endWithdrawal(database, "completed", "COMPLETED")).toMatchObject({ state: "COMPLETED" });
  expect(
    (await doTransfer(database, depositOf({ requestId: "deposit", amountAtoms: 1_000n }))).entryIds,
  ).toHaveLength(2);
  await expect(doTransfer(database, depositOf({ requestId: "completed" }))).rejects.toMatchObject({
    reason: "REQUEST_ID_REUSED",
  });
  const held = accountRequest({ requestId: "again", amountAtoms: 30n });
  await holdWithdrawal(database, held);
  expect(await wallet.balance(alice, "BTC")).toBe("900+30");
  expect(await breachesOf(wallet.pool)).toEqual({});
});
