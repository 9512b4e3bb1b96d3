// What the exchange needs in a fresh PostgreSQL: its database, one role and schema per service.
import pg from "pg";

/** Roles that log in, with the schema each owns. The auditor owns none and is granted views. */
export const serviceRoles = [
  { role: "bourse_wallet", schema: "wallet" },
  { role: "bourse_orders", schema: "orders" },
  { role: "bourse_auditor", schema: undefined },
] as const;

type ServiceRole = (typeof serviceRoles)[number]["role"];

/** Makes the roles of a server, with one password or each with its own; that of existing ones is set again. */
export async function ensureRoles(
  url: string,
  password: string | ((role: ServiceRole) => string),
): Promise<void> {
  const passwordOf = typeof password === "string" ? () => password : password;
  await withClient(url, async (client) => {
    const { rows } = await client.query<{ rolname: string }>("SELECT rolname FROM pg_roles");
    const known = new Set(rows.map((row) => row.rolname));
    for (const { role } of serviceRoles) {
      const verb = known.has(role) ? "ALTER" : "CREATE";
      await client.query(`${verb} ROLE ${role} LOGIN PASSWORD ${client.escapeLiteral(passwordOf(role))}`);
    }
  });
}

/** Makes the database when it is absent. */
export async function ensureDatabase(url: string, database: string): Promise<void> {
  await withClient(url, async (client) => {
    const { rowCount } = await client.query("SELECT 1 FROM pg_database WHERE datname = $1", [database]);
    if (rowCount === 0) await client.query(`CREATE DATABASE ${client.escapeIdentifier(database)}`);
  });
}

/** Makes the schemas of a database. Each service owns its own, sees no other, and has no right beside it. */
export async function ensureSchemas(url: string): Promise<void> {
  await withClient(url, async (client) => {
    const database = client.escapeIdentifier(client.database ?? "");
    await client.query("REVOKE ALL ON SCHEMA public FROM PUBLIC");
    await client.query(`REVOKE ALL ON DATABASE ${database} FROM PUBLIC`);
    for (const { role, schema } of serviceRoles) {
      await client.query(`REVOKE ALL ON DATABASE ${database} FROM ${role}`);
      await client.query(`GRANT CONNECT ON DATABASE ${database} TO ${role}`);
      if (schema !== undefined)
        await client.query(`CREATE SCHEMA IF NOT EXISTS ${schema} AUTHORIZATION ${role}`);
    }
  });
}

async function withClient(url: string, run: (client: pg.Client) => Promise<void>): Promise<void> {
  const client = new pg.Client({ connectionString: url, application_name: "bourse-local" });
  await client.connect();
  try {
    await run(client);
  } finally {
    await client.end();
  }
}
