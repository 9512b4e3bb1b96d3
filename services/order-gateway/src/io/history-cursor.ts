// SQL of the projector's cursors: how far each shard is projected.
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";

/** The last record whose effects are stored, and its epoch; (0, 0) before the first. */
export interface HistoryPosition {
  readonly epoch: number;
  readonly seq: number;
}

/** A move of a shard's cursor, made by a server of `serverEpoch`. */
export interface CursorMove {
  readonly shard: number;
  readonly serverEpoch: number;
  readonly after: HistoryPosition;
  readonly through: HistoryPosition;
}

const BEGINNING: HistoryPosition = { epoch: 0, seq: 0 };

/** Where the projection of a shard stands. */
export async function readCursor(pool: Pool, shard: number): Promise<HistoryPosition> {
  const { rows } = await pool.query<HistoryPosition>({
    name: "read_history_cursor",
    text: `SELECT epoch, seq FROM orders.cursors WHERE shard = $1`,
    values: [shard],
  });
  return rows[0] ?? BEGINNING;
}

/** Seq of a shard that the history includes. */
export async function projectedSeq(pool: Pool, shard: number): Promise<number> {
  return (await readCursor(pool, shard)).seq;
}

/** Stores the epoch of the server that is followed now. False when a higher one was followed before. */
export async function fenceCursor(pool: Pool, shard: number, serverEpoch: number): Promise<boolean> {
  const { rowCount } = await pool.query({
    name: "fence_history_cursor",
    text: `INSERT INTO orders.cursors AS c (shard, epoch, seq, server_epoch) VALUES ($1, 0, 0, $2)
           ON CONFLICT (shard) DO UPDATE SET server_epoch = excluded.server_epoch
            WHERE c.server_epoch <= excluded.server_epoch`,
    values: [shard, serverEpoch],
  });
  return rowCount === 1;
}

/**
 * Moves a cursor, also when the batch had no effects. False when it does not stand at `after` or a
 * server of another epoch is followed by now: then nothing of the batch may be stored.
 */
export async function moveCursor(client: Pool | PoolClient, move: CursorMove): Promise<boolean> {
  const { shard, serverEpoch, after, through } = move;
  const { rowCount } = await client.query({
    name: "move_history_cursor",
    text: `UPDATE orders.cursors SET epoch = $5, seq = $6, updated_at = now()
            WHERE shard = $1 AND server_epoch = $2 AND epoch = $3 AND seq = $4`,
    values: [shard, serverEpoch, after.epoch, after.seq, through.epoch, through.seq],
  });
  return rowCount === 1;
}
