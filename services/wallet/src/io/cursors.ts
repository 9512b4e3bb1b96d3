// SQL of the settlement cursors: compare and set, one row per shard.
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import type { Position } from "../core/positions.js";

/** How far a shard is settled, and the highest epoch that was stored for it. */
export interface ShardCursor {
  readonly position: Position;
  readonly storedEpoch: number;
}

interface CursorRow extends Position {
  readonly stored_epoch: number;
}

/**
 * Moves the cursor of a shard from `after` to `through` and stores the epoch, if it stands at `after` and
 * no higher epoch is stored, and holds its row until the transaction ends, so that settlements of one
 * shard follow one another. True when it moved.
 */
export async function moveCursor(
  client: PoolClient,
  move: { shard: number; epoch: number; after: Position; through: Position },
): Promise<boolean> {
  const { shard, epoch, after, through } = move;
  const { rowCount } = await client.query({
    name: "move_cursor",
    text: `UPDATE wallet.shard_cursors
              SET epoch = $6, seq = $7, operations = $8, stored_epoch = $2, moved_at = now()
            WHERE shard = $1 AND stored_epoch <= $2 AND epoch = $3 AND seq = $4 AND operations = $5`,
    values: [
      shard,
      epoch,
      ...[after.epoch, after.seq, after.operations],
      ...[through.epoch, through.seq, through.operations],
    ],
  });
  return rowCount === 1;
}

/** Makes the row of a shard that never settled, at the beginning. */
export async function createCursor(client: Pool | PoolClient, shard: number): Promise<void> {
  await client.query({
    name: "create_cursor",
    text: `INSERT INTO wallet.shard_cursors (shard) VALUES ($1) ON CONFLICT DO NOTHING`,
    values: [shard],
  });
}

/** The cursor of a shard; undefined when it never settled. */
export async function readCursor(client: Pool | PoolClient, shard: number): Promise<ShardCursor | undefined> {
  const { rows } = await client.query<CursorRow>({
    name: "read_cursor",
    text: `SELECT epoch, seq, operations, stored_epoch FROM wallet.shard_cursors WHERE shard = $1`,
    values: [shard],
  });
  const [row] = rows;
  if (row === undefined) return undefined;
  const { epoch, seq, operations, stored_epoch: storedEpoch } = row;
  return { position: { epoch, seq, operations }, storedEpoch };
}
