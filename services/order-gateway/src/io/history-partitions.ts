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
