import type { JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { MarketDataService } from "../gen/bourse/market_data/v1/market_data_pb.js";
import { OrderGatewayService } from "../gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { AccountService } from "../gen/bourse/wallet/v1/wallet_pb.js";
import { jsonOfRequest } from "./rest-input.js";
import { compileTemplate, matchRoute, routesOf } from "./rest-routes.js";

const routes = routesOf([OrderGatewayService, AccountService, MarketDataService]);

/** "Method value…", "allow VERB…" or "none". */
function match(verb: string, path: string): string {
  const found = matchRoute(routes, verb, path);
  if (found.type === "route") return [found.route.method.name, ...found.values].join(" ");
  return found.type === "wrong_verb" ? `allow ${found.allow.join(" ")}` : "none";
}

function read(verb: string, path: string, query: string, body?: JsonValue): unknown {
  const found = matchRoute(routes, verb, path);
  if (found.type !== "route") throw new Error("no such route");
  try {
    return jsonOfRequest(found.route, { body, query, values: found.values });
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason} ${error.facts.field ?? ""}`.trim();
  }
}

describe("routes from the contracts", () => {
  test.each([
    ["POST", "/api/v1/orders", "PlaceOrder"],
    ["GET", "/api/v1/orders", "ListOrders"],
    ["GET", "/api/v1/orders/x", "GetOrder x"],
    ["DELETE", "/api/v1/orders/x", "CancelOrder x"],
    ["DELETE", "/api/v1/client-orders/a.b:c", "CancelOrder a.b:c"],
    ["GET", "/api/v1/markets", "ListMarkets"],
    ["POST", "/api/v1/markets", "CreateMarket"],
    ["GET", "/api/v1/markets/BTC/USDT/depth", "GetOrderBook BTC/USDT"],
    ["GET", "/api/v1/markets/BTC/USDT/depth/stream", "StreamOrderBook BTC/USDT"],
    ["GET", "/api/v1/markets/BTC/USDT/status/stream", "StreamMarketStatus BTC/USDT"],
    ["GET", "/api/v1/markets/BTC/USDT/trades", "ListRecentTrades BTC/USDT"],
    ["GET", "/api/v1/balances", "GetBalances"],
    ["POST", "/api/v1/deposits", "Deposit"],
    ["PATCH", "/api/v1/orders/x", "AmendOrder x"],
    ["PATCH", "/api/v1/client-orders/x", "AmendOrder x"],
    ["DELETE", "/api/v1/orders", "CancelAllOrders"],
    ["POST", "/api/v1/orders/batch", "BatchOrders"],
    ["POST", "/api/v1/orders/cancel-all-after", "CancelAllAfter"],
    // A literal path is one verb's; the others see an order of that name.
    ["GET", "/api/v1/orders/batch", "GetOrder batch"],
    ["POST", "/api/v1/markets/BTC/USDT/state", "SetMarketState BTC/USDT"],
    ["PUT", "/api/v1/orders", "allow POST DELETE GET"],
    ["PUT", "/api/v1/orders/x", "allow DELETE PATCH GET"],
    ["GET", "/api/v1/orders/", "none"],
    ["GET", "/api/v1/orders/x/y", "none"],
    ["GET", "/api/v1/reservations", "none"],
    ["GET", "/API/v1/orders", "none"],
    ["GET", "/api/v1/markets/../x/y/depth", "none"],
  ])("%s %s is %s", (verb, path, expected) => {
    expect(match(verb, path)).toBe(expected);
  });

  test("templates bind segments, several of them, and rests of paths", () => {
    const values = (template: string, path: string) => compileTemplate(template).path.exec(path)?.slice(1);
    expect(values("/v1/{name=shelves/*}/books/{id}", "/v1/shelves/7/books/x")).toEqual(["shelves/7", "x"]);
    expect(values("/v1/{rest=**}", "/v1/a/b/c")).toEqual(["a/b/c"]);
    expect(values("/v1/a.b", "/v1/aXb")).toBeUndefined();
  });
});

describe("requests from paths and queries", () => {
  test("fill the fields of the message, decoded", () => {
    expect(read("GET", "/api/v1/markets/BTC/USDT/depth", "levels=5&min_sequence=7")).toEqual({
      symbol: "BTC/USDT",
      levels: "5",
      minSequence: "7",
    });
    expect(read("GET", "/api/v1/orders", "statuses=ORDER_STATUS_OPEN&statuses=3&symbol=BTC%2FUSDT")).toEqual({
      statuses: ["ORDER_STATUS_OPEN", 3],
      symbol: "BTC/USDT",
    });
    expect(read("GET", "/api/v1/client-orders/a%3Ab", "")).toEqual({ clientOrderId: "a:b" });
  });

  test.each([
    ["an unknown parameter", "user_id=x", "UNKNOWN_FIELD user_id"],
    ["a parameter given twice", "page_size=1&page_size=2", "MALFORMED_REQUEST page_size"],
    ["a parameter under both names", "page_size=1&pageSize=2", "MALFORMED_REQUEST page_size"],
    ["an escape that is none", "symbol=%E0%A4%A", "MALFORMED_REQUEST"],
    ["an empty parameter", "&", "UNKNOWN_FIELD"],
  ])("refuse %s", (_, query, verdict) => {
    expect(read("GET", "/api/v1/orders", query)).toBe(verdict);
  });

  test("take what the path says beside a body, which may not say it too", () => {
    const path = "/api/v1/orders/x%2Dy";
    expect(read("PATCH", path, "", { price: "1", requestId: "r" })).toEqual({
      orderId: "x-y",
      price: "1",
      requestId: "r",
    });
    expect(read("PATCH", "/api/v1/client-orders/c", "", {})).toEqual({ clientOrderId: "c" });
    const state = { state: "MARKET_STATE_HALTED" };
    expect(read("POST", "/api/v1/markets/BTC/USDT/state", "", state)).toEqual({
      symbol: "BTC/USDT",
      ...state,
    });
    for (const twice of ["orderId", "order_id", "clientOrderId"]) {
      expect(read("PATCH", path, "", { [twice]: "z" })).toMatch(/^MALFORMED_REQUEST (client_)?order_id$/);
    }
    expect(read("PATCH", path, "price=1", {})).toBe("UNKNOWN_FIELD price");
    // What is no object is refused with the message.
    expect(read("PATCH", path, "", [1])).toEqual([1]);
    expect(read("PATCH", path, "")).toBeNull();
  });

  test("refuse a query beside a body, and a parameter that the path has", () => {
    expect(read("POST", "/api/v1/orders", "symbol=x")).toBe("UNKNOWN_FIELD symbol");
    expect(read("GET", "/api/v1/orders/x", "order_id=y")).toBe("MALFORMED_REQUEST order_id");
  });
});
