import type { Pool } from "@bourse/shared/postgres/pool.js";

/** UTC days, `YYYY-MM-DD`: any day of each month for orders, each day for trades. */
export interface PartitionDays {
  readonly orderMonths: readonly string[];
  readonly tradeDays: readonly string[];
}

/** Creates the partitions that are missing; returns how many. Safe beside readers, writers and itself. */
export async function ensurePartitions(pool: Pool, wanted: PartitionDays): Promise<number> {
  const { rows } = await pool.query<{ created: number }>({
    name: "ensure_history_partitions",
    text: `SELECT orders.ensure_partitions($1::date[], $2::date[]) AS created`,
    values: [wanted.orderMonths, wanted.tradeDays],
  });
  return rows[0]?.created ?? 0;
}

/** Partitions detached in one statement at most: nobody waits long for its locks. */
const DETACHED_AT_ONCE = 10;

/**
 * Detaches partitions of what ended before a time, as of now, oldest first, and returns the names that they have from then
 * on; months with open orders stay. Fails when a reader does not let go of the tables within 2 seconds.
 */
export async function detachPartitions(pool: Pool, beforeMs: number, nowMs: number): Promise<string[]> {
  const { rows } = await pool.query<{ name: string }>({
    name: "detach_history_partitions",
    text: `SELECT name FROM orders.detach_partitions($1, $2, ${DETACHED_AT_ONCE}) AS name`,
    values: [new Date(beforeMs).toISOString(), new Date(nowMs).toISOString()],
  });
  return rows.map(({ name }) => name);
}
