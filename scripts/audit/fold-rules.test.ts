import {
  type CommandSchema,
  type EventSchema,
  type OrderTermsSchema,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  MarketSchema,
  MarketState,
  OrderStatus,
  OrderType,
  SelfTradePrevention,
  Side,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import {
  compareAcknowledged,
  compareBookAt,
  compareHistory,
  compareOpenOrders,
  compareReservations,
  compareSettled,
  findForgotten,
} from "./cuts.js";
import { ShardFold } from "./fold.js";
import type { HistoryOrderRow, ReservationRow } from "./snapshot.js";

type Kind = NonNullable<MessageInitShape<typeof EventSchema>["kind"]>;
type Command = NonNullable<MessageInitShape<typeof CommandSchema>["kind"]>;

const symbol = "BTC/USDT";
const market = create(MarketSchema, {
  symbol,
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
  state: MarketState.TRADING,
});
const [order, other, leg] = ["a", "b", "c"].map((letter) => letter.repeat(8)) as [string, string, string];

/** A shard's journal under construction. */
class Journal {
  readonly fold = new ShardFold();
  #seq = 0;

  constructor(seq = 0) {
    this.#seq = seq;
    if (seq > 0) this.fold.beginAfter(BigInt(seq), [market]);
    else this.add([{ case: "marketAdded", value: { market } }]);
  }

  add(kinds: readonly Kind[], command?: Command): this {
    this.#seq += 1;
    const at = { seq: BigInt(this.#seq), epoch: 1n, timeMs: BigInt(this.#seq) };
    const events = kinds.map((kind) => ({ kind }));
    this.fold.apply(
      create(RecordSchema, { ...at, events, ...(command !== undefined && { command: { kind: command } }) }),
    );
    return this;
  }

  place(terms: MessageInitShape<typeof OrderTermsSchema>, ...fate: Kind[]): this {
    const submit = { case: "submit" as const, value: { terms: { ...terms, symbol } } };
    return this.add([{ case: "accepted", value: {} }, ...fate], submit);
  }
}

const buy = (orderId: string, change: object = {}) => ({
  orderId,
  userId: "u",
  side: Side.BUY,
  type: OrderType.LIMIT,
  priceTicks: 100n,
  quantityLots: 10n,
  ...change,
});
const stop = (orderId: string, change: object = {}) =>
  buy(orderId, {
    type: OrderType.STOP,
    priceTicks: 0n,
    stopPriceTicks: 110n,
    budgetTickLots: 1_160n,
    ...change,
  });
const rested = (orderId: string, remainingLots: bigint): Kind => ({
  case: "rested",
  value: { orderId, symbol, remainingLots },
});
const placedStop = (orderId: string): Kind => ({ case: "stopPlaced", value: { orderId, symbol } });
const ended = (orderId: string, change: object = {}): Kind => ({
  case: "ended",
  value: { orderId, symbol, status: OrderStatus.CANCELLED, reason: EndReason.USER, ...change },
});
const traded = (maker: string, taker: string, change: object = {}): Kind => ({
  case: "trade",
  value: {
    tradeId: `${maker} ${taker}`,
    symbol,
    priceTicks: 110n,
    quantityLots: 1n,
    takerSide: Side.BUY,
    maker: { orderId: maker, userId: "m", receivedBefore: "0" },
    taker: { orderId: taker, userId: "t", receivedBefore: "0" },
    ...change,
  },
});
const row = (orderId: string, change: Partial<ReservationRow> = {}): ReservationRow => ({
  order_id: orderId,
  leg_of: null,
  shard: 0,
  state: "ACTIVE",
  asset: "USDT",
  amount: "0",
  remaining: "0",
  moved: "0",
  final_status: null,
  executed_lots: null,
  executed_tick_lots: null,
  ended_seq: null,
  age_ms: "90000",
  terms: null,
  ...change,
});
const rows = (...all: ReservationRow[]) => new Map(all.map((each) => [each.order_id, each]));
const minute = { ageMsMax: 60_000, openOrders: [] };

test("a waiting stop is open, holds its budget, and shows as pending", () => {
  const { fold } = new Journal().place(stop(order), placedStop(order));
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ openOrders: 1, operations: 1 });
  expect(fold.orders.get(order)).toMatchObject({ isWaiting: true, status: OrderStatus.PENDING });
  // 1,160 tick times lot of 0.0000001 USDT each.
  expect(compareReservations(fold, rows(row(order, { remaining: "0.000116" })))).toEqual([]);
  expect(compareReservations(fold, rows(row(order, { remaining: "0.0001" })))).toHaveLength(1);
  const listed = { orderId: order, remainingLots: 10n, acceptedSeq: 2n };
  const page = { seq: 2n, afterSeq: 0n, hasMore: false, orders: [listed] };
  expect(compareOpenOrders(fold, page)).toEqual([]);
  expect(compareOpenOrders(fold, { ...page, orders: [] })).toHaveLength(1);
  expect(fold.books.get(symbol)?.bids.size ?? 0).toBe(0);
});

/** A resting ask of 10 at 110, and a trade there that fires what waits for it. */
const tradeAt = (journal: Journal, ...fate: Kind[]) =>
  journal
    .place({ ...buy("ask"), userId: "m", side: Side.SELL, priceTicks: 110n }, rested("ask", 10n))
    .place(
      buy("taker", { userId: "t", priceTicks: 110n, quantityLots: 1n }),
      traded("ask", "taker"),
      ended("taker", { status: OrderStatus.FILLED, executedLots: 1n, executedTickLots: "110" }),
      ...fate,
    );
const fired = (orderId: string): Kind => ({
  case: "stopTriggered",
  value: { orderId, symbol, stopPriceTicks: 110n },
});
const remainder = { status: OrderStatus.EXPIRED, reason: EndReason.IOC_REMAINDER };

test("a stop fires in the record that trades its price, once, and only then", () => {
  const waiting = () => new Journal().place(stop(order), placedStop(order));
  const { fold } = tradeAt(waiting(), fired(order), ended(order, remainder));
  expect(fold.contradictions).toEqual([]);
  expect(fold.openOrders).toBe(1);
  expect(tradeAt(waiting()).fold.contradictions).toEqual([
    `seq 4: stop ${order} waits on although its price was traded`,
  ]);
  expect(waiting().add([fired(order), ended(order, remainder)]).fold.contradictions).toEqual([
    `seq 3: stop ${order} fires at 110, which was not traded`,
  ]);
});

const amend = (change: object = {}, legUnits = 0n): [Kind[], Command] => [
  [
    {
      case: "amended",
      value: {
        orderId: order,
        legId: leg,
        symbol,
        side: Side.BUY,
        wasResting: true,
        oldPriceTicks: 100n,
        oldRemainingLots: 10n,
        priceTicks: 100n,
        remainingLots: 4n,
        quantityLots: 4n,
        reservedUnits: 400n,
        keepsPlace: true,
        ...change,
      },
    },
  ],
  { case: "amend", value: { orderId: order, legId: leg, symbol, legUnits } },
];
const resting = () => new Journal().place(buy(order), rested(order, 10n));

test("an amend that keeps its place lowers its level, one that loses it leaves and rests anew", () => {
  const kept = resting().add(...amend()).fold;
  expect(kept.contradictions).toEqual([]);
  expect(kept).toMatchObject({ openOrders: 1, operations: 1 });
  expect([...(kept.books.get(symbol)?.bids ?? [])]).toEqual([[100n, 4n]]);

  const up = {
    priceTicks: 105n,
    remainingLots: 12n,
    quantityLots: 12n,
    reservedUnits: 1_260n,
    keepsPlace: false,
  };
  const [kinds, command] = amend(up, 260n);
  const moved = resting().add([...kinds, rested(order, 12n)], command).fold;
  expect(moved.contradictions).toEqual([]);
  expect([...(moved.books.get(symbol)?.bids ?? [])]).toEqual([[105n, 12n]]);
  expect(compareReservations(moved, rows(row(order, { remaining: "0.000126" })))).toEqual([
    `leg ${leg} of seq 3 has no reservation`,
  ]);
});

test("an amend to what was executed ends the order", () => {
  const [kinds, command] = amend({ remainingLots: 0n, quantityLots: 0n, reservedUnits: 0n });
  const end = ended(order, { reason: EndReason.AMENDED, wasResting: true });
  const { fold } = resting().add([...kinds, end], command);
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ openOrders: 0, operations: 2 });
  expect(fold.books.get(symbol)?.bids.size).toBe(0);
});

