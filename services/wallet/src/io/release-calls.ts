// SQL of releases by call: one row each, of reservations that name no shard.
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { StoredForRelease } from "../core/release-call.js";
import type { Reservation } from "../core/reservation.js";
import { RaceLost } from "./database.js";
import { FULL_COLUMNS, type FullRow, fullReservationOf } from "./reservation-rows.js";

/** Locks the row of an order; undefined when there is none. */
export async function lockForRelease(
  client: PoolClient,
  orderId: string,
): Promise<StoredForRelease | undefined> {
  const { rows } = await client.query<FullRow & { release_fingerprint_hex: string | null }>({
    name: "lock_for_release",
    text: `SELECT ${FULL_COLUMNS}, encode(release_fingerprint, 'hex') AS release_fingerprint_hex
             FROM wallet.reservations WHERE order_id = $1 FOR UPDATE`,
    values: [orderId],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  return {
    reservation: fullReservationOf(row),
    releaseFingerprintHex: row.release_fingerprint_hex ?? undefined,
  };
}

/** Closes a row that is locked. What it held is freed on its account by the caller, in the same transaction. */
export async function closeReleased(
  client: PoolClient,
  closed: Reservation,
  fingerprintHex: string,
): Promise<void> {
  await client.query({
    name: "close_released",
    text: `UPDATE wallet.reservations
              SET state = 'CLOSED', remaining = 0, released = $2, release_fingerprint = decode($3, 'hex')
            WHERE order_id = $1`,
    values: [closed.orderId, formatAtoms(closed.releasedAtoms), fingerprintHex],
  });
}

/**
 * Writes the CLOSED row of an order that was never reserved. Returns when it was made, milliseconds since
 * 1970 UTC. RaceLost when a reserve came in between.
 */
export async function insertUnseen(
  client: PoolClient,
  { orderId, userId, finalWord }: Reservation,
  fingerprintHex: string,
): Promise<number> {
  const { rows } = await client.query<{ created_at_ms: number }>({
    name: "insert_unseen",
    text: `INSERT INTO wallet.reservations
                  (order_id, user_id, state, sequenced, amount, remaining, final_status, final_reason, executed_lots,
                   executed_tick_lots, order_created_at_ms, order_ended_at_ms, ended_seq, accepted_seq,
                   amended_price_ticks, amended_quantity_lots, release_fingerprint)
           VALUES ($1, $2, 'CLOSED', true, 0, 0, $3, $4, 0, 0, $5, $5, 0, 0, 0, 0, decode($6, 'hex'))
           ON CONFLICT (order_id) DO NOTHING
           RETURNING (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms`,
    values: [orderId, userId, finalWord?.status, finalWord?.reason, finalWord?.endedAtMs, fingerprintHex],
  });
  const [row] = rows;
  if (row === undefined) throw new RaceLost("a late reserve came before the release");
  return row.created_at_ms;
}
