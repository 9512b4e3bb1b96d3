import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Pool } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { readCursor } from "../io/history-cursor.js";
import { expectHistoryOf } from "../testing/expect-history.js";
import { fakeMatcher } from "../testing/fake-matcher.js";
import { playSession } from "../testing/shard-session.js";
import { type TinyShard, testMarket, tinyShard } from "../testing/tiny-shard.js";
import { HistoryPartitions } from "./history-partitions.js";
import { type ProjectHistoryOptions, projectHistory } from "./project-history.js";

const migrations = new URL("../../migrations/", import.meta.url);
const log = createLogger({ service: "test", level: "silent" });
/** Backoff is not waited for: what matters is what happens after it. */
const clock = { ...systemClock, sleep: () => Promise.resolve() };

let database: TestDatabase;
beforeEach(async () => {
  database = await freshDatabase({ directory: migrations, schema: "orders" });
});
afterEach(() => database.drop());

/** Projects until the history includes every record of the shard. */
async function project(shard: TinyShard, options: Partial<ProjectHistoryOptions> = {}): Promise<number[]> {
  const pool = options.pool ?? database.pool;
  const stop = new AbortController();
  const positions: number[] = [];
  await projectHistory({
    shard: shard.shard,
    pool,
    matcher: fakeMatcher(shard, { epoch: 9, random: seededRandom(1) }),
    partitions: new HistoryPartitions(pool),
    signal: stop.signal,
    clock,
    log,
    batchRecordsMax: 50,
    bufferRecordsMax: 100,
    onPosition({ seq }) {
      positions.push(seq);
      if (seq === shard.records.length) stop.abort();
    },
    onLag: () => {},
    onRows: () => {},
    ...options,
  });
  return positions;
}

/** Options that stop a projection when it has backed off this often. */
function untilBackoffs(backoffs: number): Pick<ProjectHistoryOptions, "signal" | "clock"> {
  const stop = new AbortController();
  let left = backoffs;
  const sleep = () => {
    left -= 1;
    if (left === 0) stop.abort();
    return Promise.resolve();
  };
  return { signal: stop.signal, clock: { ...clock, sleep } };
}

/** A pool that loses connections: before a statement, or after a COMMIT whose answer nobody hears. */
function unreliable(pool: Pool, random: () => number): Pool {
  const lose = () => {
    throw new Error("connection lost");
  };
  return new Proxy(pool, {
    get(target, key) {
      if (key !== "connect") return Reflect.get(target, key).bind(target);
      return async () => {
        const client = await target.connect();
        return {
          async query(statement: unknown) {
            if (statement !== "ROLLBACK" && statement !== "COMMIT" && random() < 0.03) lose();
            const result = await client.query(statement as string);
            if (statement === "COMMIT" && random() < 0.2) lose();
            return result;
          },
          release: (error?: Error) => client.release(error),
        };
      };
    },
  });
}

describe("the history is what the shard decided", () => {
  test("however often the connection is cut", async () => {
    const shard = tinyShard();
    playSession(shard, { seed: 1, length: 600 });
    const random = seededRandom(2);
    await project(shard, { matcher: fakeMatcher(shard, { epoch: 9, random, cutShare: 0.2 }) });
    await expectHistoryOf(database.pool, shard);
  });

  test("whatever the database loses, answers to commits among it", async () => {
    const shard = tinyShard();
    playSession(shard, { seed: 3, length: 600 });
    await project(shard, { pool: unreliable(database.pool, seededRandom(4)), batchRecordsMax: 10 });
    await expectHistoryOf(database.pool, shard);
  });

  test("when two instances race for every batch", async () => {
    const shard = tinyShard();
    playSession(shard, { seed: 5, length: 600 });
    const racer = (seed: number) => ({
      matcher: fakeMatcher(shard, { epoch: 9, random: seededRandom(seed), cutShare: 0.05 }),
      batchRecordsMax: 10,
    });
    await Promise.all([project(shard, racer(6)), project(shard, racer(7))]);
    await expectHistoryOf(database.pool, shard);
  });

  test("for several shards side by side", async () => {
    const shards = [tinyShard(0), tinyShard(1, testMarket(1, "XRP/USDT"))];
    for (const shard of shards)
      playSession(shard, { seed: shard.shard, length: 300, prefix: `s${shard.shard}` });
    await Promise.all(shards.map((shard) => project(shard)));
    for (const shard of shards) await expectHistoryOf(database.pool, shard);
    const { rows } = await database.pool.query(
      `SELECT symbol, trades::int FROM orders.audit_totals ORDER BY 1`,
    );
    expect(rows).toEqual(shards.map(({ market, trades }) => ({ symbol: market.symbol, trades: trades() })));
  });

  test("across a restart of the matcher, which begins a new epoch", async () => {
    const shard = tinyShard();
    playSession(shard, { seed: 8, length: 200 });
    await project(shard, { matcher: fakeMatcher(shard, { epoch: 1, random: seededRandom(1) }) });
    shard.nextEpoch();
    playSession(shard, { seed: 9, length: 200 });
    await project(shard, { matcher: fakeMatcher(shard, { epoch: 2, random: seededRandom(1) }) });
    await expectHistoryOf(database.pool, shard);
    expect(await readCursor(database.pool, 0)).toEqual({ epoch: 2, seq: shard.records.length });
  });
});

