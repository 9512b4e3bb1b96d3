import { expect, test } from "vitest";
import { isUuid, legIdOf, orderIdOf, tradeIdOf } from "./ids.js";

const user = "11111111-1111-4111-8111-111111111111";

test("an order id follows from user and client order id alone, as a version 5 UUID", () => {
  expect(orderIdOf(user, "a")).toBe(orderIdOf(user, "a"));
  expect(orderIdOf(user, "a")).toMatch(
    /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/,
  );
  expect(isUuid(orderIdOf(user, "a"))).toBe(true);
});

test("the length prefix keeps apart what would read the same", () => {
  expect(orderIdOf("ab", "c")).not.toBe(orderIdOf("a", "bc"));
  expect(orderIdOf("a", "1:b")).not.toBe(orderIdOf("a1:", "b"));
});

test("an amend has a key of its own, which is no order's", () => {
  const order = orderIdOf(user, "a");
  expect(legIdOf(order, "1")).toBe(legIdOf(order, "1"));
  expect(isUuid(legIdOf(order, "1"))).toBe(true);
  expect(legIdOf(order, "1")).not.toBe(legIdOf(order, "2"));
  expect(legIdOf(order, "1")).not.toBe(orderIdOf(order, "1"));
  expect(legIdOf("ab", "c")).not.toBe(legIdOf("a", "bc"));
});

test("ids are part of the contract: they stay what they are", () => {
  expect(orderIdOf(user, "golden")).toMatchInlineSnapshot(`"3ae54eea-2b49-5047-a942-0b80c1ea1de3"`);
  expect(tradeIdOf(0, 1, 0)).toMatchInlineSnapshot(`"c2040d51-43d8-5944-aa86-9c1d101a03da"`);
});
