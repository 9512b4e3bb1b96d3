// A wallet on a fresh database, with what tests ask it.
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool, type Pool, type PoolClient } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { freshDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { parseAtoms } from "@bourse/shared/units/atoms.js";
import type { Operation } from "../core/operation.js";
import { beginning, OPERATIONS_MAX, type Position } from "../core/positions.js";
import type { ReserveRequest } from "../core/reserve.js";
import { reserveBatch } from "../flow/reserve.js";
import { settleBatch } from "../flow/settle.js";
import { doTransfer, getBalances } from "../flow/transfer.js";
import { createCursor } from "../io/cursors.js";
import type { Database } from "../io/database.js";
import { history } from "./history.js";
import { uuidOf } from "./names.js";

export const migrations = { directory: new URL("../../migrations/", import.meta.url), schema: "wallet" };

export type WalletDatabase = Awaited<ReturnType<typeof openWalletDatabase>>;

/** A fresh, migrated database and the flows that tests need to fill and read it. */
export async function openWalletDatabase() {
  const fresh = await freshDatabase(migrations);
  const database: Database = {
    pool: fresh.pool,
    clock: systemClock,
    random: seededRandom(7),
    onCommit: () => {},
  };
  return { ...walletOn(database), pool: fresh.pool, url: fresh.url, drop: () => fresh.drop() };
}

/** The same as the wallet's own role, which owns its schema and is no superuser, as the real exchange has it. */
export async function openOwnDatabase() {
  const fresh = await freshDatabase();
  await fresh.pool.query("CREATE SCHEMA wallet AUTHORIZATION bourse_wallet");
  const url = new URL(fresh.url);
  url.username = "bourse_wallet";
  const options = { connectionsMax: 10, statementTimeoutMs: 10_000, applicationName: "test" };
  const pool = openPool(url.href, options);
  await migrate(pool, migrations.directory, { schema: migrations.schema });
  const database: Database = { pool, clock: systemClock, random: seededRandom(7), onCommit: () => {} };
  return {
    ...walletOn(database),
    pool,
    /** The superuser's. */
    adminPool: fresh.pool,
    url: url.href,
    async drop() {
      await pool.end();
      await fresh.drop();
    },
  };
}

/** What tests ask a wallet on a database that is migrated. */
export function walletOn(database: Database) {
  let transfers = 0;
  return {
    database,
    async deposit(userId: string, asset: string, amount: string): Promise<void> {
      transfers += 1;
      await doTransfer(database, {
        kind: "DEPOSIT",
        requestId: `deposit-${transfers}`,
        transactionId: uuidOf(`deposit ${transfers}`),
        userId,
        asset,
        amountAtoms: parseAtoms("amount", amount),
      });
    },
    /** Makes the shard's cursor, as its settler does before the shard opens. */
    followShard: (shard: number) => createCursor(database.pool, shard),
    /** `available+reserved` of one asset in atoms. */
    async balance(userId: string, asset: string): Promise<string> {
      const balance = (await getBalances(database, userId)).find((each) => each.asset === asset);
      return `${balance?.availableAtoms ?? 0n}+${balance?.reservedAtoms ?? 0n}`;
    },
    breaches: () => breachesOf(database.pool),
  };
}

/** Rows of every audit view that has any, by invariant. */
export async function breachesOf(client: Pool | PoolClient): Promise<Record<string, unknown[]>> {
  const views = await client.query<{ name: string }>(
    "SELECT viewname AS name FROM pg_views WHERE schemaname = 'wallet' AND viewname LIKE 'audit\\_%'",
  );
  if (views.rows.length < 10) throw new Error("the audit's views are not there");
  const found: Record<string, unknown[]> = {};
  for (const { name } of views.rows) {
    const { rows } = await client.query(`SELECT * FROM wallet.${name}`);
    if (rows.length > 0) found[name.replace("audit_", "")] = rows;
  }
  return found;
}

/** Where the cursor stands after an operation that is the last of its batch. */
export function positionAfter(operation: Operation | undefined, epoch = 1): Position {
  return operation === undefined ? beginning : { epoch, seq: operation.seq, operations: operation.index + 1 };
}

/** Plays a history into the wallet: reserves one by one, operations in batches. Returns its last position. */
export async function playHistory(
  database: Database,
  options: { seed: number; orders: number; users: readonly string[]; batchSize: number },
): Promise<Position> {
  let isHeld = true;
  let cursor = beginning;
  let batch: Operation[] = [];
  const settle = async (size: number) => {
    const operations = batch.slice(0, size);
    batch = batch.slice(size);
    if (operations.length === 0) return;
    const through = positionAfter(operations.at(-1));
    cursor = await settleBatch(database, { shard: 0, epoch: 1, after: cursor, through, operations });
  };
  for (const step of history(options.seed, { ...options, isHeld: () => isHeld })) {
    if (step.type === "record") batch.push(...step.operations);
    else isHeld = (await reserveOne(database, step.request)).type === "held";
    while (batch.length >= options.batchSize) await settle(options.batchSize);
  }
  await settle(OPERATIONS_MAX);
  return cursor;
}

/** One reserve and its answer. */
export async function reserveOne(database: Database, request: ReserveRequest) {
  const [answer] = await reserveBatch(database, [request]);
  if (answer === undefined) throw new Error("a batch of one has one answer");
  return answer;
}
