// What clients were told, against journals and wallet.
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import type { ShardFindings } from "./audit-shard.js";
import type { ReservationRow, Snapshot } from "./snapshot.js";

/** The final word that a client was told about an order. */
export interface ToldWord {
  readonly userId: string;
  readonly clientOrderId: string;
  /** "acknowledged": it exists. "none": no order exists under its key and none will (NOT_ACCEPTED, or a tombstone). */
  readonly word: "acknowledged" | "none";
  /** When it was told, milliseconds since 1970 UTC. */
  readonly atMs: number;
}

/** Money may be held so long for an order that was refused. */
const heldMsMax = 60_000;

/**
 * I34: where the word was no, there is no order and, a minute later, no money held. The wallet's own refusals are
 * such words; what clients were told comes on top, and there an acknowledged order must exist.
 */
export function compareTold(
  snapshot: Snapshot,
  shards: readonly ShardFindings[],
  told: readonly ToldWord[],
  nowMs: number,
): string[] {
  const orders = new Map(shards.flatMap(({ fold }) => [...fold.orders]));
  const isWhole = shards.every(({ fold }) => fold.isWhole);
  const isLive = (id: string) => {
    const order = orders.get(id);
    return order !== undefined && order.status !== OrderStatus.REJECTED;
  };
  const rows = new Map(snapshot.reservations.map((row) => [row.order_id, row]));
  return [
    ...[...rows.values()]
      .filter((row) => row.state === "REFUSED" && isLive(row.order_id))
      .map((row) => `order ${row.order_id} was refused by the wallet, and is in the journal`),
    ...told.flatMap((each) => {
      const id = orderIdOf(each.userId, each.clientOrderId);
      const name = `order ${id} (${each.clientOrderId})`;
      // A tombstone has no terms: nobody took such an order in.
      const order = orders.get(id);
      const isThere =
        order !== undefined && (order.terms !== undefined || order.status === OrderStatus.CANCELLED);
      if (each.word === "acknowledged")
        return isThere || !isWhole ? [] : [`${name} was acknowledged, and is in no journal`];
      return [
        ...(isLive(id) ? [`${name} was told not to exist, and is in the journal`] : []),
        ...(isHeldLong(rows.get(id), nowMs - each.atMs)
          ? [`${name} was told not to exist, and money is held for it`]
          : []),
      ];
    }),
  ];
}

function isHeldLong(row: ReservationRow | undefined, sinceMs: number): boolean {
  return row?.state === "ACTIVE" && sinceMs > heldMsMax;
}
