// The same calls over gRPC, Connect (JSON and binary), gRPC-Web and REST give the same answers: by the
// surfaces written by hand, and by the clients that people use.

import type { User } from "@bourse/local/testing/users.js";
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { MarketState, OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { ErrorInfoSchema } from "@bourse/shared/gen/google/rpc/error_details_pb.js";
import { type DescMethodUnary, fromJson, type JsonObject, type JsonValue, toJson } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Exchange, startExchange } from "./exchange.js";
import { CODE_NAMES, errorDetails, type SurfaceName } from "./surfaces/answer.js";

const orders = OrderGatewayService.method;
const accounts = AccountService.method;
const marketData = MarketDataService.method;

/** A call and what came of it, in words that do not depend on the surface. */
type Said = JsonObject;
type Caller = (method: DescMethodUnary, request: JsonObject, token: string | undefined) => Promise<Said>;

let exchange: Exchange;
let maker: User;

beforeAll(async () => {
  exchange = await startExchange();
  maker = await exchange.newUser({ funds: { BTC: "100", USDT: "10000000" } });
});
afterAll(() => exchange?.close());

function bySurface(name: SurfaceName): Caller {
  return async (method, request, token) => {
    const { code, reason, field, facts, body } = await exchange.surfaces
      .of(name)
      .call({ method, request, token });
    return code === "OK" ? { ok: body } : failed({ code, reason, field, outcome: facts.outcome });
  };
}

function byClient(open: () => Transport): Caller {
  return async (method, request, token) => {
    const headers = new Headers(token === undefined ? {} : { authorization: `Bearer ${token}` });
    try {
      const message = fromJson(method.input, request);
      const { message: response } = await open().unary(method, undefined, undefined, headers, message);
      return { ok: toJson(method.output, response, { registry: errorDetails, alwaysEmitImplicit: true }) };
    } catch (error) {
      const wire = ConnectError.from(error);
      const [info] = wire.findDetails(ErrorInfoSchema);
      const { field, outcome } = info?.metadata ?? {};
      return failed({ code: CODE_NAMES[wire.code] ?? "", reason: info?.reason, field, outcome });
    }
  };
}

function failed(facts: Readonly<Record<string, string | undefined>>): Said {
  return { failed: Object.fromEntries(Object.entries(facts).map(([name, value]) => [name, value ?? null])) };
}

/** What a client needs to read the errors inside an answer, those of a batch. */
const jsonOptions = { registry: errorDetails };
const baseUrl = () => exchange.mesh.running.httpUrl;
const callers: readonly (readonly [string, Caller])[] = [
  ["gRPC", bySurface("gRPC")],
  ["Connect JSON", bySurface("Connect JSON")],
  ["Connect binary", bySurface("Connect binary")],
  ["gRPC-Web", bySurface("gRPC-Web")],
  ["REST", bySurface("REST")],
  ["the Connect client, JSON", byClient(() => createConnectTransport({ baseUrl: baseUrl(), jsonOptions }))],
  [
    "the Connect client, binary",
    byClient(() => createConnectTransport({ baseUrl: baseUrl(), useBinaryFormat: true })),
  ],
  [
    "the Connect client, GET",
    byClient(() => createConnectTransport({ baseUrl: baseUrl(), useHttpGet: true, jsonOptions })),
  ],
  ["the gRPC-Web client", byClient(() => createGrpcWebTransport({ baseUrl: baseUrl() }))],
];

const VARIES = new Set([
  "orderId",
  "order_id",
  "tradeId",
  "createdTime",
  "updatedTime",
  "executedTime",
  "sequence",
  "acceptedSequence",
  "transactionId",
  "entryId",
  "ledgerEntryIds",
  "recordedTime",
  "endedTime",
  "nextPageToken",
  "lastUpdateId",
]);

/** What differs between two runs of one story by its nature is only asked to be there. */
function withoutNames(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withoutNames);
  if (typeof value !== "object" || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, each]) => [
      key,
      VARIES.has(key) ? `some ${typeof each}` : withoutNames(each),
    ]),
  );
}

const limit = (changes: JsonObject): JsonObject => ({
  symbol: "BTC/USDT",
  side: "SIDE_BUY",
  type: "ORDER_TYPE_LIMIT",
  price: "40000",
  quantity: "0.001",
  ...changes,
});

type Say = (method: DescMethodUnary, request: JsonObject, token?: string | null) => Promise<Said>;

