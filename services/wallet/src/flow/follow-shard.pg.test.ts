import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  AmendCommandSchema,
  RecordSchema,
  type Record as ShardRecord,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { MarketSchema } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { type GuardWatch, guardWallet } from "@bourse/shared/runtime/wallet-guard.js";
import { seededRandom } from "@bourse/shared/testing/random.js";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createMatcherClient } from "../io/matcher-client.js";
import { createRecordReader } from "../io/matcher-events.js";
import { createWalletClient, type WalletClient } from "../io/wallet-client.js";
import { firstRecord, history } from "../testing/history.js";
import { BASE, MARKET, QUOTE, reserveRequest, usersOf, uuidOf } from "../testing/names.js";
import { ShardServer, silent } from "../testing/shard-server.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { serveWallet } from "../testing/wallet-server.js";
import { followAndSettle, type ShardState, type ShardWatch } from "./follow-shard.js";
import { getReservation } from "./reserve.js";
import { getCursor, type SettleBatch, settleBatch } from "./settle.js";
import { sweepOnce } from "./sweep.js";

const users = usersOf(4);
const GUARD = { breakerFailures: 50, breakerOpenMs: 10, breakerTrials: 1, clock, random: seededRandom(1) };
let database: WalletDatabase;
let shard: ShardServer;
let closers: (() => unknown)[] = [];

beforeEach(async () => {
  database = await openWalletDatabase();
  shard = new ShardServer();
  await shard.serve();
  closers = [() => database.drop(), () => shard.close()];
  for (const userId of users)
    for (const asset of [BASE, QUOTE]) await database.deposit(userId, asset, "0.002");
});
afterEach(async () => {
  for (const close of closers.reverse()) await close();
});

/** Reserves of a history carried out; its records, the first included. */
async function recordsOf(seed: number, orders: number): Promise<ShardRecord[]> {
  const records = [firstRecord()];
  let isHeld = true;
  for (const step of history(seed, { orders, users, isHeld: () => isHeld })) {
    if (step.type === "record") records.push(step.record);
    else isHeld = (await reserveOne(database.database, step.request)).type === "held";
  }
  return records;
}

async function walletClientOf(options: Parameters<typeof serveWallet>[1] = {}): Promise<WalletClient> {
  const server = await serveWallet(database.database, options);
  closers.push(server.close);
  const { signal } = new AbortController();
  return createWalletClient(server.wallet, { guard: guardWallet(GUARD), timeoutMs: 5_000, signal });
}

