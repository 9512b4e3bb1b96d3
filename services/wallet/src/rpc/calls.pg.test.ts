// The calls of services over gRPC and REST alike: what they answer, and what they refuse without a trace.
import { OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  ReleaseRequestSchema,
  ReservationState,
  ReserveRequestSchema,
  SettleTradeRequestSchema,
  WalletService,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { type Channel, createClient } from "@bourse/shared/rpc/client.js";
import { create, type DescMessage, fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { credentials, Metadata, Client as RawClient, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { dumpOf } from "../testing/dump.js";
import { BASE, QUOTE, reserveRequest, SYMBOL, uuidOf } from "../testing/names.js";
import { openWalletDatabase, reserveOne, type WalletDatabase } from "../testing/wallet-database.js";
import { serveWallet } from "../testing/wallet-server.js";

type Name = "reserve" | "release" | "settle-trade";
type Failure = { readonly reason: string; readonly facts: Readonly<Record<string, string>> };
/** The answer's JSON, or why there is none. */
type Answer = { readonly ok: JsonObject } | { readonly status: number; readonly failure: Failure };

let wallet: WalletDatabase;
let server: Awaited<ReturnType<typeof serveWallet>>;
const [alice, bob] = [uuidOf("alice"), uuidOf("bob")];
const [buyId, sellId, shardedId] = [uuidOf("buy"), uuidOf("sell"), uuidOf("sharded")];
const aliceSells = uuidOf("alice sells");
const terms = toBinary(OrderTermsSchema, create(OrderTermsSchema, { symbol: SYMBOL }));
const HOUSE = "00000000-0000-0000-0000-000000000001";

const hold = (name: string, change: JsonObject = {}): JsonObject => ({
  orderId: uuidOf(name),
  userId: alice,
  asset: QUOTE,
  amount: "0.5",
  ...change,
});
const trade = (change: JsonObject = {}): JsonObject => ({
  trade: {
    tradeId: uuidOf("trade"),
    symbol: SYMBOL,
    baseAsset: BASE,
    quoteAsset: QUOTE,
    baseAmount: "0.5",
    quoteAmount: "4",
    buyerReservedAmount: "5",
    buyOrderId: buyId,
    sellOrderId: sellId,
    buyerUserId: alice,
    sellerUserId: bob,
    buyerFee: "0.001",
    sellerFee: "0.004",
    buyerFeePpm: 2_000,
    sellerFeePpm: 1_000,
    buyerRole: "TRADE_ROLE_TAKER",
    buyerReceivedBefore: "0",
    sellerReceivedBefore: "0",
    ...change,
  },
});

beforeAll(async () => {
  wallet = await openWalletDatabase();
  server = await serveWallet(wallet.database);
  for (const userId of [alice, bob]) {
    await wallet.deposit(userId, QUOTE, "100");
    await wallet.deposit(userId, BASE, "10");
  }
  const reserve = (orderId: string, userId: string, asset: string, shard?: number) =>
    reserveOne(
      wallet.database,
      reserveRequest({ orderId, userId, asset, amountAtoms: 1_000_000_000n, shard }),
    );
  await reserve(buyId, alice, QUOTE);
  await reserve(sellId, bob, BASE);
  await reserve(shardedId, alice, QUOTE, 3);
  await wallet.deposit(alice, BASE, "20");
  await reserve(aliceSells, alice, BASE);
});
afterAll(async () => {
  await server.close();
  await wallet.drop();
});

/** The call by REST. */
async function byRest(
  name: Name,
  request: JsonObject,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const response = await fetch(`${server.restUrl}/api/v1/wallets/${name}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(request),
  });
  const body = (await response.json()) as JsonObject & {
    details?: { "@type": string; reason: string; metadata: Record<string, string> }[];
  };
  if (response.status === 200) return { ok: body };
  const info = body.details?.find((detail) => detail["@type"].endsWith("google.rpc.ErrorInfo"));
  expect(JSON.stringify(body)).not.toMatch(/\bat .*:[0-9]+/);
  return {
    status: response.status,
    failure: { reason: info?.reason ?? "", facts: info?.metadata ?? {} },
  };
}

const HTTP: Readonly<Record<string, number>> = { FORBIDDEN: 403, ASSET_NOT_FOUND: 404 };

/** The call by gRPC, its failure with the status that REST gives it. */
async function byGrpc(name: Name, request: JsonObject, channel: Channel = server.channel): Promise<Answer> {
  const client = createClient(WalletService, channel);
  const read = <D extends DescMessage>(schema: D) => fromJson(schema, request);
  try {
    const answer =
      name === "reserve"
        ? await client.reserve(read(ReserveRequestSchema))
        : name === "release"
          ? await client.release(read(ReleaseRequestSchema))
          : await client.settleTrade(read(SettleTradeRequestSchema));
    return { ok: answer as unknown as JsonObject };
  } catch (error) {
    const { reason, facts } = error as Failure;
    const isReused = reason.endsWith("_REUSED");
    return { status: HTTP[reason] ?? (isReused ? 409 : 400), failure: { reason, facts } };
  }
}

describe("what is refused, and nothing written", () => {
  const cases: [string, Name, JsonObject, string, string?][] = [
    ["nine decimals", "reserve", hold("bad", { amount: "0.000000001" }), "TOO_MANY_DECIMALS", "amount"],
    ["a negative amount", "reserve", hold("bad", { amount: "-1" }), "INVALID_DECIMAL", "amount"],
    ["an amount of zero", "reserve", hold("bad", { amount: "0" }), "AMOUNT_NOT_POSITIVE", "amount"],
    ["no amount", "reserve", hold("bad", { amount: "" }), "FIELD_REQUIRED", "amount"],
    ["13 digits", "reserve", hold("bad", { amount: "1000000000000" }), "VALUE_TOO_LARGE", "amount"],
    ["21 digits", "reserve", hold("bad", { amount: "1".repeat(21) }), "VALUE_TOO_LARGE", "amount"],
    ["22 digits", "reserve", hold("bad", { amount: "1".repeat(22) }), "INVALID_DECIMAL", "amount"],
    ["an exponent", "reserve", hold("bad", { amount: "1e3" }), "INVALID_DECIMAL", "amount"],
    ["an asset that nobody has", "reserve", hold("bad", { asset: "DOGE" }), "ASSET_NOT_FOUND", "asset"],
    ["an asset that is none", "reserve", hold("bad", { asset: "usdt" }), "INVALID_ASSET", "asset"],
    ["an order id that is none", "reserve", hold("bad", { orderId: "x" }), "INVALID_ORDER_ID", "order_id"],
    ["a user id that is none", "reserve", hold("bad", { userId: "1' OR 1=1" }), "INVALID_USER_ID", "user_id"],
    ["money of the house", "reserve", hold("bad", { userId: HOUSE }), "INVALID_USER_ID", "user_id"],
    ["half a fingerprint", "reserve", hold("bad", { fingerprint: "AAAA" }), "INVALID_FIELD", "fingerprint"],
    ["a shard below zero", "reserve", hold("bad", { shard: -1 }), "INVALID_FIELD", "shard"],
    ["a shard without terms", "reserve", hold("bad", { shard: 0 }), "FIELD_REQUIRED", "terms"],
    ["terms without market", "reserve", hold("bad", { shard: 0, terms: "AAAA" }), "INVALID_FIELD", "terms"],
    [
      "a shard that nobody follows",
      "reserve",
      hold("bad", { shard: 9, terms: Buffer.from(terms).toString("base64") }),
      "INVALID_FIELD",
      "shard",
    ],
    ["a leg without shard", "reserve", hold("bad", { legOfOrderId: buyId }), "FIELD_REQUIRED", "shard"],
    ["other content", "reserve", hold("buy", { amount: "10.00000001" }), "CLIENT_ORDER_ID_REUSED"],
    ["the order of another user", "reserve", hold("buy", { userId: bob }), "CLIENT_ORDER_ID_REUSED"],

    [
      "more than is left",
      "release",
      { orderId: buyId, userId: alice, amount: "10.1" },
      "RESERVATION_MISMATCH",
      "amount",
    ],
    [
      "less than is left",
      "release",
      { orderId: buyId, userId: alice, amount: "9.9" },
      "RESERVATION_MISMATCH",
      "amount",
    ],
    [
      "none of what is left",
      "release",
      { orderId: buyId, userId: alice, amount: "0" },
      "RESERVATION_MISMATCH",
      "amount",
    ],
    ["another user's", "release", { orderId: buyId, userId: bob }, "RESERVATION_MISMATCH", "user_id"],
    ["a shard's", "release", { orderId: shardedId, userId: alice }, "OWNED_BY_SHARD"],
    [
      "a negative amount",
      "release",
      { orderId: buyId, userId: alice, amount: "-10" },
      "INVALID_DECIMAL",
      "amount",
    ],
    [
      "nine decimals",
      "release",
      { orderId: buyId, userId: alice, amount: "1.000000000" },
      "TOO_MANY_DECIMALS",
      "amount",
    ],
    ["no order", "release", { userId: alice }, "FIELD_REQUIRED", "order_id"],
    ["no user", "release", { orderId: uuidOf("bad") }, "FIELD_REQUIRED", "user_id"],
    ["the house", "release", { orderId: uuidOf("bad"), userId: HOUSE }, "INVALID_USER_ID", "user_id"],

    ["no trade", "settle-trade", {}, "FIELD_REQUIRED", "trade"],
    [
      "nine decimals",
      "settle-trade",
      trade({ baseAmount: "0.500000000" }),
      "TOO_MANY_DECIMALS",
      "trade.base_amount",
    ],
    ["a negative fee", "settle-trade", trade({ buyerFee: "-0.001" }), "INVALID_DECIMAL", "trade.buyer_fee"],
    ["no quantity", "settle-trade", trade({ baseAmount: "0" }), "AMOUNT_NOT_POSITIVE", "trade.base_amount"],
    [
      "nothing paid",
      "settle-trade",
      trade({ quoteAmount: "0" }),
      "AMOUNT_NOT_POSITIVE",
      "trade.quote_amount",
    ],
    [
      "13 digits",
      "settle-trade",
      trade({ quoteAmount: "1000000000000" }),
      "VALUE_TOO_LARGE",
      "trade.quote_amount",
    ],
    [
      "no role",
      "settle-trade",
      trade({ buyerRole: "TRADE_ROLE_UNSPECIFIED" }),
      "FIELD_REQUIRED",
      "trade.buyer_role",
    ],
    [
      "a rate of one",
      "settle-trade",
      trade({ buyerFeePpm: 1_000_000 }),
      "INVALID_FIELD",
      "trade.buyer_fee_ppm",
    ],
    ["a trade id that is none", "settle-trade", trade({ tradeId: "7" }), "INVALID_FIELD", "trade.trade_id"],
    ["no symbol", "settle-trade", trade({ symbol: "" }), "FIELD_REQUIRED", "trade.symbol"],
    ["another symbol", "settle-trade", trade({ symbol: "ETH/USDT" }), "INVALID_SYMBOL", "trade.symbol"],
    [
      "one asset twice",
      "settle-trade",
      trade({ baseAsset: QUOTE }),
      "INVALID_COMBINATION",
      "trade.quote_asset",
    ],
    [
      "an asset that nobody has",
      "settle-trade",
      trade({ baseAsset: "DOGE", symbol: "DOGE/USDT" }),
      "ASSET_NOT_FOUND",
      "trade.base_asset",
    ],
    [
      "the house as buyer",
      "settle-trade",
      trade({ buyerUserId: HOUSE }),
      "INVALID_USER_ID",
      "trade.buyer_user_id",
    ],
    ["an order with itself", "settle-trade", trade({ sellOrderId: buyId }), "SETTLEMENT_IMPOSSIBLE"],
    [
      "a user with himself",
      "settle-trade",
      trade({ sellOrderId: aliceSells, sellerUserId: alice }),
      "SETTLEMENT_IMPOSSIBLE",
    ],
    ["an order of a shard", "settle-trade", trade({ buyOrderId: shardedId }), "OWNED_BY_SHARD"],
    [
      "an order that holds nothing",
      "settle-trade",
      trade({ buyOrderId: uuidOf("nobody") }),
      "SETTLEMENT_IMPOSSIBLE",
    ],
    ["another owner", "settle-trade", trade({ buyerUserId: uuidOf("carol") }), "SETTLEMENT_IMPOSSIBLE"],
    ["more than is held", "settle-trade", trade({ buyerReservedAmount: "10.1" }), "SETTLEMENT_IMPOSSIBLE"],
    ["a price above the limit", "settle-trade", trade({ buyerReservedAmount: "3" }), "SETTLEMENT_IMPOSSIBLE"],
    ["another fee than is due", "settle-trade", trade({ sellerFee: "0.00400001" }), "SETTLEMENT_IMPOSSIBLE"],
    [
      "another sum received before",
      "settle-trade",
      trade({ buyerReceivedBefore: "1" }),
      "SETTLEMENT_IMPOSSIBLE",
    ],
  ];

  test.each(cases)("%s: %s", async (_, name, request, reason, field) => {
    const before = await dumpOf(wallet.pool);
    const [rest, grpc] = [await byRest(name, request), await byGrpc(name, request)];
    const facts = { outcome: "NOT_ATTEMPTED", ...(field !== undefined && { field }) };
    expect(rest).toMatchObject({ failure: { reason, facts } });
    expect(rest).toEqual(grpc);
    expect(await dumpOf(wallet.pool)).toEqual(before);
  });

  test("a shard's history: a gap, a lower epoch, and what the calls refuse too", async () => {
    const settle = (change: object, operations: object[] = []) => {
      const through = { epoch: 3n, seq: operations.length === 0 ? 0n : 1n, operations: operations.length };
      return server.wallet.settle({ shard: 3, epoch: 3n, after: {}, through, operations, ...change });
    };
    // Stores the epoch; nothing lies between.
    await settle({ through: {} });
    const before = await dumpOf(wallet.pool);
    const ofTrade = (change: JsonObject = {}) => {
      const request = fromJson(SettleTradeRequestSchema, trade(change));
      return [{ seq: 1n, index: 0, timeMs: 1n, kind: { case: "trade", value: request.trade } }];
    };
    const refused: [() => Promise<unknown>, object][] = [
      [
        () => settle({ after: { epoch: 3n, seq: 5n }, through: { epoch: 3n, seq: 6n } }),
        { reason: "SEQ_GAP" },
      ],
      [() => settle({ epoch: 2n, through: {} }), { reason: "STALE_EPOCH", facts: { stored_epoch: "3" } }],
      [() => settle({}, ofTrade()), { reason: "SETTLEMENT_IMPOSSIBLE" }],
      [
        () => settle({}, ofTrade({ sellOrderId: aliceSells, sellerUserId: alice })),
        { reason: "SETTLEMENT_IMPOSSIBLE" },
      ],
      [() => settle({}, ofTrade({ baseAmount: "0.500000000" })), { reason: "TOO_MANY_DECIMALS" }],
      [() => settle({}, ofTrade({ buyerFee: "-1" })), { reason: "INVALID_DECIMAL" }],
      [() => settle({}, ofTrade({ baseAmount: "9".repeat(31) })), { reason: "VALUE_TOO_LARGE" }],
    ];
    for (const [call, failure] of refused) await expect(call()).rejects.toMatchObject(failure);
    expect(await dumpOf(wallet.pool)).toEqual(before);
  });

  const json = { "content-type": "application/json" };
  test.each<[string, RequestInit, number, string]>([
    ["a body that is no JSON", { headers: json, body: "{" }, 400, "MALFORMED_REQUEST"],
    [
      "a key that stands twice",
      { headers: json, body: '{"userId":"a","userId":"b"}' },
      400,
      "MALFORMED_REQUEST",
    ],
    ["a field that nobody knows", { headers: json, body: '{"iban":"x"}' }, 400, "UNKNOWN_FIELD"],
    ["a number for an amount", { headers: json, body: '{"amount":1.5}' }, 400, "INVALID_TYPE"],
    ["no body at all", {}, 400, "FIELD_REQUIRED"],
    ["a body without content type", { body: Buffer.from("{}") }, 415, "UNSUPPORTED_MEDIA_TYPE"],
    [
      "another content type",
      { headers: { "content-type": "text/plain" }, body: "{}" },
      415,
      "UNSUPPORTED_MEDIA_TYPE",
    ],
    [
      "more than 64 KiB",
      { headers: json, body: `{"asset":"${"A".repeat(70_000)}"}` },
      413,
      "MESSAGE_TOO_LARGE",
    ],
    ["another verb", { method: "PUT", headers: json, body: "{}" }, 405, "METHOD_NOT_ALLOWED"],
  ])("%s by REST, as at the edge", async (_, init, status, reason) => {
    const before = await dumpOf(wallet.pool);
    const response = await fetch(`${server.restUrl}/api/v1/wallets/reserve`, { method: "POST", ...init });
    expect([response.status, await response.text()]).toEqual([
      status,
      expect.stringContaining(`"${reason}"`),
    ]);
    expect(await dumpOf(wallet.pool)).toEqual(before);
  });

  test("all else that the wallet can do is not there by REST", async () => {
    for (const path of ["settle", "reservations", "reserve-stream", ""]) {
      const response = await fetch(`${server.restUrl}/api/v1/wallets/${path}`, {
        method: "POST",
        body: "{}",
      });
      expect([response.status, await response.text()]).toEqual([
        404,
        expect.stringContaining("UNIMPLEMENTED"),
      ]);
    }
    const deposit = await fetch(`${server.restUrl}/api/v1/deposits`, { method: "POST", body: "{}" });
    expect(deposit.status).toBe(404);
  });

  test("a user's token and a page's script are refused at every door", async () => {
    const before = await dumpOf(wallet.pool);
    const forbidden = { status: 403, failure: { reason: "FORBIDDEN", facts: { outcome: "NOT_ATTEMPTED" } } };
    for (const headers of [{ authorization: "Bearer x.y.z" }, { origin: "https://example.com" }])
      for (const [name, request] of [
        ["reserve", hold("user")],
        ["release", { orderId: buyId, userId: alice }],
        ["settle-trade", trade()],
      ] as const)
        expect(await byRest(name, request, headers)).toMatchObject(forbidden);
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer x.y.z");
    const path = `/${WalletService.typeName}/Release`;
    const failed = new Promise<{ code: number }>((resolve, reject) => {
      const bytes = (buffer: Buffer) => buffer;
      const client = new RawClient(`127.0.0.1:${server.port}`, credentials.createInsecure());
      client.makeUnaryRequest(path, bytes, bytes, Buffer.alloc(0), metadata, (error) => {
        client.close();
        if (error === null) reject(new Error("it was answered"));
        else resolve(error);
      });
    });
    expect((await failed).code).toBe(status.PERMISSION_DENIED);
    expect(await dumpOf(wallet.pool)).toEqual(before);
  });
});

test("reserve, settle and release by REST and gRPC in turn, every answer twice", async () => {
  const reserve = hold("rest reserve");
  const held = await byRest("reserve", reserve);
  expect(held).toMatchObject({
    ok: { replayed: false, reservation: { state: "RESERVATION_STATE_ACTIVE", remaining: "0.5" } },
  });
  expect((held as { ok: { reservation: object } }).ok.reservation).not.toHaveProperty("shard");
  expect(await byGrpc("reserve", { ...reserve, amount: "0.50" })).toMatchObject({
    ok: { replayed: true, reservation: { state: ReservationState.ACTIVE, remaining: "0.5" } },
  });

  expect(await byRest("reserve", { ...reserve, amount: "0.6" })).toMatchObject({
    status: 409,
    failure: { reason: "CLIENT_ORDER_ID_REUSED" },
  });

  const settled = (await byRest("settle-trade", trade())) as { ok: { entries: JsonObject[] } };
  expect(settled.ok).toMatchObject({
    transactionId: uuidOf("trade"),
    replayed: false,
    entries: [
      { userId: alice, asset: QUOTE, amount: "-4" },
      { userId: alice, asset: BASE, amount: "0.499" },
      { userId: bob, asset: BASE, amount: "-0.5" },
      { userId: bob, asset: QUOTE, amount: "3.996" },
      { userId: HOUSE, asset: BASE, amount: "0.001" },
      { userId: HOUSE, asset: QUOTE, amount: "0.004" },
    ],
  });
  expect(await byRest("settle-trade", trade({ quoteAmount: "4.0" }))).toEqual({
    ok: { ...settled.ok, replayed: true },
  });
  expect(await byGrpc("settle-trade", trade())).toMatchObject({
    ok: {
      replayed: true,
      entries: settled.ok.entries.map(({ entryId }) => ({ entryId: BigInt(String(entryId)) })),
    },
  });
  for (const change of [
    { quoteAmount: "4.00000001" },
    { buyerReservedAmount: "4.5" },
    { sellerReceivedBefore: "1" },
  ])
    expect(await byGrpc("settle-trade", trade(change))).toMatchObject({
      failure: { reason: "TRADE_ID_REUSED", facts: { outcome: "NOT_ATTEMPTED" } },
    });

  const released = await byGrpc("release", { orderId: buyId, userId: alice, amount: "5.0" });
  expect(released).toMatchObject({
    ok: { released: "5", replayed: false, reservation: { state: ReservationState.CLOSED, remaining: "0" } },
  });
  expect(await byRest("release", { orderId: buyId, userId: alice, amount: "5" })).toMatchObject({
    ok: { released: "5", replayed: true, reservation: { state: "RESERVATION_STATE_CLOSED" } },
  });
  expect(await byRest("release", { orderId: buyId, userId: alice })).toMatchObject({
    status: 409,
    failure: { reason: "ORDER_ID_REUSED" },
  });
  expect(await wallet.breaches()).toEqual({});
});

test("a refusal for lack of funds is the one refusal that is written: it stays", async () => {
  const poor = hold("poor", { amount: "1000" });
  for (const call of [byRest, byGrpc, byRest])
    expect(await call("reserve", poor)).toMatchObject({
      status: 400,
      failure: { reason: "INSUFFICIENT_FUNDS", facts: { outcome: "NOT_ACCEPTED" } },
    });
  expect(await byGrpc("release", { orderId: uuidOf("poor"), userId: alice })).toMatchObject({
    ok: { released: "0", replayed: true, reservation: { state: ReservationState.REFUSED } },
  });
  expect(await wallet.breaches()).toEqual({});
});
