// The database is put back to a copy some seconds older, as by a restore or a failover that lost commits: the wallet
// makes up for what the journals tell of, and says what they do not.
import { randomUUID } from "node:crypto";
import { cp, rm } from "node:fs/promises";
import { join } from "node:path";
import { pathsOf } from "@bourse/local/home.js";
import { LOAD_FUNDS, type Told, underLoad } from "@bourse/local/testing/load.js";
import { disagreements } from "@bourse/local/testing/reconcile.js";
import type { User } from "@bourse/local/testing/users.js";
import { OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { runTool } from "./tool.js";

let exchange: Exchange;
let users: User[];
let copy: string;

beforeAll(async () => {
  // What waits for a database that was away need not wait for half a minute here.
  const env = { BOURSE__ORDER_GATEWAY__BREAKER_OPEN_MS: "1000", BOURSE__SETTLER__BREAKER_OPEN_MS: "1000" };
  exchange = await startExchange({ isDurable: true, env });
  copy = join(exchange.mesh.home, "postgres-copy");
  users = [];
  for (let n = 0; n < 3; n += 1) users.push(await exchange.newUser({ funds: LOAD_FUNDS }));
});
afterAll(() => exchange?.close());

const MS_MAX = 240_000;

/** Ends the database at once, does something to its files, and starts it again. */
async function withoutPostgres(change: (folder: string) => Promise<void>): Promise<void> {
  await exchange.mesh.kill("postgres");
  await change(pathsOf(exchange.mesh.home).postgres);
  await exchange.mesh.restart("postgres");
  await exchange.mesh.untilReady();
}

const keepCopy = () =>
  withoutPostgres(async (folder) => {
    await rm(copy, { recursive: true, force: true });
    await cp(folder, copy, { recursive: true });
  });

const putCopyBack = async () => {
  await exchange.mesh.kill("postgres");
  const folder = pathsOf(exchange.mesh.home).postgres;
  await rm(folder, { recursive: true });
  await cp(copy, folder, { recursive: true });
  await exchange.mesh.restart("postgres");
};

const home = () => ({ BOURSE_HOME: exchange.mesh.home });

async function expectSound(told: readonly Told[]): Promise<void> {
  expect(await disagreements(exchange, told)).toEqual([]);
  const audit = await runTool("audit", [], home());
  expect(audit.code, audit.output).toBe(0);
}

/** What `npm run settlement` says, once it says this. */
async function settlementSays(text: string): Promise<string> {
  let said = "";
  await vi.waitFor(
    async () => {
      said = (await runTool("settlement", [], home())).output;
      expect(said).toContain(text);
    },
    { timeout: 120_000, interval: 500 },
  );
  return said;
}

test(
  "a deposit that was lost stops the settlement of orders that it paid, until it is made again",
  async () => {
    const user = await exchange.newUser();
    await keepCopy();
    const deposit = { userId: user.id, asset: "BTC", amount: "2", requestId: randomUUID() };
    await exchange.operator.client.accounts.deposit(deposit);
    const { order } = await user.client.orders.placeOrder({
      clientOrderId: "paid-from-it",
      symbol: "BTC/USDT",
      side: Side.SELL,
      type: OrderType.LIMIT,
      price: "900000",
      quantity: "1.5",
    });
    expect(order?.orderId).toBeDefined();
    await exchange.evidence.untilSettled();
    await putCopyBack();

    // The wallet that lived through it remembers the deposit itself.
    expect(await settlementSays("shard 0: STOPPED")).toContain(
      `missing: ${deposit.requestId} (DEPOSIT of BTC for ${user.id})`,
    );
    // One that was restarted sees only that the order's money is not there.
    for (const name of ["wallet", "settler"]) {
      await exchange.mesh.kill(name);
      if (name === "wallet") await exchange.mesh.restart(name);
    }
    // Not ready, and rightly so: its settlement stops again.
    const restarted = exchange.mesh.restart("settler").catch(() => undefined);
    const said = await settlementSays("why: funds are missing");
    expect(said).toContain(`missing: ${user.id} 1.5 BTC`);
    expect(said).toContain(`orders: ${order?.orderId}`);
    await exchange.operator.client.accounts.deposit(deposit);
    await exchange.mesh.kill("settler");
    await restarted;
    await exchange.mesh.restart("settler");
    await settlementSays("shard 0: settles");
    await exchange.mesh.untilReady();
    await expectSound([]);
  },
  MS_MAX,
);

test(
  "holds, settlements and cursors that were lost come back from the journals",
  async () => {
    const before = await underLoad(users, { seed: 1, prefix: "before", words: 100 }, keepCopy);
    const lost = await underLoad(users, { seed: 2, prefix: "lost", words: 300 }, async () => {});
    await putCopyBack();
    await exchange.mesh.untilReady();
    const since = await underLoad(users, { seed: 3, prefix: "since", words: 50 }, async () => {});
    // A refusal is a word of the wallet alone: what it lost of them no journal tells.
    const told = [...before, ...lost.filter(({ order }) => order !== undefined), ...since];
    await expectSound(told);
    const [restored] = await exchange.evidence.query<{ count: number }>(
      "SELECT count(*)::int FROM wallet.reservations WHERE restored",
    );
    expect(restored?.count).toBeGreaterThan(50);
  },
  MS_MAX,
);