/** Orders that wait, change and end with others; what an operator says about their market. */
async function tellChanges(say: Say): Promise<void> {
  await say(orders.placeOrder, {
    ...limit({ clientOrderId: "waits", price: "44000", timeInForce: "TIME_IN_FORCE_DAY" }),
    type: "ORDER_TYPE_STOP_LIMIT",
    stopPrice: "43900",
    selfTradePrevention: "SELF_TRADE_PREVENTION_DECREMENT",
  });
  const amend = { clientOrderId: "waits", requestId: "more", price: "43950", quantity: "0.002" };
  await say(orders.amendOrder, amend);
  await say(orders.amendOrder, amend);
  await say(orders.amendOrder, { ...amend, price: "43951" });
  await say(orders.amendOrder, { ...amend, requestId: "none", price: "1.001" });
  await say(orders.getOrder, { clientOrderId: "waits" });
  await say(orders.batchOrders, {
    items: [
      { place: limit({ clientOrderId: "batched", price: "30000" }) },
      { amend: { clientOrderId: "batched", requestId: "less", price: "29999" } },
      { place: limit({ quantity: "-1" }) },
      { cancel: { clientOrderId: "batched" } },
    ],
  });
  await say(orders.cancelAllAfter, { timeoutMs: "0", symbols: ["BTC/USDT"] });
  await say(orders.cancelAllAfter, { timeoutMs: "86400001" });
  const everything = { symbol: "BTC/USDT", side: "SIDE_BUY", requestId: "all" };
  await say(orders.cancelAllOrders, everything);
  await say(orders.cancelAllOrders, everything);
  await say(orders.cancelAllOrders, { ...everything, side: "SIDE_SELL" });
  const state = { symbol: "BTC/USDT", state: "MARKET_STATE_TRADING", reason: "as it was" };
  await say(orders.setMarketState, state, exchange.operator.token);
  await say(orders.setMarketState, state);
}

/** Money that an operator moves by hand, and what the ledger says of it. */
async function tellMoney(say: Say, userId: string): Promise<void> {
  const { token } = exchange.operator;
  const withdrawal = { userId, asset: "USDT", amount: "0.5", requestId: `w-${userId}` };
  const { requestId } = withdrawal;
  await say(accounts.withdraw, withdrawal, token);
  await say(accounts.getWithdrawal, { requestId }, token);
  await say(accounts.getWithdrawal, { requestId });
  await say(accounts.completeWithdrawal, { requestId }, token);
  await say(accounts.completeWithdrawal, { requestId }, token);
  await say(accounts.cancelWithdrawal, { requestId }, token);
  await say(accounts.withdraw, { ...withdrawal, amount: "1" }, token);
  await say(accounts.withdraw, { ...withdrawal, requestId: `c-${userId}` }, token);
  await say(accounts.cancelWithdrawal, { requestId: `c-${userId}` }, token);
  await say(accounts.cancelWithdrawal, { requestId: "never" }, token);
  const adjustment = {
    ...withdrawal,
    direction: "ENTRY_DIRECTION_CREDIT",
    reason: "a gift",
    requestId: `a-${userId}`,
  };
  await say(accounts.adjustBalance, adjustment, token);
  await say(accounts.adjustBalance, adjustment, token);
  await say(accounts.adjustBalance, { ...adjustment, reason: "another" }, token);
  await say(accounts.adjustBalance, adjustment);
  await say(accounts.listLedgerEntries, {});
  await say(accounts.listLedgerEntries, { userId, pageSize: 1 }, token);
  await say(accounts.listLedgerEntries, { kind: "LEDGER_ENTRY_KIND_ADJUSTMENT", asset: "USDT" });
  await say(accounts.listLedgerEntries, { userId: maker.id });
}

