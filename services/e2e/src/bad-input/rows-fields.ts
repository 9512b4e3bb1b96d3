// RELIABILITY 5.2: ids, texts, pages, times, and requests that cannot be read.

import { PlaceOrderRequestSchema } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { fromJson, toBinary } from "@bufbuild/protobuf";
import { deposit, limit, methods, type Row } from "./row.js";

const place = { method: methods.placeOrder, code: "INVALID_ARGUMENT" } as const;
const ids = { reason: "INVALID_CLIENT_ORDER_ID", field: "client_order_id" } as const;
const attacks = [
  "'; DROP TABLE orders;--",
  `" OR 1=1`,
  `{"$gt":""}`,
  `\${jndi:ldap://127.0.0.1/a}`,
  "<script>alert(1)</script>",
  "../../etc/passwd",
];
const oddIds = ["a\u0001b", "a\nb", "a\r\nlevel=error", "😀", "a\u202eb"];
const uuid = "6b0e8a51-93a4-4cf6-9d43-6d9f5e2a4a10";

/** Ids and free texts. */
export const textRows: readonly Row[] = [
  {
    ...place,
    ...ids,
    row: "46",
    what: "a client order id of blanks",
    request: limit({ clientOrderId: "   " }),
  },
  {
    ...place,
    ...ids,
    row: "47",
    what: "a client order id of 65 bytes",
    request: limit({ clientOrderId: "a".repeat(65) }),
  },
  {
    ...place,
    ...ids,
    row: "47",
    what: "a client order id of 50,000 bytes",
    request: limit({ clientOrderId: "a".repeat(50_000) }),
  },
  ...oddIds.map(
    (clientOrderId): Row => ({
      ...place,
      ...ids,
      row: "48",
      what: `client order id ${JSON.stringify(clientOrderId)}`,
      request: limit({ clientOrderId }),
    }),
  ),
  ...[...attacks, "a b", "ä"].map(
    (clientOrderId): Row => ({
      ...place,
      ...ids,
      row: "49",
      what: `client order id ${clientOrderId}`,
      request: limit({ clientOrderId }),
    }),
  ),
  ...attacks.map(
    (symbol): Row => ({
      ...place,
      row: "49",
      what: `symbol ${symbol}`,
      request: limit({ symbol }),
      reason: "INVALID_SYMBOL",
      field: "symbol",
    }),
  ),
  ...["__proto__", "constructor", ...attacks].map(
    (orderId): Row => ({
      ...place,
      row: "49",
      what: `order id ${orderId}`,
      method: methods.getOrder,
      request: { orderId },
      reason: "INVALID_ORDER_ID",
      field: "order_id",
    }),
  ),
  ...attacks.map(
    (pageToken): Row => ({
      ...place,
      row: "49",
      what: `page token ${pageToken}`,
      method: methods.listOrders,
      request: { pageToken },
      reason: "INVALID_PAGE_TOKEN",
      field: "page_token",
    }),
  ),
  ...attacks.map(
    (requestId): Row => ({
      ...place,
      row: "49",
      what: `request id ${requestId}`,
      method: methods.deposit,
      caller: "operator",
      request: deposit({ requestId }),
      reason: "INVALID_REQUEST_ID",
      field: "request_id",
    }),
  ),
  ...attacks.map(
    (asset): Row => ({
      ...place,
      row: "49",
      what: `asset ${asset}`,
      method: methods.deposit,
      caller: "operator",
      request: deposit({ asset }),
      reason: "INVALID_ASSET",
      field: "asset",
    }),
  ),
  ...attacks.map(
    (userId): Row => ({
      ...place,
      row: "49",
      what: `user id ${userId}`,
      method: methods.deposit,
      caller: "operator",
      request: deposit({ userId }),
      reason: "INVALID_USER_ID",
      field: "user_id",
    }),
  ),
  {
    ...place,
    row: "49",
    what: "an asset that no market trades",
    method: methods.deposit,
    caller: "operator",
    request: deposit({ asset: "NOPE" }),
    code: "NOT_FOUND",
    reason: "ASSET_NOT_FOUND",
  },
  {
    ...place,
    row: "57",
    what: "an order id that is no UUID",
    method: methods.getOrder,
    request: { orderId: "42" },
    reason: "INVALID_ORDER_ID",
    field: "order_id",
  },
  {
    ...place,
    row: "57",
    what: "an order id that is no UUID, to cancel",
    method: methods.cancelOrder,
    request: { orderId: "42" },
    reason: "INVALID_ORDER_ID",
    field: "order_id",
  },
  {
    ...place,
    row: "57",
    what: "an order id that is no UUID, as a filter",
    method: methods.listTrades,
    request: { orderId: "42" },
    reason: "INVALID_ORDER_ID",
    field: "order_id",
  },
  {
    ...place,
    row: "57",
    what: "no id at all",
    on: ["gRPC", "Connect JSON", "Connect binary", "gRPC-Web"],
    method: methods.getOrder,
    request: {},
    reason: "FIELD_REQUIRED",
  },
  {
    ...place,
    row: "63",
    what: "cancel of an unknown id",
    method: methods.cancelOrder,
    request: { orderId: uuid },
    code: "NOT_FOUND",
    reason: "ORDER_NOT_FOUND",
  },
  {
    ...place,
    row: "63",
    what: "cancel of an unknown client id",
    method: methods.cancelOrder,
    request: { clientOrderId: "never-placed" },
    code: "NOT_FOUND",
    reason: "ORDER_NOT_FOUND",
  },
  {
    ...place,
    row: "63",
    what: "get of an unknown id",
    method: methods.getOrder,
    request: { orderId: uuid },
    code: "NOT_FOUND",
    reason: "ORDER_NOT_FOUND",
  },
];

