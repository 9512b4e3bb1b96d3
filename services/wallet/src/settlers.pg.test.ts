// Settlers as processes: two that race while one of them is killed again and again, and one that was cut off from the
// wallet until its breaker opened.
import { openFaultProxy } from "@bourse/shared/testing/fault-proxy.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { afterEach, expect, test, vi } from "vitest";
import { getReservation } from "./flow/reserve.js";
import { getCursor } from "./flow/settle.js";
import { metricOf, openFleet } from "./testing/fleet.js";
import { firstRecord, history } from "./testing/history.js";
import { BASE, QUOTE, reserveRequest, usersOf, uuidOf } from "./testing/names.js";
import { ShardServer } from "./testing/shard-server.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "./testing/wallet-database.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const users = usersOf(4);

async function openGround(): Promise<{ database: WalletDatabase; shard: ShardServer }> {
  const database = await openWalletDatabase();
  closers.push(() => database.drop());
  for (const userId of users)
    for (const asset of [BASE, QUOTE]) await database.deposit(userId, asset, "0.002");
  const shard = new ShardServer(0);
  await shard.serve();
  closers.push(() => shard.close());
  shard.append(firstRecord());
  return { database, shard };
}

test("two settlers race under load, and kill -9 of one at random, again and again, does no harm", async () => {
  const { startWallet, startSettler } = openFleet(closers);
  const { database, shard } = await openGround();
  const wallets = [await startWallet(database)];
  const racing = [await startSettler([shard], wallets), await startSettler([shard], wallets)];
  const random = seededRandom(17);
  const load = { isOver: false };

  const killing = (async () => {
    let kills = 0;
    for (; kills < 4; kills += 1) {
      // Killed in the middle of what it does: whenever the wallet has come further.
      const { position } = await getCursor(database.database, 0);
      const target = Math.min(position.seq + 5, shard.records.length);
      await vi.waitFor(
        async () => {
          const now = await getCursor(database.database, 0);
          expect(now.position.seq >= target || load.isOver).toBe(true);
        },
        { timeout: 30_000, interval: 2 },
      );
      const victim = Math.floor(random() * racing.length);
      racing[victim]?.child.kill("SIGKILL");
      await racing[victim]?.exited;
      const next = await startSettler([shard], wallets);
      racing[victim] = next;
    }
    return kills;
  })();

  let isHeld = true;
  for (const step of history(50, { orders: 120, users, isHeld: () => isHeld })) {
    if (step.type === "record") shard.append(step.record);
    else isHeld = (await reserveOne(database.database, step.request)).type === "held";
  }
  load.isOver = true;
  expect(await killing).toBe(4);

  await vi.waitFor(
    async () => {
      const { position } = await getCursor(database.database, 0);
      expect(position.seq).toBe(shard.records.length);
    },
    { timeout: 30_000, interval: 20 },
  );
  expect(await database.breaches()).toEqual({});
  const events = shard.records.flatMap((record) => record.events);
  const { rows } = await database.pool.query("SELECT count(*)::int AS trades FROM wallet.settled_trades");
  expect(rows).toEqual([{ trades: events.filter(({ kind }) => kind.case === "trade").length }]);
  for (const settler of racing)
    expect(await metricOf(settler, "bourse_settlement_stopped")).toMatchObject([
      expect.stringMatching(/ 0$/),
    ]);
}, 240_000);

test("orphans are resolved within 60 s of the end of a fault, though the breaker has just opened", async () => {
  const { startWallet, startSettler } = openFleet(closers);
  const { database, shard } = await openGround();
  const { ports } = await startWallet(database);
  const way = await openFaultProxy();
  closers.push(() => way.close());
  way.lead(ports.grpcPort ?? 0);
  // Everything else as in production: the breaker's 30 s, the orphan's age of 10 s, a sweep every 3 s.
  const settler = await startSettler([shard], [{ address: `127.0.0.1:${way.port}` }], {
    settleTimeoutMs: 1_500,
  });

  way.set({ type: "closed" });
  way.cut();
  // The shard goes on deciding, so that there is something to settle.
  const [alice = ""] = users;
  const known = uuidOf("sequenced during the fault");
  const orphan = uuidOf("never sequenced");
  const hold = async (orderId: string) => {
    const request = reserveRequest({ orderId, userId: alice, asset: QUOTE, amountAtoms: 1_000n });
    expect((await reserveOne(database.database, request)).type).toBe("held");
  };
  await hold(known);
  shard.known.add(known);
  expect(await settler.said("circuit breaker of the wallet moved")).toMatchObject({ state: "open" });
  await hold(orphan);
  way.set({ type: "open" });
  const healedAtMs = performance.now();

  await vi.waitFor(
    async () => {
      const rows = await Promise.all([orphan, known].map((id) => getReservation(database.database, id)));
      expect(rows.map((row) => [row?.state, row?.isSequenced])).toEqual([
        ["CLOSED", true],
        ["ACTIVE", true],
      ]);
    },
    { timeout: 90_000, interval: 50 },
  );
  expect(performance.now() - healedAtMs).toBeLessThan(60_000);
  expect(shard.resolved).toEqual(expect.arrayContaining([orphan, known]));
  expect(await metricOf(settler, "bourse_wallet_breaker_state")).toMatchObject([
    expect.stringMatching(/ [01]$/),
  ]);
  expect(await database.breaches()).toEqual({});
}, 180_000);