/** A whole story over one surface: every unary call, in order and in error. */
async function story(call: Caller): Promise<Said[]> {
  const user = await exchange.newUser();
  const said: Said[] = [];
  const say: Say = async (method, request, token = user.token) => {
    const answer = await call(method, request, token ?? undefined);
    said.push(answer);
    return answer;
  };
  const deposit = { userId: user.id, asset: "USDT", amount: "1000.50", requestId: `d-${user.id}` };
  await say(accounts.deposit, deposit, exchange.operator.token);
  await say(accounts.deposit, deposit, exchange.operator.token);
  await say(accounts.deposit, { ...deposit, amount: "1" }, exchange.operator.token);
  await say(
    accounts.withdraw,
    { userId: user.id, asset: "USDT", amount: "0.5", requestId: `w-${user.id}` },
    exchange.operator.token,
  );
  await say(accounts.deposit, deposit);
  await say(accounts.getBalances, {});
  await say(marketData.listMarkets, {}, null);

  await say(orders.placeOrder, limit({ clientOrderId: "rests" }));
  await say(orders.placeOrder, limit({ clientOrderId: "rests" }));
  await say(orders.placeOrder, limit({ clientOrderId: "rests", price: "40001" }));
  await say(orders.getOrder, { clientOrderId: "rests" });
  await say(accounts.getBalances, {});
  await say(marketData.getOrderBook, { symbol: "BTC/USDT", levels: 5 }, null);
  await say(orders.cancelOrder, { clientOrderId: "rests" });
  await say(orders.cancelOrder, { clientOrderId: "rests" });

  await maker.client.orders.placeOrder({
    clientOrderId: `for-${user.id}`,
    symbol: "BTC/USDT",
    side: Side.SELL,
    type: OrderType.LIMIT,
    price: "41000",
    quantity: "0.002",
  });
  await say(orders.placeOrder, limit({ clientOrderId: "takes", price: "42000", quantity: "0.002" }));
  await exchange.evidence.untilSettled();
  await say(accounts.getBalances, {});
  await say(orders.listOrders, { symbol: "BTC/USDT" });
  await say(orders.listOrders, { statuses: ["ORDER_STATUS_FILLED"], pageSize: 1 });
  await say(orders.listTrades, { pageSize: 10 });
  await say(marketData.listRecentTrades, { symbol: "BTC/USDT", pageSize: 1 }, null);

  await tellChanges(say);
  await say(orders.placeOrder, limit({ clientOrderId: "poor", quantity: "10" }));
  await say(orders.placeOrder, limit({ price: "1.001" }));
  await say(orders.placeOrder, limit({ symbol: "NO/USDT" }));
  await say(orders.placeOrder, limit({ quantity: "-1" }));
  await say(orders.cancelOrder, { clientOrderId: "takes" });
  await say(orders.getOrder, { clientOrderId: "never" });
  await say(marketData.getOrderBook, { symbol: "NO/USDT" }, null);
  await say(accounts.getBalances, {}, null);
  await tellMoney(say, user.id);
  const words = JSON.stringify(said).replaceAll(user.id, "the user");
  return (JSON.parse(words) as Said[]).map((each) => withoutNames(each) as Said);
}

/** What becomes of each call of the story. */
const WORDS = [
  "ok",
  "ok",
  "REQUEST_ID_REUSED",
  "ok",
  "INSUFFICIENT_SCOPE",
  "ok",
  "ok",
  "ok",
  "ok",
  "CLIENT_ORDER_ID_REUSED",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "ok",
  "REQUEST_ID_REUSED",
  "PRICE_OFF_TICK",
  "ok",
  "ok",
  "ok",
  "INVALID_FIELD",
  "ok",
  "ok",
  "REQUEST_ID_REUSED",
  "ok",
  "INSUFFICIENT_SCOPE",
  "INSUFFICIENT_FUNDS",
  "PRICE_OFF_TICK",
  "SYMBOL_NOT_FOUND",
  "INVALID_DECIMAL",
  "ORDER_NOT_OPEN",
  "ORDER_NOT_FOUND",
  "SYMBOL_NOT_FOUND",
  "UNAUTHENTICATED",
  // Money by hand: a withdrawal that is completed, one that is cancelled, an adjustment, the ledger.
  "ok",
  "ok",
  "INSUFFICIENT_SCOPE",
  "ok",
  "ok",
  "WITHDRAWAL_COMPLETED",
  "REQUEST_ID_REUSED",
  "ok",
  "ok",
  "WITHDRAWAL_NOT_FOUND",
  "ok",
  "ok",
  "REQUEST_ID_REUSED",
  "INSUFFICIENT_SCOPE",
  "ok",
  "ok",
  "ok",
  "INSUFFICIENT_SCOPE",
];

