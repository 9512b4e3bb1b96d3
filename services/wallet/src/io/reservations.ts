// SQL of reservations. Inserts go in order of the id, so two batches cannot deadlock over new ids either.
import { columns } from "@bourse/shared/postgres/columns.js";
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import { numericOfAtoms } from "@bourse/shared/units/atoms.js";
import type { FullReservation, Reservation } from "../core/reservation.js";
import { RaceLost, together } from "./database.js";
import {
  FULL_COLUMNS,
  type FullRow,
  fullReservationOf,
  MONEY_COLUMNS,
  type MoneyRow,
  reservationOf,
} from "./reservation-rows.js";

/** Reservations by order id; unknown ids are absent. */
export async function findReservations(
  client: Pool | PoolClient,
  orderIds: readonly string[],
): Promise<Map<string, FullReservation>> {
  const { rows } = await client.query<FullRow>({
    name: "find_reservations",
    text: `SELECT ${FULL_COLUMNS} FROM wallet.reservations WHERE order_id = ANY($1::uuid[])`,
    values: columns(orderIds, 1, (orderId) => [orderId]),
  });
  return new Map(rows.map((row) => [row.order_id, fullReservationOf(row)]));
}

const READ_MONEY = `SELECT ${MONEY_COLUMNS} FROM wallet.reservations WHERE order_id = ANY($1::uuid[])`;

/** Locks reservations in order of their id; unknown ids are absent. */
export async function lockReservations(
  client: PoolClient,
  orderIds: readonly string[],
): Promise<Map<string, Reservation>> {
  const { rows } = await client.query<MoneyRow>({
    name: "lock_reservations",
    text: `${READ_MONEY} ORDER BY order_id FOR UPDATE`,
    values: columns(orderIds, 1, (orderId) => [orderId]),
  });
  return byOrderId(rows);
}

/**
 * Reservations of a shard whose cursor is held: nobody else changes the money of these rows, so they need no lock of
 * their own. Unknown ids are absent.
 */
export async function readReservations(
  client: PoolClient,
  orderIds: readonly string[],
): Promise<Map<string, Reservation>> {
  const { rows } = await client.query<MoneyRow>({
    name: "read_reservations",
    text: READ_MONEY,
    values: columns(orderIds, 1, (orderId) => [orderId]),
  });
  return byOrderId(rows);
}

function byOrderId(rows: readonly MoneyRow[]): Map<string, Reservation> {
  return new Map(rows.map((row) => [row.order_id, reservationOf(row)]));
}

/**
 * Writes new rows, ACTIVE or REFUSED, and moves what the active ones hold from available to reserved on
 * their accounts, which are locked. Returns when they were made, in milliseconds. Rejects with RaceLost when one
 * of the ids appeared since it was looked for (another account's batch, or a tombstone).
 */
export async function insertReservations(
  client: PoolClient,
  created: readonly FullReservation[],
): Promise<number> {
  if (created.length === 0) return 0;
  const { rows } = await client.query<{ inserted: number; created_at_ms: number }>({
    name: "insert_reservations",
    text: `WITH inserted AS (
             INSERT INTO wallet.reservations
                    (order_id, user_id, state, sequenced, shard, asset, amount, remaining, fingerprint, terms, leg_of,
                     refusal)
             SELECT order_id, user_id, CASE WHEN refusal IS NULL THEN 'ACTIVE' ELSE 'REFUSED' END,
                    -- The sweep has nothing to ask about what was refused.
                    refusal IS NOT NULL, shard, asset, amount,
                    CASE WHEN refusal IS NULL THEN amount ELSE 0 END, decode(print, 'hex'), terms, leg_of, refusal
               FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::numeric[], $6::text[], $7::bytea[],
                           $8::uuid[], $9::text[])
                    AS u(order_id, user_id, shard, asset, amount, print, terms, leg_of, refusal)
              ORDER BY order_id
             ON CONFLICT (order_id) DO NOTHING
             RETURNING user_id, asset, remaining
           ), held AS (
             UPDATE wallet.accounts AS a
                SET available = a.available - sums.total, reserved = a.reserved + sums.total
               FROM (SELECT user_id, asset, sum(remaining) AS total FROM inserted
                      WHERE remaining > 0 GROUP BY user_id, asset) AS sums
              WHERE a.user_id = sums.user_id AND a.asset = sums.asset
           )
           SELECT count(*) AS inserted, (extract(epoch FROM now()) * 1000)::bigint AS created_at_ms FROM inserted`,
    values: columns(created, 9, (row) => [
      row.orderId,
      row.userId,
      row.shard,
      row.asset,
      numericOfAtoms(row.amountAtoms),
      row.content?.fingerprintHex,
      row.content?.terms,
      row.legOf,
      row.refusal,
    ]),
  });
  const [answer] = rows;
  if (answer?.inserted !== created.length)
    throw new RaceLost("an order id was reserved or closed by somebody else");
  return answer.created_at_ms;
}

