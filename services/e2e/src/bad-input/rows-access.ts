// RELIABILITY 5.4: who may do what. Tokens themselves are made in tokens.ts.
import { deposit, limit, methods, type Row } from "./row.js";

const other = "6b0e8a51-93a4-4cf6-9d43-6d9f5e2a4a10";
const scope = { code: "PERMISSION_DENIED", reason: "INSUFFICIENT_SCOPE", row: "85" } as const;
const missing = {
  row: "73",
  method: methods.placeOrder,
  request: limit(),
  caller: "nobody",
  code: "UNAUTHENTICATED",
  reason: "UNAUTHENTICATED",
} as const;
const header = (value: string): readonly (readonly [string, string])[] => [["authorization", value]];

/** Calls without a token, or with one that does not allow them. */
export const accessRows: readonly Row[] = [
  { ...missing, what: "no token" },
  { ...missing, what: "no token, to read", method: methods.getBalances, request: {} },
  { ...missing, what: "an empty header", headers: header("") },
  { ...missing, what: "Bearer without a token", headers: header("Bearer") },
  { ...missing, what: "Basic", headers: header("Basic YTpi") },
  // A client of HTTP/2 does not send the header twice, so it cannot be tried over gRPC.
  {
    ...missing,
    what: "two headers",
    caller: "trader",
    headers: header("Bearer x"),
    on: ["Connect JSON", "Connect binary", "gRPC-Web", "REST"],
  },
  { ...scope, what: "a trader deposits", method: methods.deposit, request: deposit() },
  { ...scope, what: "a trader withdraws", method: methods.withdraw, request: deposit() },
  { ...scope, what: "an auditor deposits", method: methods.deposit, request: deposit(), caller: "auditor" },
  {
    ...scope,
    what: "an auditor places an order",
    method: methods.placeOrder,
    request: limit(),
    caller: "auditor",
  },
  {
    ...scope,
    what: "a trader makes a market",
    method: methods.createMarket,
    request: {
      market: {
        symbol: "NEW/USDT",
        baseAsset: "NEW",
        quoteAsset: "USDT",
        tickSize: "1",
        lotSize: "1",
        minQuantity: "1",
      },
    },
  },
  {
    ...scope,
    what: "a trader cancels another's order",
    method: methods.cancelOrder,
    request: { clientOrderId: "x", userId: other },
    field: "user_id",
  },
  {
    ...scope,
    what: "a trader cancels all of another's orders",
    method: methods.cancelAllOrders,
    request: { userId: other },
    field: "user_id",
  },
  {
    ...scope,
    what: "a trader reads another's balances",
    method: methods.getBalances,
    request: { userId: other },
  },
];

/** Requests that no route or no reader takes; the same call in order would be carried out. */
export const transportRows: readonly Row[] = [
  ...["text/plain", "application/xml", "multipart/form-data; boundary=a"].map(
    (contentType): Row => ({
      row: "92",
      what: `content type ${contentType}`,
      method: methods.placeOrder,
      request: limit(),
      contentType,
      on: ["REST", "Connect JSON", "Connect binary", "gRPC-Web"],
      code: ["INVALID_ARGUMENT", "NONE"],
      http: { REST: 415, "Connect JSON": 415, "Connect binary": 415, "gRPC-Web": 415 },
    }),
  ),
  {
    row: "94",
    what: "a message above 64 KiB",
    method: methods.placeOrder,
    request: limit({ clientOrderId: "a".repeat(70_000) }),
    code: "RESOURCE_EXHAUSTED",
    reason: "MESSAGE_TOO_LARGE",
    http: { REST: 413, "Connect JSON": 429, "Connect binary": 429 },
  },
  {
    row: "94",
    what: "a message of 1 MB",
    method: methods.placeOrder,
    request: limit({ clientOrderId: "a".repeat(1_000_000) }),
    code: "RESOURCE_EXHAUSTED",
    reason: "MESSAGE_TOO_LARGE",
    http: { REST: 413, "Connect JSON": 429, "Connect binary": 429 },
  },
];
