import { createHash } from "node:crypto";
import { AmendCommandSchema, OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { ReservationState, type TaggedReserveResult } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, expect, test } from "vitest";
import { uuidOf } from "../testing/names.js";
import { openWalletDatabase, type WalletDatabase } from "../testing/wallet-database.js";
import { serveWallet } from "../testing/wallet-server.js";

let database: WalletDatabase;
let server: Awaited<ReturnType<typeof serveWallet>>;
const alice = uuidOf("alice");
beforeAll(async () => {
  database = await openWalletDatabase();
  server = await serveWallet(database.database, { streamUnansweredMax: 300 });
  await database.deposit(alice, "USDT", "1000");
  for (const shard of [1, 5]) await database.followShard(shard);
});
afterAll(async () => {
  await server.close();
  await database.drop();
});

const terms = toBinary(OrderTermsSchema, create(OrderTermsSchema, { symbol: "BTC/USDT" }));
const legTerms = toBinary(AmendCommandSchema, create(AmendCommandSchema, { symbol: "BTC/USDT" }));

const message = (name: string, overrides: object = {}) => ({
  orderId: uuidOf(name),
  userId: alice,
  asset: "USDT",
  amount: "0.5",
  fingerprint: createHash("sha256").update(name).digest(),
  shard: 1,
  terms,
  ...overrides,
});

test("a reserve crosses the wire with its terms, and GetReservation reads it back", async () => {
  const { reservation, replayed } = await server.wallet.reserve(message("first"));
  expect(replayed).toBe(false);
  expect(reservation).toMatchObject({
    state: ReservationState.ACTIVE,
    asset: "USDT",
    amount: "0.5",
    remaining: "0.5",
    shard: 1,
    finalStatus: OrderStatus.UNSPECIFIED,
  });
  expect([...(reservation?.terms ?? [])]).toEqual([...terms]);
  expect(reservation?.createdAtMs).toBeGreaterThan(1_700_000_000_000n);
  expect((await server.wallet.reserve(message("first"))).replayed).toBe(true);
  const read = await server.wallet.getReservation({ orderId: uuidOf("first") });
  expect(read.reservation).toEqual(reservation);
});

test("refusals are definite and say so", async () => {
  await expect(server.wallet.reserve(message("much", { amount: "1001" }))).rejects.toMatchObject({
    reason: "INSUFFICIENT_FUNDS",
    facts: { outcome: "NOT_ACCEPTED", order_id: uuidOf("much"), asset: "USDT" },
  });
  await server.wallet.reserve(message("reused"));
  await expect(
    server.wallet.reserve(message("reused", { fingerprint: createHash("sha256").update("x").digest() })),
  ).rejects.toMatchObject({ reason: "CLIENT_ORDER_ID_REUSED", facts: { outcome: "NOT_ATTEMPTED" } });
  await expect(server.wallet.getReservation({ orderId: uuidOf("nobody") })).rejects.toMatchObject({
    reason: "RESERVATION_NOT_FOUND",
  });
});

test.each([
  [{ orderId: "x" }, "INVALID_ORDER_ID", "order_id"],
  [{ userId: "" }, "FIELD_REQUIRED", "user_id"],
  [{ asset: "usdt" }, "INVALID_ASSET", "asset"],
  [{ amount: "1e3" }, "INVALID_DECIMAL", "amount"],
  [{ amount: "-1" }, "INVALID_DECIMAL", "amount"],
  [{ amount: "0" }, "AMOUNT_NOT_POSITIVE", "amount"],
  [{ fingerprint: new Uint8Array(31) }, "INVALID_FIELD", "fingerprint"],
  [{ shard: -1 }, "INVALID_FIELD", "shard"],
  [{ shard: 7 }, "INVALID_FIELD", "shard"],
])("a reserve with %o is refused and leaves no row", async (change, reason, field) => {
  const name = `bad ${JSON.stringify(change)}`;
  await expect(server.wallet.reserve(message(name, change))).rejects.toMatchObject({
    reason,
    facts: { field, outcome: "NOT_ATTEMPTED" },
  });
  await expect(server.wallet.getReservation({ orderId: uuidOf(name) })).rejects.toMatchObject({
    reason: "RESERVATION_NOT_FOUND",
  });
});

