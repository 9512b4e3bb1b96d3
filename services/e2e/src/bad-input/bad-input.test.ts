// RELIABILITY 5, row by row, on every surface that can express it: the right code, HTTP status, reason
// and field, and nothing changed. The rows are data; their numbers stand in the titles.
import { randomUUID } from "node:crypto";
import type { User } from "@bourse/local/testing/users.js";
import { PlaceOrderRequestSchema } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { MarketState, OrderStatus, OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { fromJson, type JsonObject, toBinary } from "@bufbuild/protobuf";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Exchange, startExchange } from "../exchange.js";
import type { Answer, Ask, Surface } from "../surfaces/answer.js";
import { send } from "../surfaces/http.js";
import { askOf, faultsOf, surfacesOf } from "./judge.js";
import { limit, methods, type Row } from "./row.js";
import { accessRows, transportRows } from "./rows-access.js";
import { accountRows } from "./rows-accounts.js";
import { changeRows } from "./rows-changes.js";
import { decimalRows, gridRows } from "./rows-decimals.js";
import { bodyRows, pageRows, textRows } from "./rows-fields.js";
import { orderRows } from "./rows-orders.js";
import { tokenKit } from "./tokens.js";

let exchange: Exchange;
let trader: User;
let other: User;
let auditor: User;

/** Rows need a market without a least notional, band or cap, except where they are about one. */
const MARKETS = [
  { symbol: "BAD/USDT", lotSize: "0.00001", minQuantity: "0.0001" },
  { symbol: "CAP/USDT", maxQuantity: "10", minNotional: "10" },
  { symbol: "BAND/USDT", bandBps: 1_000 },
  { symbol: "FEW/USDT", openOrdersMax: 2 },
  { symbol: "HALT/USDT", state: MarketState.HALTED },
  { symbol: "POST/USDT", state: MarketState.POST_ONLY },
  { symbol: "CANC/USDT", state: MarketState.CANCEL_ONLY },
  { symbol: "GONE/USDT", state: MarketState.DELISTED },
];

beforeAll(async () => {
  exchange = await startExchange();
  for (const each of MARKETS) {
    const [baseAsset = "", quoteAsset = ""] = each.symbol.split("/");
    const grid = { tickSize: "0.01", lotSize: "0.001", minQuantity: "0.001", protectionBps: 500, shard: 1 };
    await exchange.operator.client.orders.createMarket({
      market: { ...grid, ...each, baseAsset, quoteAsset },
    });
  }
  const funds = { USDT: "10000000", BAD: "100", BAND: "100", FEW: "100" };
  trader = await exchange.newUser({ funds });
  other = await exchange.newUser({ funds });
  auditor = await exchange.newUser({ roles: ["auditor"] });
  await exchange.evidence.untilSettled();
});
afterAll(() => exchange?.close());

function tokenOf(row: Row): string | undefined {
  switch (row.caller ?? "trader") {
    case "trader":
      return trader.token;
    case "operator":
      return exchange.operator.token;
    case "auditor":
      return auditor.token;
    case "nobody":
      return undefined;
  }
}

/** Runs a call on each surface and expects that nothing changed. */
async function expectRefused(
  surfaces: readonly Surface[],
  ask: Ask,
  judge: (surface: Surface, answer: Answer) => string[],
) {
  const before = await exchange.evidence.look();
  const faults: string[] = [];
  for (const surface of surfaces) faults.push(...judge(surface, await surface.call(ask)));
  expect(faults).toEqual([]);
  expect(await exchange.evidence.look()).toEqual(before);
}

const titled = (rows: readonly Row[]): [string, Row][] =>
  rows.map((row) => [`${row.row} · ${row.what}`, row]);

describe.each([
  ["5.1 decimals", decimalRows],
  ["5.1 grid and limits", gridRows],
  ["5.2 fields and combinations", orderRows],
  ["5.2 ids and texts", textRows],
  ["5.2 bodies", bodyRows],
  ["5.2 pages and times", pageRows],
  ["5.1 to 5.4 changes", changeRows],
  ["5.4 access", accessRows],
  ["5.2 to 5.4 accounts", accountRows],
  ["5.5 transport", transportRows],
])("%s", (_section, rows) => {
  test.each(titled(rows))("row %s", async (_title, row) => {
    const surfaces = surfacesOf(row, exchange.surfaces);
    expect(surfaces.length).toBeGreaterThan(0);
    await expectRefused(surfaces, askOf(row, tokenOf(row)), ({ name }, answer) =>
      faultsOf(row, name, answer),
    );
  });
});

