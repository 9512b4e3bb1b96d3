import { describe, expect, test } from "vitest";
import {
  type Answer,
  expectedHoldings,
  joinTrades,
  type ListedOrder,
  observedEvents,
  observedResting,
  reconcileOrders,
  type Trade,
  type TradeHalf,
} from "./observed.js";
import { type Command, scaleOf } from "./scale.js";
import { showEvent } from "./verdict.js";

const scale = scaleOf([
  { op: "NEW", n: 1, ts: "", id: "1", side: "B", type: "LIMIT", price: "0.01", quantity: "0.00000001" },
]);
const place = (n: number, id: string, side: "B" | "S", price: number, lots: number): Command => ({
  op: "NEW",
  n,
  id,
  side,
  type: "LIMIT",
  priceTicks: BigInt(price),
  quantityLots: BigInt(lots),
});
const commands: Command[] = [
  place(1, "a", "S", 100, 5),
  place(2, "b", "S", 100, 5),
  place(3, "c", "B", 100, 7),
  { op: "CANCEL", n: 4, id: "b" },
  { op: "CANCEL", n: 5, id: "b" },
  place(6, "d", "B", 90, 2),
];
const placed = (n: number, sequence: number): Answer => ({
  type: "placed",
  n,
  status: "open",
  leftLots: 0n,
  sequence: BigInt(sequence),
});
const answers = new Map<number, Answer>([
  [1, placed(1, 11)],
  [2, placed(2, 12)],
  [3, placed(3, 13)],
  [4, { type: "cancelled", n: 4, leftLots: 3n, sequence: 14n }],
  [5, { type: "notFound", n: 5 }],
  [6, placed(6, 15)],
]);
const half = (tradeId: string, maker: string, lots: number, index: number): TradeHalf[] => {
  const base = { tradeId, priceTicks: 100n, quantityLots: BigInt(lots), sequence: 13n, index };
  return [
    { ...base, clientOrderId: maker, side: "sell", role: "maker" },
    { ...base, clientOrderId: "c", side: "buy", role: "taker" },
  ];
};
const halves = [...half("t2", "b.again", 2, 1), ...half("t1", "a", 5, 0)];
const idOf = (clientOrderId: string) => clientOrderId.replace(".again", "");

test("trades, cancels and what was not found stand in the order of the log, under the ids of the set", () => {
  const { trades, breaches } = joinTrades(halves);
  expect(breaches).toEqual([]);
  const events = observedEvents(commands, answers, trades, idOf).map((event) => showEvent(event, scale));
  expect(events).toEqual([
    "3,TRADE,a,c,1,0.00000005",
    "3,TRADE,b,c,1,0.00000002",
    "4,CANCELLED,b,,,0.00000003",
    "5,NOT_FOUND,b,,,",
  ]);
});

test("a cancel that was answered again stands at its turn", () => {
  const again = new Map(answers).set(4, { type: "cancelled", n: 4, leftLots: 3n, sequence: undefined });
  const events = observedEvents(commands, again, joinTrades(halves).trades, idOf);
  expect(events.map(({ n, event }) => `${n} ${event}`)).toEqual([
    "3 TRADE",
    "3 TRADE",
    "4 CANCELLED",
    "5 NOT_FOUND",
  ]);
});

describe("a reduction", () => {
  const reduce = (n: number, id: string, lots: bigint): Command => ({
    ...{ op: "REDUCE", n, id, quantityLots: lots },
  });
  const reduced = (n: number, takenLots: bigint, isEnded: boolean): Answer => ({
    ...{ type: "reduced", n, takenLots, isEnded, sequence: BigInt(n) },
  });
  const some = [place(1, "a", "B", 100, 5), reduce(2, "a", 2n), reduce(3, "a", 9n), reduce(4, "a", 1n)];
  const told = new Map<number, Answer>([
    [1, placed(1, 1)],
    [2, reduced(2, 2n, false)],
    [3, reduced(3, 3n, true)],
    [4, { type: "notFound", n: 4 }],
  ]);
  const order = (quantityLots: bigint, status: ListedOrder["status"]): ListedOrder => ({
    ...{
      clientOrderId: "a",
      side: "B",
      priceTicks: 100n,
      quantityLots,
      filledLots: 0n,
      status,
      sequence: 1n,
    },
  });

  test("stands where its answer does, with what it took", () => {
    const events = observedEvents(some, told, [], idOf).map((event) => showEvent(event, scale));
    expect(events).toEqual(["2,REDUCED,a,,,0.00000002", "3,REDUCED,a,,,0.00000003", "4,NOT_FOUND,a,,,"]);
  });

  test("leaves an order open until it took all, and makes one filled by less", () => {
    const check = (commands: Command[], listed: ListedOrder, trades: Trade[] = []) =>
      reconcileOrders(commands, told, [listed], trades, idOf);
    expect(check(some.slice(0, 2), order(3n, "open"))).toEqual([]);
    expect(check(some, order(0n, "cancelled"))).toEqual([]);
    expect(check(some, order(0n, "open"))).toEqual([
      "order a: listed as open, but it was told to be cancelled",
    ]);
    const trade = { priceTicks: 100n, quantityLots: 3n, sequence: 2n, index: 0 };
    const filled = { ...order(3n, "filled"), filledLots: 3n };
    const trades = [{ ...trade, makerClientId: "a", takerClientId: "x" }];
    expect(check(some.slice(0, 2), filled, trades)).toEqual([]);
  });
});

