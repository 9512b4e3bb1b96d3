import {
  type EventSchema,
  OrderTermsSchema,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { EndReason, OrderStatus, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
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
  findOfNoShard,
} from "./cuts.js";
import { findingLines } from "./finding.js";
import { ShardFold } from "./fold.js";
import type { HistoryOrderRow, ReservationRow, SettledTradeRow } from "./snapshot.js";

type Kind = NonNullable<MessageInitShape<typeof EventSchema>["kind"]>;

const symbol = "BTC/USDT";
const [maker, taker, trade] = ["m", "t", "x"].map((letter) => letter.repeat(8)) as [string, string, string];

const terms = (orderId: string, side: Side, priceTicks: number, lots: number) =>
  create(OrderTermsSchema, {
    orderId,
    symbol,
    side,
    priceTicks: BigInt(priceTicks),
    quantityLots: BigInt(lots),
  });

function recordOf(seq: number, kinds: readonly Kind[], epoch = 1) {
  return create(RecordSchema, {
    seq: BigInt(seq),
    epoch: BigInt(epoch),
    timeMs: BigInt(seq),
    events: kinds.map((kind) => ({ kind })),
  });
}

/** A market; a sell of 10 lots at 100.00; a buy of 4 at 100.00 that trades with it (taker fee 1 %). */
function records() {
  const sell = terms(maker, Side.SELL, 10_000, 10);
  const buy = terms(taker, Side.BUY, 10_000, 4);
  const ended = {
    orderId: taker,
    symbol,
    status: OrderStatus.FILLED,
    executedLots: 4n,
    executedTickLots: "40000",
  };
  return [
    recordOf(1, [
      {
        case: "marketAdded",
        value: {
          market: { symbol, baseAsset: "BTC", quoteAsset: "USDT", tickSize: "0.01", lotSize: "0.00001" },
        },
      },
    ]),
    recordOf(2, [
      { case: "accepted", value: { terms: sell } },
      {
        case: "rested",
        value: { orderId: maker, symbol, side: Side.SELL, priceTicks: 10_000n, remainingLots: 10n },
      },
    ]),
    recordOf(3, [
      { case: "accepted", value: { terms: buy } },
      {
        case: "trade",
        value: {
          tradeId: trade,
          symbol,
          priceTicks: 10_000n,
          quantityLots: 4n,
          takerSide: Side.BUY,
          maker: { orderId: maker, feePpm: 0, receivedBefore: "0" },
          taker: { orderId: taker, feePpm: 10_000, receivedBefore: "0" },
        },
      },
      { case: "ended", value: ended },
    ]),
  ];
}

function foldOf(all = records()): ShardFold {
  const fold = new ShardFold();
  for (const record of all) fold.apply(record);
  return fold;
}

const settled: SettledTradeRow = {
  trade_id: trade,
  shard: 0,
  seq: "3",
  base_amount: "0.00004000",
  quote_amount: "0.00400000",
  buy_order_id: taker,
  sell_order_id: maker,
  buyer_fee: "0.00000040",
  seller_fee: "0.00000000",
};
const open: ReservationRow = {
  order_id: maker,
  leg_of: null,
  shard: 0,
  state: "ACTIVE",
  asset: "BTC",
  amount: "0.00010000",
  remaining: "0.00006000",
  moved: "0.00000000",
  final_status: null,
  executed_lots: null,
  executed_tick_lots: null,
  ended_seq: null,
  age_ms: "90000",
  terms: null,
};
const closed: ReservationRow = {
  ...open,
  order_id: taker,
  state: "CLOSED",
  remaining: "0.00000000",
  final_status: "FILLED",
  executed_lots: "4",
  executed_tick_lots: "40000",
  ended_seq: "3",
};
const byId = (...rows: ReservationRow[]) => new Map(rows.map((row) => [row.order_id, row]));
const history: HistoryOrderRow[] = [
  {
    order_id: maker,
    shard: 0,
    status: OrderStatus.PARTIALLY_FILLED,
    reason: 0,
    filled_quantity: "0.00004",
    executed_quote: "0.004",
    fee: "0",
    trades: "1",
    accepted_seq: "2",
  },
  {
    order_id: taker,
    shard: 0,
    status: OrderStatus.FILLED,
    reason: 0,
    filled_quantity: "0.00004",
    executed_quote: "0.004",
    fee: "0.0000004",
    trades: "1",
    accepted_seq: "3",
  },
];

test("a journal that hangs together is folded without contradiction", () => {
  const fold = foldOf();
  expect(fold.contradictions).toEqual([]);
  expect(fold).toMatchObject({ seq: 3n, records: 3, openOrders: 1, operations: 2 });
  expect(fold.orders.get(maker)).toMatchObject({ remainingLots: 6n, status: OrderStatus.PARTIALLY_FILLED });
});

test("a gap, a falling epoch, a second end and a trade of nobody are contradictions", () => {
  expect(foldOf([recordOf(1, []), recordOf(3, [])]).contradictions).toEqual(["seq 3 follows 1"]);
  expect(foldOf([recordOf(1, [], 2), recordOf(2, [], 1)]).contradictions).toEqual([
    "seq 2: epoch falls from 2 to 1",
  ]);
  const twice = {
    orderId: taker,
    symbol,
    status: OrderStatus.FILLED,
    executedLots: 4n,
    executedTickLots: "40000",
  };
  expect(foldOf([...records(), recordOf(4, [{ case: "ended", value: twice }])]).contradictions).toEqual([
    `order ${taker} ends twice`,
  ]);
  const [, , third] = records();
  if (third === undefined) throw new Error("three records");
  const withoutMaker = { ...third, seq: 2n };
  const [first] = records();
  if (first === undefined) throw new Error("three records");
  expect(foldOf([first, withoutMaker]).contradictions).toEqual([`order ${maker} was never accepted`]);
});

test("I6: a trade that is missing, too many or settled on other terms is found", () => {
  expect(compareSettled(foldOf(), [settled])).toEqual([]);
  expect(compareSettled(foldOf(), [])).toEqual([`trade ${trade} of seq 3 is not settled`]);
  expect(compareSettled(foldOf(), [{ ...settled, buyer_fee: "0.00000041" }])).toHaveLength(1);
  expect(compareSettled(foldOf(), [settled, { ...settled, trade_id: "other" }])).toHaveLength(1);
});

test("I11: what an open order holds and the final word of an ended one must be exact", () => {
  expect(compareReservations(foldOf(), byId(open, closed))).toEqual([]);
  expect(compareReservations(foldOf(), byId({ ...open, remaining: "0.00006001" }, closed))).toEqual([
    `order ${maker} holds 0.00006001 instead of 0.00006`,
  ]);
  expect(compareReservations(foldOf(), byId(open, { ...closed, state: "ACTIVE" }))).toHaveLength(1);
  expect(compareReservations(foldOf(), byId(open, { ...closed, executed_lots: "3" }))).toHaveLength(1);
  expect(compareReservations(foldOf(), byId(closed))).toHaveLength(1);
  expect(compareReservations(foldOf(), byId(open, closed, { ...closed, order_id: "late" }))).toHaveLength(1);
});

const minute = { ageMsMax: 60_000, openOrders: [] };

test("I12: money held for long without an order is found, and only then", () => {
  const orphan = { ...open, order_id: "orphan" };
  expect(findForgotten(foldOf(), byId(open, closed), minute)).toEqual([]);
  expect(findForgotten(foldOf(), byId(orphan), minute)).toHaveLength(1);
  expect(findForgotten(foldOf(), byId({ ...orphan, age_ms: "500" }), minute)).toEqual([]);
});

test("I12: money held for a shard that does not exist is found, and none that names no shard", () => {
  expect(findOfNoShard([{ ...open, shard: 7 }], [0, 1])).toHaveLength(1);
  const fine = [
    { ...open, shard: 1 },
    { ...open, shard: null },
    { ...closed, shard: 7 },
  ];
  expect(findOfNoShard(fine, [0, 1])).toEqual([]);
});

test("I13 and I15: the history must be the fold, order by order", () => {
  expect(compareAcknowledged(foldOf(), history)).toEqual([]);
  expect(compareHistory(foldOf(), history)).toEqual([]);
  const [first, second] = history as [HistoryOrderRow, HistoryOrderRow];
  expect(compareHistory(foldOf(), [first])).toEqual([`order ${taker} of seq 3 is missing in the history`]);
  expect(compareHistory(foldOf(), [first, { ...second, fee: "0.0000005" }])).toEqual([
    `order ${taker}: fee 50 instead of 40`,
  ]);
  const cancelled = { ...first, status: OrderStatus.CANCELLED, reason: EndReason.USER };
  expect(compareAcknowledged(foldOf(), [cancelled])).toHaveLength(1);
  expect(compareAcknowledged(foldOf(), [{ ...first, order_id: "unknown" }])).toHaveLength(1);
});

test("I29: a level that differs, is missing or too many is found, in the words of each source", () => {
  const at = { symbol, seq: 3n, diffs: 0 };
  const asks = new Map([["100", "0.00006"]]);
  const book = { bids: new Map<string, string>(), asks };
  expect(compareBookAt(foldOf(), { ...at, source: "GetOrderBook", book })).toEqual([]);
  const inside = { bids: new Map<string, string>(), asks: new Map([["10000", "6"]]) };
  expect(compareBookAt(foldOf(), { ...at, source: "shard", book: inside })).toEqual([]);
  const wrong = { bids: new Map([["99", "1"]]), asks: new Map([["100", "0.00007"]]) };
  expect(compareBookAt(foldOf(), { ...at, source: "StreamOrderBook", book: wrong })).toHaveLength(2);
});

test("a page of open orders is held against the journal within its bounds", () => {
  const order = { orderId: maker, remainingLots: 6n, acceptedSeq: 2n };
  const page = { seq: 3n, afterSeq: 0n, hasMore: false, orders: [order] };
  expect(compareOpenOrders(foldOf(), page)).toEqual([]);
  expect(compareOpenOrders(foldOf(), { ...page, orders: [] })).toHaveLength(1);
  expect(compareOpenOrders(foldOf(), { ...page, afterSeq: 2n, orders: [] })).toEqual([]);
  expect(compareOpenOrders(foldOf(), { ...page, orders: [order, { ...order, orderId: "y" }] })).toHaveLength(
    1,
  );
});

test("a finding is one line, and breaches are counted when they are many", () => {
  expect(findingLines({ invariant: "I1", text: "conserved", breaches: [] })).toEqual([
    "I1  ok      conserved",
  ]);
  const lines = findingLines({
    invariant: "I6",
    text: "settled",
    breaches: Array.from({ length: 9 }, () => "x"),
  });
  expect(lines[0]).toBe("I6  BREACH  settled");
  expect(lines.at(-1)?.trim()).toBe("and 4 more");
});
