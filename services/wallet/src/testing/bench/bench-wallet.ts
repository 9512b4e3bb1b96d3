// The wallet's flows on a database as main puts them together, without sockets and metrics, and a settler's queue
// before its settlements.

import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool } from "@bourse/shared/postgres/pool.js";
import { batched } from "@bourse/shared/runtime/batched.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { settlerSettings, walletSettings } from "../../config.js";
import { keyText } from "../../core/reservation.js";
import type { ReserveAnswer, ReserveRequest } from "../../core/reserve.js";
import { reserveBatch } from "../../flow/reserve.js";
import { getCursor, settleBatch } from "../../flow/settle.js";
import { createSettleQueue, type SettleQueue } from "../../flow/settle-queue.js";
import { type Database, plannerSettings } from "../../io/database.js";

export const EPOCH = 1;
export const SHARD = 0;
const QUERY_MS_MAX = 60_000;

export interface BenchWallet {
  readonly database: Database;
  /** One reserve; shares its transaction with what waits at the same time. */
  reserve(request: ReserveRequest): Promise<ReserveAnswer>;
  /** A settler's queue from the shard's cursor on. */
  openQueue(hears: {
    /** The seq of every step. */
    readonly onSettled: (seq: number) => void;
    readonly onFailed: (error: unknown) => void;
  }): Promise<{ readonly queue: SettleQueue; readonly lastSeq: number }>;
  close(): Promise<void>;
}

/** Opens the wallet on a database whose schema it brings up to date. */
export async function openBenchWallet(url: string): Promise<BenchWallet> {
  const { postgresConnectionsMax, reserveBatchMax, reserveBatchesInFlight, reserveQueueMax } =
    walletSettings.schema.parse({ postgresUrl: url });
  const { queueOperationsMax } = settlerSettings.schema.parse({
    shards: [{ shard: SHARD, address: "none" }],
  });
  const pool = openPool(url, {
    settings: plannerSettings,
    connectionsMax: postgresConnectionsMax,
    statementTimeoutMs: QUERY_MS_MAX,
    applicationName: "bourse-wallet",
  });
  await migrate(pool, new URL("../../../migrations/", import.meta.url), { schema: "wallet" });
  const database: Database = { pool, clock: systemClock, random: seededRandom(7), onCommit: () => {} };
  return {
    database,
    reserve: batched((requests: readonly ReserveRequest[]) => reserveBatch(database, requests), {
      batchMax: reserveBatchMax,
      inFlightMax: reserveBatchesInFlight,
      queueMax: reserveQueueMax,
      keyOf: keyText,
    }),
    async openQueue({ onSettled, onFailed }) {
      const { position } = await getCursor(database, SHARD);
      const queue = createSettleQueue({
        shard: SHARD,
        epoch: EPOCH,
        cursor: position,
        operationsMax: queueOperationsMax,
        settle: async (settlement) => {
          await settleBatch(database, settlement);
        },
        onSettled: ({ cursor: { seq } }) => onSettled(seq),
        onFailed,
      });
      return { queue, lastSeq: position.seq };
    },
    close: () => pool.end(),
  };
}
