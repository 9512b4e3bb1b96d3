// SQL of the settlement cursors: compare and set, one row per shard.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import { beginning, cursorRefusal, type Position } from "../core/positions.js";
import { RaceLost } from "./database.js";

/** How far a shard is settled, and the highest epoch that was stored for it. */
export interface ShardCursor {
  readonly position: Position;
  readonly storedEpoch: number;
}

interface CursorRow extends Position {
  readonly stored_epoch: number;
}

/** The cursor of a shard; one that never settled is at the beginning. */
export async function readCursor(client: Pool | PoolClient, shard: number): Promise<ShardCursor> {
  return (await findCursor(client, shard)) ?? { position: beginning, storedEpoch: 0 };
}

/**
 * Moves the cursor of a shard from `after` to `through` and stores the epoch, and holds its row until
 * the transaction ends, so that settlements of one shard follow one another. Refuses with SEQ_GAP or
 * STALE_EPOCH and the cursor as it is.
 */
export async function moveCursor(
  client: PoolClient,
  move: { shard: number; epoch: number; after: Position; through: Position },
): Promise<void> {
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
  if (rowCount === 1) return;

  const cursor = await findCursor(client, shard);
  if (cursor === undefined) {
    // The first settlement of the shard: make its row and move that.
    await client.query({
      name: "create_cursor",
      text: `INSERT INTO wallet.shard_cursors (shard) VALUES ($1) ON CONFLICT DO NOTHING`,
      values: [shard],
    });
    return moveCursor(client, move);
  }
  const refusal = cursorRefusal(cursor.position, cursor.storedEpoch, move);
  // It fits by now: another settlement ended between the two statements.
  if (refusal === undefined) throw new RaceLost("the cursor moved");
  throw new DomainError(refusal, factsOf(cursor));
}

function factsOf({ position, storedEpoch }: ShardCursor): Record<string, string> {
  return {
    epoch: String(position.epoch),
    seq: String(position.seq),
    operations: String(position.operations),
    stored_epoch: String(storedEpoch),
  };
}

async function findCursor(client: Pool | PoolClient, shard: number): Promise<ShardCursor | undefined> {
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