/** Sends batches on one stream and collects every result by tag. */
async function onStream(batches: object[][]): Promise<Map<number, TaggedReserveResult>> {
  const stream = server.wallet.reserveStream();
  let tag = 0n;
  for (const batch of batches) {
    stream.write({
      reserves: batch.map((reserve) => {
        tag += 1n;
        return { tag, reserve };
      }),
    });
  }
  stream.end();
  const results = new Map<number, TaggedReserveResult>();
  for await (const response of stream)
    for (const result of response.results) results.set(Number(result.tag), result);
  return results;
}

test("a shard that no settler follows gets no hold by call; what is stored already is answered", async () => {
  const unfollowed = { shard: 77 };
  const results = await onStream([[message("at shard 77", unfollowed)]]);
  expect(results.get(1)?.outcome.case).toBe("ok");
  expect(await server.wallet.reserve(message("at shard 77", unfollowed))).toMatchObject({ replayed: true });
  const refused = {
    reason: "INVALID_FIELD",
    facts: { field: "shard", problem: "no settler follows this shard", outcome: "NOT_ATTEMPTED" },
  };
  const late = message("later at shard 77", unfollowed);
  await expect(server.wallet.reserve(late)).rejects.toMatchObject(refused);
  await database.followShard(77);
  expect(await server.wallet.reserve(late)).toMatchObject({ replayed: false });
});

test("on a stream an absent shard is shard 0: a gateway of before leaves 0 out", async () => {
  const results = await onStream([[message("of before", { shard: undefined })]]);
  expect(results.get(1)?.outcome.case).toBe("ok");
  const { reservation } = await server.wallet.getReservation({ orderId: uuidOf("of before") });
  expect(reservation?.shard).toBe(0);
});

test("a stream answers each of its reserves alone, also beyond what it reads ahead", async () => {
  const many = Array.from({ length: 1_000 }, (_, index) => message(`many ${index}`, { amount: "0.1" }));
  const results = await onStream([many.slice(0, 400), many.slice(400, 800), many.slice(800)]);
  expect(results.size).toBe(1_000);
  expect([...results.values()].every(({ outcome }) => outcome.case === "ok")).toBe(true);

  const mixed = await onStream([
    [
      message("many 0", { amount: "9" }),
      message("rich", { amount: "99999" }),
      message("odd", { asset: "?" }),
    ],
    [message("many 1", { fingerprint: new Uint8Array(32) }), message("fine")],
  ]);
  expect([...mixed.keys()].sort()).toEqual([1, 2, 3, 4, 5]);
  expect(mixed.get(1)?.outcome).toMatchObject({ case: "ok", value: { replayed: true } });
  expect(mixed.get(2)?.outcome).toMatchObject({
    value: { reason: "INSUFFICIENT_FUNDS", facts: { outcome: "NOT_ACCEPTED" } },
  });
  expect(mixed.get(3)?.outcome).toMatchObject({ value: { reason: "INVALID_ASSET" } });
  expect(mixed.get(4)?.outcome).toMatchObject({
    value: {
      reason: "CLIENT_ORDER_ID_REUSED",
      stored: { orderId: uuidOf("many 1"), amount: "0.1" },
    },
  });
  expect(mixed.get(5)?.outcome).toMatchObject({ case: "ok", value: { replayed: false } });
});

test("a message with more reserves than allowed ends the stream", async () => {
  const batch = Array.from({ length: 513 }, (_, index) => message(`too many ${index}`));
  await expect(onStream([batch])).rejects.toMatchObject({
    reason: "INVALID_FIELD",
    facts: { field: "reserves" },
  });
});

test("a settlement crosses the wire, and the final word is read back with the reservation", async () => {
  await server.wallet.reserve(message("ending"));
  const release = {
    orderId: uuidOf("ending"),
    userId: alice,
    status: OrderStatus.EXPIRED,
    reason: EndReason.IOC_REMAINDER,
    executedLots: 0n,
    executedTickLots: "0",
    orderCreatedAtMs: 123n,
    acceptedSeq: 1n,
  };
  const after = { epoch: 0n, seq: 0n, operations: 0 };
  const through = { epoch: 3n, seq: 2n, operations: 1 };
  const operations = [
    { seq: 2n, index: 0, timeMs: 456n, kind: { case: "release" as const, value: release } },
  ];
  const { cursor } = await server.wallet.settle({ shard: 1, epoch: 3n, after, through, operations });
  expect(cursor).toMatchObject(through);
  expect(await server.wallet.getCursor({ shard: 1 })).toMatchObject({ cursor: through, epoch: 3n });
  const { reservation } = await server.wallet.getReservation({ orderId: uuidOf("ending") });
  expect(reservation).toMatchObject({
    state: ReservationState.CLOSED,
    remaining: "0",
    finalStatus: OrderStatus.EXPIRED,
    finalReason: EndReason.IOC_REMAINDER,
    executedTickLots: "0",
    orderCreatedAtMs: 123n,
    orderEndedAtMs: 456n,
    endedSeq: 2n,
    acceptedSeq: 1n,
  });
  await expect(
    server.wallet.settle({ shard: 1, epoch: 3n, after, through, operations }),
  ).rejects.toMatchObject({
    reason: "SEQ_GAP",
    facts: { seq: "2" },
  });
});

