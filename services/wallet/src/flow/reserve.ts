// The whole story of a batch of reserves: lock and read, decide in memory, write once.
import type { FullReservation } from "../core/reservation.js";
import { accountsOf, decideReserves, type ReserveAnswer, type ReserveRequest } from "../core/reserve.js";
import { lockAccounts } from "../io/accounts.js";
import { type Database, read, transactRepeatable } from "../io/database.js";
import { findReservations, insertReservations } from "../io/reservations.js";

/**
 * Reserves funds for a batch of orders in one transaction. Returns one answer per request, in order; a
 * request that is refused does not fail its neighbours. Fails as a whole only with WALLET_UNAVAILABLE
 * (outcome UNKNOWN): every request may then be repeated, and finds what was done.
 */
export function reserveBatch(
  database: Database,
  requests: readonly ReserveRequest[],
): Promise<ReserveAnswer[]> {
  return transactRepeatable(database, async (client) => {
    const balances = await lockAccounts(client, accountsOf(requests));
    const available = new Map([...balances].map(([key, { availableAtoms }]) => [key, availableAtoms]));
    // Read after the lock: a retry that raced with the first attempt must see its reservation.
    const stored = await findReservations(
      client,
      requests.flatMap(({ orderId, legOf }) => (legOf === undefined ? [orderId] : [orderId, legOf])),
    );
    const { created, answers } = decideReserves({ available, stored }, requests);
    const createdAtMs = await insertReservations(client, created);
    return answers.map((answer) => dated(answer, createdAtMs));
  });
}

/** The database dates new rows, so that the first answer and every repeat say the same. */
function dated(answer: ReserveAnswer, createdAtMs: number): ReserveAnswer {
  const reservation = answer.type === "conflict" ? answer.stored : answer.reservation;
  const isNew = reservation.createdAtMs === 0;
  if (!isNew) return answer;
  const whole: FullReservation = { ...reservation, createdAtMs };
  return answer.type === "conflict" ? { ...answer, stored: whole } : { ...answer, reservation: whole };
}

/** The reservation of an order, also a closed one; undefined when there is none. */
export async function getReservation(
  database: Database,
  orderId: string,
): Promise<FullReservation | undefined> {
  return (await read(database, (pool) => findReservations(pool, [orderId]))).get(orderId);
}

/** Outcome of a reserve for the counter: a replay is none of the wallet's new decisions. */
export function outcomeOf(answer: ReserveAnswer): "held" | "refused" | "replayed" | "conflict" {
  if (answer.type === "conflict") return "conflict";
  return answer.isReplayed ? "replayed" : answer.type;
}
