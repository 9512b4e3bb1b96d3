// The events of one shard into the order history, for ever: read, fold, write, move the cursor.
import { AssertionFailed } from "@bourse/shared/assert.js";
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type FollowOptions, followShard } from "@bourse/shared/events/follow.js";
import type { Pool } from "@bourse/shared/postgres/pool.js";
import { inTransaction } from "@bourse/shared/postgres/transaction.js";
import type { Grid } from "@bourse/shared/units/market.js";
import { foldHistory } from "../core/order-history.js";
import type { HistoryChanges, HistoryRecord } from "../core/order-history-types.js";
import {
  type CursorMove,
  fenceCursor,
  type HistoryPosition,
  moveCursor,
  readCursor,
} from "../io/history-cursor.js";
import { decodeGrid, decodeHistory } from "../io/history-records.js";
import { insertOrders, updateOrders } from "../io/orders-table.js";
import { insertTrades } from "../io/trades-table.js";
import type { HistoryPartitions } from "./history-partitions.js";

export interface ProjectHistoryOptions extends Pick<FollowOptions, "matcher" | "signal" | "clock" | "log"> {
  readonly shard: number;
  readonly pool: Pool;
  readonly partitions: Pick<HistoryPartitions, "ensureFor" | "forget">;
  /** Records of one transaction at most. */
  readonly batchRecordsMax: number;
  /** Records that wait while a transaction runs; then the stream is held back. */
  readonly bufferRecordsMax: number;
  /** Called when the cursor is durable at a position: on every header and after every batch. */
  readonly onPosition: (position: HistoryPosition) => void;
  /** Called when records were heard of or stored. */
  readonly onLag: (lagRecords: number) => void;
  /** Called with the rows of every batch. */
  readonly onRows: (changes: HistoryChanges) => void;
}

/** A record may end 20,000 orders or make as many trades: one that is so large is stored alone. */
const BATCH_EVENTS = 20_000;

/**
 * Projects a shard until the signal aborts. Effects and cursor move in one transaction, only from the
 * expected position and only while no later epoch is followed: whatever crashes or races, every record
 * is applied once. A lost answer to a commit is settled by reading the cursor again on reconnect.
 * What cannot be applied stops the projection of this shard with an error; nothing is skipped.
 */
export async function projectHistory(options: ProjectHistoryOptions): Promise<void> {
  const projection = new ShardProjection(options);
  await followShard({
    ...options,
    after: () => projection.restart(),
    failed: () => projection.failed,
    onHeader: (header, after) =>
      projection.begin(
        {
          serverEpoch: Number(header.epoch),
          endSeq: Number(header.endSeq),
          grids: header.markets.map(decodeGrid),
        },
        after,
      ),
    onRecords: (records) => projection.take(decodeHistory(records)),
    onDisconnect({ reason }) {
      if (reason !== "SEQ_TOO_OLD") return;
      const { log, shard } = options;
      // The books would not do: a history without these records is not the journal's. A person must look.
      log.error({ shard }, "the shard no longer keeps the records that the history lacks");
    },
  });
  await projection.idle();
}

/** One connection's worth of state: what waits, and where the last stored batch ended. */
class ShardProjection {
  readonly #options: ProjectHistoryOptions;
  readonly #grids = new Map<string, Grid>();
  #waiting: HistoryRecord[] = [];
  #position: HistoryPosition = { epoch: 0, seq: 0 };
  #serverEpoch = 0;
  #knownSeq = 0;
  /** The one batch in flight and those that follow it while records wait. */
  #storing: Promise<void> | undefined;
  #connection = new AbortController();

  constructor(options: ProjectHistoryOptions) {
    this.#options = options;
  }

