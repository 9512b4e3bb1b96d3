// The order history through a pooler in transaction mode: a real PgBouncer with two sessions, for two projectors
// that race and the lists of a gateway, as the role that they have.
import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { createLogger } from "@bourse/shared/runtime/log.js";
import { type PgBouncer, startPgBouncer } from "@bourse/shared/testing/pgbouncer.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { HistoryPartitions } from "./flow/history-partitions.js";
import { projectHistory } from "./flow/project-history.js";
import { detachPartitions } from "./io/history-partitions.js";
import { expectHistoryOf } from "./testing/expect-history.js";
import { fakeMatcher } from "./testing/fake-matcher.js";
import { playSession } from "./testing/shard-session.js";
import { type TinyShard, tinyShard } from "./testing/tiny-shard.js";

const migrations = new URL("../migrations/", import.meta.url);
const schema = "orders";
const log = createLogger({ service: "test", level: "silent" });
const clock = { ...systemClock, sleep: () => Promise.resolve() };

let direct: TestDatabase;
let bouncer: PgBouncer;
let pool: Pool;
beforeAll(async () => {
  direct = await freshDatabase();
  await direct.pool.query("CREATE SCHEMA orders AUTHORIZATION bourse_orders");
  bouncer = await startPgBouncer({ server: direct.url, users: ["bourse_orders"], sessions: 2 });
  const url = new URL(bouncer.urlOf(direct.url));
  url.username = "bourse_orders";
  const options = { connectionsMax: 8, statementTimeoutMs: 10_000, applicationName: "test" };
  pool = openPool(url.href, { ...options, preparedStatements: false });
});
afterAll(async () => {
  await pool?.end();
  await bouncer?.stop();
  await direct?.drop();
});

test("two starters migrate once, up and down", async () => {
  const runs = await Promise.all([1, 2].map(() => migrate(pool, migrations, { schema })));
  const { rows } = await direct.pool.query("SELECT name FROM orders.schema_migrations ORDER BY number");
  const all = rows.map(({ name }) => name);
  expect(runs.flat().sort()).toEqual(all);
  expect(await migrateDown(pool, migrations, { schema, to: 0 })).toEqual(all.toReversed());
  expect(await migrate(pool, migrations, { schema })).toEqual(all);
});

test("two projectors that race, the lists that a gateway reads, and retention", async () => {
  const shard = tinyShard();
  playSession(shard, { seed: 21, length: 600 });
  const stop = new AbortController();
  await Promise.all([1, 2].map((seed) => project(shard, seed, stop)));
  await expectHistoryOf(pool, shard);
  const { rows } = await direct.pool.query(
    "SELECT count(*) AS sessions FROM pg_stat_activity WHERE datname = current_database() AND usename = 'bourse_orders'",
  );
  expect(rows[0].sessions).toBeLessThanOrEqual(2);
  const laterMs = Date.now() + 10 * 365 * 86_400_000;
  expect((await detachPartitions(pool, laterMs, laterMs)).length).toBeGreaterThan(0);
});

/** Projects until one of the racers has every record in the history. */
async function project(shard: TinyShard, seed: number, stop: AbortController): Promise<void> {
  await projectHistory({
    shard: shard.shard,
    pool,
    matcher: fakeMatcher(shard, { epoch: 9, random: seededRandom(seed), cutShare: 0.05 }),
    partitions: new HistoryPartitions(pool),
    signal: stop.signal,
    clock,
    log,
    batchRecordsMax: 10,
    bufferRecordsMax: 100,
    onPosition({ seq }) {
      if (seq === shard.records.length) stop.abort();
    },
    onLag: () => {},
    onRows: () => {},
  });
}