test("positions are told on the header first, then after every batch, and only rise", async () => {
  const shard = tinyShard();
  playSession(shard, { seed: 10, length: 300 });
  const positions = await project(shard);
  expect(positions[0]).toBe(0);
  expect(positions.length).toBeGreaterThan(3);
  expect(positions).toEqual([...positions].sort((a, b) => a - b));
  expect(await project(shard)).toEqual([shard.records.length]);
});

test("a server of a lower epoch than was followed before is refused", async () => {
  const shard = tinyShard();
  playSession(shard, { seed: 11, length: 50 });
  await project(shard, { matcher: fakeMatcher(shard, { epoch: 5, random: seededRandom(1) }) });
  const before = await readCursor(database.pool, 0);
  playSession(shard, { seed: 12, length: 50 });
  const zombie = fakeMatcher(shard, { epoch: 4, random: seededRandom(1) });
  await project(shard, { matcher: zombie, ...untilBackoffs(3) });
  expect(await readCursor(database.pool, 0)).toEqual(before);
});

test("a record that the tables refuse stores nothing of its batch and is never passed over", async () => {
  const shard = tinyShard();
  playSession(shard, { seed: 13, length: 100 });
  await database.pool.query("ALTER TABLE orders.orders ADD CONSTRAINT broken CHECK (accepted_seq < 60)");
  await project(shard, { ...untilBackoffs(3), batchRecordsMax: 7 });
  const { seq } = await readCursor(database.pool, 0);
  expect(seq).toBeLessThan(60);
  const { rows } = await database.pool.query<{ last: number }>(
    "SELECT max(accepted_seq) AS last FROM orders.orders",
  );
  expect(rows[0]?.last).toBeLessThanOrEqual(seq);
  await database.pool.query("ALTER TABLE orders.orders DROP CONSTRAINT broken");
  await project(shard);
  await expectHistoryOf(database.pool, shard);
});

test("records that the shard no longer keeps are not passed over: the projection stands and says so", async () => {
  const shard = tinyShard();
  playSession(shard, { seed: 14, length: 20 });
  const error = vi.fn();
  const matcher: ProjectHistoryOptions["matcher"] = {
    // biome-ignore lint/correctness/useYield: the stream is refused before its first message.
    async *streamEvents() {
      throw new DomainError("SEQ_TOO_OLD");
    },
  };
  await project(shard, { matcher, ...untilBackoffs(2), log: Object.assign(log.child({}), { error }) });
  expect(error).toHaveBeenCalledWith({ shard: 0 }, expect.stringContaining("no longer keeps"));
  expect(await readCursor(database.pool, 0)).toEqual({ epoch: 0, seq: 0 });
});

test("an auditor reads the views and nothing else", async () => {
  const { pool } = database;
  const client = await pool.connect();
  try {
    await client.query("SET ROLE bourse_auditor");
    expect((await client.query("SELECT * FROM orders.audit_cursors")).rows).toEqual([]);
    await expect(client.query("SELECT * FROM orders.orders")).rejects.toThrow(/permission denied/);
  } finally {
    await client.query("RESET ROLE");
    client.release();
  }
});
