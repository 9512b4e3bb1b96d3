// Which shards may own a hold: those that a settler follows.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { readCursor } from "../io/cursors.js";
import { type Database, read } from "../io/database.js";
import { findReservations } from "../io/reservations.js";

/**
 * A check of shards against the cursors of settlement: refuses with INVALID_FIELD a shard that no settler ever
 * followed, since nothing could ever end a hold of it. An order that is stored already passes, so that its
 * repeat is answered. What was once found is not asked for again, since cursors stay.
 */
export function shardCheck(database: Database): (shard: number, orderId: string) => Promise<void> {
  const known = new Set<number>();
  return async (shard, orderId) => {
    if (known.has(shard)) return;
    if ((await read(database, (pool) => readCursor(pool, shard))) !== undefined) known.add(shard);
    else if (!(await read(database, (pool) => findReservations(pool, [orderId]))).has(orderId))
      throw new DomainError("INVALID_FIELD", { field: "shard", problem: "no settler follows this shard" });
  };
}
