// I10: only the wallet's role writes its schema. Checked with the roles and rights that an exchange really gets,
// on one machine and in a cluster, and with the tables that the services' migrations make.
import { readFileSync } from "node:fs";
import { ensureSchemas, type serviceRoles } from "@bourse/local/postgres-bootstrap.js";
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterEach, beforeEach, describe, expect, test } from "vitest";

type Role = (typeof serviceRoles)[number]["role"];
const bootstrapSql = readFileSync(new URL("../../k8s/platform/bootstrap.sql", import.meta.url), "utf8");
const migrationsOf = (service: string) => new URL(`../../services/${service}/migrations/`, import.meta.url);

describe.each<[string, (database: TestDatabase) => Promise<unknown>]>([
  ["one machine", (database) => ensureSchemas(database.url)],
  ["a cluster", (database) => database.pool.query(bootstrapSql)],
])("roles and rights on %s", (_, bootstrap) => {
  let database: TestDatabase;
  let pools: Record<Role, Pool>;
  beforeEach(async () => {
    database = await freshDatabase();
    await bootstrap(database);
    pools = {
      bourse_wallet: as("bourse_wallet"),
      bourse_orders: as("bourse_orders"),
      bourse_auditor: as("bourse_auditor"),
    };
    await migrate(pools.bourse_wallet, migrationsOf("wallet"), { schema: "wallet" });
    await migrate(pools.bourse_orders, migrationsOf("order-gateway"), { schema: "orders" });
  });
  afterEach(async () => {
    await Promise.all(Object.values(pools).map((pool) => pool.end()));
    await database.drop();
  });

  function as(role: Role): Pool {
    const url = new URL(database.url);
    url.username = role;
    return openPool(url.href, { connectionsMax: 2, statementTimeoutMs: 10_000, applicationName: "test" });
  }

  /** Tables of a schema, its partitions too, and its views. */
  async function relations(schema: string): Promise<{ name: string; isView: boolean }[]> {
    const { rows } = await database.pool.query<{ name: string; isView: boolean }>(
      `SELECT oid::regclass::text AS name, relkind = 'v' AS "isView" FROM pg_class
        WHERE relnamespace = $1::regnamespace AND relkind IN ('r', 'p', 'v') ORDER BY 1`,
      [schema],
    );
    return rows;
  }

  test("nobody but the wallet's role writes, changes or makes anything in schema wallet", async () => {
    const tables = (await relations("wallet")).filter(({ isView }) => !isView);
    expect(tables.length).toBeGreaterThan(10);
    for (const role of ["bourse_orders", "bourse_auditor"] as const) {
      for (const { name } of tables)
        for (const sql of [
          `INSERT INTO ${name} DEFAULT VALUES`,
          `UPDATE ${name} SET ${await lastColumn(name)} = NULL`,
          `DELETE FROM ${name}`,
          `TRUNCATE ${name}`,
          `DROP TABLE ${name}`,
          `ALTER TABLE ${name} DISABLE TRIGGER ALL`,
          `CREATE TRIGGER mine BEFORE INSERT ON ${name} EXECUTE FUNCTION suppress_redundant_updates_trigger()`,
        ])
          await expect(pools[role].query(sql), `${role}: ${sql}`).rejects.toMatchObject({ code: "42501" });
      for (const sql of [
        "CREATE TABLE wallet.mine (id int)",
        "SELECT wallet.make_ledger_months(1)",
        "DROP SCHEMA wallet CASCADE",
        "CREATE SCHEMA mine",
        "CREATE TABLE public.mine (id int)",
        "CREATE TEMPORARY TABLE mine (id int)",
        "SET ROLE bourse_wallet",
        "SET session_replication_role = replica",
      ])
        await expect(pools[role].query(sql), `${role}: ${sql}`).rejects.toMatchObject({ code: "42501" });
    }
  });

  test("the wallet's role adds to what is append-only and cannot rewrite it, nor write elsewhere", async () => {
    const appendOnly = (await relations("wallet")).filter(({ name }) =>
      /\.(ledger_|settled_trades$|transfers$)/.test(name),
    );
    expect(appendOnly.length).toBeGreaterThanOrEqual(8);
    for (const { name } of appendOnly)
      for (const verb of ["DELETE FROM", "TRUNCATE"])
        await expect(pools.bourse_wallet.query(`${verb} ${name}`), name).rejects.toMatchObject({
          code: "42501",
        });
    for (const sql of [
      "DELETE FROM wallet.accounts",
      "DELETE FROM wallet.reservations",
      "TRUNCATE wallet.shard_cursors",
      "UPDATE wallet.ledger_entries SET amount = 1",
      "SELECT FROM orders.orders",
      "CREATE SCHEMA mine",
      "CREATE TABLE public.mine (id int)",
      "SET session_replication_role = replica",
    ])
      await expect(pools.bourse_wallet.query(sql), sql).rejects.toMatchObject({ code: "42501" });
  });

  test("the auditor reads all of the wallet, months that are made later too, and the views of the history", async () => {
    await pools.bourse_wallet.query("SELECT wallet.make_ledger_months(100)");
    const history = (await relations("orders")).filter(({ isView }) => isView);
    const all = [...(await relations("wallet")), ...history];
    expect(all.length).toBeGreaterThan(30);
    for (const { name } of all) await pools.bourse_auditor.query(`SELECT * FROM ${name} LIMIT 1`);
    expect((await pools.bourse_auditor.query("SELECT * FROM wallet.audit_i10")).rows).toEqual([]);
  });

  test("everybody else may not even connect", async () => {
    const { rows } = await database.pool.query(
      `SELECT has_database_privilege('public', current_database(), 'CONNECT') AS connects,
              has_database_privilege('public', current_database(), 'TEMPORARY') AS tables,
              has_schema_privilege('public', 'wallet', 'USAGE') AS sees`,
    );
    expect(rows).toEqual([{ connects: false, tables: false, sees: false }]);
    const functions = await database.pool.query(
      `SELECT oid::regprocedure::text AS name FROM pg_proc
        WHERE pronamespace = 'wallet'::regnamespace AND has_function_privilege('public', oid, 'EXECUTE')`,
    );
    expect(functions.rows).toEqual([]);
  });

  async function lastColumn(table: string): Promise<string> {
    const { rows } = await database.pool.query<{ name: string }>(
      "SELECT quote_ident(attname) AS name FROM pg_attribute WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped ORDER BY attnum DESC LIMIT 1",
      [table],
    );
    return rows[0]?.name ?? "";
  }
});
