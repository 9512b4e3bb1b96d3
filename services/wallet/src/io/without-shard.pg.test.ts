import { migrate, migrateDown } from "@bourse/shared/postgres/migrate.js";
import { afterAll, beforeAll, expect, test } from "vitest";
import { releaseReservation } from "../flow/release.js";
import { settleTrade } from "../flow/settle-trade.js";
import { fingerprintOf, reserveRequest, usersOf, uuidOf } from "../testing/names.js";
import { callOf, reservedPair, tradeOfPair } from "../testing/trades.js";
import {
  breachesOf,
  migrations,
  openWalletDatabase,
  playHistory,
  reserveOne,
  type WalletDatabase,
} from "../testing/wallet-database.js";
import { findOrphans } from "./reservations.js";

const { directory, schema } = migrations;
const NOBODYS_SHARD = 2_147_483_647;

let wallet: WalletDatabase;
beforeAll(async () => {
  wallet = await openWalletDatabase();
  const users = usersOf(2);
  for (const userId of users)
    for (const asset of ["BTC", "USDT"]) await wallet.deposit(userId, asset, "0.002");
  await playHistory(wallet.database, { seed: 3, orders: 20, users, batchSize: 50 });
});
afterAll(() => wallet.drop());

/** One pair that has traded and whose seller was released, an order that is held, one that was never reserved. */
async function fill(name: string): Promise<void> {
  const pair = await reservedPair(wallet, name);
  await settleTrade(wallet.database, callOf(tradeOfPair(pair, name)));
  const release = (orderId: string, userId: string) =>
    releaseReservation(wallet.database, {
      ...{ orderId, userId, amountAtoms: undefined },
      fingerprintHex: fingerprintOf(orderId),
    });
  await release(pair.sellOrderId, pair.sellerId);
  await release(uuidOf(`${name} unseen`), pair.sellerId);
  await reserveOne(
    wallet.database,
    reserveRequest({ orderId: uuidOf(`${name} poor`), userId: uuidOf("poor"), shard: undefined }),
  );
}

const sums = `SELECT sum(remaining) AS left, sum(spent) AS spent, sum(released) AS released, count(*) AS rows,
                     (SELECT count(*) FROM wallet.settled_trades) AS trades FROM wallet.reservations`;

test("rows without shard go down to a shard that nobody runs, again and again, every audit clean", async () => {
  for (const name of ["one", "two"]) {
    await fill(name);
    expect(await breachesOf(wallet.pool)).toEqual({});
    const [before] = (await wallet.pool.query(sums)).rows;
    await migrateDown(wallet.pool, directory, { schema, to: 8 });
    expect(await breachesOf(wallet.pool)).toEqual({});
    expect((await wallet.pool.query(sums)).rows).toEqual([before]);
    const orphans = await findOrphans(wallet.pool, { shard: NOBODYS_SHARD, olderThanMs: 0, limit: 9 });
    expect(orphans).toEqual([]);
    await migrate(wallet.pool, directory, { schema });
    expect(await breachesOf(wallet.pool)).toEqual({});
  }
  const { rows } = await wallet.pool.query(
    "SELECT count(*) AS trades, count(DISTINCT seq) AS places FROM wallet.settled_trades WHERE shard = $1",
    [NOBODYS_SHARD],
  );
  expect(rows).toEqual([{ trades: 2, places: 2 }]);
});

// What the constraints alone would let through, done with their triggers off.
test("audit_i6 finds a trade by call of an order that has a shard", async () => {
  await fill("three");
  const client = await wallet.pool.connect();
  try {
    await client.query("BEGIN");
    expect(await breachesOf(client)).toEqual({});
    await client.query("SET LOCAL session_replication_role = replica");
    await client.query("UPDATE wallet.reservations SET shard = 0 WHERE order_id = $1", [uuidOf("three buy")]);
    expect(Object.keys(await breachesOf(client))).toEqual(["i6"]);
  } finally {
    await client.query("ROLLBACK");
    client.release();
  }
});

const row =
  "INSERT INTO wallet.reservations (order_id, user_id, state, asset, amount, remaining, fingerprint, terms";
test.each([
  [
    "a row without shard that closes without its release",
    "UPDATE wallet.reservations SET state = 'CLOSED', released = remaining, remaining = 0 WHERE order_id = $1",
    "released_by_call_without_shard",
  ],
  [
    "a release of what a shard owns",
    `${row}, shard, release_fingerprint) VALUES (gen_random_uuid(), $1, 'ACTIVE', 'USDT', 1, 1, sha256(''), '', 1, sha256(''))`,
    "released_by_call_without_shard",
  ],
  [
    "a last word about an order that nobody decided about",
    "UPDATE wallet.reservations SET final_status = 'FILLED', executed_lots = 0, executed_tick_lots = 0, order_ended_at_ms = 0, ended_seq = 0 WHERE order_id = $1",
    "closed_has_its_final_word",
  ],
  [
    "an end by a shard without its word",
    `${row}, shard, released) VALUES (gen_random_uuid(), $1, 'CLOSED', 'USDT', 1, 0, sha256(''), '', 1, 1)`,
    "closed_has_its_final_word",
  ],
  [
    "a leg without shard",
    `${row}, leg_of) VALUES (gen_random_uuid(), gen_random_uuid(), 'ACTIVE', 'USDT', 1, 1, sha256(''), '', $1)`,
    "a_leg_has_a_shard",
  ],
])("the database refuses %s", async (_, sql, constraint) => {
  await fill(constraint + sql.length);
  const failure = await wallet.pool.query(sql, [uuidOf(`${constraint + sql.length} buy`)]).then(
    () => undefined,
    (error: { code: string; constraint?: string }) => error,
  );
  expect(failure).toMatchObject({ code: "23514", constraint });
});
