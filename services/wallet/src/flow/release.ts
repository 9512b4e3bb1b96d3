// A release by call: lock and read, decide in memory, write once.
import { decideRelease, type ReleaseCall } from "../core/release-call.js";
import type { FullReservation } from "../core/reservation.js";
import { type Database, transactRepeatable } from "../io/database.js";
import { closeReleased, insertUnseen, lockForRelease } from "../io/release-calls.js";
import { changeBalances } from "./settle.js";

/** The answer to a release, the same for every repeat but for `isReplayed`. */
export interface Released {
  readonly reservation: FullReservation;
  readonly releasedAtoms: bigint;
  readonly isReplayed: boolean;
}

/**
 * Frees all that is left of a reservation without shard and closes it, once; one that was never reserved gets
 * a CLOSED row. Fails as decideRelease does, nothing written, and with WALLET_UNAVAILABLE (outcome UNKNOWN):
 * the same call again then finds what was done.
 */
export function releaseReservation(database: Database, call: ReleaseCall): Promise<Released> {
  return transactRepeatable(database, async (client) => {
    const stored = await lockForRelease(client, call.orderId);
    const { type, reservation, releasedAtoms } = decideRelease(stored, call, database.clock.wallMs());
    if (type === "repeated") return { reservation, releasedAtoms, isReplayed: true };
    if (type === "unseen") {
      const createdAtMs = await insertUnseen(client, reservation, call.fingerprintHex);
      return { reservation: { ...reservation, createdAtMs }, releasedAtoms, isReplayed: false };
    }
    const { userId, asset } = reservation;
    if (releasedAtoms > 0n && asset !== undefined) {
      const delta = { userId, asset, availableAtoms: releasedAtoms, reservedAtoms: -releasedAtoms };
      await changeBalances(client, [delta]);
    }
    await closeReleased(client, reservation, call.fingerprintHex);
    return { reservation, releasedAtoms, isReplayed: false };
  });
}