/** A settler of the shard, stopped after the test at the latest. */
function startSettler(wallet: WalletClient, watch: Partial<ShardWatch> = {}) {
  const channel = openChannel(shard.address);
  const events = createClient(MatcherService, channel);
  const matcher = createMatcherClient(events);
  const state: ShardState = { timeMs: undefined, isStopped: false };
  const stop = new AbortController();
  const running = followAndSettle({
    shard: 0,
    state,
    wallet,
    matcher,
    events,
    reader: createRecordReader(),
    operationsMax: 500,
    reportEveryMs: 1,
    watch: { onState: () => {}, onLag: () => {}, onStopped: () => {}, ...watch },
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
  return { state, matcher, end, running };
}

/** Resolves when the wallet has settled everything that the shard has. */
const caughtUp = () =>
  vi.waitFor(
    async () => {
      const { position } = await getCursor(database.database, 0);
      expect(position.seq).toBe(shard.records.length);
    },
    { timeout: 10_000, interval: 10 },
  );

test("what a shard decides becomes money, its epoch is stored first and its cursor reported", async () => {
  shard.append(...(await recordsOf(21, 120)));
  const lags: number[] = [];
  const { end } = startSettler(await walletClientOf(), { onLag: (records) => lags.push(records) });
  await caughtUp();
  // Before the end: a settler that is stopped leaves its last report to the next one.
  await vi.waitFor(() => expect(shard.reported.at(-1)).toBe(shard.records.length), { timeout: 10_000 });
  await end();
  expect(await database.breaches()).toEqual({});
  expect(shard.reported[0]).toBe(0);
  expect(lags.at(-1)).toBe(0);
  const { rows } = await database.pool.query("SELECT count(*) AS trades FROM wallet.settled_trades");
  expect(rows[0].trades).toBe(
    shard.records.flatMap(({ events }) => events).filter(({ kind }) => kind.case === "trade").length,
  );
});

test("a settler that is killed and a stream that is cut again and again settle everything once", async () => {
  const records = await recordsOf(22, 150);
  const wallet = await walletClientOf();
  for (let start = 0; start < records.length; start += 25) {
    shard.append(...records.slice(start, start + 25));
    const { end } = startSettler(wallet);
    if (start % 50 === 0) {
      await vi.waitFor(
        async () => expect((await getCursor(database.database, 0)).position.seq).toBeGreaterThan(start),
        { timeout: 10_000 },
      );
    }
    shard.cut();
    await end();
  }
  startSettler(wallet);
  await caughtUp();
  expect(await database.breaches()).toEqual({});
});

test("two settlers of one shard do no harm", async () => {
  const wallet = await walletClientOf();
  startSettler(wallet);
  startSettler(wallet);
  const records = await recordsOf(23, 100);
  for (let start = 0; start < records.length; start += 10) shard.append(...records.slice(start, start + 10));
  await caughtUp();
  expect(await database.breaches()).toEqual({});
});

test("a settler restarted within a record goes on with the rest of that record", async () => {
  const records = await recordsOf(24, 80);
  const large = records.findIndex(
    ({ events }) => events.filter(({ kind }) => kind.case === "trade").length > 1,
  );
  const wallet = await walletClientOf();
  shard.append(...records.slice(0, large));
  const first = startSettler(wallet);
  await caughtUp();
  await first.end();

  // One operation of the record is settled, as a batch that was full would have left it.
  const reader = createRecordReader();
  reader.setMarkets([create(MarketSchema, MARKET)]);
  const record = reader.read(records[large] ?? firstRecord());
  const after = (await getCursor(database.database, 0)).position;
  const through = { epoch: 1, seq: record.seq, operations: 1 };
  await wallet.settle({ shard: 0, epoch: 1, after, through, operations: record.operations.slice(0, 1) });

  // The shard may delete what is reported, and of this record a part is still to be read.
  startSettler(wallet);
  await vi.waitFor(() => expect(shard.reported.at(-1)).toBe(record.seq - 1), { timeout: 10_000 });
  shard.append(...records.slice(large));
  await caughtUp();
  await vi.waitFor(() => expect(shard.reported.at(-1)).toBe(shard.records.length), { timeout: 10_000 });
  expect(await database.breaches()).toEqual({});
});

test("a settler goes on where the shard retains nothing that it has settled", async () => {
  const records = await recordsOf(29, 40);
  const wallet = await walletClientOf();
  // A record with effects: the cursor alone does not tell that it is whole.
  const half = records.findIndex(({ events }, at) => at > 20 && events.length > 0) + 1;
  shard.append(...records.slice(0, half));
  const first = startSettler(wallet);
  await caughtUp();
  await first.end();

  shard.oldestSeq = half + 1;
  startSettler(wallet);
  shard.append(...records.slice(half));
  await caughtUp();
  expect(await database.breaches()).toEqual({});
});

test("a shard that no longer has what is to be settled stops its settlement, with an alarm", async () => {
  const records = await recordsOf(30, 20);
  shard.append(...records);
  shard.oldestSeq = 5;
  const stopped: DomainError[] = [];
  const onStopped = (failure: DomainError) => stopped.push(failure);
  const { state, running } = startSettler(await walletClientOf(), { onStopped });
  await running;
  expect(stopped).toMatchObject([{ reason: "SEQ_TOO_OLD", facts: { oldest_seq: "5" } }]);
  expect(state.isStopped).toBe(true);
  expect(await database.breaches()).toEqual({});
});

test("a wallet that restarts is waited for: the breaker stays closed, and nothing is done twice", async () => {
  const server = await serveWallet(database.database);
  const channel = openChannel(`127.0.0.1:${server.port}`);
  const stop = new AbortController();
  const moves: string[] = [];
  const watch: GuardWatch = { onMove: (state) => moves.push(state) };
  const guard = guardWallet({ ...GUARD, breakerFailures: 5, breakerOpenMs: 30_000, watch });
  const { signal } = stop;
  const options = { guard, timeoutMs: 15_000, signal };
  const wallet = createWalletClient(createClient(WalletService, channel), options);
  const records = await recordsOf(28, 80);
  const { end } = startSettler(wallet);
  shard.append(...records.slice(0, 40));
  await caughtUp();

  await server.close();
  shard.append(...records.slice(40));
  const again = await serveWallet(database.database, { port: server.port });
  await caughtUp();
  expect(moves).toEqual([]);
  expect(await database.breaches()).toEqual({});

  // A drain does not wait for a wallet that is away.
  await again.close();
  shard.append(create(RecordSchema, { seq: BigInt(records.length + 1), epoch: 1n, timeMs: 1_000_000n }));
  stop.abort();
  await end();
  channel.close();
});

test("what failed while the wallet was away is settled when it is back, though the shard says nothing more", async () => {
  const failures = { left: 0 };
  const settle = async (batch: SettleBatch) => {
    if (batch.operations.length > 0 && failures.left > 0) {
      failures.left -= 1;
      throw new DomainError("WALLET_UNAVAILABLE", { outcome: "UNKNOWN" });
    }
    return settleBatch(database.database, batch);
  };
  const whys: (string | undefined)[] = [];
  const onState = (isFollowing: boolean, why?: string) => whys.push(isFollowing ? "yes" : why);
  const [first, ...rest] = await recordsOf(29, 20);
  if (first === undefined) throw new Error("a history has records");
  shard.append(first);
  startSettler(await walletClientOf({ overrides: { settle } }), { onState });
  await caughtUp();
  // All attempts of one call, once and again.
  failures.left = 6;
  shard.append(...rest);
  await caughtUp();
  expect(failures.left).toBe(0);
  expect(whys.filter((why) => why !== "yes")).toContain("WALLET_UNAVAILABLE");
  expect(await database.breaches()).toEqual({});
});

test("a settlement whose answer is lost is not done twice", async () => {
  let lost = 0;
  const server = await serveWallet(database.database);
  closers.push(server.close);
  const wallet = await walletClientOf({
    overrides: {
      settle: async (batch) => {
        const position = await server.flows.settle(batch);
        if (batch.operations.length > 0 && lost < 3) {
          lost += 1;
          throw new DomainError("WALLET_UNAVAILABLE", { outcome: "UNKNOWN" });
        }
        return position;
      },
    },
  });
  shard.append(...(await recordsOf(25, 60)));
  startSettler(wallet);
  await caughtUp();
  expect(lost).toBeGreaterThan(0);
  expect(await database.breaches()).toEqual({});
});

test("a settlement that cannot be applied stops the shard, alive, with everything behind it unsettled", async () => {
  const records = await recordsOf(26, 60);
  const bad = records.findIndex(({ events }) => events.some(({ kind }) => kind.case === "trade"));
  for (const { kind } of records[bad]?.events ?? []) {
    if (kind.case === "trade" && kind.value.taker !== undefined) kind.value.taker.receivedBefore = "12345";
  }
  shard.append(...records);
  const stopped: DomainError[] = [];
  const { state, running } = startSettler(await walletClientOf(), {
    onStopped: (failure) => stopped.push(failure),
  });
  await running;
  expect(stopped).toMatchObject([{ reason: "SETTLEMENT_IMPOSSIBLE", facts: { seq: String(bad + 1) } }]);
  expect(state.isStopped).toBe(true);
  expect((await getCursor(database.database, 0)).position.seq).toBeLessThanOrEqual(bad);
  expect(await database.breaches()).toEqual({});
});

test("an older server of the shard is refused until the newer one is back", async () => {
  const wallet = await walletClientOf();
  await wallet.settle({
    shard: 0,
    epoch: 2,
    after: { epoch: 0, seq: 0, operations: 0 },
    through: { epoch: 0, seq: 0, operations: 0 },
    operations: [],
  });
  const refusals: (string | undefined)[] = [];
  startSettler(wallet, { onState: (isFollowing, why) => void (isFollowing || refusals.push(why)) });
  shard.append(...(await recordsOf(27, 20)));
  await vi.waitFor(() => expect(refusals).toContain("STALE_EPOCH"), { timeout: 10_000 });
  expect((await getCursor(database.database, 0)).position.seq).toBe(0);
  shard.epoch = 3;
  await caughtUp();
});

test("the sweep asks the shard: a known orphan is marked, an unknown one is closed by its tombstone", async () => {
  const [userId = ""] = users;
  const [known, lost] = [uuidOf("known"), uuidOf("lost")];
  for (const orderId of [known, lost])
    await reserveOne(database.database, reserveRequest({ orderId, userId }));
  shard.append(firstRecord());
  shard.known.add(known);
  const wallet = await walletClientOf();
  const { state, matcher } = startSettler(wallet);
  await vi.waitFor(() => expect(state.timeMs).toBe(1_000), { timeout: 10_000 });
  const sweep = () =>
    sweepOnce({ shard: 0, state, wallet, matcher, orphanAgeMs: 0, resolveWithinMs: 15_000, log: silent });

  expect(await sweep()).toEqual({ known: 1, tombstones: 1 });
  await caughtUp();
  expect(await getReservation(database.database, known)).toMatchObject({
    state: "ACTIVE",
    isSequenced: true,
  });
  expect(await getReservation(database.database, lost)).toMatchObject({
    state: "CLOSED",
    finalWord: { status: "REJECTED", reason: "NOT_SEQUENCED" },
  });
  expect(await sweep()).toEqual({ known: 0, tombstones: 0 });
  expect(shard.resolved).toEqual([known, lost]);
  expect(await database.balance(userId, QUOTE)).toBe("199900+100");
});

test("the sweep resolves a leg by its own id, in the market that its amend names", async () => {
  const [userId = ""] = users;
  const [orderId, legId] = [uuidOf("order of a leg"), uuidOf("lost leg")];
  await reserveOne(database.database, reserveRequest({ orderId, userId }));
  const amend = toBinary(
    AmendCommandSchema,
    create(AmendCommandSchema, {
      orderId,
      userId,
      legId,
      symbol: MARKET.symbol,
      legUnits: 9n,
      legAmount: "1",
    }),
  );
  await reserveOne(
    database.database,
    reserveRequest({ orderId: legId, legOf: orderId, userId, terms: amend, amountAtoms: 50n }),
  );
  shard.append(firstRecord());
  shard.known.add(orderId);
  const wallet = await walletClientOf();
  expect(await wallet.orphans(0, 0)).toMatchObject([
    { orderId },
    { orderId: legId, userId, symbol: MARKET.symbol },
  ]);
  const { state, matcher } = startSettler(wallet);
  await vi.waitFor(() => expect(state.timeMs).toBe(1_000), { timeout: 10_000 });
  const sweep = { shard: 0, state, wallet, matcher, orphanAgeMs: 0, resolveWithinMs: 15_000, log: silent };
  expect(await sweepOnce(sweep)).toEqual({ known: 1, tombstones: 1 });
  await caughtUp();
  expect(await getReservation(database.database, legId)).toMatchObject({
    state: "CLOSED",
    legOf: orderId,
    finalWord: { status: "REJECTED", reason: "NOT_SEQUENCED" },
  });
  expect(await database.balance(userId, QUOTE)).toBe("199900+100");
  expect(await database.breaches()).toEqual({});
});