test.each<[string, object, string]>([
  ["from another price", { oldPriceTicks: 99n }, "is amended from what it was not"],
  ["that needs another sum than it says", { reservedUnits: 401n }, "needs 400 units, the record says 401"],
  ["that its leg does not cover", { priceTicks: 300n, reservedUnits: 1_200n }, "is not covered by its leg"],
])("an amend %s is a contradiction", (_, change, text) => {
  expect(
    resting()
      .add(...amend(change))
      .fold.contradictions.join(),
  ).toContain(text);
});

test("I11 and I12 with legs: a decided amend has closed its leg, an undecided one must not stay", () => {
  const { fold } = resting().add(...amend({}, 5n));
  const holds = row(order, { remaining: "0.00004" });
  const joined = row(leg, {
    leg_of: order,
    state: "CLOSED",
    amount: "5",
    moved: "5",
    final_status: "CANCELLED",
    ended_seq: "3",
  });
  expect(compareReservations(fold, rows(holds, joined))).toEqual([]);
  for (const change of [
    { state: "ACTIVE" },
    { moved: "4" },
    { final_status: "REJECTED" },
    { leg_of: other },
    { ended_seq: "4" },
  ] as const) {
    expect(compareReservations(fold, rows(holds, { ...joined, ...change }))).toHaveLength(1);
  }
  expect(compareReservations(fold, rows(holds, { ...joined, state: "REFUSED" }))).toEqual([]);

  const orphan = row(other, { leg_of: order });
  expect(findForgotten(fold, rows(holds, joined, orphan), minute)).toEqual([
    `leg ${other} holds 0 USDT for 90000 ms, unknown to its shard`,
  ]);
  const refused = resting().add([{ case: "amendRefused", value: { orderId: order, legId: leg } }]).fold;
  const freed = { ...joined, moved: "0", final_status: "REJECTED" };
  expect(compareReservations(refused, rows({ ...holds, remaining: "0.0001" }, freed))).toEqual([]);
  expect(compareReservations(refused, rows({ ...holds, remaining: "0.0001" }, joined))).toHaveLength(1);
});

