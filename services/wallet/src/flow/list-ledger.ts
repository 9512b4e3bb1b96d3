import { kindsOf, type LedgerPage, type LedgerQuery, pageOf } from "../core/ledger-page.js";
import { type Database, read } from "../io/database.js";
import { readLedger } from "../io/ledger-pages.js";

/** A page of a user's ledger, newest first. */
export async function listLedger(database: Database, query: LedgerQuery): Promise<LedgerPage> {
  const rows = await read(database, (pool) => readLedger(pool, query, kindsOf(query), query.pageSize + 1));
  return pageOf(rows, query.pageSize);
}