/**
 * Writes what settlement changed, in order of the ids, and in this order the rows are locked (`plannerSettings`):
 * nobody but the sweep's marks would wait for them.
 */
export async function updateReservations(client: PoolClient, changed: readonly Reservation[]): Promise<void> {
  const sorted = [...changed].sort((a, b) => (a.orderId < b.orderId ? -1 : 1));
  const isOpen = ({ state }: Reservation) => state === "ACTIVE";
  await together([
    updateOpen(client, sorted.filter(isOpen)),
    updateClosed(
      client,
      sorted.filter((row) => !isOpen(row)),
    ),
  ]);
}

/** Rows that go on holding: what trades, marks and adjustments change, and nothing of an end. */
async function updateOpen(client: PoolClient, changed: readonly Reservation[]): Promise<void> {
  if (changed.length === 0) return;
  await client.query({
    name: "update_open_reservations",
    text: `UPDATE wallet.reservations AS r
              SET sequenced = u.sequenced, joined = u.joined, remaining = u.remaining, spent = u.spent,
                  improvement = u.improvement, released = u.released,
                  maker_received = u.maker_received, maker_fees = u.maker_fees, maker_fee_ppm = u.maker_fee_ppm,
                  taker_received = u.taker_received, taker_fees = u.taker_fees, taker_fee_ppm = u.taker_fee_ppm
             FROM unnest($1::uuid[], $2::boolean[], $3::numeric[], $4::numeric[], $5::numeric[], $6::numeric[],
                         $7::numeric[], $8::numeric[], $9::numeric[], $10::int[], $11::numeric[], $12::numeric[],
                         $13::int[])
                  AS u(order_id, sequenced, joined, remaining, spent, improvement, released, maker_received,
                       maker_fees, maker_fee_ppm, taker_received, taker_fees, taker_fee_ppm)
            WHERE r.order_id = u.order_id`,
    values: columns(changed, 13, (row) => [row.orderId, row.isSequenced, ...moneyCells(row)]),
  });
}

async function updateClosed(client: PoolClient, changed: readonly Reservation[]): Promise<void> {
  if (changed.length === 0) return;
  await client.query({
    name: "update_closed_reservations",
    text: `UPDATE wallet.reservations AS r
              SET state = u.state, sequenced = u.sequenced, moved = u.moved,
                  joined = u.joined, remaining = u.remaining, spent = u.spent, improvement = u.improvement,
                  released = u.released,
                  maker_received = u.maker_received, maker_fees = u.maker_fees, maker_fee_ppm = u.maker_fee_ppm,
                  taker_received = u.taker_received, taker_fees = u.taker_fees, taker_fee_ppm = u.taker_fee_ppm,
                  final_status = u.final_status, final_reason = u.final_reason, executed_lots = u.executed_lots,
                  executed_tick_lots = u.executed_tick_lots, order_created_at_ms = u.order_created_at_ms,
                  order_ended_at_ms = u.order_ended_at_ms, ended_seq = u.ended_seq, accepted_seq = u.accepted_seq,
                  amended_price_ticks = u.amended_price_ticks, amended_quantity_lots = u.amended_quantity_lots
             FROM unnest($1::uuid[], $2::text[], $3::boolean[], $4::numeric[], $5::numeric[], $6::numeric[],
                         $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::int[],
                         $13::numeric[], $14::numeric[], $15::int[], $16::text[], $17::text[], $18::bigint[],
                         $19::numeric[], $20::bigint[], $21::bigint[], $22::bigint[], $23::bigint[],
                         $24::bigint[], $25::bigint[])
                  AS u(order_id, state, sequenced, moved, joined, remaining, spent, improvement, released,
                       maker_received, maker_fees, maker_fee_ppm, taker_received, taker_fees, taker_fee_ppm,
                       final_status, final_reason, executed_lots, executed_tick_lots, order_created_at_ms,
                       order_ended_at_ms, ended_seq, accepted_seq, amended_price_ticks, amended_quantity_lots)
            WHERE r.order_id = u.order_id`,
    values: columns(changed, 25, (row) => [
      row.orderId,
      row.state,
      row.isSequenced,
      numericOfAtoms(row.movedAtoms),
      ...moneyCells(row),
      ...finalWordCells(row),
    ]),
  });
}

