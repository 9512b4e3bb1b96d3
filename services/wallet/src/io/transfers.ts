// SQL of transfers: the keys of account operations, and what each transfer moved.
import { columns } from "@bourse/shared/postgres/columns.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import type { Entry } from "../core/postings.js";
import type { Balance, Direction, DoneTransfer, RequestKind, Transfer } from "../core/transfer.js";

/**
 * Takes a request id for one kind of operation; false when it was taken before. Waits for whoever takes the
 * same one now, so what it did is seen after a false.
 */
export async function claimRequestId(
  client: PoolClient,
  { requestId, kind }: { readonly requestId: string; readonly kind: RequestKind },
): Promise<boolean> {
  const { rowCount } = await client.query({
    name: "claim_request_id",
    // No index is named: of two that race either of the table's two may see it first.
    text: `INSERT INTO wallet.request_ids (request_id, kind) VALUES ($1, $2) ON CONFLICT DO NOTHING`,
    values: [requestId, kind],
  });
  return rowCount === 1;
}

interface TransferRow {
  readonly request_id: string;
  readonly kind: Transfer["kind"];
  readonly direction: Direction;
  readonly user_id: string;
  readonly asset: string;
  readonly amount: string;
  readonly reason: string | null;
  readonly transaction_id: string;
  readonly entry_ids: string[];
  readonly available_after: string;
  readonly reserved_after: string;
}

/** The transfer that was done under a request id. */
export async function findTransfer(client: PoolClient, requestId: string): Promise<DoneTransfer | undefined> {
  const { rows } = await client.query<TransferRow>({
    name: "find_transfer",
    text: `SELECT request_id, kind, direction, user_id, asset, amount, reason, transaction_id, entry_ids,
                  available_after, reserved_after
             FROM wallet.transfers WHERE request_id = $1`,
    values: [requestId],
  });
  const [row] = rows;
  return row === undefined
    ? undefined
    : { ...transferOf(row), entryIds: row.entry_ids.map(Number), after: afterOf(row) };
}

function transferOf(row: TransferRow): Transfer {
  const { kind, direction } = row;
  const request = {
    requestId: row.request_id,
    transactionId: row.transaction_id,
    userId: row.user_id,
    asset: row.asset,
    amountAtoms: atomsOfNumeric(row.amount),
  };
  return kind === "ADJUSTMENT"
    ? { ...request, kind, direction, reason: row.reason ?? "" }
    : { ...request, kind };
}

function afterOf({ asset, available_after, reserved_after }: TransferRow): Balance {
  return {
    asset,
    availableAtoms: atomsOfNumeric(available_after),
    reservedAtoms: atomsOfNumeric(reserved_after),
  };
}

/** What a transfer did. */
export interface Posted {
  readonly direction: Direction;
  /** The user's account. */
  readonly after: Balance;
  readonly entries: readonly Entry[];
}

/** Writes a transfer whose key is claimed, with its answer, its transaction and entries. Returns the entries' ids, ascending. */
export async function insertTransfer(
  client: PoolClient,
  transfer: Transfer,
  { after, direction, entries }: Posted,
): Promise<number[]> {
  const { rows } = await client.query<{ entry_ids: string[] }>({
    name: "insert_transfer",
    text: `WITH booked AS (
             INSERT INTO wallet.ledger_transactions (transaction_id, kind) VALUES ($1, $2)
           ), entry AS (
             INSERT INTO wallet.ledger_entries (transaction_id, kind, user_id, asset, amount)
             SELECT $1, $2, * FROM unnest($11::uuid[], $12::text[], $13::numeric[])
             RETURNING entry_id
           )
           INSERT INTO wallet.transfers
                  (transaction_id, kind, request_id, user_id, asset, direction, amount, reason,
                   available_after, reserved_after, entry_ids)
           SELECT $1::uuid, $2, $3, $4::uuid, $5, $6, $7::numeric, $8, $9::numeric, $10::numeric,
                  array_agg(entry_id ORDER BY entry_id) FROM entry
           RETURNING entry_ids`,
    values: [
      transfer.transactionId,
      transfer.kind,
      transfer.requestId,
      transfer.userId,
      transfer.asset,
      direction,
      formatAtoms(transfer.amountAtoms),
      transfer.kind === "ADJUSTMENT" ? transfer.reason : null,
      formatAtoms(after.availableAtoms),
      formatAtoms(after.reservedAtoms),
      ...columns(entries, 3, ({ userId, asset, amountAtoms }) => [userId, asset, formatAtoms(amountAtoms)]),
    ],
  });
  return (rows[0]?.entry_ids ?? []).map(Number);
}
