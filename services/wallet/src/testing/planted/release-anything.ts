// Planted beside bugs of rules 2 and 6: a release by call frees money that a shard decides about.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { releaseReservation as original } from "../../flow/release.js";
import { transact } from "../../io/database.js";

/** Frees whatever is held for the order and closes it, whoever decides about it. */
export const releaseReservation: typeof original = async (database, { orderId }) => {
  await transact(database, (client) =>
    client.query(
      `WITH held AS (
         SELECT order_id, user_id, asset, remaining FROM wallet.reservations
          WHERE order_id = $1 AND state = 'ACTIVE' FOR UPDATE
       ), closed AS (
         UPDATE wallet.reservations r
            SET state = 'CLOSED', sequenced = true, released = r.released + r.remaining, remaining = 0,
                final_status = 'CANCELLED', final_reason = 'USER', executed_lots = 0, executed_tick_lots = 0,
                order_created_at_ms = 0, order_ended_at_ms = 0, ended_seq = 0, accepted_seq = 0
           FROM held WHERE r.order_id = held.order_id
       )
       UPDATE wallet.accounts a
          SET available = a.available + held.remaining, reserved = a.reserved - held.remaining
         FROM held WHERE a.user_id = held.user_id AND a.asset = held.asset`,
      [orderId],
    ),
  );
  throw new DomainError("RESERVATION_NOT_FOUND");
};
