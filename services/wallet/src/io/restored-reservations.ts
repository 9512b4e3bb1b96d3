// SQL of holds that are made again after the wallet was set back.
import { columns } from "@bourse/shared/postgres/columns.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { Restored } from "../core/restore.js";
import { RaceLost } from "./database.js";
import { updateReservations } from "./reservations.js";

/**
 * Writes rows as they are after the batch that made them again. Their accounts are changed with those of the batch.
 * RaceLost when a reserve came in between.
 */
export async function insertRestored(client: PoolClient, restored: readonly Restored[]): Promise<void> {
  if (restored.length === 0) return;
  const { rowCount } = await client.query({
    name: "insert_restored",
    text: `INSERT INTO wallet.reservations
                  (order_id, user_id, state, shard, asset, amount, remaining, fingerprint, terms, leg_of, restored)
           SELECT order_id, user_id, 'ACTIVE', shard, asset, amount, amount, decode(print, 'hex'), terms, leg_of, true
             FROM unnest($1::uuid[], $2::uuid[], $3::int[], $4::text[], $5::numeric[], $6::text[], $7::bytea[],
                         $8::uuid[])
                  AS u(order_id, user_id, shard, asset, amount, print, terms, leg_of)
            ORDER BY order_id
           ON CONFLICT (order_id) DO NOTHING`,
    values: columns(restored, 8, ({ reservation, content }) => [
      reservation.orderId,
      reservation.userId,
      reservation.shard,
      reservation.asset,
      formatAtoms(reservation.amountAtoms),
      content.fingerprintHex,
      content.terms,
      reservation.legOf,
    ]),
  });
  if (rowCount !== restored.length) throw new RaceLost("a lost hold was made again by its gateway");
  await updateReservations(
    client,
    restored.map(({ reservation }) => reservation),
  );
}