test("a leg crosses the wire, joins its order by a settlement, and the order's end says what became of it", async () => {
  const [orderId, legId] = [uuidOf("amended"), uuidOf("its leg")];
  const asLeg = { legOfOrderId: orderId, terms: legTerms };
  await expect(server.wallet.reserve(message("no leg", asLeg))).rejects.toMatchObject({
    reason: "ORDER_NOT_OPEN",
    facts: { outcome: "NOT_ACCEPTED", order_id: orderId },
  });
  await server.wallet.reserve(message("amended", { shard: 5 }));
  const leg = message("its leg", { ...asLeg, shard: 5 });
  const { reservation } = await server.wallet.reserve(leg);
  expect(reservation).toMatchObject({ orderId: legId, legOfOrderId: orderId, joined: "" });
  await expect(server.wallet.reserve({ ...leg, legOfOrderId: "x" })).rejects.toMatchObject({
    reason: "INVALID_ORDER_ID",
    facts: { field: "leg_of_order_id" },
  });
  const orphans = await server.wallet.listOrphans({ shard: 5 });
  expect(orphans.reservations.map(({ legOfOrderId }) => legOfOrderId)).toEqual(["", orderId]);
  const behind = await server.wallet.listOrphans({ shard: 5, afterOrderId: orderId });
  expect(behind.reservations.map((listed) => listed.orderId)).toEqual([legId]);
  await expect(server.wallet.listOrphans({ shard: 5, afterOrderId: "x" })).rejects.toMatchObject({
    reason: "INVALID_ORDER_ID",
    facts: { field: "after_order_id" },
  });

  const begin = { epoch: 0n, seq: 0n, operations: 0 };
  const through = { epoch: 1n, seq: 1n, operations: 1 };
  const adjust = { orderId, userId: alice, legId, remaining: "0.75" };
  const operation = { seq: 1n, index: 0, timeMs: 1n, kind: { case: "adjust" as const, value: adjust } };
  const batch = { shard: 5, epoch: 1n, after: begin, through, operations: [operation] };
  const bad = { ...operation, kind: { ...operation.kind, value: { ...adjust, remaining: "-1" } } };
  await expect(server.wallet.settle({ ...batch, operations: [bad] })).rejects.toMatchObject({
    reason: "INVALID_DECIMAL",
    facts: { field: "adjust.remaining" },
  });
  await server.wallet.settle(batch);
  const read = async (id: string) => (await server.wallet.getReservation({ orderId: id })).reservation;
  expect(await read(orderId)).toMatchObject({ amount: "0.5", joined: "0.5", remaining: "0.75" });
  expect(await read(legId)).toMatchObject({
    state: ReservationState.CLOSED,
    finalStatus: OrderStatus.CANCELLED,
    finalReason: EndReason.AMENDED,
  });

  const release = {
    orderId,
    userId: alice,
    status: OrderStatus.CANCELLED,
    reason: EndReason.DAY_END,
    executedTickLots: "0",
    amendedPriceTicks: 12n,
    amendedQuantityLots: 34n,
  };
  const end = { seq: 2n, index: 0, timeMs: 2n, kind: { case: "release" as const, value: release } };
  const next = { after: through, through: { epoch: 1n, seq: 2n, operations: 1 }, operations: [end] };
  await server.wallet.settle({ ...batch, ...next });
  expect(await read(orderId)).toMatchObject({
    finalReason: EndReason.DAY_END,
    amendedPriceTicks: 12n,
    amendedQuantityLots: 34n,
  });
});

test("every audit is clean after all this", async () => {
  expect(await database.breaches()).toEqual({});
});
