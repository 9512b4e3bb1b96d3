// Everything that a wallet has stored, for tests of what writes nothing.
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";

/** Every row of every table of the schema as text, by table. */
export async function dumpOf(client: Pool | PoolClient): Promise<Record<string, string[]>> {
  const { rows: tables } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
      WHERE nspname = 'wallet' AND relkind IN ('r', 'p') AND NOT relispartition ORDER BY 1`,
  );
  const dump: Record<string, string[]> = {};
  for (const { name } of tables) {
    const { rows } = await client.query<{ row: string }>(
      `SELECT t::text AS row FROM wallet.${name} AS t ORDER BY 1`,
    );
    dump[name] = rows.map(({ row }) => row);
  }
  return dump;
}
