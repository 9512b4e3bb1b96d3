// A batch of a shard's history: money and the shard's cursor in one transaction.
import { assert } from "@bourse/shared/assert.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { constraintOf, sqlStateOf } from "@bourse/shared/postgres/failure.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { LOST, type Operation, ordersOf } from "../core/operation.js";
import { beginning, cursorRefusal, misfitOf, type Position } from "../core/positions.js";
import { type AccountDelta, FEES_USER_ID } from "../core/postings.js";
import { keyText } from "../core/reservation.js";
import { checkFunds, FORGOTTEN, type Hold, type Restored } from "../core/restore.js";
import { decideSettlement, tradesOf } from "../core/settle.js";
import { applyDeltas, changeAccounts, createAccounts, lockAccounts } from "../io/accounts.js";
import { createCursor, moveCursor, readCursor, type ShardCursor } from "../io/cursors.js";
import { type Database, RaceLost, read, together, transact } from "../io/database.js";
import { insertTrades } from "../io/ledger.js";
import { insertTombstones, readReservations, updateReservations } from "../io/reservations.js";
import { insertRestored } from "../io/restored-reservations.js";

/** The next part of a shard's history, as its follower read it from a server of `epoch`. */
export interface SettleBatch {
  readonly shard: number;
  readonly epoch: number;
  readonly after: Position;
  readonly through: Position;
  readonly operations: readonly Operation[];
  /** Holds that these records tell of, while a wallet that was set back catches up. */
  readonly holds?: readonly Hold[];
  /** True while the wallet was set back and catches up. */
  readonly isSetBack?: boolean;
}

export interface SettleHooks {
  /** Told of lost holds that were made again. */
  readonly onRestored?: (restored: readonly Restored[]) => void;
  /** Looks, before a batch of a wallet that was set back, for what no journal tells of; may refuse it. */
  readonly checkLost?: (client: PoolClient) => Promise<void>;
  /** Whether this process has acknowledged a hold under an order id, as far as it remembers. */
  readonly wasHeld?: (orderId: string) => boolean;
}

/**
 * Applies a batch and moves the shard's cursor from `after` to `through`, also when nothing lies between:
 * both or neither. Fails with SEQ_GAP or STALE_EPOCH when the cursor does not move, SETTLEMENT_IMPOSSIBLE
 * when an operation does not fit what is stored, WALLET_UNAVAILABLE when the outcome is not known (the
 * same call again then finds the cursor moved or not).
 */
export async function settleBatch(
  database: Database,
  batch: SettleBatch,
  hooks: SettleHooks = {},
): Promise<Position> {
  const misfit = misfitOf(batch);
  if (misfit !== undefined) throw new DomainError("INVALID_FIELD", { field: "operations", why: misfit });
  try {
    const restored = await transact(database, async (client) => {
      if (batch.isSetBack === true) await hooks.checkLost?.(client);
      return settleIn(client, batch);
    });
    if (restored.length > 0) hooks.onRestored?.(restored);
  } catch (error) {
    throw forgottenIfHeld(impossibleIfRefused(error), hooks);
  }
  return batch.through;
}

/** How far a shard is settled; one that never settled is at the beginning. */
export async function getCursor(database: Database, shard: number): Promise<ShardCursor> {
  const cursor = await read(database, (pool) => readCursor(pool, shard));
  return cursor ?? { position: beginning, storedEpoch: 0 };
}