describe("unary calls", () => {
  let reference: Said[];
  beforeAll(async () => {
    reference = await story(callers[0]?.[1] ?? bySurface("gRPC"));
  });

  test("the story over gRPC is as the contract says", () => {
    const words = reference.map((each) =>
      each.ok === undefined ? (each.failed as JsonObject).reason : "ok",
    );
    expect(words).toEqual(WORDS);
    // Half a USDT is held for a withdrawal until the end of the story.
    expect(reference[5]).toMatchObject({
      ok: { balances: [{ asset: "USDT", available: "1000", reserved: "0.5" }] },
    });
    expect(reference[7]).toMatchObject({
      ok: { replayed: false, order: { status: "ORDER_STATUS_OPEN", price: "40000" } },
    });
    expect(reference[8]).toMatchObject({ ok: { replayed: true } });
    expect(reference[11]).toMatchObject({ ok: { balances: [{ available: "960", reserved: "40.5" }] } });
    expect(reference[15]).toMatchObject({
      ok: { order: { status: "ORDER_STATUS_FILLED", executedQuote: "82" } },
    });
    // 0.002 BTC less 0.2 % taker fee; 82 of the 84 USDT that the limit reserved.
    expect(reference[16]).toMatchObject({
      ok: {
        balances: [
          { asset: "BTC", available: "0.001996" },
          { asset: "USDT", available: "918", reserved: "0.5" },
        ],
      },
    });
  });

  test("a withdrawal is held until its end, and the ledger tells what moved", () => {
    const [held, , , completed, again, , , , cancelled, , adjusted, repeat, , , ledger, page, gifts] =
      reference.slice(43);
    const usdt = { asset: "USDT", amount: "0.5" };
    const balance = { available: "918", reserved: "0.5" };
    // The balance of the first call: there was nothing but the deposit then.
    expect(held).toMatchObject({
      ok: {
        balance: { available: "1000", reserved: "0.5" },
        withdrawal: { ...usdt, state: "WITHDRAWAL_STATE_HELD" },
      },
    });
    expect(completed).toMatchObject({
      ok: {
        balance: { ...balance, reserved: "0" },
        withdrawal: { ...usdt, state: "WITHDRAWAL_STATE_COMPLETED" },
      },
    });
    expect(again).toEqual(completed);
    expect(cancelled).toMatchObject({ ok: { withdrawal: { ...usdt, state: "WITHDRAWAL_STATE_CANCELLED" } } });
    expect(adjusted).toMatchObject({ ok: { balance: { available: "918.5", reserved: "0" } } });
    expect(repeat).toEqual(adjusted);

    const [gift, left] = [
      {
        ...usdt,
        kind: "LEDGER_ENTRY_KIND_ADJUSTMENT",
        direction: "ENTRY_DIRECTION_CREDIT",
        reason: "a gift",
      },
      { ...usdt, kind: "LEDGER_ENTRY_KIND_WITHDRAWAL", direction: "ENTRY_DIRECTION_DEBIT", reason: "" },
    ];
    const bought = { kind: "LEDGER_ENTRY_KIND_TRADE", asset: "BTC", amount: "0.001996" };
    const paid = { kind: "LEDGER_ENTRY_KIND_TRADE", asset: "USDT", amount: "82" };
    const came = { kind: "LEDGER_ENTRY_KIND_DEPOSIT", asset: "USDT", amount: "1000.5" };
    const { entries } = (ledger?.ok ?? {}) as { entries: JsonObject[] };
    expect(entries).toMatchObject([gift, left, {}, {}, came]);
    expect(entries.slice(2, 4)).toEqual(
      expect.arrayContaining([bought, paid].map((trade) => expect.objectContaining(trade))),
    );
    expect(page).toMatchObject({ ok: { entries: [gift] } });
    expect(gifts).toMatchObject({ ok: { entries: [gift], nextPageToken: "some string" } });
  });

  test("an order that waits is amended, one of a batch comes and goes, and all end together", () => {
    const [waits, amended, again, , , now, batch, , , all, repeat] = reference.slice(21);
    const order = { stopPrice: "43900", timeInForce: "TIME_IN_FORCE_DAY", status: "ORDER_STATUS_PENDING" };
    expect(waits).toMatchObject({ ok: { order: { ...order, price: "44000", quantity: "0.001" } } });
    const later = { ...order, price: "43950", quantity: "0.002" };
    expect(amended).toMatchObject({ ok: { replayed: false, order: later } });
    expect(again).toMatchObject({ ok: { replayed: true, order: later } });
    expect(now).toMatchObject({ ok: { order: later } });
    expect(batch).toMatchObject({
      ok: {
        results: [
          { placed: { order: { price: "30000" } } },
          { amended: { order: { price: "29999" } } },
          {
            error: { code: 3, details: [{ reason: "INVALID_DECIMAL", metadata: { field: "quantity" } }, {}] },
          },
          { cancelled: { order: { status: "ORDER_STATUS_CANCELLED" } } },
        ],
      },
    });
    expect(all).toEqual({ ok: { cancelled: 1, requestId: "all" } });
    expect(repeat).toEqual(all);
  });

  test.each(callers.slice(1))("over %s it is the same", async (_name, caller) => {
    expect(await story(caller)).toEqual(reference);
  });
});

