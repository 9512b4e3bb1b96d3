// SQL of ledger pages.
import type { Pool } from "@bourse/shared/postgres/pool.js";
import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import type { LedgerKind, LedgerQuery, LedgerRow } from "../core/ledger-page.js";

interface EntryRow {
  readonly entry_id: number;
  readonly recorded_at_us: number;
  readonly transaction_id: string;
  readonly kind: LedgerKind;
  readonly asset: string;
  readonly amount: string;
  readonly request_id: string | null;
  readonly reason: string | null;
}

/**
 * The newest entries of a user that fit, newest first. One index serves every filter: each asset that the user
 * has and each kind is a run of it, read from its end, and no more than the page is read of any.
 */
export async function readLedger(
  pool: Pool,
  query: LedgerQuery,
  kinds: readonly LedgerKind[],
  limit: number,
): Promise<LedgerRow[]> {
  const { rows } = await pool.query<EntryRow>(ledgerStatement(query, kinds, limit));
  return rows.map(rowOf);
}

/** The statement of a page; exported for the test of its plan. */
export function ledgerStatement(query: LedgerQuery, kinds: readonly LedgerKind[], limit: number) {
  const { userId, asset, fromMs, toMs, after } = query;
  return {
    name: "read_ledger",
    // That the time alone is not later is said twice: months are chosen by it.
    text: `SELECT e.entry_id, (extract(epoch FROM e.recorded_at) * 1000000)::bigint AS recorded_at_us,
                  e.transaction_id, e.kind, e.asset, e.amount, f.request_id, f.reason
             FROM wallet.accounts a
            CROSS JOIN unnest($3::text[]) AS k(kind)
            CROSS JOIN LATERAL (
              SELECT * FROM wallet.ledger_entries l
               WHERE l.user_id = a.user_id AND l.asset = a.asset AND l.kind = k.kind
                 AND l.recorded_at >= $4::timestamptz AND l.recorded_at <= $5::timestamptz
                 AND (l.recorded_at, l.entry_id) < ($5::timestamptz, $6::bigint)
               ORDER BY l.recorded_at DESC, l.entry_id DESC LIMIT $7
            ) AS e
             LEFT JOIN LATERAL (
              SELECT t.request_id, t.reason FROM wallet.transfers t
               WHERE t.transaction_id = e.transaction_id AND e.kind <> 'TRADE' LIMIT 1
            ) AS f ON true
            WHERE a.user_id = $1 AND ($2::text IS NULL OR a.asset = $2)
            ORDER BY e.recorded_at DESC, e.entry_id DESC LIMIT $7`,
    values: [
      userId,
      asset ?? null,
      kinds,
      fromMs === undefined ? "-infinity" : new Date(fromMs).toISOString(),
      ...upTo(after, toMs),
      limit,
    ],
  };
}

/** Time and entry id that every entry lies before. */
function upTo(after: LedgerQuery["after"], toMs: number | undefined): [string, number] {
  if (after !== undefined) return [timeOf(after.recordedAtUs), after.entryId];
  return [toMs === undefined ? "infinity" : new Date(toMs).toISOString(), 0];
}

/** Time as PostgreSQL reads it, exact to the microsecond. */
function timeOf(us: number): string {
  const text = new Date(Math.floor(us / 1_000)).toISOString();
  return text.replace("Z", `${String(us % 1_000).padStart(3, "0")}Z`);
}

function rowOf(row: EntryRow): LedgerRow {
  const atoms = atomsOfNumeric(row.amount);
  return {
    entryId: row.entry_id,
    recordedAtUs: row.recorded_at_us,
    transactionId: row.transaction_id,
    kind: row.kind,
    asset: row.asset,
    direction: atoms > 0n ? "CREDIT" : "DEBIT",
    amountAtoms: atoms > 0n ? atoms : -atoms,
    requestId: row.request_id ?? undefined,
    reason: row.reason ?? undefined,
  };
}