  /** Ends what runs, forgets what waits, and says where the history stands. */
  async restart(): Promise<HistoryPosition> {
    await this.idle();
    // A row without a partition is such a failure; a lost race is not, and must not cost a look-up each time.
    if (this.failed.aborted && isBrokenConstraint(this.failed.reason)) this.#options.partitions.forget();
    this.#waiting = [];
    this.#connection = new AbortController();
    return readCursor(this.#options.pool, this.#options.shard);
  }

  /** Aborts when a batch of this connection fails. */
  get failed(): AbortSignal {
    return this.#connection.signal;
  }

  /** Takes a server's header: refuses one of a lower epoch than was followed before. */
  async begin(
    header: { readonly serverEpoch: number; readonly endSeq: number; readonly grids: readonly Grid[] },
    after: HistoryPosition,
  ): Promise<void> {
    const { pool, shard, onPosition } = this.#options;
    if (!(await fenceCursor(pool, shard, header.serverEpoch))) throw new DomainError("STALE_EPOCH");
    for (const grid of header.grids) this.#grids.set(grid.symbol, grid);
    this.#serverEpoch = header.serverEpoch;
    this.#position = after;
    this.#knownSeq = Math.max(header.endSeq, after.seq);
    this.#reportLag();
    onPosition(after);
  }

  /** Takes records; they are stored with what else waits. Resolves when there is room for more. */
  async take(records: readonly HistoryRecord[]): Promise<void> {
    for (const record of records) this.#waiting.push(record);
    this.#knownSeq = Math.max(this.#knownSeq, records.at(-1)?.seq ?? 0);
    if (this.#waiting.length > 0 && !this.failed.aborted) this.#storing ??= this.#storeWaiting();
    if (this.#waiting.length >= this.#options.bufferRecordsMax) await this.#storing;
    this.failed.throwIfAborted();
  }

  /** Resolves when nothing is in flight. */
  async idle(): Promise<void> {
    await this.#storing;
  }

  async #storeWaiting(): Promise<void> {
    try {
      let batch = this.#nextBatch();
      while (batch !== undefined) {
        // The next one is folded while the database writes this one. Whichever fails, nothing runs on.
        const [stored, next] = await Promise.allSettled([this.#store(batch), this.#foldNext()]);
        if (stored.status === "rejected") throw stored.reason;
        if (next.status === "rejected") throw next.reason;
        batch = next.value ?? this.#nextBatch();
      }
    } catch (error) {
      const failure = error instanceof Error ? error : new Error("history batch failed", { cause: error });
      this.#logFailure(failure);
      this.#connection.abort(failure);
    } finally {
      this.#storing = undefined;
    }
  }

  /** The next batch, once what was sent before has left the process. */
  async #foldNext(): Promise<Batch | undefined> {
    await new Promise((resolve) => setImmediate(resolve));
    return this.#nextBatch();
  }

  /** Takes what waits, as much as one transaction may store, and folds it; undefined when nothing waits. */
  #nextBatch(): Batch | undefined {
    const records = this.#waiting.splice(0, batchLength(this.#waiting, this.#options.batchRecordsMax));
    const last = records.at(-1);
    if (last === undefined) return undefined;
    return { through: { epoch: last.epoch, seq: last.seq }, changes: foldHistory(this.#grids, records) };
  }

  async #store({ through, changes }: Batch): Promise<void> {
    const { shard, pool, partitions, onPosition, onRows } = this.#options;
    const move = { shard, serverEpoch: this.#serverEpoch, after: this.#position, through };
    await partitions.ensureFor(changes);
    // Another instance moved the cursor, or serves a later epoch: read again where the history stands.
    if (!(await storeBatch(pool, move, changes))) throw new DomainError("SEQ_GAP", { shard: String(shard) });
    this.#position = through;
    onRows(changes);
    onPosition(through);
    this.#reportLag();
  }

  #reportLag(): void {
    this.#options.onLag(this.#knownSeq - this.#position.seq);
  }

  #logFailure(error: Error): void {
    const { log, shard } = this.#options;
    const facts = { shard, seq: this.#position.seq, err: error };
    // A broken rule of the tables or of the fold will break again: a person must look.
    if (error instanceof AssertionFailed || isBrokenConstraint(error))
      log.error(facts, "history cannot be projected");
    else log.warn(facts, "history batch failed");
  }
}

/** What one transaction stores. */
interface Batch {
  readonly through: HistoryPosition;
  readonly changes: HistoryChanges;
}

/** How many of these records one transaction takes: at least one, and no more once it has many events. */
function batchLength(records: readonly HistoryRecord[], recordsMax: number): number {
  let events = 0;
  const full = records.findIndex((record) => {
    events += record.events.length;
    return events >= BATCH_EVENTS;
  });
  return Math.min(full === -1 ? records.length : full + 1, recordsMax);
}

/** Stores a batch and moves the cursor; false, and nothing stored, when the cursor stands elsewhere. */
async function storeBatch(pool: Pool, move: CursorMove, changes: HistoryChanges): Promise<boolean> {
  const { orders, updates, fills } = changes;
  // A batch without effects needs no transaction around its one statement.
  if (orders.length + updates.length + fills.length === 0) return moveCursor(pool, move);
  return inTransaction(pool, async (client) => {
    if (!(await moveCursor(client, move))) return false;
    await insertOrders(client, move.shard, orders);
    await updateOrders(client, updates);
    await insertTrades(client, move.shard, fills);
    return true;
  });
}

/** SQLSTATE class 23: a constraint of the tables. */
function isBrokenConstraint(error: Error): boolean {
  const code: unknown = "code" in error ? error.code : undefined;
  return typeof code === "string" && code.startsWith("23");
}
