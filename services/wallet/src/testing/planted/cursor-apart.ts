// Planted bug, rule 7: the cursor moves in a transaction of its own, before the money.
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { moveCursor as original } from "../../io/cursors.js";

/** Moves the cursor and commits; the caller's transaction begins anew. */
export async function moveCursor(client: PoolClient, move: Parameters<typeof original>[1]): Promise<boolean> {
  const isMoved = await original(client, move);
  await client.query("COMMIT");
  await client.query("BEGIN");
  return isMoved;
}
