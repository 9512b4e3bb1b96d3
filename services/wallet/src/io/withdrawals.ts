// SQL of withdrawals: held, then completed or cancelled.
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import type { AccountRequest, Balance } from "../core/transfer.js";
import type { Withdrawal, WithdrawalEnd } from "../core/withdrawal.js";

interface WithdrawalRow {
  readonly request_id: string;
  readonly transaction_id: string;
  readonly user_id: string;
  readonly asset: string;
  readonly amount: string;
  readonly state: Withdrawal["state"];
  readonly held_available: string;
  readonly held_reserved: string;
  readonly created_at_ms: number;
  readonly ended_available: string | null;
  readonly ended_reserved: string | null;
  readonly ended_at_ms: number | null;
  readonly entry_ids: string[] | null;
}

const SELECT = `SELECT w.request_id, w.transaction_id, w.user_id, w.asset, w.amount, w.state,
                       w.held_available, w.held_reserved, (extract(epoch FROM w.created_at) * 1000)::bigint AS created_at_ms,
                       w.ended_available, w.ended_reserved, (extract(epoch FROM w.ended_at) * 1000)::bigint AS ended_at_ms,
                       t.entry_ids
                  FROM wallet.withdrawals w LEFT JOIN wallet.transfers t USING (request_id)
                 WHERE w.request_id = $1`;

/** A withdrawal as it stands. */
export async function findWithdrawal(
  client: Pool | PoolClient,
  requestId: string,
): Promise<Withdrawal | undefined> {
  const { rows } = await client.query<WithdrawalRow>({
    name: "find_withdrawal",
    text: SELECT,
    values: [requestId],
  });
  return rows[0] && withdrawalOf(rows[0]);
}

/** A withdrawal as it stands, and stays until this transaction ends. */
export async function lockWithdrawal(client: PoolClient, requestId: string): Promise<Withdrawal | undefined> {
  // Locked first and read after: whoever held the lock may have ended it.
  await client.query({
    name: "lock_withdrawal",
    text: `SELECT FROM wallet.withdrawals WHERE request_id = $1 FOR UPDATE`,
    values: [requestId],
  });
  return findWithdrawal(client, requestId);
}

/** Writes a withdrawal whose key is claimed and whose amount is held. Returns when, in milliseconds since 1970 UTC. */
export async function insertWithdrawal(
  client: PoolClient,
  request: AccountRequest,
  afterHold: Balance,
): Promise<number> {
  const { rows } = await client.query<{ created_at_ms: number }>({
    name: "insert_withdrawal",
    text: `INSERT INTO wallet.withdrawals
                  (request_id, transaction_id, user_id, asset, amount, state, held_available, held_reserved)
           VALUES ($1, $2, $3, $4, $5, 'HELD', $6, $7)
           RETURNING (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms`,
    values: [
      request.requestId,
      request.transactionId,
      request.userId,
      request.asset,
      formatAtoms(request.amountAtoms),
      formatAtoms(afterHold.availableAtoms),
      formatAtoms(afterHold.reservedAtoms),
    ],
  });
  return rows[0]?.created_at_ms ?? 0;
}

/** Ends a held withdrawal that is locked. Returns when, in milliseconds since 1970 UTC. */
export async function endHeldWithdrawal(
  client: PoolClient,
  requestId: string,
  end: WithdrawalEnd,
  after: Balance,
): Promise<number> {
  const { rows } = await client.query<{ ended_at_ms: number }>({
    name: "end_withdrawal",
    text: `UPDATE wallet.withdrawals
              SET state = $2, ended_available = $3, ended_reserved = $4, ended_at = now()
            WHERE request_id = $1
           RETURNING (extract(epoch FROM ended_at) * 1000)::bigint AS ended_at_ms`,
    values: [requestId, end, formatAtoms(after.availableAtoms), formatAtoms(after.reservedAtoms)],
  });
  return rows[0]?.ended_at_ms ?? 0;
}

function withdrawalOf(row: WithdrawalRow): Withdrawal {
  const { asset } = row;
  return {
    requestId: row.request_id,
    transactionId: row.transaction_id,
    userId: row.user_id,
    asset,
    amountAtoms: atomsOfNumeric(row.amount),
    state: row.state,
    createdAtMs: row.created_at_ms,
    afterHold: balanceOf(asset, row.held_available, row.held_reserved),
    ...(row.ended_at_ms !== null && {
      ended: {
        endedAtMs: row.ended_at_ms,
        after: balanceOf(asset, row.ended_available ?? "0", row.ended_reserved ?? "0"),
        entryIds: (row.entry_ids ?? []).map(Number),
      },
    }),
  };
}

function balanceOf(asset: string, available: string, reserved: string): Balance {
  return { asset, availableAtoms: atomsOfNumeric(available), reservedAtoms: atomsOfNumeric(reserved) };
}
