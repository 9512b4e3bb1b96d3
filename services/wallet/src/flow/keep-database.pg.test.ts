import { migrate } from "@bourse/shared/postgres/migrate.js";
import { openPool } from "@bourse/shared/postgres/pool.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { freshDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { Database } from "../io/database.js";
import { type CutProxy, openCutProxy } from "../testing/cut-proxy.js";
import { silent } from "../testing/shard-server.js";
import { migrations } from "../testing/wallet-database.js";
import { keepDatabase } from "./keep-database.js";

let fresh: Awaited<ReturnType<typeof freshDatabase>>;
let proxy: CutProxy;
let database: Database;
let end: () => Promise<void>;

beforeEach(async () => {
  fresh = await freshDatabase();
  proxy = await openCutProxy(fresh.url);
  const pool = openPool(proxy.url, { connectionsMax: 2, statementTimeoutMs: 2_000, applicationName: "test" });
  database = { pool, clock, random: seededRandom(5), onCommit: () => {} };
  end = () => pool.end();
});
afterEach(async () => {
  await end();
  await proxy.close();
  await fresh.drop();
});

/** Keeps the database until the test ends; `states` is what readiness was told. */
function keep(migrateIt: () => Promise<string[]>) {
  const states: boolean[] = [];
  const stop = new AbortController();
  let migrated = 0;
  const kept = keepDatabase(database, {
    migrate: migrateIt,
    onMigrated: () => {
      migrated += 1;
    },
    readiness: { set: (isReady) => void (states.at(-1) === isReady || states.push(isReady)) },
    pingEveryMs: 5,
    clock,
    log: silent,
    signal: stop.signal,
  });
  const { pool } = database;
  end = async () => {
    stop.abort();
    await kept.catch(() => {});
    await pool.end();
  };
  return { states, kept, migrated: () => migrated };
}

test("a wallet that starts before its database waits for it, migrates once, and follows its ups and downs", async () => {
  proxy.cut("everything", 1_000);
  const { states, migrated } = keep(() =>
    migrate(database.pool, migrations.directory, { schema: migrations.schema }),
  );
  await vi.waitFor(() => expect(states).toEqual([false]), { timeout: 10_000 });
  proxy.cut("nothing");
  await vi.waitFor(() => expect(states).toEqual([false, true]), { timeout: 10_000 });
  proxy.cut("everything", 1_000);
  await vi.waitFor(() => expect(states).toEqual([false, true, false]), { timeout: 10_000 });
  proxy.cut("nothing");
  await vi.waitFor(() => expect(states).toEqual([false, true, false, true]), { timeout: 10_000 });
  expect(migrated()).toBe(1);
});

test("a migration that fails is the end: an unknown schema is no place for money", async () => {
  const { kept, migrated } = keep(async () => {
    await database.pool.query("SELECT nothing FROM nowhere");
    return [];
  });
  await expect(kept).rejects.toMatchObject({ code: "42P01" });
  expect(migrated()).toBe(0);
});