describe("5.1 and 5.2: what is accepted, or refused by the matcher", () => {
  const all = () => exchange.surfaces.all;
  const place = (surface: Surface, request: JsonObject, user = trader, more: Partial<Ask> = {}) =>
    surface.call({ method: methods.placeOrder, request, token: user.token, ...more });
  const orderOf = (answer: Answer) => answer.body.order as Record<string, string>;
  const cancel = (answer: Answer, user = trader) =>
    user.client.orders.cancelOrder({ id: { case: "orderId", value: orderOf(answer).orderId ?? "" } });

  /** Expects an order that the matcher refused, on every surface, and that the money came back. */
  async function expectRejected(request: JsonObject, reason: string, user = trader) {
    await exchange.evidence.untilSettled();
    const before = await exchange.evidence.look();
    for (const surface of all()) {
      const answer = await place(surface, request, user);
      expect(answer, surface.name).toMatchObject({
        code: "OK",
        body: { order: { status: "ORDER_STATUS_REJECTED", reason } },
      });
      if (answer.http !== undefined) expect(answer.http).toBe(200);
    }
    await exchange.evidence.untilSettled();
    const { balances, ledgerEntries } = await exchange.evidence.look();
    expect({ balances, ledgerEntries }).toEqual({
      balances: before.balances,
      ledgerEntries: before.ledgerEntries,
    });
  }

  test("row 28 · a price outside the band", async () => {
    const [surface] = all();
    if (surface === undefined) throw new Error("no surface");
    const at = { symbol: "BAND/USDT", price: "100", quantity: "1" };
    await place(surface, limit({ ...at, side: "SIDE_SELL" }), other);
    expect(await place(surface, limit(at))).toMatchObject({
      body: { order: { status: "ORDER_STATUS_FILLED" } },
    });
    await expectRejected(limit({ ...at, price: "111" }), "END_REASON_PRICE_OUT_OF_BAND");
    await expectRejected(limit({ ...at, price: "89", side: "SIDE_SELL" }), "END_REASON_PRICE_OUT_OF_BAND");
  });

  test.each([
    ["the smallest", limit({ price: "0.01", quantity: "0.0001" })],
    ["the largest price", limit({ side: "SIDE_SELL", price: "999999999999.99", quantity: "0.0001" })],
    ["the largest notional", limit({ side: "SIDE_SELL", price: "90071992547.4", quantity: "0.01" })],
  ])("row 29 · %s legal values come back exactly", async (_what, request) => {
    for (const surface of all()) {
      const answer = await place(surface, request);
      const { price, quantity } = request;
      expect(answer, surface.name).toMatchObject({
        code: "OK",
        body: { order: { price, quantity, status: "ORDER_STATUS_OPEN" } },
      });
      await cancel(answer);
    }
  });

  test("row 43 · post-only that would take", async () => {
    const [surface] = all();
    if (surface === undefined) throw new Error("no surface");
    const ask = await place(surface, limit({ side: "SIDE_SELL", price: "2000", quantity: "0.01" }), other);
    await expectRejected(limit({ price: "2000", postOnly: true }), "END_REASON_POST_ONLY_WOULD_TAKE");
    await cancel(ask, other);
  });

  test("row 44 · insufficient funds: refused for good under its key, a row REFUSED and nothing else", async () => {
    const poor = await exchange.newUser({ funds: { USDT: "1" } });
    for (const surface of all()) {
      const request = limit({ clientOrderId: `poor-${randomUUID()}`, quantity: "1" });
      const before = await exchange.evidence.look();
      for (const attempt of ["first", "again"]) {
        const answer = await place(surface, request, poor);
        expect(answer, `${surface.name} ${attempt}`).toMatchObject({
          code: "FAILED_PRECONDITION",
          reason: "INSUFFICIENT_FUNDS",
          facts: { outcome: "NOT_ACCEPTED" },
        });
        if (answer.http !== undefined && surface.name !== "gRPC-Web") expect(answer.http).toBe(400);
      }
      expect(await exchange.evidence.look()).toEqual({ ...before, refused: before.refused + 1 });
      const { clientOrderId } = request;
      await exchange.operator.client.accounts.deposit({
        userId: poor.id,
        asset: "USDT",
        amount: "100",
        requestId: randomUUID(),
      });
      expect(await place(surface, request, poor)).toMatchObject({ reason: "INSUFFICIENT_FUNDS" });
      expect(clientOrderId).toBeDefined();
      const requestId = randomUUID();
      await exchange.operator.client.accounts.withdraw({
        userId: poor.id,
        asset: "USDT",
        amount: "100",
        requestId,
      });
      await exchange.operator.client.accounts.completeWithdrawal({ requestId });
    }
  });

  test("row 45 · too many open orders of one user in one market", async () => {
    const [surface] = all();
    if (surface === undefined) throw new Error("no surface");
    const request = limit({ symbol: "FEW/USDT", price: "10", quantity: "1" });
    const open = [await place(surface, request), await place(surface, request)];
    await expectRejected(request, "END_REASON_OPEN_ORDER_LIMIT");
    for (const each of open) await cancel(each);
    expect(await place(surface, request)).toMatchObject({ body: { order: { status: "ORDER_STATUS_OPEN" } } });
  });

  test("row 46 · an empty client order id is one that was not given: the server makes one", async () => {
    for (const surface of all()) {
      const answer = await place(surface, limit({ clientOrderId: "" }));
      expect(orderOf(answer).clientOrderId, surface.name).toMatch(/^[A-Za-z0-9._:-]{1,64}$/);
      await cancel(answer);
    }
  });

  test("row 52 · an unknown protobuf field is ignored and not echoed", async () => {
    for (const surface of all().filter(({ encoding }) => encoding === "binary")) {
      const known = toBinary(PlaceOrderRequestSchema, fromJson(PlaceOrderRequestSchema, limit()));
      // Field 1000, text "ghost"; field 1001, number 7.
      const unknown = Buffer.concat([
        Buffer.from([0xc2, 0x3e, 5]),
        Buffer.from("ghost"),
        Buffer.from([0xc8, 0x3e, 7]),
      ]);
      const answer = await place(surface, limit(), trader, { raw: Buffer.concat([known, unknown]) });
      expect(answer, surface.name).toMatchObject({
        code: "OK",
        body: { order: { status: "ORDER_STATUS_OPEN" } },
      });
      expect(answer.text).not.toContain("ghost");
      await cancel(answer);
    }
  });

  test("row 55 · page size 0, none and 10^9 are cut, not refused", async () => {
    for (const surface of all()) {
      for (const request of [{}, { pageSize: 0 }, { pageSize: 1_000_000_000 }]) {
        const answer = await surface.call({ method: methods.listOrders, request, token: trader.token });
        expect(answer.code, surface.name).toBe("OK");
      }
    }
  });

  test("row 55b · the page token of somebody else", async () => {
    const [surface] = all();
    if (surface === undefined) throw new Error("no surface");
    for (const price of ["10", "11"]) await cancel(await place(surface, limit({ price }), other), other);
    await exchange.evidence.untilSettled();
    const page = await other.client.orders.listOrders({ pageSize: 1 });
    expect(page.nextPageToken).not.toBe("");
    const ask = {
      method: methods.listOrders,
      request: { pageToken: page.nextPageToken },
      token: trader.token,
    };
    for (const each of all())
      expect(await each.call(ask), each.name).toMatchObject({
        code: "INVALID_ARGUMENT",
        reason: "INVALID_PAGE_TOKEN",
      });
  });
});

