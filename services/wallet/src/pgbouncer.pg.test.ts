// The wallet through a pooler in transaction mode: a real PgBouncer, with fewer sessions than the wallet has
// connections, so that consecutive transactions of one connection do run on different sessions.
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { openPool, type Pool } from "@bourse/shared/postgres/pool.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { type PgBouncer, startPgBouncer } from "@bourse/shared/testing/pgbouncer.js";
import { freshDatabase, type TestDatabase } from "@bourse/shared/testing/postgres.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { accountFlows } from "./flow/account-flows.js";
import { listOrphans, noteSequenced } from "./flow/orphans.js";
import { releaseReservation } from "./flow/release.js";
import { reserveBatch } from "./flow/reserve.js";
import { getCursor } from "./flow/settle.js";
import { settleTrade } from "./flow/settle-trade.js";
import { getBalances } from "./flow/transfer.js";
import { type Database, plannerSettings } from "./io/database.js";
import { makeLedgerMonths } from "./io/ledger-months.js";
import { accountRequest } from "./testing/account-requests.js";
import { BASE, fingerprintOf, QUOTE, reserveRequest, usersOf, uuidOf } from "./testing/names.js";
import { callOf, reservedPair, tradeOfPair } from "./testing/trades.js";
import { breachesOf, migrations, playHistory, walletOn } from "./testing/wallet-database.js";
import { startProcess, untilReady } from "./testing/wallet-process.js";

const SESSIONS = 2;
const users = usersOf(4);
const { directory, schema } = migrations;
let direct: TestDatabase;
let bouncer: PgBouncer;
/** Address of the database through the pooler, as the wallet's own role. */
let url: string;
let pool: Pool;
let database: Database;

beforeAll(async () => {
  direct = await freshDatabase();
  await direct.pool.query("CREATE SCHEMA wallet AUTHORIZATION bourse_wallet");
  bouncer = await startPgBouncer({ server: direct.url, users: ["bourse_wallet"], sessions: SESSIONS });
  const own = new URL(bouncer.urlOf(direct.url));
  own.username = "bourse_wallet";
  url = own.href;
  pool = openPool(url, {
    connectionsMax: 8,
    statementTimeoutMs: 10_000,
    applicationName: "test",
    preparedStatements: false,
    settings: plannerSettings,
  });
  database = { pool, clock: systemClock, random: seededRandom(7), onCommit: () => {} };
});
afterAll(async () => {
  await pool?.end();
  await bouncer?.stop();
  await direct?.drop();
});

/** Sessions of the server that the pooler has open. */
async function sessions(): Promise<number> {
  const { rows } = await direct.pool.query<{ sessions: number }>(
    "SELECT count(*) AS sessions FROM pg_stat_activity WHERE datname = current_database() AND usename = 'bourse_wallet'",
  );
  return rows[0]?.sessions ?? 0;
}

test("what needs a session of its own fails here: this is a pooler in transaction mode", async () => {
  const usual = openPool(url, { connectionsMax: 1, statementTimeoutMs: 5_000, applicationName: "test" });
  await expect(usual.query("SELECT 1")).rejects.toThrow("unsupported startup parameter: statement_timeout");
  await usual.end();
});

test("two starters migrate once, up and down", async () => {
  const runs = await Promise.all([1, 2].map(() => migrate(pool, directory, { schema })));
  const { rows } = await direct.pool.query("SELECT name FROM wallet.schema_migrations ORDER BY number");
  const all = rows.map(({ name }) => name);
  expect(runs.flat().sort()).toEqual(all);
  expect(await migrateDown(pool, directory, { schema, to: 0 })).toEqual(all.reverse());
  expect(await migrate(pool, directory, { schema })).toHaveLength(all.length);
  const locks = await direct.pool.query(
    "SELECT FROM pg_locks WHERE locktype = 'advisory' AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
  );
  expect(locks.rowCount).toBe(0);
});

