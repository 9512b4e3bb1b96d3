// A wallet whose database is set back: what was committed since a moment is gone, as after a failover to a standby
// that lacks the last commits, or a restore.
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";

/** A moment of the wallet's tables. */
export interface Moment {
  /** Puts the tables back to it, in one transaction. */
  restore(): Promise<void>;
}

/** Copies the tables as they are now. */
export async function momentOf(pool: Pool): Promise<Moment> {
  const { rows: tables } = await pool.query<{ name: string; columns: string }>(
    `SELECT relname AS name, string_agg(quote_ident(attname), ', ' ORDER BY attnum) AS columns
       FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
      WHERE relnamespace = 'wallet'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
        AND relname NOT LIKE '%migrations%' AND attnum > 0 AND NOT attisdropped AND attgenerated = ''
      GROUP BY relname`,
  );
  await inOneTransaction(pool, async (client) => {
    await client.query("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
    await client.query("DROP SCHEMA IF EXISTS moment CASCADE");
    await client.query("CREATE SCHEMA moment");
    for (const { name, columns } of tables)
      await client.query(`CREATE TABLE moment.${name} AS SELECT ${columns} FROM wallet.${name}`);
  });
  return {
    restore: () =>
      inOneTransaction(pool, async (client) => {
        // Rows that are final are so for programs; a disk that is set back does not ask.
        await client.query("SET LOCAL session_replication_role = replica");
        const every = async (act: string) => {
          for (const { name } of tables) await client.query(`ALTER TABLE wallet.${name} ${act} TRIGGER USER`);
        };
        await every("DISABLE");
        await client.query(`TRUNCATE ${tables.map(({ name }) => `wallet.${name}`).join(", ")}`);
        for (const { name, columns } of tables) {
          const copy = `SELECT ${columns} FROM moment.${name}`;
          await client.query(`INSERT INTO wallet.${name} (${columns}) OVERRIDING SYSTEM VALUE ${copy}`);
        }
        await every("ENABLE");
      }),
  };
}

/**
 * Balances, reservations and trades, without what only the moment of writing decides: to compare a wallet that has
 * caught up with itself before. Refusals are left out: no journal tells of them.
 */
export async function contentsOf(pool: Pool): Promise<Record<string, unknown[]>> {
  const query = async (sql: string) => (await pool.query<Record<string, unknown>>(sql)).rows;
  return {
    accounts: await query("SELECT * FROM wallet.accounts ORDER BY user_id, asset"),
    reservations: await query(
      `SELECT to_jsonb(r) - '{created_at,restored,fingerprint,terms}'::text[] AS row
         FROM wallet.reservations r WHERE state <> 'REFUSED' ORDER BY order_id`,
    ),
    trades: await query("SELECT * FROM wallet.settled_trades ORDER BY trade_id"),
    cursors: await query("SELECT shard, epoch, seq, operations FROM wallet.shard_cursors ORDER BY shard"),
  };
}

async function inOneTransaction(pool: Pool, run: (client: PoolClient) => Promise<void>): Promise<void> {
  const client = await pool.connect();
  try {
    await client.query("BEGIN");
    await run(client);
    await client.query("COMMIT");
  } catch (error) {
    await client.query("ROLLBACK");
    throw error;
  } finally {
    client.release();
  }
}
