import type { DomainError } from "@bourse/shared/errors/domain-error.js";
import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { guardWallet } from "@bourse/shared/runtime/wallet-guard.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { create } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMatcherClient } from "../io/matcher-client.js";
import { createRecordReader } from "../io/matcher-events.js";
import { createWalletClient, type WalletClient } from "../io/wallet-client.js";
import { firstRecord, history, type Step } from "../testing/history.js";
import { contentsOf, type Moment, momentOf } from "../testing/lost-commits.js";
import { BASE, QUOTE, reserveRequest, SYMBOL, usersOf, uuidOf } from "../testing/names.js";
import { ShardServer, silent } from "../testing/shard-server.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { serveWallet } from "../testing/wallet-server.js";
import { accountFlows } from "./account-flows.js";
import { followAndSettle, type ShardState } from "./follow-shard.js";
import { getCursor, type SettleBatch, settleBatch } from "./settle.js";
import { createWitness, type Witness, witnessed } from "./witness.js";

const users = usersOf(4);
let database: WalletDatabase;
let shard: ShardServer;
let wallet: WalletClient;
let witness: Witness;
let closers: (() => unknown)[] = [];

beforeEach(async () => {
  database = await openWalletDatabase();
  shard = new ShardServer();
  await shard.serve();
  closers = [() => database.drop(), () => shard.close()];
  for (const userId of users)
    for (const asset of [BASE, QUOTE]) await database.deposit(userId, asset, "0.002");
  witness = createWitness();
  const settle = (batch: SettleBatch) =>
    settleBatch(database.database, batch, { checkLost: witness.check, wasHeld: witness.wasHeld });
  const server = await serveWallet(database.database, { overrides: { settle } });
  closers.push(server.close);
  const guard = guardWallet({
    breakerFailures: 50,
    breakerOpenMs: 10,
    breakerTrials: 1,
    clock,
    random: seededRandom(1),
  });
  const { signal } = new AbortController();
  wallet = createWalletClient(server.wallet, { guard, timeoutMs: 5_000, signal });
  shard.append(firstRecord());
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

/** A settler that knows nothing but what wallet and shard tell it. */
function startSettler(options: { isSetBack?: boolean } = {}) {
  const channel = openChannel(shard.address);
  const events = createClient(MatcherService, channel);
  const state: ShardState = { timeMs: undefined, isStopped: false };
  const stop = new AbortController();
  const stopped: DomainError[] = [];
  const setBacks: boolean[] = [];
  const running = followAndSettle({
    shard: 0,
    state,
    wallet,
    matcher: createMatcherClient(events),
    events,
    reader: createRecordReader(),
    operationsMax: 500,
    reportEveryMs: 1,
    ...options,
    watch: {
      onState: () => {},
      onLag: () => {},
      onStopped: (failure) => stopped.push(failure),
      onSetBack: (isSetBack) => setBacks.push(isSetBack),
    },
    clock,
    log: silent,
    signal: stop.signal,
  });
  const end = async () => {
    stop.abort();
    await running;
    channel.close();
  };
  closers.push(end);
  return { stopped, setBacks, end, running };
}

async function play(steps: Iterable<Step>): Promise<void> {
  for (const step of steps) {
    if (step.type === "record") shard.append(step.record);
    else isHeld = (await reserveOne(database.database, step.request)).type === "held";
  }
}
let isHeld = true;

/** The shard's next record: an order of a market that holds this. */
function acceptedRecord(orderId: string, userId: string, reservedAsset: string, reservedAmount: string) {
  const terms = { orderId, userId, symbol: SYMBOL, reservedAsset, reservedAmount };
  const seq = BigInt(shard.records.length + 1);
  return create(RecordSchema, {
    seq,
    epoch: 1n,
    timeMs: seq * 1_000n,
    command: { kind: { case: "submit", value: { terms } } },
    events: [{ kind: { case: "accepted", value: {} } }],
  });
}

/** Steps of a history in two parts. */
function halves(seed: number, orders: number) {
  const steps = history(seed, { orders, users, isHeld: () => isHeld });
  function* first(): Generator<Step> {
    for (let count = 0; count < orders; count += 1) {
      const { value, done } = steps.next();
      if (done === true) return;
      yield value;
    }
  }
  return { first: first(), rest: steps };
}

async function caughtUp(): Promise<void> {
  await vi.waitFor(
    async () => {
      const { position } = await getCursor(database.database, 0);
      expect(position.seq).toBe(shard.records.length);
      expect(shard.reported.at(-1)).toBe(position.seq);
    },
    { timeout: 10_000 },
  );
}

/** Plays a history with a moment in its middle, settles all of it, and sets the wallet back to the moment. */
async function lose(
  seed: number,
  between: () => Promise<void> = async () => {},
): Promise<{ moment: Moment }> {
  const { first, rest } = halves(seed, 60);
  const settler = startSettler();
  await play(first);
  const moment = await momentOf(database.pool);
  await between();
  await play(rest);
  await caughtUp();
  await settler.end();
  return { moment };
}

test.each([1, 2, 3, 4])(
  "lost commits are made up from the journal, to the atom (history %i)",
  async (seed) => {
    const { moment } = await lose(seed);
    const before = await contentsOf(database.pool);
    await moment.restore();
    expect(await contentsOf(database.pool)).not.toEqual(before);

    const { setBacks, stopped } = startSettler();
    await caughtUp();
    expect(await contentsOf(database.pool)).toEqual(before);
    expect(await database.breaches()).toEqual({});
    expect([setBacks, stopped]).toEqual([[true, false], []]);
    const { rows } = await database.pool.query("SELECT count(*) FROM wallet.reservations WHERE restored");
    expect(Number(rows[0].count)).toBeGreaterThan(10);
  },
);

test("a settler that lives through it knows it by itself", async () => {
  const { first, rest } = halves(5, 60);
  const { setBacks } = startSettler();
  await play(first);
  const moment = await momentOf(database.pool);
  await play(rest);
  await caughtUp();
  const before = await contentsOf(database.pool);
  await moment.restore();
  shard.reported.splice(0);
  shard.cut();
  await vi.waitFor(() => expect(setBacks).toEqual([true, false]), { timeout: 10_000 });
  expect(await contentsOf(database.pool)).toEqual(before);
  expect(await database.breaches()).toEqual({});
});

test("a wallet that another settler moves on between two calls was not set back", async () => {
  const [alice = ""] = users;
  const orderId = uuidOf("of the other settler");
  await database.deposit(alice, "ETH", "5");
  const hold = reserveRequest({ orderId, userId: alice, asset: "ETH", amountAtoms: 100_000_000n });
  await reserveOne(database.database, hold);
  shard.append(acceptedRecord(orderId, alice, "ETH", "1"));
  const others: ReturnType<typeof startSettler>[] = [];
  shard.onReport = async () => {
    others.push(startSettler());
    await caughtUp();
  };
  const settler = startSettler();
  await vi.waitFor(() => expect(shard.reported.filter((seq) => seq === 0)).toHaveLength(2));
  await caughtUp();
  expect([settler, ...others].map(({ setBacks }) => setBacks)).toEqual([[], []]);
});

test("a deposit that is missing stops the settlement, which says whose and how much", async () => {
  const [alice = ""] = users;
  const order = uuidOf("paid from the deposit");
  const { moment } = await lose(6, async () => {
    await database.deposit(alice, "ETH", "5");
    const request = reserveRequest({
      orderId: order,
      userId: alice,
      asset: "ETH",
      amountAtoms: 300_000_000n,
    });
    expect((await reserveOne(database.database, request)).type).toBe("held");
  });
  shard.append(acceptedRecord(order, alice, "ETH", "3"));
  const settler = startSettler();
  await caughtUp();
  await settler.end();
  const before = await contentsOf(database.pool);
  await moment.restore();

  const { stopped, running } = startSettler();
  await running;
  expect(stopped).toMatchObject([
    {
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: { why: "funds are missing", missing: `${alice} 3 ETH`, orders: expect.stringContaining(order) },
    },
  ]);
  expect(await database.breaches()).toEqual({});

  // The same deposit again is what was lost.
  await database.deposit(alice, "ETH", "5");
  startSettler();
  await caughtUp();
  expect(await contentsOf(database.pool)).toEqual(before);
  expect(await database.breaches()).toEqual({});
});

test("an order without hold at a wallet that was not set back stops it, until an operator says that it was", async () => {
  const { moment } = await lose(7);
  const before = await contentsOf(database.pool);
  await moment.restore();
  // Nobody is left who would know.
  shard.reported.splice(0);
  const { stopped, running } = startSettler();
  await running;
  expect(stopped).toMatchObject([{ facts: { why: "the order has no reservation" } }]);
  startSettler({ isSetBack: true });
  await caughtUp();
  expect(await contentsOf(database.pool)).toEqual(before);
});

test("holds that a living wallet acknowledged and lost are made again, though its cursor was not set back", async () => {
  const [alice = ""] = users;
  await database.deposit(alice, "ETH", "5");
  const { stopped, setBacks } = startSettler();
  await caughtUp();
  const moment = await momentOf(database.pool);
  const orderId = uuidOf("the last commit");
  const hold = reserveRequest({ orderId, userId: alice, asset: "ETH", amountAtoms: 100_000_000n });
  expect((await reserveOne(database.database, hold)).type).toBe("held");
  witness.held(orderId);
  await moment.restore();

  shard.append(acceptedRecord(orderId, alice, "ETH", "1"));
  await caughtUp();
  expect([stopped, setBacks]).toEqual([[], [true, false]]);
  expect(await database.balance(alice, "ETH")).toBe("400000000+100000000");
  expect(await database.breaches()).toEqual({});
});

test("what was reserved anew since the wallet was set back is not held twice, on other terms it stops", async () => {
  const { first, rest } = halves(8, 60);
  const settler = startSettler();
  await play(first);
  const moment = await momentOf(database.pool);
  const [alice = ""] = users;
  const again = uuidOf("again");
  await play(rest);
  await database.deposit(alice, "ETH", "5");
  const request = reserveRequest({ orderId: again, userId: alice, asset: "ETH", amountAtoms: 100_000_000n });
  await reserveOne(database.database, request);
  shard.append(acceptedRecord(again, alice, "ETH", "1"));
  await caughtUp();
  await settler.end();

  await moment.restore();
  await database.deposit(alice, "ETH", "5");
  await reserveOne(database.database, request);
  const same = startSettler();
  await caughtUp();
  expect([same.stopped, await database.balance(alice, "ETH")]).toEqual([[], "400000000+100000000"]);
  await same.end();

  await moment.restore();
  await database.deposit(alice, "ETH", "5");
  await reserveOne(database.database, { ...request, amountAtoms: 200_000_000n });
  const other = startSettler();
  await other.running;
  expect(other.stopped).toMatchObject([
    { facts: { why: "the hold was made on other terms since it was lost", order_id: again } },
  ]);
});

test("a wallet that lives through it misses what it told and no journal knows, and writes its refusals again", async () => {
  const [alice = ""] = users;
  const accounts = witnessed(accountFlows(database.database), witness);
  const deposit = () =>
    accounts.transfer({
      kind: "DEPOSIT",
      requestId: "late",
      transactionId: uuidOf("late"),
      userId: alice,
      asset: "ETH",
      amountAtoms: 5n,
    });
  const refused = reserveRequest({ orderId: uuidOf("no"), userId: alice, asset: "XRP", amountAtoms: 1n });
  const { moment } = await lose(9, async () => {
    await deposit();
    const answer = await reserveOne(database.database, refused);
    if (answer.type !== "refused") throw new Error(answer.type);
    witness.refused(answer.reservation);
  });
  const before = await contentsOf(database.pool);
  await moment.restore();

  const { stopped, running } = startSettler();
  await running;
  expect(stopped).toMatchObject([
    {
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: {
        why: "deposits, adjustments or withdrawals are missing",
        missing: `late (DEPOSIT of ETH for ${alice})`,
      },
    },
  ]);
  await deposit();
  startSettler();
  await caughtUp();
  expect(await contentsOf(database.pool)).toEqual(before);
  expect(await reserveOne(database.database, refused)).toMatchObject({ type: "refused", isReplayed: true });
  expect(await database.breaches()).toEqual({});
});
