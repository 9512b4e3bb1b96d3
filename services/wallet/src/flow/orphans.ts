// Reservations that no shard has said a word about, for whoever asks the shard.
import type { FullReservation } from "../core/reservation.js";
import { type Database, read } from "../io/database.js";
import { findOrphans, markSequenced, type OrphansQuery } from "../io/reservations.js";

/** Most orphans of one answer. */
const ORPHANS_MAX = 100;

/** Active reservations of a shard, at least this old, without a word of it; oldest first. A limit of 0 is 100. */
export function listOrphans(database: Database, query: OrphansQuery): Promise<FullReservation[]> {
  const limit = query.limit === 0 ? ORPHANS_MAX : Math.min(query.limit, ORPHANS_MAX);
  return read(database, (pool) => findOrphans(pool, { ...query, limit }));
}

/** Notes that the shard knows these orders. */
export function noteSequenced(database: Database, orderIds: readonly string[]): Promise<void> {
  return read(database, (pool) => markSequenced(pool, orderIds));
}