const prevented = (change: object = {}): Kind => ({
  case: "selfTradePrevented",
  value: {
    symbol,
    makerOrderId: order,
    takerOrderId: other,
    quantityLots: 3n,
    mode: SelfTradePrevention.DECREMENT,
    makerRemainingLots: 7n,
    makerReservedUnits: 700n,
    ...change,
  },
});
const selfTrade = { status: OrderStatus.EXPIRED, reason: EndReason.SELF_TRADE };
const seller = { ...buy(other), side: Side.SELL, quantityLots: 3n };

test("DECREMENT lowers the survivor for good, its level too, and the one at zero ends", () => {
  const { fold } = resting().place(seller, prevented(), ended(other, selfTrade));
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ openOrders: 1, operations: 2 });
  expect(fold.orders.get(order)).toMatchObject({ quantityLots: 7n, remainingLots: 7n });
  expect([...(fold.books.get(symbol)?.bids ?? [])]).toEqual([[100n, 7n]]);
  const end = { case: "ended" as const, value: { orderId: order, symbol, wasResting: true } };
  const word = { status: OrderStatus.CANCELLED, amendedQuantityLots: 7n };
  expect(
    resting()
      .place(seller, prevented(), ended(other, selfTrade))
      .add([{ ...end, value: { ...end.value, ...word } }]).fold.contradictions,
  ).toEqual([]);
});