function moneyCells(row: Reservation): unknown[] {
  const { totals } = row;
  return [
    numericOfAtoms(row.joinedAtoms),
    numericOfAtoms(row.remainingAtoms),
    numericOfAtoms(row.spentAtoms),
    numericOfAtoms(row.improvementAtoms),
    numericOfAtoms(row.releasedAtoms),
    numericOfAtoms(totals.MAKER.receivedAtoms),
    numericOfAtoms(totals.MAKER.feeAtoms),
    totals.MAKER.feePpm,
    numericOfAtoms(totals.TAKER.receivedAtoms),
    numericOfAtoms(totals.TAKER.feeAtoms),
    totals.TAKER.feePpm,
  ];
}

/** Writes CLOSED rows of orders and legs that were never reserved. RaceLost when a reserve came in between. */
export async function insertTombstones(
  client: PoolClient,
  tombstones: readonly Reservation[],
): Promise<void> {
  if (tombstones.length === 0) return;
  const { rowCount } = await client.query({
    name: "insert_tombstones",
    text: `INSERT INTO wallet.reservations
                  (order_id, user_id, shard, state, sequenced, amount, remaining, final_status, final_reason,
                   executed_lots, executed_tick_lots, order_created_at_ms, order_ended_at_ms, ended_seq,
                   accepted_seq, amended_price_ticks, amended_quantity_lots, leg_of)
           SELECT order_id, user_id, shard, 'CLOSED', true, 0, 0, final_status, final_reason,
                  executed_lots, executed_tick_lots, order_created_at_ms, order_ended_at_ms, ended_seq, accepted_seq,
                  amended_price_ticks, amended_quantity_lots, leg_of
             FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::text[], $6::bigint[],
                         $7::numeric[], $8::bigint[], $9::bigint[], $10::bigint[],
                         $11::bigint[], $12::bigint[], $13::bigint[], $14::uuid[])
                  AS u(order_id, user_id, shard, final_status, final_reason, executed_lots,
                       executed_tick_lots, order_created_at_ms, order_ended_at_ms, ended_seq, accepted_seq,
                       amended_price_ticks, amended_quantity_lots, leg_of)
            ORDER BY order_id
           ON CONFLICT (order_id) DO NOTHING`,
    values: columns(tombstones, 14, (row) => [
      row.orderId,
      row.userId,
      row.shard,
      ...finalWordCells(row),
      row.legOf,
    ]),
  });
  if (rowCount !== tombstones.length) throw new RaceLost("a late reserve came before the tombstone");
}

function finalWordCells({ finalWord }: Reservation): unknown[] {
  return [
    finalWord?.status,
    finalWord?.reason,
    finalWord?.executedLots,
    finalWord?.executedTickLots.toString(),
    finalWord?.orderCreatedAtMs,
    finalWord?.endedAtMs,
    finalWord?.endedSeq,
    finalWord?.acceptedSeq,
    finalWord?.amendedPriceTicks,
    finalWord?.amendedQuantityLots,
  ];
}

/** Which reservations are listed as orphans. */
export interface OrphansQuery {
  readonly shard: number;
  readonly olderThanMs: number;
  readonly limit: number;
  /** The reservation behind which the list goes on; absent: it begins with the oldest. */
  readonly after?: string | undefined;
}

/**
 * Active reservations of a shard that are at least this old and without a word of it, oldest first. None behind one
 * that does not exist.
 */
export async function findOrphans(pool: Pool, query: OrphansQuery): Promise<FullReservation[]> {
  const { rows } = await pool.query<FullRow>({
    name: "find_orphans",
    text: `SELECT ${FULL_COLUMNS} FROM wallet.reservations
            WHERE shard = $1 AND state = 'ACTIVE' AND NOT sequenced
              AND created_at <= now() - $2 * interval '1 millisecond'
              AND (created_at, order_id) > (
                CASE WHEN $4::uuid IS NULL THEN '-infinity'
                     ELSE (SELECT created_at FROM wallet.reservations WHERE order_id = $4::uuid) END,
                COALESCE($4::uuid, '00000000-0000-0000-0000-000000000000'))
            ORDER BY created_at, order_id LIMIT $3`,
    values: [query.shard, query.olderThanMs, query.limit, query.after],
  });
  return rows.map(fullReservationOf);
}

/** Takes orders out of the sweep's sight; unknown and ended ones are passed over. */
export async function markSequenced(pool: Pool, orderIds: readonly string[]): Promise<void> {
  await pool.query({
    name: "mark_sequenced",
    text: `UPDATE wallet.reservations AS r SET sequenced = true
             FROM (SELECT order_id FROM wallet.reservations
                    WHERE order_id = ANY($1::uuid[]) AND state = 'ACTIVE' AND NOT sequenced
                    ORDER BY order_id FOR UPDATE) AS locked
            WHERE r.order_id = locked.order_id`,
    values: [orderIds],
  });
}
