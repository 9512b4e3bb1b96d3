import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { BASE, QUOTE, usersOf } from "../testing/names.js";
import {
  migrations,
  openWalletDatabase,
  playHistory,
  type WalletDatabase,
} from "../testing/wallet-database.js";
import { makeLedgerMonths } from "./ledger-months.js";

const { directory, schema } = migrations;
const users = usersOf(3);
let wallet: WalletDatabase;
/** Names of this month's tables, one of transactions and one of entries. */
let months: { transactions: string; entries: string };

beforeAll(async () => {
  wallet = await openWalletDatabase();
  for (const userId of users) for (const asset of [BASE, QUOTE]) await wallet.deposit(userId, asset, "0.002");
  await playHistory(wallet.database, { seed: 8, orders: 40, users, batchSize: 40 });
});
afterAll(() => wallet.drop());
beforeEach(async () => {
  const [row] = await ask<{ month: string }>("SELECT to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM') AS month");
  months = {
    transactions: `wallet.ledger_transactions_${row?.month}`,
    entries: `wallet.ledger_entries_${row?.month}`,
  };
});

async function ask<T extends object>(sql: string, values: unknown[] = []): Promise<T[]> {
  return (await wallet.pool.query<T>(sql, values)).rows;
}

/** What the ledger says, without regard to how it is stored; the months its tables have. */
const contents = () =>
  Promise.all([
    ask(
      "SELECT entry_id, transaction_id, user_id, asset, amount::text FROM wallet.ledger_entries ORDER BY entry_id",
    ),
    ask(
      "SELECT transaction_id, kind, recorded_at::text FROM wallet.ledger_transactions ORDER BY transaction_id",
    ),
  ]);
const partitionsOf = async (table: string) =>
  (
    await ask<{ name: string }>(
      "SELECT relid::regclass::text AS name FROM pg_partition_tree($1) WHERE isleaf ORDER BY 1",
      [table],
    )
  ).map(({ name }) => name);

/** Transaction, user, asset and amount of entries to write. */
type Row = readonly [transaction: string, user: number, asset: string, amount: string];
const one = "00000000-0000-4000-8000-000000000001";
const two = "00000000-0000-4000-8000-000000000002";
const write = (table: string, rows: readonly Row[]) =>
  wallet.pool.query(
    `INSERT INTO ${table} (transaction_id, user_id, asset, amount)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::numeric[])`,
    [
      rows.map(([transaction]) => transaction),
      rows.map(([, user]) => users[user]),
      rows.map(([, , asset]) => asset),
      rows.map(([, , , amount]) => amount),
    ],
  );

test("the ledger goes into months and back with every row, each entry in the month of its transaction", async () => {
  const before = await contents();
  await migrateDown(wallet.pool, directory, { schema, to: 7 });
  expect(await contents()).toEqual(before);

  // As if it had been written in five months, long ago.
  const old = await wallet.pool.connect();
  await old.query("BEGIN; SET LOCAL session_replication_role = replica");
  await old.query(`UPDATE wallet.ledger_transactions
                      SET recorded_at = '2019-10-15 12:00Z'::timestamptz + (hashtext(transaction_id::text) & 3) * interval '45 days'`);
  await old.query("COMMIT");
  old.release();
  const spread = await contents();
  expect(spread).not.toEqual(before);
  await migrate(wallet.pool, directory, { schema });
  expect(await contents()).toEqual(spread);
  expect(await wallet.breaches()).toEqual({});
  const names = await partitionsOf("wallet.ledger_entries");
  expect(names).toEqual(
    expect.arrayContaining(
      ["2019_10", "2019_11", "2020_01", "2020_02"].map((m) => `wallet.ledger_entries_${m}`),
    ),
  );
  expect(names).toContain(months.entries);
  expect(await partitionsOf("wallet.ledger_transactions")).toHaveLength(names.length);
  const inOtherMonths = await ask(`SELECT FROM wallet.ledger_entries e JOIN wallet.ledger_transactions t
    USING (transaction_id) WHERE e.recorded_at <> t.recorded_at`);
  expect(inOtherMonths).toEqual([]);

  await migrateDown(wallet.pool, directory, { schema, to: 7 });
  expect(await contents()).toEqual(spread);
  expect(await wallet.breaches()).toEqual({});
  await migrate(wallet.pool, directory, { schema });
  const [last] = await ask<{ last: number }>("SELECT max(entry_id) AS last FROM wallet.ledger_entries");
  await wallet.deposit(users[0] as string, QUOTE, "1");
  const [next] = await ask<{ first: number }>(
    `SELECT min(entry_id) AS first FROM ${months.entries} WHERE recorded_at > now() - interval '1 day'`,
  );
  expect(next?.first).toBeGreaterThan(last?.last as number);
});