test("reserves, settlements, transfers and the sweep", async () => {
  const wallet = walletOn(database);
  await Promise.all(users.map((userId) => wallet.deposit(userId, BASE, "0.002")));
  await Promise.all(users.map((userId) => wallet.deposit(userId, QUOTE, "0.002")));
  const position = await playHistory(database, { seed: 11, orders: 60, users, batchSize: 50 });
  expect((await getCursor(database, 0)).position).toEqual(position);

  const balanceBefore = await getBalances(database, users[0] as string);
  await wallet.deposit(users[0] as string, QUOTE, "5");
  // Many at once, of one account: more transactions than there are sessions.
  const ids = Array.from({ length: 40 }, (_, index) => uuidOf(`pooled ${index}`));
  const answers = await Promise.all(
    ids.map((orderId) =>
      reserveBatch(database, [
        reserveRequest({ orderId, userId: users[0] as string, amountAtoms: 10_000_000n }),
      ]),
    ),
  );
  expect(answers.flat().map(({ type }) => type)).toEqual(ids.map(() => "held"));
  expect(await sessions()).toBeLessThanOrEqual(SESSIONS);
  const orphans = await listOrphans(database, { shard: 0, olderThanMs: 0, limit: 0 });
  expect(orphans.map(({ orderId }) => orderId)).toEqual(expect.arrayContaining(ids));
  await noteSequenced(database, ids);
  const left = await listOrphans(database, { shard: 0, olderThanMs: 0, limit: 0 });
  expect(left.filter(({ orderId }) => ids.includes(orderId))).toEqual([]);
  expect(await makeLedgerMonths(pool, 200)).toBeGreaterThan(200);

  const pair = await reservedPair({ ...wallet, ...direct, database }, "pooled");
  const call = callOf(tradeOfPair(pair, "pooled"));
  const settled = await settleTrade(database, call);
  expect(await settleTrade(database, call)).toEqual({ ...settled, isReplayed: true });
  const release = { orderId: pair.buyOrderId, userId: pair.buyerId, amountAtoms: undefined };
  const released = await releaseReservation(database, { ...release, fingerprintHex: fingerprintOf("r") });
  expect(released.releasedAtoms).toBe(500_000_000n);
  const accounts = accountFlows(database);
  for (const [requestId, end] of [["out", "COMPLETED"] as const, ["back", "CANCELLED"] as const]) {
    const userId = pair.buyerId;
    await accounts.holdWithdrawal(accountRequest({ requestId, userId }));
    expect((await accounts.endWithdrawal(requestId, end)).state).toBe(end);
  }
  const all = { asset: undefined, kind: undefined, fromMs: undefined, toMs: undefined, after: undefined };
  const page = await accounts.listLedger({ ...all, userId: pair.buyerId, pageSize: 10 });
  expect(page.rows.length).toBeGreaterThan(3);

  expect(balanceBefore.length).toBeGreaterThan(0);
  expect(await breachesOf(direct.pool)).toEqual({});
});

test("the wallet process serves behind it, and says why it cannot when it is not told", async () => {
  const env = {
    BOURSE__WALLET__POSTGRES_URL: url,
    BOURSE__WALLET__GRPC_PORT: "0",
    BOURSE__WALLET__ADMIN_PORT: "0",
    BOURSE__WALLET__HTTP_PORT: "0",
  };
  const untold = startProcess("main.ts", env);
  const told = startProcess("main.ts", { ...env, BOURSE__WALLET__PREPARED_STATEMENTS: "false" });
  try {
    const why = (await untold.said("database does not answer")).err as unknown as { message: string };
    expect(why.message).toMatch(/unsupported startup parameter/);
    const ports = await told.said("wallet started");
    await untilReady(ports.adminPort);
    const channel = openChannel(`127.0.0.1:${ports.grpcPort}`);
    const deposit = { userId: uuidOf("pooled"), asset: "BTC", amount: "1", requestId: "pooled" };
    const first = await createClient(AccountService, channel).deposit(deposit);
    expect(await createClient(AccountService, channel).deposit(deposit)).toEqual(first);
    channel.close();
  } finally {
    for (const { child } of [untold, told]) child.kill("SIGKILL");
  }
});
