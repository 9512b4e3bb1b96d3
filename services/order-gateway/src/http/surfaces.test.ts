// The HTTP port of the real edge process: what only HTTP can get wrong.
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { connect as connectTcp } from "node:net";
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { OrderGatewayService } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { OrderType, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { ErrorInfoSchema } from "@bourse/shared/gen/google/rpc/error_details_pb.js";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import {
  createConnectTransport,
  createGrpcTransport,
  createGrpcWebTransport,
} from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { type Edge, startEdge } from "../testing/edge.js";

const ORIGIN = "https://app.example";
const PLACE = "/bourse.order_gateway.v1.OrderGatewayService/PlaceOrder";
const order = { symbol: "BTC/USDT", side: "SIDE_BUY", type: "ORDER_TYPE_LIMIT", price: "100", quantity: "1" };

let edge: Edge;
let token: string;

beforeAll(async () => {
  edge = await startEdge({ BOURSE__ORDER_GATEWAY__CORS_ORIGINS: JSON.stringify([ORIGIN]) });
  const sub = randomUUID();
  edge.wallet.credit(sub, "USDT", "1000000");
  token = await edge.keys.token({ sub });
});
afterAll(() => edge.close());

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly reason: string | undefined;
  readonly field: string | undefined;
  readonly outcome: string | undefined;
}

/** A call with a token and JSON, unless headers say otherwise. */
async function send(
  method: string,
  path: string,
  body?: unknown,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const text =
    body === undefined || typeof body === "string" || body instanceof Uint8Array
      ? body
      : JSON.stringify(body);
  const response = await fetch(edge.httpUrl + path, {
    method,
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json", ...headers },
    ...(text === undefined ? {} : { body: text as string }),
  });
  const content = await response.text();
  const isJson = response.headers.get("content-type")?.startsWith("application/json") === true;
  const info = isJson ? infoOf(JSON.parse(content)) : undefined;
  return { status: response.status, headers: response.headers, ...info, ...NONE, ...info };
}

const NONE = { reason: undefined, field: undefined, outcome: undefined };

/** ErrorInfo of a REST or a Connect error body. */
function infoOf(body: { details?: Record<string, unknown>[] }): Partial<Answer> {
  for (const detail of body.details ?? []) {
    if (detail["@type"] === "type.googleapis.com/google.rpc.ErrorInfo") {
      const { reason, metadata } = detail as { reason: string; metadata: Record<string, string> };
      return { reason, field: metadata.field, outcome: metadata.outcome };
    }
    if (detail.type === "google.rpc.ErrorInfo") {
      const error = new ConnectError("", Code.Unknown);
      error.details = [{ type: "google.rpc.ErrorInfo", value: Buffer.from(String(detail.value), "base64") }];
      const [info] = error.findDetails(ErrorInfoSchema);
      return { reason: info?.reason ?? "", field: info?.metadata.field, outcome: info?.metadata.outcome };
    }
  }
  return {};
}

