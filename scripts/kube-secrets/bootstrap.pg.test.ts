import { readFileSync } from "node:fs";
import { ensureSchemas, serviceRoles } from "@bourse/local/postgres-bootstrap.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { afterEach, expect, test } from "vitest";

const sql = readFileSync(new URL("../../k8s/platform/bootstrap.sql", import.meta.url), "utf8");
const cloudNative = readFileSync(new URL("../../k8s/platform/cloudnative-pg.yaml", import.meta.url), "utf8");
const databases: TestDatabase[] = [];

afterEach(async () => {
  await Promise.all(databases.splice(0).map((database) => database.drop()));
});

test("the SQL for a cluster gives the same rights as the server of one machine", async () => {
  const local = await open();
  await ensureSchemas(local.url);
  const cluster = await open();
  await cluster.pool.query(sql);
  expect(await rightsIn(cluster)).toEqual(await rightsIn(local));
});

test("a second run changes nothing", async () => {
  const database = await open();
  await database.pool.query(sql);
  const once = await rightsIn(database);
  await database.pool.query(sql);
  expect(await rightsIn(database)).toEqual(once);
});

test("a role that may create roles and owns the database needs no superuser", async () => {
  const database = await open();
  const admin = `admin_${new URL(database.url).pathname.slice(1)}`;
  await database.pool.query(`CREATE ROLE ${admin} CREATEROLE LOGIN PASSWORD 'test'`);
  try {
    for (const { role } of serviceRoles)
      await database.pool.query(`GRANT ${role} TO ${admin} WITH ADMIN TRUE, INHERIT FALSE, SET FALSE`);
    await database.pool.query(
      `ALTER DATABASE ${new URL(database.url).pathname.slice(1)} OWNER TO ${admin}; ALTER SCHEMA public OWNER TO ${admin}`,
    );
    await database.pool.query(`SET ROLE ${admin}; ${sql}; RESET ROLE`);
    expect((await rightsIn(database)).schemas.map((row) => row.nspname)).toContain("wallet");
  } finally {
    await database.pool.query(
      `REASSIGN OWNED BY ${admin} TO CURRENT_USER; DROP OWNED BY ${admin} CASCADE; DROP ROLE ${admin}`,
    );
  }
});

test("every role is made by the SQL and given its password by the operator", () => {
  for (const { role } of serviceRoles) {
    expect(sql).toContain(`'${role}'`);
    expect(cloudNative).toContain(`name: ${role}\n`);
  }
});

async function open(): Promise<TestDatabase> {
  const database = await freshDatabase();
  databases.push(database);
  return database;
}

/** Owners and rights of every schema of ours, and of the database itself. */
async function rightsIn({ pool }: TestDatabase) {
  const schemas = await pool.query<{ nspname: string }>(
    `SELECT nspname, nspowner::regrole::text AS owner, nspacl::text[] AS rights FROM pg_namespace
      WHERE nspname !~ '^pg_' AND nspname <> 'information_schema' ORDER BY nspname`,
  );
  const rights = await pool.query(
    `SELECT grantee::regrole::text, privilege_type FROM pg_database, aclexplode(datacl)
      WHERE datname = current_database() ORDER BY 1, 2`,
  );
  return { schemas: schemas.rows, database: rights.rows };
}
