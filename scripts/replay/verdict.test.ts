import { expect, test } from "vitest";
import type { ReplayEvent, RestingOrder } from "./scale.js";
import { scaleOf } from "./scale.js";
import { compareBook, compareDepth, compareEvents, compareResting, isPassed } from "./verdict.js";

const scale = scaleOf([
  { op: "NEW", n: 1, ts: "", id: "1", side: "B", type: "LIMIT", price: "100.01", quantity: "0.5" },
]);
const trade = (n: number, makerId: string, lots: number): ReplayEvent => ({
  n,
  event: "TRADE",
  makerId,
  takerId: String(n),
  priceTicks: 10_001n,
  quantityLots: BigInt(lots),
});
const cancelled = (n: number, makerId: string): ReplayEvent => ({
  n,
  event: "CANCELLED",
  makerId,
  takerId: "",
  priceTicks: undefined,
  quantityLots: 5n,
});
const reference = [trade(3, "1", 2), trade(3, "2", 4), cancelled(4, "2"), trade(7, "5", 1)];

test("equal events pass", () => {
  const check = compareEvents(reference, [...reference], scale);
  expect(check).toMatchObject({ expected: 4, equal: 4, differencesTotal: 0 });
  expect(isPassed(check)).toBe(true);
});

test("two trades of one command in the wrong order are caught", () => {
  const [first, second, ...rest] = reference as [ReplayEvent, ReplayEvent, ...ReplayEvent[]];
  const check = compareEvents(reference, [second, first, ...rest], scale);
  expect(isPassed(check)).toBe(false);
  expect(check.equal).toBe(2);
  expect(check.differences).toEqual([
    "command 3: expected 3,TRADE,1,3,100.01,0.2 | 3,TRADE,2,3,100.01,0.4, " +
      "got 3,TRADE,2,3,100.01,0.4 | 3,TRADE,1,3,100.01,0.2",
  ]);
});

test("commands that were carried out in the wrong order are caught though each is right", () => {
  const check = compareEvents(reference, [...reference.slice(3), ...reference.slice(0, 3)], scale);
  expect(isPassed(check)).toBe(false);
  expect(check.differences).toEqual(["3,TRADE,1,3,100.01,0.2 happened after 7,TRADE,5,7,100.01,0.1"]);
});

test("a missing trade is one difference, not a shift of everything after it", () => {
  const check = compareEvents(reference, [...reference.slice(0, 1), ...reference.slice(2)], scale);
  expect(check).toMatchObject({ expected: 4, equal: 2, differencesTotal: 1 });
  expect(isPassed(check)).toBe(false);
});

test("a trade too many is caught, at the end as well", () => {
  expect(isPassed(compareEvents(reference, [...reference, trade(9, "8", 1)], scale))).toBe(false);
});

test("a wrong quantity and a wrong maker are caught", () => {
  const wrongLots = reference.map((event) => (event.n === 7 ? trade(7, "5", 2) : event));
  expect(isPassed(compareEvents(reference, wrongLots, scale))).toBe(false);
  const wrongMaker = reference.map((event) => (event.n === 7 ? trade(7, "6", 1) : event));
  expect(isPassed(compareEvents(reference, wrongMaker, scale))).toBe(false);
});

test("books differ by the first level that does, and an absent checkpoint differs", () => {
  const level = (priceTicks: bigint, quantityLots: bigint) => ({ priceTicks, quantityLots });
  const book = { bids: [level(100n, 5n), level(99n, 1n)], asks: [] };
  expect(compareBook(500, book, { ...book, bids: [level(100n, 5n)] }, scale)).toEqual([
    "after 500, bids level 2: expected 0.1 @ 0.99, got nothing",
  ]);
  expect(compareBook(500, book, { ...book, asks: [level(101n, 1n)] }, scale)).toHaveLength(1);
  const check = compareDepth(
    new Map([
      [500, book],
      [600, book],
    ]),
    new Map([[500, book]]),
    scale,
  );
  expect(check).toMatchObject({ expected: 2, equal: 1, differences: ["after 600: not read"] });
});

test("resting orders must stand at their place in the queue", () => {
  const resting = (id: string, position: number): RestingOrder => ({
    side: "B",
    priceTicks: 100n,
    position,
    id,
    leftLots: 5n,
  });
  const expected = [resting("1", 0), resting("2", 1)];
  expect(isPassed(compareResting(expected, [resting("2", 1), resting("1", 0)], scale))).toBe(true);
  expect(compareResting(expected, [resting("2", 0), resting("1", 1)], scale).differencesTotal).toBe(2);
  expect(compareResting(expected, expected.slice(1), scale).differencesTotal).toBe(1);
  expect(compareResting(expected, [...expected, resting("3", 2)], scale).differencesTotal).toBe(1);
});