describe("bodies are read strictly, on REST and Connect alike", () => {
  const large = JSON.stringify({ ...order, clientOrderId: "a".repeat(70_000) });
  test.each<[string, unknown, string, string | undefined]>([
    ["no body", "", "MALFORMED_REQUEST", undefined],
    ["cut JSON", '{"symbol":', "MALFORMED_REQUEST", undefined],
    ["a byte order mark", `\ufeff${JSON.stringify(order)}`, "MALFORMED_REQUEST", undefined],
    ["UTF-16", Buffer.from(JSON.stringify(order), "utf16le"), "MALFORMED_REQUEST", undefined],
    ["bytes that are no UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x7d]), "MALFORMED_REQUEST", undefined],
    ["a duplicate key", '{"symbol":"a","symbol":"b"}', "MALFORMED_REQUEST", undefined],
    ["__proto__", '{"__proto__":{}}', "MALFORMED_REQUEST", undefined],
    ["deep nesting", "[".repeat(10_000), "MALFORMED_REQUEST", undefined],
    ["a number for decimal text", { ...order, price: 100 }, "INVALID_TYPE", "price"],
    ["an unknown field", { ...order, userId: randomUUID() }, "UNKNOWN_FIELD", "userId"],
    ["an enum that is none", { ...order, side: "BUY" }, "INVALID_ENUM", "side"],
    ["a missing field", { ...order, symbol: undefined }, "FIELD_REQUIRED", "symbol"],
    ["a bad decimal", { ...order, price: "1e3" }, "INVALID_DECIMAL", "price"],
    ["a large message", large, "MESSAGE_TOO_LARGE", undefined],
  ])("%s", async (_, body, reason, field) => {
    const [rest, connect] = [await send("POST", "/api/v1/orders", body), await send("POST", PLACE, body)];
    for (const answer of [rest, connect]) {
      expect(answer).toMatchObject({ reason, field, outcome: "NOT_ATTEMPTED" });
    }
    const isLarge = reason === "MESSAGE_TOO_LARGE";
    expect([rest.status, connect.status]).toEqual(isLarge ? [413, 429] : [400, 400]);
  });

  test.each([
    ["/api/v1/orders", "application/json"],
    [PLACE, "application/json"],
    [PLACE, "application/grpc-web+proto"],
  ])("what was not read of a large message is in nobody's way: %s, %s", async (path, type) => {
    const { hostname, port } = new URL(edge.httpUrl);
    const socket = connectTcp(Number(port), hostname).setEncoding("latin1");
    socket.on("error", () => {});
    // The head and 200 kB of a longer body: enough to be refused, and the next request would wait behind it.
    socket.write(
      `POST ${path} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer ${token}\r\ncontent-type: ${type}\r\n` +
        `transfer-encoding: chunked\r\n\r\n${(200_000).toString(16)}\r\n${"a".repeat(200_000)}\r\n`,
    );
    let text = "";
    for await (const chunk of socket) text += chunk as string;
    expect(text).toMatch(/^HTTP\/1\.1 (?:413|429|200) /);
    expect(text.toLowerCase()).toContain("\r\nconnection: close\r\n");
  });

  test.each([
    "text/plain",
    "application/xml",
    "multipart/form-data; boundary=x",
    "application/json; charset=utf-16",
    "",
  ])("content type %j is not supported", async (type) => {
    for (const path of ["/api/v1/orders", PLACE]) {
      expect(await send("POST", path, "{}", { "content-type": type })).toMatchObject({
        status: 415,
        reason: "UNSUPPORTED_MEDIA_TYPE",
        outcome: "NOT_ATTEMPTED",
      });
    }
  });

  test.each(["", "content-length: 0\r\n", "transfer-encoding: chunked\r\n"])(
    "no body is an empty message by REST: %j",
    async (framing) => {
      const ask = (path: string, type = "") =>
        raw(
          `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${token}\r\n${type}` +
            `${framing}\r\n${framing.startsWith("transfer") ? "0\r\n\r\n" : ""}`,
        );
      // What the path names is whole: only the caller's role is missing.
      expect(await ask("/api/v1/withdrawals/w/complete")).toMatch(/^HTTP\/1.1 403 [\s\S]*INSUFFICIENT_SCOPE/);
      // Nothing disarms the switch by omission.
      for (const path of ["/api/v1/orders", "/api/v1/orders/cancel-all-after"])
        expect(await ask(path)).toMatch(/^HTTP\/1.1 400 [\s\S]*FIELD_REQUIRED[\s\S]*NOT_ATTEMPTED/);
      const plain = await ask("/api/v1/withdrawals/w/complete", "content-type: text/plain\r\n");
      expect(plain).toMatch(/^HTTP\/1.1 415 [\s\S]*UNSUPPORTED_MEDIA_TYPE/);
      const cut = await ask("/api/v1/withdrawals/w/complete", "content-type: application/json\r\n");
      expect(cut).toMatch(/^HTTP\/1.1 400 [\s\S]*MALFORMED_REQUEST/);
    },
  );

  test("an empty JSON message does not disarm the dead-man switch", async () => {
    expect(await send("POST", "/api/v1/orders/cancel-all-after", {})).toMatchObject({
      status: 400,
      reason: "FIELD_REQUIRED",
      field: "timeout_ms",
      outcome: "NOT_ATTEMPTED",
    });
  });

  test("a compressed body is refused, not unpacked", async () => {
    for (const path of ["/api/v1/orders", PLACE]) {
      expect(await send("POST", path, "x", { "content-encoding": "gzip" })).toMatchObject({
        reason: "UNSUPPORTED_ENCODING",
        outcome: "NOT_ATTEMPTED",
      });
    }
  });

  test.each([
    ["/api/v1/orders", "x-timeout-ms"],
    [PLACE, "connect-timeout-ms"],
  ])("a timeout of nothing has passed, one that is none is refused: %s", async (path, header) => {
    expect(await send("POST", path, order, { [header]: "0" })).toMatchObject({
      status: 504,
      reason: "DEADLINE_EXCEEDED",
      outcome: "NOT_ATTEMPTED",
    });
    expect(await send("POST", path, order, { [header]: "soon" })).toMatchObject({
      status: 400,
      reason: "MALFORMED_REQUEST",
      field: header,
      outcome: "NOT_ATTEMPTED",
    });
  });
});

describe("paths and methods", () => {
  test.each([
    ["GET", "/", 404, "UNIMPLEMENTED"],
    ["GET", "/api/v1/nothing", 404, "UNIMPLEMENTED"],
    ["POST", "/api/v1/reservations", 404, "UNIMPLEMENTED"],
    ["POST", "/bourse.wallet.v1.WalletService/Reserve", 404, "UNIMPLEMENTED"],
    ["POST", "/bourse.wallet.v1.WalletService/Release", 404, "UNIMPLEMENTED"],
    ["POST", "/bourse.wallet.v1.WalletService/SettleTrade", 404, "UNIMPLEMENTED"],
    ["POST", "/api/v1/wallets/reserve", 404, "UNIMPLEMENTED"],
    ["POST", "/api/v1/wallets/release", 404, "UNIMPLEMENTED"],
    ["POST", "/api/v1/wallets/settle-trade", 404, "UNIMPLEMENTED"],
    ["POST", "/bourse.matcher.v1.MatcherService/Submit", 404, "UNIMPLEMENTED"],
    ["GET", "/metrics", 404, "UNIMPLEMENTED"],
    ["GET", "/health/ready", 404, "UNIMPLEMENTED"],
    ["PUT", "/api/v1/orders", 405, "METHOD_NOT_ALLOWED"],
    ["POST", "/docs", 405, "METHOD_NOT_ALLOWED"],
    ["GET", PLACE, 405, "METHOD_NOT_ALLOWED"],
    ["GET", "/api/v1/orders?nothing=1", 400, "UNKNOWN_FIELD"],
    ["GET", "/api/v1/orders?page_size=1&page_size=2", 400, "MALFORMED_REQUEST"],
    ["GET", "/api/v1/orders?page_size=-1", 400, "INVALID_PAGE_SIZE"],
    ["GET", "/api/v1/orders?page_token=x", 400, "INVALID_PAGE_TOKEN"],
    ["GET", "/api/v1/orders?from_time=2026-11-21", 400, "INVALID_TIME_RANGE"],
    ["GET", "/api/v1/orders?from_time=9999-01-01T00:00:00Z", 400, "INVALID_TIME_RANGE"],
    [
      "GET",
      "/api/v1/orders?from_time=2026-11-22T00:00:00Z&to_time=2026-11-21T00:00:00Z",
      400,
      "INVALID_TIME_RANGE",
    ],
    ["GET", "/api/v1/orders?statuses=OPEN", 400, "INVALID_ENUM"],
    ["GET", "/api/v1/orders/nope", 400, "INVALID_ORDER_ID"],
    ["GET", "/api/v1/orders/%E0%A4%A", 400, "MALFORMED_REQUEST"],
    ["GET", `/api/v1/orders/${randomUUID()}`, 404, "ORDER_NOT_FOUND"],
    ["GET", "/api/v1/markets/BTC/US%2E%2E%2FDT/depth", 400, "INVALID_SYMBOL"],
    ["GET", "/api/v1/markets/BTC/USDT/depth?levels=-1", 400, "INVALID_LEVELS"],
    ["GET", "/api/v1/orders", 503, "HISTORY_UNAVAILABLE"],
  ])("%s %s is %i %s", async (method, path, status, reason) => {
    const answer = await send(method, path, method === "GET" ? undefined : {});
    expect([answer.status, answer.reason]).toEqual([status, reason]);
    if (status === 405) expect(answer.headers.get("allow")).toMatch(/GET|POST/);
  });
});

describe("a body that no route reads", () => {
  test.each([
    ["DELETE", "/api/v1/orders", { side: "SIDE_SELL" }],
    ["DELETE", `/api/v1/orders/${randomUUID()}`, {}],
    ["DELETE", "/api/v1/client-orders/x", "x"],
  ])("is refused, not ignored: %s %s", async (method, path, body) => {
    await send("POST", "/api/v1/orders", order);
    expect(await send(method, path, body)).toMatchObject({
      status: 400,
      reason: "MALFORMED_REQUEST",
      outcome: "NOT_ATTEMPTED",
    });
  });

  test.each(["content-length: 2\r\n\r\n{}", "transfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"])(
    "is refused with GET too: %j",
    async (rest) => {
      const head = `GET /api/v1/client-orders/x HTTP/1.1\r\nhost: x\r\nconnection: close\r\nauthorization: Bearer ${token}\r\n`;
      expect(await raw(head + rest)).toMatch(/^HTTP\/1.1 400 [\s\S]*this call has no body/);
    },
  );
});

describe("a limit", () => {
  test("says with its refusal what is left of it and when it is whole again", async () => {
    const sub = randomUUID();
    const authorization = `Bearer ${await edge.keys.token({ sub, tier: "basic" })}`;
    const calls = (path: string) =>
      Promise.all(Array.from({ length: 30 }, () => send("POST", path, order, { authorization })));
    for (const path of ["/api/v1/orders", PLACE]) {
      const refused = (await calls(path)).find(({ reason }) => reason === "RATE_LIMITED");
      expect(refused?.status).toBe(429);
      expect(refused?.headers.get("ratelimit")).toMatch(/^limit=10, remaining=0, reset=1$/);
      expect(refused?.headers.get("retry-after")).toBe("1");
    }
  });
});

describe("tokens", () => {
  test.each<[string, Record<string, string>, string, string]>([
    ["none", { authorization: "" }, "UNAUTHENTICATED", 'Bearer realm="bourse"'],
    ["without a value", { authorization: "Bearer" }, "UNAUTHENTICATED", 'Bearer realm="bourse"'],
    ["of another scheme", { authorization: "Basic dTpw" }, "UNAUTHENTICATED", 'Bearer realm="bourse"'],
    ["that is noise", { authorization: "Bearer x" }, "INVALID_TOKEN", "invalid_token"],
  ])("a token %s", async (_, headers, reason, challenge) => {
    for (const path of ["/api/v1/orders", PLACE]) {
      const answer = await send("POST", path, order, headers);
      expect([answer.status, answer.reason]).toEqual([401, reason]);
      expect(answer.headers.get("www-authenticate")).toContain(challenge);
    }
  });

  test("two Authorization headers are as none", async () => {
    const body = JSON.stringify(order);
    const head = (path: string) =>
      `POST ${path} HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-type: application/json\r\n` +
      `authorization: Bearer ${token}\r\nauthorization: Bearer ${token}\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    for (const path of ["/api/v1/orders", PLACE]) {
      const text = await raw(head(path));
      expect(text).toMatch(/^HTTP\/1.1 401 /);
      expect(text).toMatch(/UNAUTHENTICATED|unauthenticated/);
    }
  });

  test("who may not is told so", async () => {
    const answers = [
      await send("POST", "/api/v1/deposits", {
        userId: randomUUID(),
        asset: "BTC",
        amount: "1",
        requestId: "r",
      }),
      await send("POST", "/api/v1/markets", { market: { symbol: "A/B" } }),
      await send("GET", `/api/v1/balances?user_id=${randomUUID()}`),
    ];
    for (const { status, reason } of answers) expect([status, reason]).toEqual([403, "INSUFFICIENT_SCOPE"]);
  });

  test("everybody reads the own ledger, operators and auditors that of others", async () => {
    const [self, other] = [randomUUID(), randomUUID()];
    const ledger = async (query: string, roles: string[]) => {
      const authorization = `Bearer ${await edge.keys.token({ sub: self, roles })}`;
      const answer = await fetch(`${edge.httpUrl}/api/v1/ledger${query}`, { headers: { authorization } });
      const { entries, details } = (await answer.json()) as {
        entries?: { requestId: string }[];
        details?: { reason: string; metadata: { field: string } }[];
      };
      const [info] = details ?? [];
      return entries?.[0]?.requestId ?? `${answer.status} ${info?.reason} ${info?.metadata.field}`;
    };
    expect(await ledger("", ["trader"])).toBe(self);
    expect(await ledger(`?user_id=${self.toUpperCase()}&asset=BTC&kind=1&page_size=5`, ["trader"])).toBe(
      self,
    );
    expect(await ledger(`?user_id=${other}`, ["trader"])).toBe("403 INSUFFICIENT_SCOPE user_id");
    for (const role of ["operator", "auditor"]) expect(await ledger(`?user_id=${other}`, [role])).toBe(other);
    expect(await ledger("?user_id=x", ["trader"])).toBe("400 INVALID_USER_ID user_id");
    expect(await ledger("?asset=btc", ["trader"])).toBe("400 INVALID_ASSET asset");
    expect(await ledger("?kind=9", ["trader"])).toBe("400 INVALID_ENUM kind");
    expect(await ledger("?page_size=-1", ["trader"])).toBe("400 INVALID_PAGE_SIZE page_size");
  });

  test("only operators move money by hand, and auditors read withdrawals", async () => {
    const as = async (role: string) => ({
      authorization: `Bearer ${await edge.keys.token({ roles: [role] })}`,
    });
    const withdrawal = { userId: randomUUID(), asset: "USDT", amount: "1", requestId: "w:1" };
    const adjustment = { ...withdrawal, direction: "ENTRY_DIRECTION_CREDIT", reason: "a gift" };
    const calls: [string, string, unknown][] = [
      ["POST", "/api/v1/withdrawals", withdrawal],
      ["POST", "/api/v1/withdrawals/w:1/complete", {}],
      ["POST", "/api/v1/withdrawals/w%3A1/cancel", {}],
      ["POST", "/api/v1/adjustments", adjustment],
    ];
    for (const [verb, path, body] of calls) {
      expect((await send(verb, path, body, await as("operator"))).status, path).toBe(200);
      for (const role of ["trader", "auditor"]) {
        expect(await send(verb, path, body, await as(role)), path).toMatchObject({
          status: 403,
          reason: "INSUFFICIENT_SCOPE",
          outcome: "NOT_ATTEMPTED",
        });
      }
    }
    expect((await send("GET", "/api/v1/withdrawals/w:1", undefined, await as("trader"))).status).toBe(403);
    for (const role of ["operator", "auditor"]) {
      const missing = await send("GET", "/api/v1/withdrawals/w:1", undefined, await as(role));
      expect([missing.status, missing.reason]).toEqual([404, "WITHDRAWAL_NOT_FOUND"]);
    }
    const bad: [string, string, unknown, string, string | undefined][] = [
      ["POST", "/api/v1/withdrawals/a%20b/complete", {}, "INVALID_REQUEST_ID", "request_id"],
      ["POST", "/api/v1/withdrawals/w:1/complete", { requestId: "w:2" }, "MALFORMED_REQUEST", "request_id"],
      ["POST", "/api/v1/adjustments", { ...adjustment, direction: undefined }, "FIELD_REQUIRED", "direction"],
      ["POST", "/api/v1/adjustments", { ...adjustment, direction: "UP" }, "INVALID_ENUM", "direction"],
      ["POST", "/api/v1/adjustments", { ...adjustment, reason: "" }, "FIELD_REQUIRED", "reason"],
      ["POST", "/api/v1/adjustments", { ...adjustment, reason: "é".repeat(201) }, "INVALID_FIELD", "reason"],
      ["POST", "/api/v1/adjustments", { ...adjustment, reason: "a\nb" }, "INVALID_FIELD", "reason"],
      ["POST", "/api/v1/adjustments", { ...adjustment, asset: "DOGE" }, "ASSET_NOT_FOUND", "asset"],
      ["POST", "/api/v1/withdrawals", { ...withdrawal, amount: "1e3" }, "INVALID_DECIMAL", "amount"],
    ];
    for (const [verb, path, body, reason, field] of bad) {
      expect(await send(verb, path, body, await as("operator"))).toMatchObject({
        reason,
        field,
        outcome: "NOT_ATTEMPTED",
      });
    }
  });

  test("an operator deposits what some market trades, and nothing else", async () => {
    const authorization = `Bearer ${await edge.keys.token({ roles: ["operator"] })}`;
    const deposit = { userId: randomUUID(), asset: "USDT", amount: "12.5", requestId: randomUUID() };
    expect((await send("POST", "/api/v1/deposits", deposit, { authorization })).status).toBe(200);
    const unknown = await send("POST", "/api/v1/deposits", { ...deposit, asset: "DOGE" }, { authorization });
    expect([unknown.status, unknown.reason, unknown.field]).toEqual([404, "ASSET_NOT_FOUND", "asset"]);
  });
});

async function raw(request: string): Promise<string> {
  const { hostname, port } = new URL(edge.httpUrl);
  const socket = connectTcp(Number(port), hostname);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk) => chunks.push(chunk));
  socket.write(request);
  await once(socket, "close");
  return Buffer.concat(chunks).toString();
}

describe("protocols on one port", () => {
  const transports: [string, () => Transport][] = [
    [
      "Connect over HTTP/1.1, JSON",
      () => createConnectTransport({ baseUrl: edge.httpUrl, httpVersion: "1.1", useBinaryFormat: false }),
    ],
    [
      "Connect over HTTP/1.1, binary",
      () => createConnectTransport({ baseUrl: edge.httpUrl, httpVersion: "1.1" }),
    ],
    [
      "Connect over HTTP/2, GET for reads",
      () => createConnectTransport({ baseUrl: edge.httpUrl, httpVersion: "2", useHttpGet: true }),
    ],
    ["gRPC-Web", () => createGrpcWebTransport({ baseUrl: edge.httpUrl, httpVersion: "1.1" })],
    ["gRPC over the HTTP port", () => createGrpcTransport({ baseUrl: edge.httpUrl })],
  ];

  test.each(transports)("%s: unary calls, streams, errors", async (_, open) => {
    const transport = open();
    const headers = { authorization: `Bearer ${token}` };
    const orders = createClient(OrderGatewayService, transport);
    const place = { symbol: "BTC/USDT", side: Side.BUY, type: OrderType.LIMIT, price: "100", quantity: "1" };
    const { order: placed } = await orders.placeOrder(place, { headers });
    const read = await orders.getOrder(
      { id: { case: "orderId", value: placed?.orderId ?? "" } },
      { headers },
    );
    expect(read.order).toEqual(placed);

    const prices: (string | undefined)[] = [];
    const markets = createClient(MarketDataService, transport);
    for await (const { trade } of markets.streamTrades({ symbol: "BTC/USDT" })) prices.push(trade?.price);
    expect(prices).toEqual(["1", "2"]);
    const reasons: string[] = [];
    for await (const { reason } of markets.streamMarketStatus({ symbol: "BTC/USDT" })) reasons.push(reason);
    expect(reasons).toEqual(["", "news"]);

    const failure = ConnectError.from(
      await orders.placeOrder({ ...place, price: "0" }, { headers }).catch((e) => e),
    );
    expect(failure.code).toBe(Code.OutOfRange);
    expect(failure.findDetails(ErrorInfoSchema)[0]).toMatchObject({
      reason: "PRICE_NOT_POSITIVE",
      domain: "bourse",
    });
  });

  test("a two-way stream over HTTP/2", async () => {
    const transport = createConnectTransport({ baseUrl: edge.httpUrl, httpVersion: "2" });
    const headers = { authorization: `Bearer ${token}` };
    async function* commands() {
      for (const price of ["100", "0", "101"]) {
        const value = { symbol: "BTC/USDT", side: Side.BUY, type: OrderType.LIMIT, price, quantity: "1" };
        yield { command: { case: "place" as const, value } };
      }
    }
    const kinds: (string | undefined)[] = [];
    for await (const { result } of createClient(OrderGatewayService, transport).orderEntry(commands(), {
      headers,
    })) {
      kinds.push(result.case);
    }
    expect(kinds).toEqual(["placed", "error", "placed"]);
  });

  test("a REST stream is one result a line", async () => {
    const response = await fetch(`${edge.httpUrl}/api/v1/markets/BTC/USDT/trades/stream`);
    expect(response.headers.get("content-type")).toBe("application/x-ndjson");
    const lines = (await response.text())
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line));
    expect(lines).toMatchObject([
      { result: { trade: { price: "1" } } },
      { result: { trade: { price: "2" } } },
    ]);
  });

  test("calls count in one metric, whatever carried them", async () => {
    await send("GET", "/api/v1/markets");
    const metrics = await (await fetch(`${edge.adminUrl}/metrics`)).text();
    expect(metrics).toMatch(/rpc_server_handled_total\{.*method="ListMarkets",code="OK".*\} [1-9]/);
    expect(metrics).toMatch(/orders_placed_total\{symbol="BTC\/USDT",type="LIMIT",side="BUY".*\} [1-9]/);
  });
});

describe("browsers", () => {
  const preflight = {
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  };

  test("may call from origins that are named", async () => {
    const allowed = await send("OPTIONS", "/api/v1/orders", undefined, { origin: ORIGIN, ...preflight });
    expect(allowed.status).toBe(204);
    expect(allowed.headers.get("access-control-allow-origin")).toBe(ORIGIN);
    expect(allowed.headers.get("access-control-allow-methods")).toBe("GET, POST, PATCH, DELETE");
    expect(allowed.headers.get("access-control-allow-headers")?.toLowerCase()).toContain("authorization");
    const call = await send("GET", "/api/v1/markets", undefined, { origin: ORIGIN });
    expect(call.headers.get("access-control-allow-origin")).toBe(ORIGIN);
  });

  test.each(["https://evil.example", "null", `${ORIGIN}.evil.example`])("may not from %s", async (origin) => {
    const refused = await send("OPTIONS", "/api/v1/orders", undefined, { origin, ...preflight });
    expect(refused.status).toBe(403);
    expect(refused.headers.get("access-control-allow-origin")).toBeNull();
  });

  test("get the API page and all it needs from here", async () => {
    const page = await (await fetch(`${edge.httpUrl}/docs`)).text();
    const links = [...page.matchAll(/(?:src|href)="([^"]+)"/g)].map(([, link]) => link ?? "");
    expect(links).toHaveLength(4);
    for (const link of [...links, "/openapi.yaml"]) {
      const response = await fetch(edge.httpUrl + link);
      expect([link, response.status]).toEqual([link, 200]);
      await response.arrayBuffer();
    }
  });
});