const malformed = { ...place, reason: "MALFORMED_REQUEST", request: limit() } as const;
const body = JSON.stringify(limit());
const json = (text: string) => Buffer.from(text);
const nested = (depth: number) => `{"symbol":${"[".repeat(depth)}${"]".repeat(depth)}}`;
const unknownJson = ["user_id", "userId", "status", "filledQuantity", "fee", "orderId", "role"];

/** A message whose text field holds bytes that are no UTF-8. */
function withInvalidUtf8(): Uint8Array {
  const bytes = Buffer.from(
    toBinary(PlaceOrderRequestSchema, fromJson(PlaceOrderRequestSchema, limit({ clientOrderId: "zzzz" }))),
  );
  bytes.set([0xff, 0xfe, 0xc0, 0x80], bytes.indexOf("zzzz"));
  return bytes;
}

/** Bodies that cannot be read, or hold what the contract does not know. */
export const bodyRows: readonly Row[] = [
  {
    ...malformed,
    row: "50",
    what: "a key __proto__",
    on: "json",
    raw: json(`{"__proto__":{"a":1},${body.slice(1)}`),
  },
  {
    ...malformed,
    row: "50",
    what: "a key constructor",
    on: "json",
    raw: json(`{"constructor":{"a":1},${body.slice(1)}`),
  },
  { ...malformed, row: "50", what: "a key twice", on: "json", raw: json(`{"price":"1",${body.slice(1)}`) },
  {
    ...malformed,
    row: "50",
    what: "a field under both of its names",
    on: "json",
    raw: json(`{"client_order_id":"a","clientOrderId":"b",${body.slice(1)}`),
  },
  { ...malformed, row: "50", what: "10,000 levels of nesting", on: "json", raw: json(nested(10_000)) },
  {
    ...malformed,
    row: "51",
    what: "an unknown field",
    on: "json",
    request: limit({ color: "red" }),
    reason: "UNKNOWN_FIELD",
    field: "color",
  },
  {
    ...malformed,
    row: "51",
    what: "an unknown query parameter",
    on: ["REST"],
    method: methods.listOrders,
    request: { color: "red" },
    reason: "UNKNOWN_FIELD",
    field: "color",
  },
  ...unknownJson.map(
    (name): Row => ({
      ...malformed,
      row: "53",
      what: `${name} in an order`,
      on: "json",
      request: limit({ [name]: "1" }),
      reason: "UNKNOWN_FIELD",
      field: name,
    }),
  ),
  {
    ...malformed,
    row: "54",
    what: "text that is no UTF-8",
    on: "json",
    raw: Buffer.concat([json(`{"symbol":"`), Buffer.from([0xff, 0xfe]), json(`"}`)]),
  },
  { ...malformed, row: "54", what: "text that is no UTF-8", on: "binary", raw: withInvalidUtf8() },
  { ...malformed, row: "93", what: "a body that is no JSON", on: "json", raw: json("price=1&quantity=2") },
  { ...malformed, row: "93", what: "JSON that is cut", on: "json", raw: json(body.slice(0, -5)) },
  { ...malformed, row: "93", what: "JSON with more behind it", on: "json", raw: json(`${body}{}`) },
  {
    ...malformed,
    row: "93",
    what: "JSON with a byte order mark",
    on: "json",
    raw: Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), json(body)]),
  },
  { ...malformed, row: "93", what: "JSON in UTF-16", on: "json", raw: Buffer.from(body, "utf16le") },
  { ...malformed, row: "93", what: "an array", on: "json", raw: json("[]") },
  { ...malformed, row: "93", what: "null", on: "json", raw: json("null") },
  {
    ...malformed,
    row: "93",
    what: "a message that is cut",
    on: "binary",
    raw: Buffer.from([0x0a, 0x20, 0x41]),
  },
];