test("a half without its other half, and halves that differ, are breaches", () => {
  expect(joinTrades(halves.slice(1)).breaches).toEqual(["trade t2: 1 halves instead of 2"]);
  const differing = halves.map((each) => (each.role === "taker" ? { ...each, quantityLots: 1n } : each));
  expect(joinTrades(differing).breaches).toHaveLength(2);
  const sameSide = halves.map((each) => ({ ...each, side: "buy" as const }));
  expect(joinTrades(sameSide).trades).toEqual([]);
});

const listed: ListedOrder[] = [
  {
    clientOrderId: "d",
    side: "B",
    priceTicks: 90n,
    quantityLots: 2n,
    filledLots: 0n,
    status: "open",
    sequence: 15n,
  },
  {
    clientOrderId: "c",
    side: "B",
    priceTicks: 100n,
    quantityLots: 7n,
    filledLots: 7n,
    status: "filled",
    sequence: 13n,
  },
  {
    clientOrderId: "b.again",
    side: "S",
    priceTicks: 100n,
    quantityLots: 5n,
    filledLots: 2n,
    status: "cancelled",
    sequence: 12n,
  },
  {
    clientOrderId: "a",
    side: "S",
    priceTicks: 100n,
    quantityLots: 5n,
    filledLots: 5n,
    status: "filled",
    sequence: 11n,
  },
];

test("lists that say what was told are reconciled", () => {
  const { trades } = joinTrades(halves);
  expect(reconcileOrders(commands, answers, listed, trades, idOf)).toEqual([]);
});

test("an order that is missing, differently filled or in another state is a breach", () => {
  const { trades } = joinTrades(halves);
  const altered = listed
    .filter(({ clientOrderId }) => clientOrderId !== "a")
    .map((order) => (order.clientOrderId === "c" ? { ...order, filledLots: 6n } : order))
    .map((order) => (order.clientOrderId === "d" ? { ...order, status: "cancelled" as const } : order));
  expect(reconcileOrders(commands, answers, altered, trades, idOf)).toEqual([
    "order a: acknowledged, but its owner's list does not have it",
    "order c: listed as filled 6 lots, traded 7",
    "order d: listed as cancelled, but it was told to be open",
  ]);
});

test("resting orders queue by the sequence at which the log accepted them, best price first", () => {
  const order = (id: string, side: "B" | "S", price: number, sequence: number): ListedOrder => ({
    clientOrderId: id,
    side,
    priceTicks: BigInt(price),
    quantityLots: 3n,
    filledLots: 1n,
    status: "open",
    sequence: BigInt(sequence),
  });
  const orders = [
    order("x", "S", 102, 9),
    order("y", "S", 101, 8),
    order("z", "B", 99, 7),
    order("u", "B", 100, 6),
    order("v", "B", 99, 5),
  ];
  const shown = observedResting(orders, idOf).map(
    ({ side, priceTicks, position, id, leftLots }) => `${side}${priceTicks}#${position} ${id} ${leftLots}`,
  );
  expect(shown).toEqual(["B100#0 u 2", "B99#0 v 2", "B99#1 z 2", "S101#0 y 2", "S102#0 x 2"]);
});

test("holdings follow from trades and open orders, to the atom", () => {
  const trades: Trade[] = joinTrades(halves).trades;
  const resting = observedResting(listed, idOf);
  const deposits = { buyer: { base: 0n, quote: 1_000n }, seller: { base: 50n, quote: 0n } };
  // 7 lots at 100 ticks: one atom a tick and lot in this market.
  expect(expectedHoldings(deposits, trades, resting, scale)).toEqual({
    buyer: { available: { base: 7n, quote: 120n }, reserved: { base: 0n, quote: 180n } },
    seller: { available: { base: 43n, quote: 700n }, reserved: { base: 0n, quote: 0n } },
  });
});