test("a MARKET BUY is lowered too, as far as its budget pays, or ends when that is all", () => {
  const budget = { type: OrderType.MARKET, priceTicks: 0n, quantityLots: 9n, budgetTickLots: 500n };
  const asks = () =>
    new Journal().place({ ...buy(order), side: Side.SELL, quantityLots: 10n }, rested(order, 10n));
  const sides = { takerSide: Side.BUY, makerReservedUnits: 7n };
  const left = { takerRemainingLots: 6n, takerReservedUnits: 200n };
  const lowered = asks().place(
    buy(other, budget),
    prevented({ ...sides, ...left }),
    ended(other, { ...remainder, amendedQuantityLots: 6n }),
  );
  expect(lowered.fold.contradictions).toEqual([]);
  expect(lowered.fold.orders.get(other)).toMatchObject({ quantityLots: 6n });
  const emptied = asks().place(buy(other, budget), prevented(sides), ended(other, selfTrade));
  expect(emptied.fold.contradictions).toEqual([]);
});

test("a prevention of another mode changes nothing by itself", () => {
  const mode = SelfTradePrevention.CANCEL_TAKER;
  const { fold } = resting().place(seller, prevented({ mode }), ended(other, selfTrade));
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ operations: 1 });
  expect([...(fold.books.get(symbol)?.bids ?? [])]).toEqual([[100n, 10n]]);
});

test("a prevention that leaves other amounts than it says is a contradiction", () => {
  for (const change of [{ makerRemainingLots: 6n, makerReservedUnits: 600n }, { makerReservedUnits: 701n }]) {
    const { fold } = resting().place(seller, prevented(change), ended(other, selfTrade));
    expect(fold.contradictions).not.toEqual([]);
  }
});

test("a trade of one user with himself, or while the market does not trade, is a contradiction", () => {
  const ownTrade = traded("ask", "taker", { maker: { orderId: "ask", userId: "t", receivedBefore: "0" } });
  const one = new Journal()
    .place({ ...buy("ask"), side: Side.SELL, priceTicks: 110n }, rested("ask", 10n))
    .place(buy("taker"), ownTrade);
  expect(one.fold.contradictions.join()).toContain("of one user with himself");
  const halted = new Journal().add([
    {
      case: "marketStateChanged",
      value: { symbol, state: MarketState.HALTED, oldState: MarketState.TRADING },
    },
  ]);
  expect(tradeAt(halted).fold.contradictions).toEqual(["seq 4: trade ask taker while BTC/USDT is HALTED"]);
});

test("market states follow one another, and DELISTED is final", () => {
  const change = (oldState: MarketState, state: MarketState): Kind => ({
    case: "marketStateChanged",
    value: { symbol, state, oldState },
  });
  const { TRADING, HALTED, DELISTED } = MarketState;
  const journal = new Journal().add([change(TRADING, HALTED)]).add([change(HALTED, DELISTED)]);
  expect(journal.fold.contradictions).toEqual([]);
  expect(journal.add([change(DELISTED, TRADING)]).fold.contradictions).toHaveLength(1);
  expect(new Journal().add([change(HALTED, TRADING)]).fold.contradictions).toHaveLength(1);
});

const symbols = { symbol };
test.each<[EndReason, Command]>([
  [EndReason.DAY_END, { case: "endDay", value: symbols }],
  [EndReason.DEAD_MAN, { case: "fireSwitch", value: symbols }],
  [EndReason.CANCEL_ALL, { case: "cancelAll", value: symbols }],
  [EndReason.OPERATOR, { case: "cancelAll", value: symbols }],
  [EndReason.OPERATOR, { case: "cancel", value: {} }],
  [EndReason.OPERATOR, { case: "resolve", value: {} }],
  [EndReason.DELISTED, { case: "sweepMarket", value: symbols }],
  [EndReason.DELISTED, { case: "setMarketState", value: symbols }],
])("orders end by reason %i by their own command alone", (reason, command) => {
  const end = [ended(order, { reason, wasResting: true })];
  expect(resting().add(end, command).fold.contradictions).toEqual([]);
  expect(resting().add(end, { case: "tick", value: {} }).fold.contradictions).toHaveLength(1);
});

