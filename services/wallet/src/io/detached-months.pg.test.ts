// Retention of the ledger: a month goes, as the wallet's own role, and every balance is still explained.
import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BASE, QUOTE, usersOf } from "../testing/names.js";
import { breachesOf, migrations, openOwnDatabase, playHistory } from "../testing/wallet-database.js";

const users = usersOf(4);
const MONTH = "2020-02-01";
const TABLE = "wallet.ledger_entries_2020_02";
let own: Awaited<ReturnType<typeof openOwnDatabase>>;

beforeAll(async () => {
  own = await openOwnDatabase();
  for (const userId of users) for (const asset of [BASE, QUOTE]) await own.deposit(userId, asset, "0.002");
  await playHistory(own.database, { seed: 14, orders: 60, users, batchSize: 50 });
  // A third of it happened long ago: as only a superuser can tell it, with every trigger off.
  await own.adminPool.query(`
    BEGIN;
    SET LOCAL session_replication_role = replica;
    SET LOCAL ROLE bourse_wallet;
    SELECT wallet.make_ledger_month('${MONTH}');
    RESET ROLE;
    UPDATE wallet.ledger_transactions SET recorded_at = '2020-02-29 23:59:59.999Z' WHERE hashtext(transaction_id::text) % 3 = 0;
    UPDATE wallet.ledger_entries SET recorded_at = '2020-02-29 23:59:59.999Z' WHERE hashtext(transaction_id::text) % 3 = 0;
    COMMIT`);
  expect(await rowsOf(TABLE)).toBeGreaterThan(50);
  expect(await own.breaches()).toEqual({});
});
afterAll(() => own?.drop());

const rowsOf = async (table: string) =>
  (await own.pool.query<{ count: number }>(`SELECT count(*) FROM ${table}`)).rows[0]?.count ?? 0;
const detach = (month: string) => own.pool.query("SELECT wallet.detach_ledger_month($1) AS name", [month]);
const attach = (month: string) => own.pool.query("SELECT wallet.attach_ledger_month($1)", [month]);

test("a month that is detached leaves what it adds up to, and comes back whole", async () => {
  const [all, gone] = [await rowsOf("wallet.ledger_entries"), await rowsOf(TABLE)];
  expect((await detach(MONTH)).rows).toEqual([{ name: TABLE }]);
  expect([await rowsOf("wallet.ledger_entries"), await rowsOf(TABLE)]).toEqual([all - gone, gone]);
  expect(await own.breaches()).toEqual({});
  await own.deposit(users[0] as string, QUOTE, "1");
  expect(await own.breaches()).toEqual({});

  await attach(MONTH);
  expect(await rowsOf("wallet.ledger_entries")).toBe(all + 2);
  expect(await rowsOf("wallet.detached_balances")).toBe(0);
  expect(await own.breaches()).toEqual({});
});

test.each([
  ["i2", "UPDATE wallet.detached_balances SET amount = amount + 1e-8 WHERE user_id = $1"],
  ["i2", "DELETE FROM wallet.detached_months WHERE $1::uuid IS NOT NULL"],
  ["i9", "DELETE FROM wallet.detached_months WHERE $1::uuid IS NOT NULL"],
  ["i2", "DELETE FROM wallet.ledger_entries WHERE user_id = $1"],
  ["i9", "UPDATE wallet.transfers SET transaction_id = gen_random_uuid() WHERE user_id = $1"],
])("audit_%s sees what is wrong while a month is detached: %s", async (name, damage) => {
  await detach(MONTH);
  const client = await own.adminPool.connect();
  try {
    await client.query("BEGIN; SET LOCAL session_replication_role = replica");
    expect((await client.query(damage, [users[0]])).rowCount).toBeGreaterThan(0);
    expect(Object.keys(await breachesOf(client))).toContain(name);
  } finally {
    await client.query("ROLLBACK");
    client.release();
    await attach(MONTH);
  }
});

test("this month is not detached, nor one that is not there, nor one twice; nothing is left of the attempt", async () => {
  const [row] = (
    await own.pool.query("SELECT date_trunc('month', now() AT TIME ZONE 'UTC')::date::text AS month")
  ).rows;
  await expect(detach(row.month)).rejects.toThrow("is not over since a day");
  await expect(detach("2019-01-01")).rejects.toThrow(
    'relation "wallet.ledger_entries_2019_01" does not exist',
  );
  await expect(detach("2020-02-02")).rejects.toMatchObject({ code: "23514" });
  await detach(MONTH);
  await expect(detach(MONTH)).rejects.toMatchObject({ code: "23505" });
  await attach(MONTH);
  expect(await rowsOf("wallet.detached_months")).toBe(0);
  expect(await own.breaches()).toEqual({});
});

test("going down takes detached months back, and refuses where their tables are gone", async () => {
  const { directory, schema } = migrations;
  const all = await rowsOf("wallet.ledger_entries");
  await detach(MONTH);
  await own.pool.query(`ALTER TABLE ${TABLE} RENAME TO archived`);
  await expect(migrateDown(own.pool, directory, { schema, to: 13 })).rejects.toThrow(
    "the entries of 2020-02 are detached and their tables are not here: restore them first",
  );
  await own.pool.query(`ALTER TABLE wallet.archived RENAME TO ${TABLE.replace("wallet.", "")}`);
  expect(await migrateDown(own.pool, directory, { schema, to: 13 })).toEqual(["0014-detached-months"]);
  expect(await rowsOf("wallet.ledger_entries")).toBe(all);
  expect(await own.breaches()).toEqual({});
  await migrate(own.pool, directory, { schema });
});
