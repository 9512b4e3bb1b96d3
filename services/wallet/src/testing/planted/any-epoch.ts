// Planted bug, rule 9: the cursor moves for whoever stands at it, also for a server of an earlier epoch.
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import type { moveCursor as original } from "../../io/cursors.js";

/** Moves the cursor whatever epoch is stored. */
export async function moveCursor(
  client: PoolClient,
  { after, epoch, shard, through }: Parameters<typeof original>[1],
): Promise<boolean> {
  const { rowCount } = await client.query(
    `UPDATE wallet.shard_cursors
        SET epoch = $6, seq = $7, operations = $8, stored_epoch = greatest(stored_epoch, $2), moved_at = now()
      WHERE shard = $1 AND epoch = $3 AND seq = $4 AND operations = $5`,
    [
      shard,
      epoch,
      ...[after.epoch, after.seq, after.operations],
      ...[through.epoch, through.seq, through.operations],
    ],
  );
  return rowCount === 1;
}
