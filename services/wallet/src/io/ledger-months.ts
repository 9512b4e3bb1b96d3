// The months of the ledger: both of its tables are cut by the month (UTC) in which a row is written.
import type { Pool } from "@bourse/shared/postgres/pool.js";

/**
 * Makes what is missing of this month and those of the next days, by the database's clock. Returns for how
 * many days from today on there is a month. Safe beside readers, writers and itself.
 */
export async function makeLedgerMonths(pool: Pool, daysAhead: number): Promise<number> {
  const { rows } = await pool.query<{ days: number }>({
    name: "make_ledger_months",
    text: "SELECT wallet.make_ledger_months($1) AS days",
    values: [daysAhead],
  });
  return rows[0]?.days ?? 0;
}

/** True when an INSERT found no month for its row; its transaction was rolled back. */
export function isMonthMissing(error: unknown): boolean {
  const { code, table, constraint } = error as { code?: unknown; table?: unknown; constraint?: unknown };
  const isNoCheck = code === "23514" && constraint === undefined;
  return isNoCheck && (table === "ledger_transactions" || table === "ledger_entries");
}
