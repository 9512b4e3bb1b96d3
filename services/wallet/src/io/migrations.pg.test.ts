import { migrate, migrateDown, readMigrations } from "@bourse/shared/postgres/migrate.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BASE, QUOTE, usersOf } from "../testing/names.js";
import {
  breachesOf,
  migrations,
  openOwnDatabase,
  openWalletDatabase,
  playHistory,
  type WalletDatabase,
} from "../testing/wallet-database.js";

let wallet: WalletDatabase;
const users = usersOf(4);
beforeAll(async () => {
  wallet = await openWalletDatabase();
  for (const userId of users) for (const asset of [BASE, QUOTE]) await wallet.deposit(userId, asset, "0.002");
  await playHistory(wallet.database, { seed: 31, orders: 60, users, batchSize: 50 });
});
afterAll(async () => {
  await wallet.drop();
  await (await ownOnce)?.drop();
});

let ownOnce: ReturnType<typeof openOwnDatabase> | undefined;
/** A wallet of its own role that no test changes for good. */
const sharedOwn = () => (ownOnce ??= openOwnDatabase());

const { directory, schema } = migrations;

// What the constraints alone would let through, done with their triggers off.
const damages: [string, string][] = [
  ["i1", "UPDATE wallet.accounts SET available = available + 1 WHERE user_id = $1 AND asset = 'USDT'"],
  [
    "i2",
    "INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount) VALUES (gen_random_uuid(), $1, 'USDT', 1)",
  ],
  [
    "i4",
    "UPDATE wallet.accounts SET available = available - 1e-8, reserved = reserved + 1e-8 WHERE user_id = $1 AND asset = 'USDT'",
  ],
  ["i6", "UPDATE wallet.shard_cursors SET seq = 5 WHERE $1::uuid IS NOT NULL"],
  [
    "i7",
    "UPDATE wallet.reservations SET spent = spent + 1e-8, released = released - 1e-8 WHERE order_id = (SELECT order_id FROM wallet.reservations WHERE user_id = $1 AND released > 0 LIMIT 1)",
  ],
  [
    "i8",
    "UPDATE wallet.settled_trades SET buyer_fee = buyer_fee + 1e-8 WHERE trade_id = (SELECT trade_id FROM wallet.settled_trades WHERE buyer_user_id = $1 LIMIT 1)",
  ],
  [
    "i7",
    "UPDATE wallet.reservations SET joined = joined + 1e-8, released = released + 1e-8 WHERE order_id = (SELECT order_id FROM wallet.reservations WHERE user_id = $1 AND joined > 0 LIMIT 1)",
  ],
  [
    "i7",
    "UPDATE wallet.reservations SET leg_of = gen_random_uuid() WHERE order_id = (SELECT order_id FROM wallet.reservations WHERE user_id = $1 AND moved > 0 LIMIT 1)",
  ],
  ["i9", "UPDATE wallet.transfers SET amount = amount + 1e-8 WHERE user_id = $1"],
  ["i14", "UPDATE wallet.reservations SET ended_seq = 99999 WHERE user_id = $1 AND state = 'CLOSED'"],
];

