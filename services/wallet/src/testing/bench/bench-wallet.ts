// The wallet's flows on a database as main puts them together, without sockets and metrics, and a settler's queue
// before its settlements.
import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { batched } from "@bourse/shared/runtime/batched.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { settlerSettings, walletSettings } from "../../config.js";
import type { Position } from "../../core/positions.js";
import { keyText } from "../../core/reservation.js";
import type { ReserveRequest } from "../../core/reserve.js";
import { reserveBatch } from "../../flow/reserve.js";
import { getCursor, settleBatch } from "../../flow/settle.js";
import { createSettleQueue, type SettleQueue } from "../../flow/settle-queue.js";
import { type Database, plannerSettings } from "../../io/database.js";
import { makeLedgerMonths } from "../../io/ledger-months.js";
import type { Settlement } from "../../io/wallet-client.js";

export const EPOCH = 1;
const QUERY_MS_MAX = 60_000;
const DAYS_AHEAD = 31;

/** What hears of a queue's settlements. */
export interface Hears {
  /** The seq of every step. */
  readonly onSettled: (seq: number) => void;
  readonly onFailed: (error: unknown) => void;
}

/** A queue and the seq that it starts behind. */
export interface OpenQueue {
  readonly queue: SettleQueue;
  readonly lastSeq: number;
}

/** A wallet that can be loaded, in this process or behind its address. */
export interface LoadedWallet {
  /** One reserve, answered with what became of it; shares its transaction with what waits at the same time. */
  reserve(request: ReserveRequest): Promise<string>;
  /** A settler's queue from the cursor of a shard on. */
  openQueue(shard: number, hears: Hears): Promise<OpenQueue>;
  close(): Promise<void>;
}

/** A pool as the wallet's own; the schema is brought up to date. */
export async function openWalletPool(url: string): Promise<Pool> {
  const { postgresConnectionsMax } = walletSettings.schema.parse({ postgresUrl: url });
  const pool = openPool(url, {
    settings: plannerSettings,
    connectionsMax: postgresConnectionsMax,
    statementTimeoutMs: QUERY_MS_MAX,
    applicationName: "bourse-wallet",
  });
  await migrate(pool, new URL("../../../migrations/", import.meta.url), { schema: "wallet" });
  await makeLedgerMonths(pool, DAYS_AHEAD);
  return pool;
}

/** The wallet in this process. */
export function openBenchWallet(pool: Pool): LoadedWallet {
  const { reserveBatchMax, reserveBatchesInFlight, reserveQueueMax } = walletSettings.schema.parse({
    postgresUrl: "unused",
  });
  const database: Database = { pool, clock: systemClock, random: seededRandom(7), onCommit: () => {} };
  const reserve = batched((requests: readonly ReserveRequest[]) => reserveBatch(database, requests), {
    batchMax: reserveBatchMax,
    inFlightMax: reserveBatchesInFlight,
    queueMax: reserveQueueMax,
    keyOf: keyText,
  });
  const settle = async (settlement: Settlement) => {
    await settleBatch(database, settlement);
  };
  return {
    reserve: async (request) => (await reserve(request)).type,
    async openQueue(shard, hears) {
      const { position } = await getCursor(database, shard);
      return queueOf(shard, position, settle, hears);
    },
    close: async () => {},
  };
}

/** The settler's queue with its default limits before `settle`. */
export function queueOf(
  shard: number,
  cursor: Position,
  settle: (settlement: Settlement) => Promise<void>,
  { onSettled, onFailed }: Hears,
): OpenQueue {
  const { queueOperationsMax } = settlerSettings.schema.parse({ shards: [{ shard, address: "unused" }] });
  const queue = createSettleQueue({
    shard,
    epoch: EPOCH,
    cursor,
    operationsMax: queueOperationsMax,
    settle,
    onSettled: ({ cursor: { seq } }) => onSettled(seq),
    onFailed,
  });
  return { queue, lastSeq: cursor.seq };
}