const page = { method: methods.listOrders, code: "INVALID_ARGUMENT" } as const;
const time = { ...page, reason: "INVALID_TIME_RANGE" } as const;
const notTimes = ["yesterday", "2026-13-01T00:00:00Z", "2026-01-01", "1700000000", "2026-01-01T00:00:00"];

/** Pages and times. */
export const pageRows: readonly Row[] = [
  {
    ...page,
    row: "55b",
    what: "page size -1",
    request: { pageSize: -1 },
    reason: "INVALID_PAGE_SIZE",
    field: "page_size",
  },
  {
    ...page,
    row: "55b",
    what: "page size -1 of trades",
    method: methods.listTrades,
    request: { pageSize: -1 },
    reason: "INVALID_PAGE_SIZE",
    field: "page_size",
  },
  {
    ...page,
    row: "55b",
    what: "page size -1 of recent trades",
    method: methods.listRecentTrades,
    request: { symbol: "BTC/USDT", pageSize: -1 },
    reason: "INVALID_PAGE_SIZE",
    field: "page_size",
  },
  {
    ...page,
    row: "55b",
    what: "levels -1",
    method: methods.getOrderBook,
    request: { symbol: "BTC/USDT", levels: -1 },
    reason: "INVALID_LEVELS",
    field: "levels",
  },
  {
    ...page,
    row: "55b",
    what: "a page token that nobody made",
    request: { pageToken: "AAAA" },
    reason: "INVALID_PAGE_TOKEN",
    field: "page_token",
  },
  {
    ...page,
    row: "55b",
    what: "a page token that nobody made, of trades",
    method: methods.listTrades,
    request: { pageToken: "AAAA" },
    reason: "INVALID_PAGE_TOKEN",
    field: "page_token",
  },
  {
    ...time,
    row: "56",
    what: "from after to",
    request: { fromTime: "2026-02-01T00:00:00Z", toTime: "2026-01-01T00:00:00Z" },
  },
  {
    ...time,
    row: "56",
    what: "from after to, of trades",
    method: methods.listTrades,
    request: { fromTime: "2026-02-01T00:00:00Z", toTime: "2026-01-01T00:00:00Z" },
  },
  { ...time, row: "56", what: "the year 0", on: "json", request: { fromTime: "0000-01-01T00:00:00Z" } },
  { ...time, row: "56", what: "the year 1", request: { fromTime: "0001-01-01T00:00:00Z" } },
  { ...time, row: "56", what: "the year 9999", request: { toTime: "9999-12-31T23:59:59Z" } },
  ...notTimes.map(
    (fromTime): Row => ({
      ...time,
      row: "56",
      what: `a time ${fromTime}`,
      on: "json",
      request: { fromTime },
    }),
  ),
];
