import { expect, test } from "vitest";
import { changeOf, pricesFor, ratesOf } from "./expected.js";

const rates = { makerFeePpm: 1_000, takerFeePpm: 2_000 };

test("a seller gives base and receives quote less the maker's fee", () => {
  const trades = [{ quantity: "0.001", price: "60000", fee: "0.06", isMaker: true }];
  expect(changeOf(false, trades, rates)).toEqual({ baseAtoms: -100_000n, quoteAtoms: 5_994_000_000n });
});

test("a buyer gives quote and receives base less the taker's fee", () => {
  const trades = [{ quantity: "0.001", price: "60000", fee: "0.000002", isMaker: false }];
  expect(changeOf(true, trades, rates)).toEqual({ baseAtoms: 99_800n, quoteAtoms: -6_000_000_000n });
});

test("fees of several trades round up once, not each", () => {
  const trades = [
    { quantity: "0.00000003", price: "100", fee: "0.00000001", isMaker: false },
    { quantity: "0.00000003", price: "100", fee: "0", isMaker: false },
  ];
  expect(changeOf(true, trades, rates).baseAtoms).toBe(5n);
});

test("a fee that is not the market's is refused", () => {
  const trades = [{ quantity: "0.001", price: "60000", fee: "0.000001", isMaker: false }];
  expect(() => changeOf(true, trades, rates)).toThrow(/the fee of 0.001 at 60000 as taker is 0.000001/);
});

test.each([
  ["an empty book", undefined, undefined, 100, 100],
  ["a book around the wish", 99, 101, 100, 100],
  ["room in the spread", 103, 109, 104, 104],
  ["no room in the spread", 103, 104, 103, 104],
  ["bids only, above", 103, undefined, 103, 103],
  ["asks only, below", undefined, 98, 97, 98],
])("%s gives prices that trade", (_name, bid, ask, sellTicks, buyTicks) => {
  expect(pricesFor(100, bid, ask)).toEqual({ sellTicks, buyTicks });
});

test("a tier that the market names pays its rates, every other one the market's own", () => {
  const pro = { tier: "pro", makerFeePpm: 0, takerFeePpm: 5 };
  expect(ratesOf({ ...rates, feeTiers: [pro] }, "pro")).toMatchObject({ makerFeePpm: 0, takerFeePpm: 5 });
  expect(ratesOf({ ...rates, feeTiers: [pro] }, "basic")).toMatchObject(rates);
});
