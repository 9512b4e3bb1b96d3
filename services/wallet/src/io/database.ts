// Transactions of the wallet: what is tried again, and what a lost database means to the caller.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { isDatabaseAway, sqlStateOf } from "@bourse/shared/postgres/failure.js";
import type { Pool, PoolClient } from "@bourse/shared/postgres/pool.js";
import { inTransaction } from "@bourse/shared/postgres/transaction.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { retry } from "@bourse/shared/runtime/retry.js";
import { isMonthMissing, makeLedgerMonths } from "./ledger-months.js";

/** The wallet's database, what retries wait by, and who is told how long each COMMIT took. */
export interface Database {
  readonly pool: Pool;
  readonly clock: Clock;
  /** Uniform in [0, 1): spreads retries. */
  readonly random: () => number;
  readonly onCommit: (seconds: number) => void;
}

/** Somebody else wrote a key between our look and our insert: rolled back, and right the next time. */
export class RaceLost extends Error {
  override name = "RaceLost";
}

/** Attempts when the transaction was certainly rolled back: deadlock, serialization, a lost race. */
const RACE = { attempts: 8, baseMs: 2, capMs: 50 };
/** Attempts when the database went away, perhaps during COMMIT. */
const LOST = { attempts: 3, baseMs: 20, capMs: 200 };

/**
 * Runs a write that finds its own rows when it runs again (by order id or request id). When the
 * connection breaks during COMMIT nobody knows what happened, so it is run again: either the rows are
 * there and it answers from them, or they are not and it writes them. Fails with WALLET_UNAVAILABLE,
 * outcome UNKNOWN, when the database stays away: never with a definite no.
 */
export function transactRepeatable<T>(
  database: Database,
  run: (client: PoolClient) => Promise<T>,
): Promise<T> {
  return failingAsUnavailable(() =>
    retryWith(database, LOST, isDatabaseAway, () => transactOnce(database, run)),
  );
}

/**
 * Runs a write that must not run twice (it moves a cursor): only what was certainly rolled back is tried
 * again. A lost COMMIT is WALLET_UNAVAILABLE, outcome UNKNOWN; the caller reads the cursor.
 */
export function transact<T>(database: Database, run: (client: PoolClient) => Promise<T>): Promise<T> {
  return failingAsUnavailable(() => transactOnce(database, run));
}

/** Runs reads outside a transaction; safe to repeat. */
export function read<T>(database: Database, run: (pool: Pool) => Promise<T>): Promise<T> {
  return failingAsUnavailable(() => retryWith(database, LOST, isDatabaseAway, () => run(database.pool)));
}

function transactOnce<T>(database: Database, run: (client: PoolClient) => Promise<T>): Promise<T> {
  return retryWith(database, RACE, wasRolledBack, () => timedTransaction(database, run));
}

function retryWith<T>(
  { clock, random }: Database,
  limits: { attempts: number; baseMs: number; capMs: number },
  isRetryable: (error: unknown) => boolean,
  run: () => Promise<T>,
): Promise<T> {
  return retry(run, { ...limits, isRetryable, clock, random });
}

async function timedTransaction<T>(
  { pool, onCommit }: Database,
  run: (client: PoolClient) => Promise<T>,
): Promise<T> {
  let ranAtMs = 0;
  const result = await inTransaction(pool, async (client) => {
    const value = await run(client);
    ranAtMs = performance.now();
    return value;
  }).catch(async (error: unknown) => {
    if (!isMonthMissing(error)) throw error;
    // Nobody made it ahead: money does not wait for that.
    await makeLedgerMonths(pool, 0);
    throw new RaceLost("the ledger had no month for it");
  });
  onCommit((performance.now() - ranAtMs) / 1_000);
  return result;
}

async function failingAsUnavailable<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    if (!isDatabaseAway(error) && !wasRolledBack(error)) throw error;
    throw new DomainError("WALLET_UNAVAILABLE", { outcome: "UNKNOWN" }, { cause: error });
  }
}

/**
 * Waits for statements of one transaction that were sent one behind the other. When one fails the transaction is
 * lost: those behind it are refused by the server, and the first failure is the reason.
 */
export async function together<T extends readonly unknown[] | []>(
  statements: T,
): Promise<{ -readonly [P in keyof T]: Awaited<T[P]> }> {
  const results = await Promise.allSettled(statements);
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return results.map((result) => (result as PromiseFulfilledResult<unknown>).value) as never;
}

/** Asks whether the database answers. */
export async function ping({ pool }: Database): Promise<void> {
  await pool.query("SELECT 1");
}

/**
 * Settings of every session. Batches look up many keys by index; with the planner's default cost of a random
 * page it prefers to read whole tables (measured 4 times slower), and compiling such short statements never
 * pays. Without joins by hash or merge a set of keys is looked up one by one in its own order, which is how
 * statements that change many rows lock them in one order. So there is one plan whatever the size of a batch, and
 * making it again for each small one would cost more than what it does.
 */
export const plannerSettings = {
  random_page_cost: "1.1",
  jit: "off",
  enable_seqscan: "off",
  enable_hashjoin: "off",
  enable_mergejoin: "off",
  plan_cache_mode: "force_generic_plan",
};

function wasRolledBack(error: unknown): boolean {
  const state = sqlStateOf(error);
  return error instanceof RaceLost || state === "40001" || state === "40P01";
}