/** A journal from seq 51 on: an order of before trades with a new one, and ends. */
const beheaded = () =>
  new Journal(50)
    .place(buy("new", { userId: "n" }), traded("old", "new", { takerSide: Side.BUY }))
    .add([ended("old", { acceptedSeq: 7n, wasResting: true, executedLots: 9n, executedTickLots: "990" })]);
const ofBefore = [
  row("closed before", { state: "CLOSED", final_status: "CANCELLED", ended_seq: "50" }),
  row("open since before"),
  row("refused", { state: "REFUSED" }),
];

test("a journal whose beginning is gone contradicts nothing by it, and says what it cannot check", () => {
  const { fold } = beheaded();
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ isWhole: false, missingThroughSeq: 50n, seq: 52n });

  const unchecked: string[] = [];
  const note = (what: string) => unchecked.push(what);
  // The end of an order of before is checked by itself.
  const final = { state: "CLOSED", final_status: "CANCELLED", ended_seq: "52" } as const;
  const amounts = { executed_lots: "9", executed_tick_lots: "990" };
  const known = [row("old", { ...final, ...amounts }), row("new", { remaining: "0.00009" })];
  expect(compareReservations(fold, rows(...known, ...ofBefore), note)).toEqual([]);
  expect(unchecked.splice(0)).toEqual(["reservations", "reservations"]);
  expect(compareReservations(fold, rows(...known.with(0, row("old", final))), note)).toHaveLength(1);
  expect(
    compareReservations(fold, rows(...known, row("x", { ...final, ended_seq: "51" })), note),
  ).toHaveLength(1);

  const settled = {
    trade_id: "old new",
    shard: 0,
    seq: "51",
    base_amount: "0.00001",
    quote_amount: "0.000011",
    buy_order_id: "new",
    sell_order_id: "old",
    buyer_fee: "0",
    seller_fee: "0",
  };
  expect(compareSettled(fold, [settled, { ...settled, trade_id: "gone", seq: "50" }], note)).toEqual([]);
  expect(unchecked.splice(0)).toEqual(["settled trades"]);
  expect(compareSettled(fold, [settled, { ...settled, trade_id: "gone" }], note)).toHaveLength(1);
});

test("of orders and books of before a history of which the beginning is gone is checked by what is left", () => {
  const { fold } = beheaded();
  const unchecked: string[] = [];
  const note = (what: string) => unchecked.push(what);
  const order: HistoryOrderRow = {
    order_id: "old",
    shard: 0,
    status: OrderStatus.CANCELLED,
    reason: EndReason.USER,
    filled_quantity: "0.00009",
    executed_quote: "0.000099",
    fee: "0.1",
    trades: "3",
    accepted_seq: "7",
  };
  const filled = { filled_quantity: "0.00001", executed_quote: "0.000011", fee: "0", trades: "1" };
  const young = { ...order, order_id: "new", accepted_seq: "51", ...filled };
  const live = { ...young, status: OrderStatus.PARTIALLY_FILLED, reason: 0 };
  const history = [order, live, { ...order, order_id: "ancient" }];
  expect(compareHistory(fold, history, note)).toEqual([]);
  expect(compareAcknowledged(fold, history, note)).toEqual([]);
  expect(unchecked.splice(0)).toEqual(["orders", "orders"]);
  expect(compareHistory(fold, [{ ...order, filled_quantity: "0.00008" }, live], note)).toHaveLength(1);

  const listed = { orderId: "open since before", remainingLots: 1n, acceptedSeq: 9n };
  const page = { seq: 52n, afterSeq: 0n, hasMore: false, orders: [listed] };
  expect(compareOpenOrders(fold, page, note)).toEqual([]);
  const book = { bids: new Map([["1", "1"]]), asks: new Map<string, string>() };
  expect(compareBookAt(fold, { source: "shard", symbol, seq: 52n, diffs: 0, book }, note)).toEqual([]);
  expect(unchecked.splice(0)).toEqual(["open orders", "books"]);
  const openOrders = [page];
  expect(findForgotten(fold, rows(...ofBefore), { ...minute, openOrders })).toEqual([]);
  expect(findForgotten(fold, rows(...ofBefore), minute)).toHaveLength(1);
});