describe("5.3 idempotency and life", () => {
  beforeEach(() => exchange.evidence.untilSettled());

  const terms = { symbol: "BAD/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "50", quantity: "0.001" };
  const idOf = (answer: Answer) => (answer.body.order as Record<string, string>).orderId;

  test("row 58 and 62 · the same call many times at once, on every surface, is one order", async () => {
    const request = limit({ clientOrderId: `same-${randomUUID()}`, price: "50" });
    const before = await exchange.evidence.look();
    const calls = [...exchange.surfaces.all, ...exchange.surfaces.all].map((surface) =>
      surface.call({ method: methods.placeOrder, request, token: trader.token }),
    );
    const answers = await Promise.all(calls);
    const known = answers.filter(({ code }) => code === "OK");
    for (const answer of answers) if (answer.code !== "OK") expect(answer).toMatchObject({ code: "ABORTED" });
    expect(new Set(known.map(idOf)).size).toBe(1);
    expect(known.filter(({ body }) => body.replayed === false).length).toBeLessThanOrEqual(1);
    expect((await exchange.evidence.look()).reservations).toBe(before.reservations + 1);
    await trader.client.orders.cancelOrder({
      id: { case: "orderId", value: idOf(known[0] as Answer) ?? "" },
    });
  });

  test("row 59 · one thing changed under the same client order id", async () => {
    const clientOrderId = `changed-${randomUUID()}`;
    const request = limit({ clientOrderId, price: "50", quantity: "0.001" });
    const { order } = await trader.client.orders.placeOrder({ ...terms, clientOrderId });
    const changed = [
      { price: "51" },
      { quantity: "0.002" },
      { side: "SIDE_SELL" },
      { timeInForce: "TIME_IN_FORCE_IOC" },
      { postOnly: true },
      { symbol: "ETH/USDT" },
    ];
    for (const change of changed) {
      await expectRefused(
        exchange.surfaces.all,
        { method: methods.placeOrder, request: { ...request, ...change }, token: trader.token },
        ({ name }, answer) =>
          faultsOf(
            {
              row: "59",
              what: "",
              method: methods.placeOrder,
              request,
              code: "ALREADY_EXISTS",
              reason: "CLIENT_ORDER_ID_REUSED",
            },
            name,
            answer,
          ),
      );
    }
    const same = [
      { price: "50.0" },
      { price: "50.00000000" },
      { quantity: "0.00100" },
      { timeInForce: "TIME_IN_FORCE_GTC" },
      { postOnly: false },
    ];
    for (const change of same) {
      for (const surface of exchange.surfaces.all) {
        const answer = await surface.call({
          method: methods.placeOrder,
          request: { ...request, ...change },
          token: trader.token,
        });
        expect(answer, surface.name).toMatchObject({
          code: "OK",
          body: { replayed: true, order: { orderId: order?.orderId } },
        });
      }
    }
    await trader.client.orders.cancelOrder({ id: { case: "clientOrderId", value: clientOrderId } });
  });

  test("row 60 · the same client order id of another user is another order", async () => {
    const clientOrderId = `shared-${randomUUID()}`;
    const mine = await trader.client.orders.placeOrder({ ...terms, clientOrderId });
    const theirs = await other.client.orders.placeOrder({ ...terms, clientOrderId });
    expect(mine.order?.orderId).not.toBe(theirs.order?.orderId);
    for (const user of [trader, other])
      await user.client.orders.cancelOrder({ id: { case: "clientOrderId", value: clientOrderId } });
  });

  test("row 61 and 65 · after its end an order answers with its end, again and again", async () => {
    const clientOrderId = `ended-${randomUUID()}`;
    await trader.client.orders.placeOrder({ ...terms, clientOrderId });
    const id = { case: "clientOrderId", value: clientOrderId } as const;
    const first = await trader.client.orders.cancelOrder({ id });
    expect(first).toMatchObject({ replayed: false, order: { status: OrderStatus.CANCELLED } });
    for (const when of ["before settlement", "after settlement"]) {
      const again = await trader.client.orders.cancelOrder({ id });
      expect(again, when).toMatchObject({
        replayed: true,
        order: { status: OrderStatus.CANCELLED, orderId: first.order?.orderId },
      });
      const placed = await trader.client.orders.placeOrder({ ...terms, clientOrderId });
      expect(placed, when).toMatchObject({
        replayed: true,
        order: { status: OrderStatus.CANCELLED, orderId: first.order?.orderId },
      });
      await exchange.evidence.untilSettled();
    }
  });

  test("row 64 · a filled order cannot be cancelled", async () => {
    const at = { ...terms, price: "60" };
    const sell = await other.client.orders.placeOrder({ ...at, side: Side.SELL });
    const buy = await trader.client.orders.placeOrder(at);
    expect(buy.order?.status).toBe(OrderStatus.FILLED);
    for (const [user, order] of [
      [trader, buy.order],
      [other, sell.order],
    ] as const) {
      await exchange.evidence.untilSettled();
      const ask = {
        method: methods.cancelOrder,
        request: { orderId: order?.orderId ?? "" },
        token: user.token,
      };
      await expectRefused(exchange.surfaces.all, ask, ({ name }, answer) => [
        ...faultsOf(
          { row: "64", what: "", ...ask, code: "FAILED_PRECONDITION", reason: "ORDER_NOT_OPEN" },
          name,
          answer,
        ),
        ...(answer.facts.status?.endsWith("FILLED") === true
          ? []
          : [`${name}: status ${answer.facts.status}`]),
      ]);
    }
  });
});

describe("5.3 amends", () => {
  beforeEach(() => exchange.evidence.untilSettled());

  const terms = { symbol: "BAD/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "50", quantity: "0.01" };

  test("row 68 · of a final order, and to no more than what was executed", async () => {
    const { order } = await trader.client.orders.placeOrder(terms);
    const orderId = order?.orderId ?? "";
    await other.client.orders.placeOrder({ ...terms, side: Side.SELL, quantity: "0.004" });
    const id = { case: "orderId", value: orderId } as const;
    const less = await trader.client.orders.amendOrder({ id, requestId: "less", quantity: "0.004" });
    expect(less.order).toMatchObject({ status: OrderStatus.CANCELLED, filledQuantity: "0.004" });
    for (const surface of exchange.surfaces.all) {
      const request = { orderId, requestId: `final-${randomUUID()}`, price: "51" };
      const answer = await surface.call({ method: methods.amendOrder, request, token: trader.token });
      expect(answer, surface.name).toMatchObject({
        code: "FAILED_PRECONDITION",
        reason: "ORDER_NOT_OPEN",
        facts: { status: "CANCELLED", reason: "AMENDED", filled_quantity: "0.004", outcome: "NOT_ACCEPTED" },
      });
    }
  });

  test("one thing changed under the same request id", async () => {
    const { order } = await trader.client.orders.placeOrder(terms);
    const orderId = order?.orderId ?? "";
    const request = { orderId, requestId: "once", quantity: "0.02" };
    const ask = { method: methods.amendOrder, request, token: trader.token };
    for (const surface of exchange.surfaces.all)
      expect(await surface.call(ask), surface.name).toMatchObject({
        code: "OK",
        body: { order: { quantity: "0.02" } },
      });
    await exchange.evidence.untilSettled();
    for (const [field, changed] of [
      ["quantity", { ...request, quantity: "0.03" }],
      ["price", { ...request, price: "51" }],
    ] as const) {
      await expectRefused(exchange.surfaces.all, { ...ask, request: changed }, ({ name }, answer) =>
        faultsOf(
          { row: "59", what: "", ...ask, code: "ALREADY_EXISTS", reason: "REQUEST_ID_REUSED", field },
          name,
          answer,
        ),
      );
    }
    await trader.client.orders.cancelOrder({ id: { case: "orderId", value: orderId } });
  });
});

describe("5.4 tokens", () => {
  beforeEach(() => exchange.evidence.untilSettled());

  test("rows 74 to 83 · tokens that are not valid, each on every surface", async () => {
    const kit = tokenKit(exchange.mesh.home, trader.id);
    const [surface] = exchange.surfaces.all;
    const good = { method: methods.getBalances, request: {}, token: kit.good };
    expect(await surface?.call(good)).toMatchObject({ code: "OK" });
    for (const { row, what, token, reason } of kit.bad) {
      for (const method of [methods.placeOrder, methods.getBalances] as const) {
        const request = method === methods.placeOrder ? limit() : {};
        const asked: Row = { row, what, method, request, code: "UNAUTHENTICATED", reason };
        await expectRefused(exchange.surfaces.all, { method, request, token }, ({ name }, answer) =>
          faultsOf(asked, name, answer).map((fault) => `row ${row}, ${what}: ${fault}`),
        );
      }
    }
  });

  test("row 73 · HTTP says how to authenticate", async () => {
    const answer = await exchange.surfaces.of("REST").call({ method: methods.getBalances, request: {} });
    expect(answer.headers["www-authenticate"]).toMatch(/^Bearer/);
  });

  test("row 82 · a token of 100 KB is refused without a failure of ours", async () => {
    const before = await exchange.evidence.look();
    for (const surface of exchange.surfaces.all) {
      const ask = { method: methods.placeOrder, request: limit(), token: "a".repeat(100_000) };
      const answer = await surface.call(ask).catch((error: unknown) => error);
      if (answer instanceof Error) continue;
      expect(["UNAUTHENTICATED", "RESOURCE_EXHAUSTED", "NONE"], surface.name).toContain(
        (answer as Answer).code,
      );
      expect([401, 431, 200, undefined], surface.name).toContain((answer as Answer).http);
    }
    expect(await exchange.evidence.look()).toEqual(before);
  });

  test("row 84 · a key that is no longer in the set", async () => {
    const stranger = await startKeys();
    for (const surface of exchange.surfaces.all) {
      const answer = await surface.call({ method: methods.getBalances, request: {}, token: stranger });
      expect(answer, surface.name).toMatchObject({ code: "UNAUTHENTICATED", reason: "INVALID_TOKEN" });
    }
  });

  test("row 86 · the order of somebody else answers exactly like one that does not exist", async () => {
    const { order } = await other.client.orders.placeOrder({
      symbol: "BAD/USDT",
      side: Side.BUY,
      type: OrderType.LIMIT,
      price: "50",
      quantity: "0.001",
    });
    for (const surface of exchange.surfaces.all) {
      const change = { requestId: "r", price: "51" };
      for (const [method, more] of [
        [methods.getOrder, {}],
        [methods.cancelOrder, {}],
        [methods.amendOrder, change],
      ] as const) {
        const ask = (orderId: string) =>
          surface.call({ method, request: { orderId, ...more }, token: trader.token });
        const [foreign, absent] = [await ask(order?.orderId ?? ""), await ask(randomUUID())];
        expect(foreign, surface.name).toMatchObject({ code: "NOT_FOUND", reason: "ORDER_NOT_FOUND" });
        const anonymous = ({ code, http, reason, field }: Answer) => ({ code, http, reason, field });
        expect(anonymous(foreign)).toEqual(anonymous(absent));
        expect(Object.keys(foreign.facts)).toEqual(Object.keys(absent.facts));
      }
      const trades = await surface.call({
        method: methods.listTrades,
        request: { orderId: order?.orderId ?? "" },
        token: trader.token,
      });
      expect(trades.body.trades, surface.name).toEqual([]);
    }
    const still = await other.client.orders.getOrder({
      id: { case: "orderId", value: order?.orderId ?? "" },
    });
    expect(still.order?.status).toBe(OrderStatus.OPEN);
    await other.client.orders.cancelOrder({ id: { case: "orderId", value: order?.orderId ?? "" } });
  });

  test("row 88 · a user named in a header is ignored: identity comes from the token alone", async () => {
    const headers = ["x-user-id", "x-forwarded-user", "x-bourse-user", "user-id", "sub"].map(
      (name) => [name, other.id] as const,
    );
    for (const surface of exchange.surfaces.all) {
      const answer = await surface.call({
        method: methods.placeOrder,
        request: limit({ price: "50" }),
        token: trader.token,
        headers,
      });
      const id = (answer.body.order as Record<string, string>).orderId ?? "";
      const [row] = await exchange.evidence.query<{ user_id: string }>(
        "SELECT user_id FROM wallet.reservations WHERE order_id = $1",
        [id],
      );
      expect(row?.user_id, surface.name).toBe(trader.id);
      await trader.client.orders.cancelOrder({ id: { case: "orderId", value: id } });
    }
  });

  test("row 89 · a forged X-Forwarded-For does not dodge the limiter", async () => {
    for (const surface of exchange.surfaces.all) {
      const basic = await exchange.newUser({ tier: "basic" });
      const answers: Answer[] = [];
      for (let call = 0; call < 60 && answers.at(-1)?.reason !== "RATE_LIMITED"; call += 1) {
        const headers = [["x-forwarded-for", `203.0.113.${call}`]] as const;
        answers.push(
          await surface.call({ method: methods.getBalances, request: {}, token: basic.token, headers }),
        );
      }
      expect(answers.at(-1), surface.name).toMatchObject({
        code: "RESOURCE_EXHAUSTED",
        reason: "RATE_LIMITED",
      });
      if (surface.name === "REST") {
        expect(answers.at(-1)?.http).toBe(429);
        expect(Number(answers.at(-1)?.headers["retry-after"])).toBeGreaterThanOrEqual(1);
      }
    }
  });
});

describe("5.5 routes", () => {
  beforeEach(() => exchange.evidence.untilSettled());

  const bearer = () => [["authorization", `Bearer ${trader.token}`]] as [string, string][];
  const at = (path: string, verb: string, body?: string) =>
    send({
      url: `${exchange.mesh.running.httpUrl}${path}`,
      verb,
      headers: body === undefined ? bearer() : [...bearer(), ["content-type", "application/json"]],
      body: body === undefined ? undefined : Buffer.from(body),
    });

  test.each([
    ["an unknown path", "/api/v1/nothing", "GET", [404]],
    ["a path above the API", "/api/v1/../../etc/passwd", "GET", [400, 404]],
    ["a symbol in one segment", "/api/v1/markets/BTCUSDT/depth", "GET", [404]],
    ["GET on POST", "/api/v1/deposits", "GET", [405]],
    ["PUT", "/api/v1/orders", "PUT", [405, 404]],
    ["TRACE", "/api/v1/orders", "TRACE", [405, 501]],
    ["an unknown service", "/bourse.nothing.v1.NothingService/Get", "POST", [404, 501]],
    ["an unknown method", "/bourse.order_gateway.v1.OrderGatewayService/Nothing", "POST", [404, 501]],
    [
      "GET on a Connect call that changes something",
      "/bourse.order_gateway.v1.OrderGatewayService/PlaceOrder",
      "GET",
      [405],
    ],
    ["the wallet of the mesh", "/bourse.wallet.v1.WalletService/Reserve", "POST", [404, 501]],
    ["the matcher of the mesh", "/bourse.matcher.v1.MatcherService/Submit", "POST", [404, 501]],
  ])("row 97 · %s", async (_what, path, verb, statuses) => {
    const before = await exchange.evidence.look();
    const answer = await at(path, verb, verb === "POST" || verb === "PUT" ? "{}" : undefined);
    expect(statuses).toContain(answer.status);
    expect(answer.body.toString()).not.toMatch(/node_modules|\.[jt]s:\d+|\n\s+at /);
    expect(await exchange.evidence.look()).toEqual(before);
  });

  test("row 97 · a call of the mesh and an unknown call over gRPC", async () => {
    const { Client, credentials } = await import("@grpc/grpc-js");
    const client = new Client(exchange.mesh.running.grpcAddress, credentials.createInsecure());
    for (const path of [
      "/bourse.wallet.v1.WalletService/Reserve",
      "/bourse.matcher.v1.MatcherService/Submit",
      "/bourse.order_gateway.v1.OrderGatewayService/Nothing",
      "/a/b",
    ]) {
      const code = await new Promise((resolve) => {
        const pass = (bytes: Buffer) => bytes;
        client.makeUnaryRequest(path, pass, pass, Buffer.alloc(0), (error) => resolve(error?.code));
      });
      expect(code, path).toBe(12);
    }
    client.close();
  });
});

/** A token whose signature is right, of a key that this exchange does not have. */
async function startKeys(): Promise<string> {
  const { mkdtemp, rm } = await import("node:fs/promises");
  const { ensureKeys, makeToken } = await import("@bourse/local/keys.js");
  const home = await mkdtemp("/tmp/bourse-e2e-keys-");
  try {
    await ensureKeys(home);
    return await makeToken(home, { userId: trader.id, roles: ["trader"], tier: "unlimited" });
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}
