import { expect, test } from "vitest";
import {
  lotsOf,
  marketPrice,
  marketQuantity,
  protectionBpsOf,
  scaleCommands,
  scaleOf,
  ticksOf,
} from "./scale.js";
import type { CommandRow } from "./set.js";

const order = (price: string, quantity: string, type: "LIMIT" | "MARKET" = "LIMIT"): CommandRow => ({
  op: "NEW",
  n: 1,
  ts: "0",
  id: "1",
  side: "B",
  type,
  price,
  quantity,
});

test("cents and satoshis are scaled by a hundred: tick 1, lot 0.00000001", () => {
  const scale = scaleOf([order("233.99", "0.00000001")]);
  expect(scale).toMatchObject({ priceShift: 2, quantityShift: 0, tickSize: "1", lotSize: "0.00000001" });
  expect(marketPrice(scale, 23_399n)).toBe("23399");
  expect(marketQuantity(scale, 1n)).toBe("0.00000001");
});

test("whole shares with printed zeros need no scaling", () => {
  const scale = scaleOf([order("585.3000", "150"), order("585.3100", "18")]);
  expect(scale).toMatchObject({ priceShift: 0, tickSize: "0.01", lotSize: "1" });
  expect(marketPrice(scale, 58_530n)).toBe("585.3");
});

test("tick times lot is a whole atom with the smallest power of ten that makes it so", () => {
  expect(scaleOf([order("1.123", "0.12345")])).toMatchObject({ priceShift: 0, tickSize: "0.001" });
  expect(scaleOf([order("1.1234", "0.12345")])).toMatchObject({ priceShift: 1, tickSize: "0.001" });
  expect(scaleOf([order("1.123456789", "3")])).toMatchObject({ priceShift: 1, tickSize: "0.00000001" });
});

test("lots finer than an atom are scaled too", () => {
  const scale = scaleOf([order("2.5", "0.0000000001")]);
  expect(scale).toMatchObject({ quantityShift: 2, lotSize: "0.00000001", priceShift: 1, tickSize: "1" });
  expect(marketQuantity(scale, 1n)).toBe("0.00000001");
});

test("market texts come back as the same ticks and lots", () => {
  const scale = scaleOf([order("233.99", "0.00000001")]);
  expect(ticksOf(scale, marketPrice(scale, 23_640n))).toBe(23_640n);
  expect(lotsOf(scale, marketQuantity(scale, 123_456_789n))).toBe(123_456_789n);
  expect(() => ticksOf(scale, "23640.5")).toThrow("more than 0 decimals");
});

test("an order that no market can hold is refused before anything is sent", () => {
  const rows = [order("90071992.54740992", "1"), order("1", "0.00000001")];
  expect(() => scaleCommands(rows, scaleOf(rows))).toThrow("2^53 - 1");
});

test("protection is wide open, and narrower only where a budget would not fit", () => {
  const rows = [order("100", "5"), order("", "5", "MARKET")];
  const small = scaleCommands(rows, scaleOf(rows));
  const trade = { n: 1, event: "TRADE", makerId: "1", takerId: "2", quantityLots: 1n } as const;
  expect(protectionBpsOf(small, [{ ...trade, priceTicks: 100n }])).toBe(1_000_000);
  // 5 lots at 10^14 ticks leave room for 18 times the price, not for 101 times.
  expect(protectionBpsOf(small, [{ ...trade, priceTicks: 10n ** 14n }])).toBe(170_143);
});
