import type { DescMessage, JsonValue } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import {
  BatchOrdersRequestSchema,
  ListOrdersRequestSchema,
  OrderEntryRequestSchema,
  type PlaceOrderRequest,
  PlaceOrderRequestSchema,
} from "../gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { OrderType, Side } from "../gen/bourse/types/v1/types_pb.js";
import { messageOfJson } from "./strict-message.js";

function judge(schema: DescMessage, json: JsonValue): string {
  try {
    messageOfJson(schema, json);
    return "ok";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return `${error.reason} ${error.facts.field ?? ""}`.trim();
  }
}

describe("JSON to messages", () => {
  test("takes fields by either name and enums by name or number", () => {
    const json = {
      client_order_id: "a",
      symbol: "BTC/USDT",
      side: "SIDE_BUY",
      type: 1,
      postOnly: true,
      price: "1",
    };
    const message = messageOfJson(PlaceOrderRequestSchema, json) as PlaceOrderRequest;
    expect(message).toMatchObject({
      clientOrderId: "a",
      side: Side.BUY,
      type: OrderType.LIMIT,
      postOnly: true,
    });
    expect(message.quantity).toBeUndefined();
  });

  test.each<[string, JsonValue, string]>([
    ["an unknown field", { userId: "x" }, "UNKNOWN_FIELD userId"],
    ["status", { status: "ORDER_STATUS_FILLED" }, "UNKNOWN_FIELD status"],
    ["a number for decimal text", { price: 1.1 }, "INVALID_TYPE price"],
    ["a huge number for decimal text", { price: Number.POSITIVE_INFINITY }, "INVALID_TYPE price"],
    ["a flag for decimal text", { quantity: true }, "INVALID_TYPE quantity"],
    ["an object for decimal text", { quoteBudget: {} }, "INVALID_TYPE quote_budget"],
    ["a list for decimal text", { stopPrice: [] }, "INVALID_TYPE stop_price"],
    ["text for a flag", { postOnly: "true" }, "INVALID_TYPE post_only"],
    ["an enum name that is none", { side: "BUY" }, "INVALID_ENUM side"],
    ["an enum number that is none", { side: 99 }, "INVALID_ENUM side"],
    ["an enum as a flag", { side: true }, "INVALID_TYPE side"],
    [
      "a field under both names",
      { clientOrderId: "a", client_order_id: "b" },
      "MALFORMED_REQUEST client_order_id",
    ],
    ["a list", [], "MALFORMED_REQUEST"],
    ["null", null, "MALFORMED_REQUEST"],
    ["text", "x", "MALFORMED_REQUEST"],
    ["null for a field", { price: null }, "ok"],
  ])("%s", (_, json, verdict) => {
    expect(judge(PlaceOrderRequestSchema, json)).toBe(verdict);
  });

  test.each<[string, JsonValue, string]>([
    ["a whole number as text", { pageSize: "5" }, "ok"],
    ["half a number", { pageSize: 1.5 }, "INVALID_TYPE page_size"],
    ["a number above 32 bits", { pageSize: 2 ** 31 }, "INVALID_TYPE page_size"],
    ["words", { pageSize: "many" }, "INVALID_TYPE page_size"],
    ["a list of enums", { statuses: ["ORDER_STATUS_OPEN", 3] }, "ok"],
    ["a list with an enum that is none", { statuses: ["OPEN"] }, "INVALID_ENUM statuses[0]"],
    ["an enum for a list", { statuses: "ORDER_STATUS_OPEN" }, "INVALID_TYPE statuses"],
    ["null in a list", { statuses: [null] }, "INVALID_TYPE statuses[0]"],
    ["a time", { fromTime: "2026-11-21T12:00:00.5Z" }, "ok"],
    ["a date", { fromTime: "2026-11-21" }, "INVALID_TIME_RANGE from_time"],
    ["a time of the year 0", { fromTime: "0000-01-01T00:00:00Z" }, "INVALID_TIME_RANGE from_time"],
    ["a day that is none", { toTime: "2026-13-40T00:00:00Z" }, "INVALID_TIME_RANGE to_time"],
    ["seconds", { toTime: 1700000000 }, "INVALID_TYPE to_time"],
  ])("%s", (_, json, verdict) => {
    expect(judge(ListOrdersRequestSchema, json)).toBe(verdict);
  });

  test("names the path of a field inside another", () => {
    expect(judge(OrderEntryRequestSchema, { place: { price: 1 } })).toBe("INVALID_TYPE place.price");
    expect(judge(OrderEntryRequestSchema, { place: 1 })).toBe("INVALID_TYPE place");
    expect(judge(OrderEntryRequestSchema, { place: {}, cancel: {} })).toBe("MALFORMED_REQUEST cancel");
    const items = [{ cancel: {} }, { place: { quantity: 1 } }];
    expect(judge(BatchOrdersRequestSchema, { items })).toBe("INVALID_TYPE items[1].place.quantity");
    const both = [{ cancel: {}, place: {} }];
    expect(judge(BatchOrdersRequestSchema, { items: both })).toBe("MALFORMED_REQUEST items[0].place");
  });
});