test.each(damages)("audit_%s finds what is wrong", async (name, damage) => {
  const client = await wallet.pool.connect();
  try {
    await client.query("BEGIN");
    expect(await breachesOf(client)).toEqual({});
    await client.query("SET LOCAL session_replication_role = replica");
    const { rowCount } = await client.query(damage, [users[0]]);
    expect(rowCount).toBeGreaterThan(0);
    expect(Object.keys(await breachesOf(client))).toContain(name);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});

test.each([
  [
    "a negative balance",
    "UPDATE wallet.accounts SET available = -1 WHERE user_id = $1",
    "available_not_negative",
  ],
  [
    "a closed reservation that reopens",
    "UPDATE wallet.reservations SET state = 'ACTIVE' WHERE user_id = $1",
    "",
  ],
  [
    "an account of what is no asset",
    "INSERT INTO wallet.accounts (user_id, asset) VALUES ($1, 'usdt')",
    "accounts_asset_check",
  ],
  ["an account that becomes another", "UPDATE wallet.accounts SET asset = 'BTC' WHERE user_id = $1", ""],
  [
    "a hold on what is no asset",
    "INSERT INTO wallet.reservations (order_id, user_id, state, shard, asset, amount, remaining, fingerprint, terms) VALUES (gen_random_uuid(), $1, 'ACTIVE', 0, 'A', 1, 1, sha256(''), '')",
    "reservations_asset_check",
  ],
  ["a reservation that changes hands", "UPDATE wallet.reservations SET shard = 7 WHERE user_id = $1", ""],
  ["a reservation that vanishes", "DELETE FROM wallet.reservations WHERE user_id = $1", ""],
  [
    "a ledger that is rewritten",
    "UPDATE wallet.ledger_entries SET amount = amount + 1 WHERE user_id = $1",
    "",
  ],
  ["a cursor that goes back", "UPDATE wallet.shard_cursors SET seq = 1 WHERE $1::uuid IS NOT NULL", ""],
  [
    "an atom that is nowhere",
    "INSERT INTO wallet.reservations (order_id, user_id, state, shard, asset, amount, remaining, fingerprint, terms) VALUES (gen_random_uuid(), $1, 'ACTIVE', 0, 'USDT', 2, 1, sha256(''), '')",
    "every_atom_is_somewhere",
  ],
  [
    "an end that came before its beginning",
    "INSERT INTO wallet.reservations (order_id, user_id, state, shard, amount, remaining, final_status, executed_lots, executed_tick_lots, order_ended_at_ms, ended_seq, accepted_seq) VALUES (gen_random_uuid(), $1, 'CLOSED', 0, 0, 0, 'CANCELLED', 0, 0, 1, 4, 5)",
    "accepted_before_it_ended",
  ],
  [
    "a leg that joins in part",
    "INSERT INTO wallet.reservations (order_id, leg_of, user_id, state, shard, asset, amount, moved, remaining, fingerprint, terms) VALUES (gen_random_uuid(), gen_random_uuid(), $1, 'ACTIVE', 0, 'USDT', 2, 1, 1, sha256(''), '')",
    "a_leg_joins_whole",
  ],
  [
    "an order that gives itself away as a leg",
    "INSERT INTO wallet.reservations (order_id, user_id, state, shard, asset, amount, moved, remaining, fingerprint, terms) VALUES (gen_random_uuid(), $1, 'ACTIVE', 0, 'USDT', 2, 2, 0, sha256(''), '')",
    "a_leg_joins_whole",
  ],
])("the database refuses %s", async (_, sql, constraint) => {
  const failure = await wallet.pool.query(sql, [users[0]]).then(
    () => undefined,
    (error: { code: string; constraint?: string }) => error,
  );
  expect(failure).toMatchObject({ code: "23514", ...(constraint !== "" && { constraint }) });
});

test("an auditor reads every table and view and changes nothing", async () => {
  const { rows } = await wallet.pool.query<{ table: string; reads: boolean; writes: boolean }>(
    `SELECT relname AS table,
            has_table_privilege('bourse_auditor', c.oid, 'SELECT') AS reads,
            has_table_privilege('bourse_auditor', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE') AS writes
       FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
      WHERE nspname = 'wallet' AND relkind IN ('r', 'p', 'v')`,
  );
  expect(rows.length).toBeGreaterThan(15);
  expect(rows.filter(({ reads, writes }) => !reads || writes)).toEqual([]);
});

test("legs go down as a part of their orders' holds, and every audit stays clean", async () => {
  const total =
    "SELECT sum(amount + joined - moved) AS held, sum(remaining) AS left FROM wallet.reservations";
  const legs = "SELECT count(*) AS legs FROM wallet.reservations WHERE moved > 0";
  expect((await wallet.pool.query(legs)).rows[0].legs).toBeGreaterThan(3);
  const [before] = (await wallet.pool.query(total)).rows;
  await migrateDown(wallet.pool, directory, { schema, to: 6 });
  expect(await breachesOf(wallet.pool)).toEqual({});
  expect((await wallet.pool.query(total.replace("- moved", ""))).rows).toEqual([before]);
  await migrate(wallet.pool, directory, { schema });
  expect(await breachesOf(wallet.pool)).toEqual({});
});

test("every migration goes down and up again as the wallet's own role, with data in the tables", async () => {
  const own = await openOwnDatabase();
  try {
    for (const userId of users) for (const asset of [BASE, QUOTE]) await own.deposit(userId, asset, "0.002");
    await playHistory(own.database, { seed: 37, orders: 60, users, batchSize: 50 });
    expect(await own.breaches()).toEqual({});
    const all = await readMigrations(directory);
    for (const { number: last } of all.toReversed()) {
      const to = last - 1;
      const above = all.filter(({ number }) => number > to).map(({ name }) => name);
      expect(await migrateDown(own.pool, directory, { schema, to })).toEqual(above.toReversed());
      const { rows } = await own.pool.query(
        `SELECT relname FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
          WHERE nspname = 'wallet' AND relkind IN ('r', 'p', 'v')`,
      );
      expect(rows.length === 1).toBe(to === 0);
      expect(await migrate(own.pool, directory, { schema })).toEqual(above);
      expect(await migrate(own.pool, directory, { schema })).toEqual([]);
      // Further down the tables themselves go, and what they held.
      if (to >= 4) expect(await own.breaches()).toEqual({});
    }
  } finally {
    await own.drop();
  }
});

const month = "wallet.ledger_entries_'||to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')||'";
test.each([
  [
    "another role that may write",
    "GRANT UPDATE ON wallet.accounts TO bourse_orders",
    "may be written by another role",
  ],
  [
    "another role that may make tables",
    "GRANT CREATE ON SCHEMA wallet TO bourse_auditor",
    "may be created in by another role",
  ],
  [
    "an owner who may rewrite the ledger",
    "GRANT DELETE ON wallet.ledger_entries TO bourse_wallet",
    "may be rewritten by its owner",
  ],
  [
    "an owner who may rewrite a month",
    `GRANT UPDATE ON ${month} TO bourse_wallet`,
    "may be rewritten by its owner",
  ],
  [
    "a trigger that is off",
    "ALTER TABLE wallet.reservations DISABLE TRIGGER final_never_changes",
    "guard is off",
  ],
  ["a month whose trigger is off", `ALTER TABLE ${month} DISABLE TRIGGER entries_balance`, "guard is off"],
  ["a month without its trigger", `DROP TRIGGER append_only ON ${month}`, "guard is missing"],
  ["a table of another role", "ALTER TABLE wallet.transfers OWNER TO bourse", "belongs to another role"],
])("audit_i10 finds %s", async (_, sql, breach) => {
  const own = await sharedOwn();
  const client = await own.adminPool.connect();
  try {
    await client.query("BEGIN");
    expect(await breachesOf(client)).toEqual({});
    await client.query(`DO $$ BEGIN EXECUTE '${sql}'; END $$`);
    const { rows } = await client.query("SELECT DISTINCT breach FROM wallet.audit_i10");
    expect(rows.map((row) => row.breach)).toEqual([breach]);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});
