import { describe, expect, test } from "vitest";
import { DomainError } from "../errors/domain-error.js";
import { formatPageToken, parsePageToken } from "./page-token.js";

const id = "123e4567-e89b-12d3-a456-426614174000";
const types = ["number", "number", "string"] as const;
const reasonOf = (token: string): string => {
  try {
    parsePageToken("orders|BTC/USDT", token, types);
    return "read";
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return error.reason;
  }
};

describe("page tokens", () => {
  test("come back as the cursor they were made of", () => {
    const token = formatPageToken("orders|BTC/USDT", [1, 2, id]);
    expect(parsePageToken("orders|BTC/USDT", token, types)).toEqual([1, 2, id]);
    expect(parsePageToken("orders|BTC/USDT", "", types)).toBeUndefined();
  });

  test.each([
    ["of another list", formatPageToken("trades|BTC/USDT", [1, 2, id])],
    ["with too few cells", formatPageToken("orders|BTC/USDT", [1, 2])],
    ["with a negative place", formatPageToken("orders|BTC/USDT", [-1, 2, id])],
    ["with a time that no clock knows", formatPageToken("orders|BTC/USDT", [9e15, 2, id])],
    ["with text for a number", formatPageToken("orders|BTC/USDT", ["1", 2, id])],
    ["with an id that is none", formatPageToken("orders|BTC/USDT", [1, 2, "' OR 1=1"])],
    ["that is noise", "!!!!"],
    ["that is endless", "a".repeat(100_000)],
  ])("%s are refused", (_, token) => {
    expect(reasonOf(token)).toBe("INVALID_PAGE_TOKEN");
  });
});