const balanced: Row[] = [
  [one, 0, QUOTE, "-3"],
  [one, 1, QUOTE, "1"],
  [one, 2, QUOTE, "2"],
  [one, 0, BASE, "5"],
  [one, 1, BASE, "-5"],
];
const unbalanced: [string, Row[]][] = [
  ["that is off by one atom", [...balanced.slice(1), [one, 0, QUOTE, "-3.00000001"]]],
  ["of one side alone", [[one, 0, QUOTE, "1"]]],
  [
    "whose transactions make up for each other",
    [
      [one, 0, QUOTE, "1"],
      [two, 0, QUOTE, "-1"],
    ],
  ],
  [
    "whose assets make up for each other",
    [
      [one, 0, QUOTE, "1"],
      [one, 0, BASE, "-1"],
    ],
  ],
];
test.each(unbalanced)("an INSERT %s is refused, into the ledger and into a month", async (_, rows) => {
  const before = await contents();
  for (const table of ["wallet.ledger_entries", months.entries])
    await expect(write(table, rows)).rejects.toMatchObject({
      code: "23514",
      constraint: "entries_balance",
      message: expect.stringMatching(/^ledger entries of transaction [-0-9a-f]{36} in [A-Z]+ sum to /),
    });
  expect(await contents()).toEqual(before);
});

test("an INSERT balances by itself: two that only do so together are refused in one transaction too", async () => {
  const client = await wallet.pool.connect();
  await client.query("BEGIN");
  const half = client.query(
    "INSERT INTO wallet.ledger_entries (transaction_id, user_id, asset, amount) VALUES ($1, $2, 'USDT', 1)",
    [one, users[0]],
  );
  await expect(half).rejects.toMatchObject({ constraint: "entries_balance" });
  await client.query("ROLLBACK");
  client.release();
});

test("an INSERT that balances is written, into the ledger and into a month", async () => {
  const client = await wallet.pool.connect();
  await client.query("BEGIN");
  for (const table of ["wallet.ledger_entries", months.entries]) {
    const { rowCount } = await client.query(
      `INSERT INTO ${table} (transaction_id, user_id, asset, amount) VALUES ($1, $2, 'USDT', 1), ($1, $3, 'USDT', -1)`,
      [one, users[0], users[1]],
    );
    expect(rowCount).toBe(2);
  }
  await client.query("ROLLBACK");
  client.release();
});

test("no statement changes or empties the ledger, whichever of its tables it names", async () => {
  const tables = [
    ...["wallet.ledger_entries", "wallet.ledger_transactions"],
    ...(await partitionsOf("wallet.ledger_entries")),
    ...(await partitionsOf("wallet.ledger_transactions")),
  ];
  expect(tables.length).toBeGreaterThan(12);
  const before = await contents();
  for (const table of tables)
    for (const sql of [
      `UPDATE ${table} SET recorded_at = now()`,
      `DELETE FROM ${table}`,
      `TRUNCATE ${table}`,
      `UPDATE ONLY ${table} SET transaction_id = gen_random_uuid()`,
    ])
      await expect(wallet.pool.query(sql), sql).rejects.toMatchObject({ code: "23514" });
  expect(await contents()).toEqual(before);
});

test("months are made ahead once, however many ask together, each guarded like the whole", async () => {
  const before = await partitionsOf("wallet.ledger_entries");
  const days = await Promise.all([1, 2, 3].map(() => makeLedgerMonths(wallet.pool, 100)));
  expect(new Set(days).size).toBe(1);
  expect(days[0]).toBeGreaterThan(100);
  const made = (await partitionsOf("wallet.ledger_entries")).filter((name) => !before.includes(name));
  expect(made.length).toBeGreaterThanOrEqual(2);
  for (const name of made) {
    await expect(wallet.pool.query(`TRUNCATE ${name}`)).rejects.toMatchObject({ code: "23514" });
    const alone = `INSERT INTO ${name} (transaction_id, user_id, asset, amount, recorded_at)
                   SELECT $1, $2, 'USDT', 1, to_date(right('${name}', 7), 'YYYY_MM') + interval '1 day'`;
    await expect(wallet.pool.query(alone, [one, users[0]])).rejects.toMatchObject({
      constraint: "entries_balance",
    });
  }
});

test("money moves also when nobody made the month; an old month can be detached meanwhile", async () => {
  for (const table of [months.entries, months.transactions]) {
    const parent = table.replace(/_\d{4}_\d\d$/, "");
    await wallet.pool.query(`ALTER TABLE ${parent} DETACH PARTITION ${table} CONCURRENTLY`);
    await wallet.pool.query(`ALTER TABLE ${table} RENAME TO ${table.replace("wallet.", "")}_aside`);
  }
  await wallet.deposit(users[0] as string, QUOTE, "2");
  expect(await ask(`SELECT amount::text FROM ${months.entries} ORDER BY 1`)).toEqual([
    { amount: "-2.00000000" },
    { amount: "2.00000000" },
  ]);
  // What was detached keeps its rows, still refuses changes, and an operator may take it away.
  await expect(wallet.pool.query(`DELETE FROM ${months.entries}_aside`)).rejects.toMatchObject({
    code: "23514",
  });
  await wallet.pool.query(`DROP TABLE ${months.entries}_aside, ${months.transactions}_aside`);
});

test("a table that is in the way of a month is named, and nothing is made", async () => {
  const before = await partitionsOf("wallet.ledger_entries");
  await wallet.pool.query("CREATE TABLE wallet.ledger_transactions_2031_01 (id int)");
  await expect(wallet.pool.query("SELECT wallet.make_ledger_month('2031-01-01')")).rejects.toThrow(
    "wallet.ledger_transactions_2031_01 is no part of wallet.ledger_transactions: attach it, or rename it",
  );
  expect(await partitionsOf("wallet.ledger_entries")).toEqual(before);
  await wallet.pool.query("DROP TABLE wallet.ledger_transactions_2031_01");
});
