// What the README tells an auditor to ask, asked as the auditor.
import { readFileSync } from "node:fs";
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { BASE, QUOTE, reserveRequest, usersOf, uuidOf } from "./testing/names.js";
import { openOwnDatabase, playHistory, reserveOne } from "./testing/wallet-database.js";

const readme = readFileSync(new URL("../README.md", import.meta.url), "utf8");
const auditing = readme.slice(readme.indexOf("## Auditing"), readme.indexOf("## How the settler works"));
const [everything = "", atRest = ""] = [...auditing.matchAll(/```sql\n([^`]+)```/g)].map(
  ([, sql]) => sql ?? "",
);
const orders = new URL("../../order-gateway/migrations/", import.meta.url);
const users = usersOf(4);

let own: Awaited<ReturnType<typeof openOwnDatabase>>;
let auditor: Pool;
beforeAll(async () => {
  own = await openOwnDatabase();
  await own.adminPool.query("CREATE SCHEMA orders AUTHORIZATION bourse_orders");
  const history = as("bourse_orders");
  await migrate(history, orders, { schema: "orders" });
  await history.end();
  for (const userId of users) for (const asset of [BASE, QUOTE]) await own.deposit(userId, asset, "0.002");
  // One that stays open.
  await reserveOne(
    own.database,
    reserveRequest({ orderId: uuidOf("open"), userId: users[0] as string, amountAtoms: 1n }),
  );
  await playHistory(own.database, { seed: 41, orders: 60, users, batchSize: 50 });
  auditor = as("bourse_auditor");
});
afterAll(async () => {
  await auditor?.end();
  await own?.drop();
});

function as(role: string): Pool {
  const url = new URL(own.url);
  url.username = role;
  return openPool(url.href, { connectionsMax: 2, statementTimeoutMs: 10_000, applicationName: "test" });
}

const breached = async () =>
  (await auditor.query<{ invariant: string; breaches: number }>(everything)).rows
    .filter(({ breaches }) => breaches > 0)
    .map(({ invariant }) => invariant);

test("one statement asks for every view there is, and finds nothing", async () => {
  const { rows } = await auditor.query<{ name: string }>(
    "SELECT viewname AS name FROM pg_views WHERE schemaname = 'wallet' AND viewname LIKE 'audit%'",
  );
  for (const { name } of rows) expect(everything).toContain(`wallet.${name}\n`.trimEnd());
  expect(rows.length).toBeGreaterThan(10);
  expect(await breached()).toEqual([]);
});

// Each rule broken as only a superuser can, with every trigger off.
const anyReservation =
  "order_id = (SELECT order_id FROM wallet.reservations WHERE state = 'CLOSED' AND spent > 0 LIMIT 1)";
test.each([
  ["I1", "UPDATE wallet.accounts SET available = available + 1 WHERE user_id = $1 AND asset = 'USDT'"],
  [
    "I2",
    "INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount) VALUES (gen_random_uuid(), $1, 'USDT', 1)",
  ],
  [
    "I4",
    "UPDATE wallet.accounts SET available = available - 1e-8, reserved = reserved + 1e-8 WHERE user_id = $1 AND asset = 'USDT'",
  ],
  [
    "I6",
    "INSERT INTO wallet.ledger_transactions (transaction_id, kind) SELECT gen_random_uuid(), 'TRADE' WHERE $1::uuid IS NOT NULL",
  ],
  [
    "I7",
    `UPDATE wallet.reservations SET spent = spent - 1e-8, released = released + 1e-8 WHERE ${anyReservation} AND $1::uuid IS NOT NULL`,
  ],
  ["I8", "UPDATE wallet.settled_trades SET buyer_fee = buyer_fee + 1e-8 WHERE buyer_user_id = $1"],
  ["I9", "UPDATE wallet.transfers SET amount = amount + 1e-8 WHERE user_id = $1"],
  ["I10", "DO $$ BEGIN GRANT UPDATE ON wallet.accounts TO bourse_auditor; END $$"],
  [
    "I12",
    "UPDATE wallet.reservations SET sequenced = false, created_at = now() - interval '61 s' WHERE state = 'ACTIVE' AND $1::uuid IS NOT NULL",
  ],
  ["I14", "UPDATE wallet.reservations SET ended_seq = 99999 WHERE state = 'CLOSED' AND user_id = $1"],
])("the auditor sees a breach of %s", async (invariant, sql) => {
  const client = await own.adminPool.connect();
  try {
    await client.query("BEGIN; SET LOCAL session_replication_role = replica");
    await client.query(sql, sql.includes("$1") ? [users[0]] : []);
    await client.query("SET LOCAL ROLE bourse_auditor");
    const { rows } = await client.query<{ invariant: string; breaches: number }>(everything);
    expect(rows.filter(({ breaches }) => breaches > 0).map((row) => row.invariant)).toContain(invariant);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});

test("what holds without an open order is found at rest", async () => {
  const { rows } = await auditor.query<{ order_id: string }>(atRest);
  const active = await own.pool.query("SELECT FROM wallet.reservations WHERE state = 'ACTIVE'");
  // This history has no projector, so every hold is one without an open order.
  expect(rows).toHaveLength(active.rowCount ?? 0);
  expect(rows.length).toBeGreaterThan(0);
});