async function settleIn(client: PoolClient, batch: SettleBatch): Promise<readonly Restored[]> {
  const { shard, operations, holds = [] } = batch;
  if (operations.length === 0) {
    await advanceCursor(client, batch);
    return [];
  }
  const orderIds = new Set(operations.flatMap(ordersOf));
  for (const { orderId, legOf = orderId } of holds) orderIds.add(orderId).add(legOf);
  const { reading } = await advanceAndAsk(client, batch, [...orderIds]);
  // What a trade writes follows from the trade alone, so that it is written while the rest is read and decided.
  const writing = insertTrades(client, { shard, feesUserId: FEES_USER_ID }, tradesOf(operations));
  writing.catch(heardLater);
  const decision = decideSettlement(shard, await reading, operations, holds);
  const { restored, deltas } = decision;
  // Accounts late, so that reserves of the same users wait as short as can be, but before new reservations, as a
  // reserve does: nobody then waits for the other in a circle.
  await together([
    writing,
    updateReservations(client, decision.changed),
    restored.length === 0
      ? applyDeltas(client, deltas)
      : changeBalances(client, deltas, (locked) => checkFunds(locked, deltas, restored)),
  ]);
  await insertRestored(client, restored);
  await insertTombstones(client, decision.tombstones);
  return restored;
}

/**
 * Moves the cursor, whose row is the lock of all that belongs to the shard, and asks for reservations as they are
 * behind it. Resolves when the cursor is held and the answer is still on its way.
 */
async function advanceAndAsk(client: PoolClient, batch: SettleBatch, orderIds: readonly string[]) {
  const moving = moveCursor(client, batch);
  const reading = readReservations(client, orderIds);
  reading.catch(heardLater);
  if (await moving) return { reading };
  await advanceCursor(client, batch);
  return { reading: readReservations(client, orderIds) };
}

/** For statements whose failure is heard where their answer is needed, or not at all after an earlier one. */
function heardLater(): void {}

/** Moves the cursor, or refuses with SEQ_GAP or STALE_EPOCH and the cursor as it is. */
async function advanceCursor(client: PoolClient, batch: SettleBatch): Promise<void> {
  if (await moveCursor(client, batch)) return;
  const cursor = await readCursor(client, batch.shard);
  if (cursor === undefined) {
    await createCursor(client, batch.shard);
    return advanceCursor(client, batch);
  }
  const { position, storedEpoch } = cursor;
  const refusal = cursorRefusal(position, storedEpoch, batch);
  // It fits by now: another settlement ended between the two statements.
  if (refusal === undefined) throw new RaceLost("the cursor moved");
  throw new DomainError(refusal, {
    epoch: String(position.epoch),
    seq: String(position.seq),
    operations: String(position.operations),
    stored_epoch: String(storedEpoch),
  });
}

/** Locks accounts and changes them, making those that are missing. `check` sees what they have available before. */
export async function changeBalances(
  client: PoolClient,
  deltas: readonly AccountDelta[],
  check: (availableAtoms: ReadonlyMap<string, bigint>) => void = () => {},
): Promise<void> {
  if (deltas.length === 0) return;
  const locked = await lockAccounts(client, deltas);
  check(new Map([...locked].map(([key, { availableAtoms }]) => [key, availableAtoms])));
  // Somebody receives an asset for the first time.
  const missing = deltas.filter((delta) => !locked.has(keyText(delta)));
  await createAccounts(client, missing);
  const changed = await changeAccounts(client, deltas);
  assert(changed === deltas.length, "every account of a settlement was changed");
}

/** An order without the hold that was acknowledged is no fault of the mesh: the settler can make up for it. */
function forgottenIfHeld(error: unknown, { wasHeld }: SettleHooks): unknown {
  if (!(error instanceof DomainError) || error.facts.why !== LOST) return error;
  const isForgotten = wasHeld?.(error.facts.order_id ?? "") === true;
  return isForgotten
    ? new DomainError(error.reason, { ...error.facts, why: FORGOTTEN }, { cause: error })
    : error;
}

/** What a constraint refuses would break an invariant: like any operation that does not fit, it stops the shard. */
export function impossibleIfRefused(error: unknown): unknown {
  const state = sqlStateOf(error);
  if (state === undefined || !/^(?:22|23)/.test(state)) return error;
  const why = state === "23505" ? "it was settled before" : "the database refuses it";
  const facts = { why, sqlstate: state, constraint: constraintOf(error) };
  return new DomainError("SETTLEMENT_IMPOSSIBLE", facts, { cause: error });
}
