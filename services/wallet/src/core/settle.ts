// What a batch of a shard's operations does to reservations, accounts and the ledger.
import { assert } from "@bourse/shared/assert.js";
import { adjustReservation } from "./adjust.js";
import {
  type AdjustOperation,
  impossible,
  LOST,
  type Operation,
  ordersOf,
  type ReleaseOperation,
  type TradeOperation,
} from "./operation.js";
import { type AccountDelta, assertConserved, Deltas } from "./postings.js";
import { closeReservation, tombstoneOf } from "./release.js";
import type { Reservation } from "./reservation.js";
import { type Hold, type Restored, restoredOf } from "./restore.js";
import { tradeOf } from "./settle-trade.js";

/** A trade whose money moves with this batch. */
export interface SettledTrade {
  readonly operation: Operation;
  readonly trade: TradeOperation;
}

/** The trades among operations, in order. */
export function tradesOf(operations: readonly Operation[]): SettledTrade[] {
  return operations.flatMap((operation) =>
    operation.effect.type === "trade" ? [{ operation, trade: operation.effect }] : [],
  );
}

/** Everything that one batch writes, besides the cursor and its trades. */
export interface SettlementDecision {
  /** Existing reservations as they are after the batch. */
  readonly changed: readonly Reservation[];
  /** Rows for orders and legs that were closed without ever being reserved. */
  readonly tombstones: readonly Reservation[];
  /** Lost holds that were made again, as they are after the batch. */
  readonly restored: readonly Restored[];
  readonly deltas: readonly AccountDelta[];
}

interface Batch {
  readonly shard: number | undefined;
  readonly reservations: Map<string, Reservation>;
  readonly touched: Set<string>;
  readonly created: Set<string>;
  readonly restored: Map<string, Restored>;
  readonly deltas: Deltas;
}

/**
 * Applies operations in order to the locked reservations, by order id; `stored` is not changed. Throws
 * SETTLEMENT_IMPOSSIBLE, naming the operation, at the first that does not fit what is stored. `shard` is
 * whose history it is; undefined for what no shard decides about, and fits reservations without shard alone.
 * `holds` are those that the records tell of, in order: one that is not stored was lost and is made again before
 * the operations of its record.
 */
export function decideSettlement(
  shard: number | undefined,
  stored: ReadonlyMap<string, Reservation>,
  operations: readonly Operation[],
  holds: readonly Hold[] = [],
): SettlementDecision {
  const batch: Batch = {
    shard,
    reservations: new Map(stored),
    touched: new Set(),
    created: new Set(),
    restored: new Map(),
    deltas: new Deltas(),
  };
  let nextHold = 0;
  for (const operation of operations) {
    for (
      let hold = holds[nextHold];
      hold !== undefined && hold.seq <= operation.seq;
      hold = holds[nextHold]
    ) {
      restore(batch, hold);
      nextHold += 1;
    }
    apply(batch, operation);
  }

  const after = (ids: Iterable<string>) => [...ids].flatMap((id) => batch.reservations.get(id) ?? []);
  const deltas = batch.deltas.all();
  assertConserved(deltas);
  return {
    changed: after([...batch.touched].filter((id) => !batch.created.has(id) && !batch.restored.has(id))),
    tombstones: after(batch.created),
    restored: [...batch.restored].map(([id, restored]) => ({
      ...restored,
      reservation: batch.reservations.get(id) ?? restored.reservation,
    })),
    deltas,
  };
}

/** Holds again, on the account too, what the wallet had held before it was set back. */
function restore(batch: Batch, hold: Hold): void {
  const restored = restoredOf(hold, batch.shard, batch.reservations);
  if (restored === undefined) return;
  const { orderId, userId, asset, amountAtoms } = restored.reservation;
  assert(asset !== undefined, "a hold has an asset");
  batch.restored.set(orderId, restored);
  batch.reservations.set(orderId, restored.reservation);
  batch.deltas.add({ userId, asset }, { availableAtoms: -amountAtoms, reservedAtoms: amountAtoms });
}

function apply(batch: Batch, operation: Operation): void {
  for (const orderId of ordersOf(operation)) {
    const stored = batch.reservations.get(orderId);
    if (stored !== undefined && stored.shard !== batch.shard)
      throw impossible(operation, "the order belongs to another shard", { order_id: orderId });
  }
  const { effect } = operation;
  switch (effect.type) {
    case "trade":
      return applyTrade(batch, operation, effect);
    case "release":
      return applyRelease(batch, operation, effect);
    case "adjust":
      return applyAdjust(batch, operation, effect);
    case "mark":
      return applyMark(batch, operation, effect.orderId);
  }
}

function applyTrade(batch: Batch, operation: Operation, trade: TradeOperation): void {
  const moved = tradeOf(operation, trade, {
    buyer: activeReservation(batch, operation, trade.buyer.orderId),
    seller: activeReservation(batch, operation, trade.seller.orderId),
  });
  put(batch, moved.buyer);
  put(batch, moved.seller);
  for (const { key, ...change } of moved.changes) batch.deltas.add(key, change);
}

function applyRelease(batch: Batch, operation: Operation, release: ReleaseOperation): void {
  const stored = batch.reservations.get(release.orderId);
  if (stored === undefined) {
    put(batch, tombstoneOf(operation, release, batch.shard));
    batch.created.add(release.orderId);
    return;
  }
  const closed = closeReservation(operation, release, stored);
  if (closed === stored) return;
  put(batch, closed);
  free(batch, stored, stored.remainingAtoms);
}

function applyAdjust(batch: Batch, operation: Operation, adjust: AdjustOperation): void {
  const { legId } = adjust;
  if (adjust.legWasReserved === true && legId !== undefined && !batch.reservations.has(legId))
    throw impossible(operation, LOST, { order_id: legId });
  const adjusted = adjustReservation(operation, adjust, {
    order: activeReservation(batch, operation, adjust.orderId),
    leg: legId === undefined ? undefined : batch.reservations.get(legId),
  });
  put(batch, adjusted.order);
  free(batch, adjusted.order, adjusted.freedAtoms);
  if (adjusted.leg === undefined) return;
  if (!batch.reservations.has(adjusted.leg.orderId)) batch.created.add(adjusted.leg.orderId);
  put(batch, adjusted.leg);
}

/** What is no longer held can be spent again. Two columns of one account: the ledger has nothing to say. */
function free(batch: Batch, { userId, asset }: Reservation, atoms: bigint): void {
  if (atoms === 0n) return;
  assert(asset !== undefined, "an active reservation holds an asset");
  batch.deltas.add({ userId, asset }, { availableAtoms: atoms, reservedAtoms: -atoms });
}

function applyMark(batch: Batch, operation: Operation, orderId: string): void {
  const stored = activeReservation(batch, operation, orderId);
  if (!stored.isSequenced) put(batch, { ...stored, isSequenced: true });
}

function activeReservation(batch: Batch, operation: Operation, orderId: string): Reservation {
  const stored = batch.reservations.get(orderId);
  // Every accepted order was reserved first, so this is a fault of the mesh or a database that went back.
  if (stored === undefined) throw impossible(operation, LOST, { order_id: orderId });
  if (stored.state !== "ACTIVE") {
    throw impossible(operation, "the reservation is not active", { order_id: orderId, state: stored.state });
  }
  return stored;
}

function put(batch: Batch, reservation: Reservation): void {
  batch.reservations.set(reservation.orderId, reservation);
  batch.touched.add(reservation.orderId);
}
