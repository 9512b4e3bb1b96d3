// Several of each process at once, as a rollout has them: wallets that share one database, settlers that race for
// the same shards, and one of each that ends on the way.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure } from "@bourse/shared/errors/from-wire.js";
import type { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import { afterEach, expect, test, vi } from "vitest";
import type { ReserveRequest } from "./core/reserve.js";
import { getCursor } from "./flow/settle.js";
import { metricOf, openFleet } from "./testing/fleet.js";
import { firstRecord, history } from "./testing/history.js";
import { BASE, QUOTE, usersOf } from "./testing/names.js";
import { ShardServer } from "./testing/shard-server.js";
import { openWalletDatabase } from "./testing/wallet-database.js";
import { untilReady, type WalletProcess } from "./testing/wallet-process.js";

const closers: (() => unknown)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});

const users = usersOf(5);
const ORDERS = 100;

type Wallet = ServiceClient<typeof WalletService>;

/** Reserves at any of the wallets, sometimes at two at once, until there is a final word: true when it is held. */
async function reserveAnywhere(
  wallets: readonly Wallet[],
  request: ReserveRequest,
  turn: number,
): Promise<boolean> {
  const message = {
    ...request,
    legOfOrderId: request.legOf ?? "",
    amount: formatAtoms(request.amountAtoms),
    fingerprint: Buffer.from(request.fingerprintHex, "hex"),
  };
  const reserveAt = async (wallet: Wallet | undefined) => {
    try {
      await wallet?.reserve(message, { timeoutMs: 5_000 });
      return true;
    } catch (error) {
      if (error instanceof DomainError && error.reason === "INSUFFICIENT_FUNDS") return false;
      if (isInfrastructureFailure(error)) return undefined;
      throw error;
    }
  };
  for (let attempt = turn; ; attempt += 1) {
    const asked = [wallets[attempt % wallets.length], ...(attempt % 5 === 0 ? wallets.slice(0, 1) : [])];
    const words = (await Promise.all(asked.map(reserveAt))).filter((word) => word !== undefined);
    expect(new Set(words).size).toBeLessThan(2);
    if (words[0] !== undefined) return words[0];
  }
}

/** Plays a history of one shard: what the wallets hold, the shard decides. */
async function play(shard: ShardServer, number: number, wallets: readonly Wallet[], onOrder: () => unknown) {
  let isHeld = true;
  let turn = number;
  shard.append(firstRecord());
  for (const step of history(40 + number, { orders: ORDERS, users, isHeld: () => isHeld })) {
    if (step.type === "record") {
      shard.append(step.record);
      continue;
    }
    turn += 1;
    await onOrder();
    isHeld = await reserveAnywhere(wallets, { ...step.request, shard: number }, turn);
  }
}

const errorsOf = ({ log }: WalletProcess) =>
  log.filter(({ level }) => level === "error" || level === "fatal");

test("wallets that share a database and settlers that race for two shards stay exact through a rollout", async () => {
  const { startWallet, startSettler } = openFleet(closers);
  const database = await openWalletDatabase();
  closers.push(() => database.drop());
  for (const userId of users)
    for (const asset of [BASE, QUOTE]) await database.deposit(userId, asset, "0.002");
  const shards = [new ShardServer(0), new ShardServer(1)];
  for (const [number, shard] of shards.entries()) {
    await database.followShard(number);
    await shard.serve();
    closers.push(() => shard.close());
  }
  const wallets = [await startWallet(database), await startWallet(database), await startWallet(database)];
  const settlers = await Promise.all([startSettler(shards, wallets), startSettler(shards, wallets)]);

  let orders = 0;
  let replaced: Promise<unknown> = Promise.resolve();
  const onOrder = () => {
    orders += 1;
    if (orders % 40 === 0) for (const shard of shards) shard.cut();
    // A third of the way a wallet and a settler end, while another settler starts.
    if (orders !== Math.floor((2 * ORDERS) / 3)) return;
    wallets[0]?.child.kill("SIGTERM");
    settlers[0]?.child.kill("SIGTERM");
    replaced = startSettler(shards, wallets).then((another) => settlers.push(another));
  };
  const clients = wallets.map(({ client }) => client);
  await Promise.all(shards.map((shard, number) => play(shard, number, clients, onOrder)));
  await replaced;

  await vi.waitFor(
    async () => {
      const cursors = shards.map((_, number) => getCursor(database.database, number));
      const seqs = (await Promise.all(cursors)).map(({ position }) => position.seq);
      expect(seqs).toEqual(shards.map(({ records }) => records.length));
    },
    { timeout: 30_000, interval: 20 },
  );
  expect(await database.breaches()).toEqual({});
  const trades = shards.flatMap(({ records }) => records.flatMap(({ events }) => events));
  const { rows } = await database.pool.query("SELECT count(*)::int AS trades FROM wallet.settled_trades");
  expect(rows).toEqual([{ trades: trades.filter(({ kind }) => kind.case === "trade").length }]);

  // Losing a race is no alarm and stops nothing.
  for (const settler of settlers.slice(1)) {
    const stopped = await metricOf(settler, "bourse_settlement_stopped");
    expect(stopped).toHaveLength(2);
    for (const line of stopped) expect(line).toMatch(/ 0$/);
    await untilReady(settler.ports.adminPort);
  }
  expect([...wallets, ...settlers].flatMap(errorsOf)).toEqual([]);
  for (const ended of [wallets[0], settlers[0]]) expect(await ended?.exited).toEqual({ code: 0, errors: "" });
}, 120_000);
