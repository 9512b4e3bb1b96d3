// A batch of a shard's history: money and the shard's cursor in one transaction.
import { assert } from "@bourse/shared/assert.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { type Operation, ordersOf } from "../core/operation.js";
import { beginning, cursorRefusal, misfitOf, type Position } from "../core/positions.js";
import type { AccountDelta } from "../core/postings.js";
import { keyText } from "../core/reservation.js";
import { decideSettlement } from "../core/settle.js";
import { changeAccounts, createAccounts, lockAccounts } from "../io/accounts.js";
import { createCursor, moveCursor, readCursor, type ShardCursor } from "../io/cursors.js";
import { constraintOf, type Database, RaceLost, read, sqlStateOf, transact } from "../io/database.js";
import { insertEntries, insertTrades } from "../io/ledger.js";
import { insertTombstones, lockReservations, updateReservations } from "../io/reservations.js";

/** The next part of a shard's history, as its follower read it from a server of `epoch`. */
export interface SettleBatch {
  readonly shard: number;
  readonly epoch: number;
  readonly after: Position;
  readonly through: Position;
  readonly operations: readonly Operation[];
}

/**
 * Applies a batch and moves the shard's cursor from `after` to `through`, also when nothing lies between:
 * both or neither. Fails with SEQ_GAP or STALE_EPOCH when the cursor does not move, SETTLEMENT_IMPOSSIBLE
 * when an operation does not fit what is stored, WALLET_UNAVAILABLE when the outcome is not known (the
 * same call again then finds the cursor moved or not).
 */
export async function settleBatch(database: Database, batch: SettleBatch): Promise<Position> {
  const misfit = misfitOf(batch);
  if (misfit !== undefined) throw new DomainError("INVALID_FIELD", { field: "operations", why: misfit });
  try {
    await transact(database, (client) => settleIn(client, batch));
  } catch (error) {
    throw impossibleIfRefused(error);
  }
  return batch.through;
}

/** How far a shard is settled; one that never settled is at the beginning. */
export async function getCursor(database: Database, shard: number): Promise<ShardCursor> {
  const cursor = await read(database, (pool) => readCursor(pool, shard));
  return cursor ?? { position: beginning, storedEpoch: 0 };
}

async function settleIn(client: PoolClient, batch: SettleBatch): Promise<void> {
  await advanceCursor(client, batch);
  if (batch.operations.length === 0) return;

  const orderIds = [...new Set(batch.operations.flatMap(ordersOf))];
  const stored = await lockReservations(client, orderIds);
  const decision = decideSettlement(batch.shard, stored, batch.operations);
  // Accounts before new rows, as a reserve does: nobody then waits for the other in a circle.
  await changeBalances(client, decision.deltas);
  await updateReservations(client, decision.changed);
  await insertTombstones(client, decision.tombstones);
  await insertTrades(client, batch.shard, decision.trades);
  await insertEntries(client, "TRADE", decision.entries);
}

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

/** Locks accounts and changes them, making those that are missing. */
export async function changeBalances(client: PoolClient, deltas: readonly AccountDelta[]): Promise<void> {
  if (deltas.length === 0) return;
  const locked = await lockAccounts(client, deltas);
  // Somebody receives an asset for the first time.
  const missing = deltas.filter((delta) => !locked.has(keyText(delta)));
  await createAccounts(client, missing);
  const changed = await changeAccounts(client, deltas);
  assert(changed === deltas.length, "every account of a settlement was changed");
}

/** What a constraint refuses would break an invariant: like any operation that does not fit, it stops the shard. */
export function impossibleIfRefused(error: unknown): unknown {
  const state = sqlStateOf(error);
  if (state === undefined || !/^(?:22|23)/.test(state)) return error;
  const why = state === "23505" ? "it was settled before" : "the database refuses it";
  const facts = { why, sqlstate: state, constraint: constraintOf(error) };
  return new DomainError("SETTLEMENT_IMPOSSIBLE", facts, { cause: error });
}