describe("streams", () => {
  const clients: readonly (readonly [string, () => Transport])[] = [
    ["Connect JSON", () => createConnectTransport({ baseUrl: baseUrl() })],
    ["Connect binary", () => createConnectTransport({ baseUrl: baseUrl(), useBinaryFormat: true })],
    ["gRPC-Web", () => createGrpcWebTransport({ baseUrl: baseUrl() })],
  ];

  /** Trades with itself across two users until the reader has seen the trade it waits for. */
  async function trade(clientOrderId: string): Promise<string> {
    const taker = await exchange.newUser({ funds: { USDT: "1000" } });
    const common = { symbol: "BTC/USDT", type: OrderType.LIMIT, price: "43000", quantity: "0.001" };
    await maker.client.orders.placeOrder({ ...common, side: Side.SELL, clientOrderId });
    const { order } = await taker.client.orders.placeOrder({ ...common, side: Side.BUY, clientOrderId });
    expect(order?.filledQuantity).toBe("0.001");
    return taker.id;
  }

  test.each([["gRPC", undefined] as const, ...clients])(
    "a depth stream over %s begins with the snapshot that GetOrderBook shows",
    async (_name, open) => {
      const { epoch, bids, asks, checksum } = await maker.client.marketData.getOrderBook({
        symbol: "BTC/USDT",
      });
      const client = open === undefined ? maker.client.marketData : createClient(MarketDataService, open());
      const stop = new AbortController();
      for await (const { kind } of client.streamOrderBook({ symbol: "BTC/USDT" }, { signal: stop.signal })) {
        expect(kind).toMatchObject({ case: "snapshot", value: { epoch, bids, asks, checksum } });
        break;
      }
      stop.abort();
    },
  );

  test.each([["gRPC", undefined] as const, ...clients])(
    "a status stream over %s begins with what the market accepts now",
    async (_name, open) => {
      const client = open === undefined ? maker.client.marketData : createClient(MarketDataService, open());
      const stop = new AbortController();
      const request = { symbol: "BTC/USDT" };
      for await (const status of client.streamMarketStatus(request, { signal: stop.signal })) {
        expect(status).toMatchObject({ symbol: "BTC/USDT", state: MarketState.TRADING, reason: "" });
        break;
      }
      stop.abort();
    },
  );

  test.each([["gRPC", undefined] as const, ...clients])(
    "a trade stream over %s shows a trade made by another caller",
    async (name, open) => {
      const client = open === undefined ? maker.client.marketData : createClient(MarketDataService, open());
      const stop = new AbortController();
      const seen = (async () => {
        for await (const { trade: each } of client.streamTrades(
          { symbol: "BTC/USDT" },
          { signal: stop.signal },
        ))
          return each;
        return undefined;
      })();
      // A subscription has no first message to wait for: trades are made until one is seen.
      let isSeen = false;
      void seen.finally(() => {
        isSeen = true;
      });
      for (let n = 0; n < 50 && !isSeen; n += 1)
        await trade(`stream-${name.replaceAll(/[^A-Za-z]/g, "")}-${n}`);
      expect(await seen).toMatchObject({
        symbol: "BTC/USDT",
        price: "43000",
        quantity: "0.001",
        takerSide: Side.BUY,
      });
      stop.abort();
    },
  );

  test("REST streams one JSON line a message", async () => {
    const stop = new AbortController();
    const response = await fetch(`${baseUrl()}/api/v1/markets/BTC/USDT/depth/stream?levels=1`, {
      signal: stop.signal,
    });
    expect(response.status).toBe(200);
    expect(response.headers.get("content-type")).toContain("application/x-ndjson");
    const reader = response.body?.getReader();
    const chunk = await reader?.read();
    const [line = ""] = Buffer.from(chunk?.value ?? [])
      .toString()
      .split("\n");
    expect(JSON.parse(line)).toMatchObject({ result: { snapshot: { symbol: "BTC/USDT" } } });
    await reader?.cancel();
    stop.abort();
  });
});

describe("what belongs to the edge", () => {
  test("the OpenAPI document that it serves is the committed one", async () => {
    const { readFile } = await import("node:fs/promises");
    const committed = await readFile(new URL("../../../proto/openapi/openapi.yaml", import.meta.url), "utf8");
    const served = await fetch(`${baseUrl()}/openapi.yaml`);
    expect(served.status).toBe(200);
    expect(await served.text()).toBe(committed);
  });

  test("there is a page to try the API on", async () => {
    const page = await fetch(`${baseUrl()}/docs`);
    expect(page.status).toBe(200);
    expect(await page.text()).toContain("<html");
  });
});
