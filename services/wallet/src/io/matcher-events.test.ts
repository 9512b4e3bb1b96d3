import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  MarketSchema,
  OrderStatus,
  SelfTradePrevention,
  Side,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { history } from "../testing/history.js";
import { MARKET, usersOf, uuidOf } from "../testing/names.js";
import { createRecordReader } from "./matcher-events.js";

const market = create(MarketSchema, MARKET);

function readerOfMarket() {
  const reader = createRecordReader();
  reader.setMarkets([market]);
  return reader;
}

test("records of a random history are read as the effects that were meant, fees and sums included", () => {
  const reader = readerOfMarket();
  let trades = 0;
  for (let seed = 1; seed <= 5; seed += 1) {
    for (const step of history(seed, { orders: 100, users: usersOf(5) })) {
      if (step.type !== "record") continue;
      const { operations } = step;
      const [seq, timeMs] = [Number(step.record.seq), Number(step.record.timeMs)];
      expect(reader.read(step.record)).toEqual({ epoch: 1, seq, timeMs, operations });
      trades += operations.filter(({ effect }) => effect.type === "trade").length;
    }
  }
  expect(trades).toBeGreaterThan(200);
});

const trade = {
  tradeId: uuidOf("trade"),
  symbol: MARKET.symbol,
  priceTicks: 100n,
  quantityLots: 3n,
  takerSide: Side.BUY,
  maker: { orderId: uuidOf("ask"), userId: uuidOf("bob"), receivedBefore: "0" },
  taker: { orderId: uuidOf("bid"), userId: uuidOf("alice"), receivedBefore: "0" },
};
const recordOf = (kind: object) =>
  create(RecordSchema, { seq: 4n, epoch: 2n, events: [{ kind: kind as never }] });

test("a buyer with a budget holds exactly what it pays", () => {
  const [operation] = readerOfMarket().read(recordOf({ case: "trade", value: trade })).operations;
  expect(operation?.effect).toMatchObject({
    quoteAtoms: 2_100n,
    buyerReservedAtoms: 2_100n,
    baseAtoms: 3_000n,
  });
});

test("a market that is added in the log is known from there on", () => {
  const reader = createRecordReader();
  const traded = recordOf({ case: "trade", value: trade });
  expect(() => reader.read(traded)).toThrowError(
    expect.objectContaining({ reason: "SETTLEMENT_IMPOSSIBLE" }),
  );
  expect(reader.read(recordOf({ case: "marketAdded", value: { market } })).operations).toEqual([]);
  expect(reader.read(traded).operations).toHaveLength(1);
});

const [bid, ask, alice, leg] = ["bid", "ask", "alice", "leg"].map(uuidOf) as [string, string, string, string];
const effectsOf = (...kinds: object[]) =>
  readerOfMarket()
    .read(create(RecordSchema, { seq: 4n, events: kinds.map((kind) => ({ kind: kind as never })) }))
    .operations.map(({ effect }) => effect);
const ended = (orderId: string) => ({
  case: "ended",
  value: { orderId, userId: alice, status: OrderStatus.EXPIRED, executedTickLots: "0" },
});
const prevented = (takerUnits: bigint, makerUnits: bigint, mode = SelfTradePrevention.DECREMENT) => ({
  case: "selfTradePrevented",
  value: {
    symbol: MARKET.symbol,
    takerOrderId: bid,
    makerOrderId: ask,
    userId: alice,
    takerSide: Side.BUY,
    mode,
    takerReservedUnits: takerUnits,
    makerReservedUnits: makerUnits,
  },
});

test("an order that survives a prevention keeps what it needs, one that ends is released alone", () => {
  expect(effectsOf(prevented(300n, 0n), ended(ask))).toMatchObject([
    { type: "adjust", orderId: bid, userId: alice, legId: undefined, remainingAtoms: 2_100n },
    { type: "release", orderId: ask },
  ]);
  expect(effectsOf(prevented(0n, 4n), ended(bid))).toMatchObject([
    { type: "adjust", orderId: ask, remainingAtoms: 4_000n },
    { type: "release", orderId: bid },
  ]);
});

test("of the needs that several preventions leave an order with, the last one counts", () => {
  const second = prevented(100n, 0n);
  const effects = effectsOf(prevented(300n, 0n), ended(ask), { case: "trade", value: trade }, second);
  expect(effects.map(({ type }) => type)).toEqual(["release", "trade", "adjust"]);
  expect(effects.at(-1)).toMatchObject({ orderId: bid, remainingAtoms: 700n });
});

test.each([
  SelfTradePrevention.UNSPECIFIED,
  SelfTradePrevention.CANCEL_TAKER,
  SelfTradePrevention.CANCEL_MAKER,
  SelfTradePrevention.CANCEL_BOTH,
])("a prevention of mode %i changes nobody's need: who ends is released", (mode) => {
  expect(effectsOf(prevented(300n, 3n, mode))).toEqual([]);
});

const amended = {
  orderId: bid,
  userId: alice,
  legId: leg,
  symbol: MARKET.symbol,
  side: Side.BUY,
  reservedUnits: 500n,
};

test("an amend that is made joins its leg, also when the order ends in the same record", () => {
  expect(effectsOf({ case: "amended", value: amended })).toEqual([
    { type: "adjust", orderId: bid, userId: alice, legId: leg, remainingAtoms: 3_500n },
  ]);
  const sell = { ...amended, orderId: ask, side: Side.SELL, reservedUnits: 0n };
  expect(effectsOf({ case: "amended", value: sell }, ended(ask))).toMatchObject([
    { type: "adjust", orderId: ask, legId: leg, remainingAtoms: 0n },
    { type: "release", orderId: ask },
  ]);
});

test("an amend that is refused releases its leg and leaves the order alone", () => {
  const refused = { orderId: bid, userId: alice, legId: leg, symbol: MARKET.symbol };
  expect(effectsOf({ case: "amendRefused", value: refused })).toMatchObject([
    { type: "release", orderId: leg, userId: alice, status: "REJECTED", reason: "", acceptedSeq: 4 },
  ]);
});

test("since rules 2 the command alone names the order that is accepted", () => {
  const submit = { kind: { case: "submit" as const, value: { terms: { orderId: bid } } } };
  const events = [{ kind: { case: "accepted" as const, value: {} } }];
  const { operations } = readerOfMarket().read(create(RecordSchema, { seq: 4n, command: submit, events }));
  expect(operations).toMatchObject([{ effect: { type: "mark", orderId: bid } }]);
});

test("the end of an order passes on what amends made of it", () => {
  const { value } = ended(bid);
  const end = { case: "ended", value: { ...value, amendedPriceTicks: 12n, amendedQuantityLots: 13n } };
  expect(effectsOf(end)).toMatchObject([{ amendedPriceTicks: 12, amendedQuantityLots: 13 }]);
});

test("every reason of the contract is stored by its name, none as nothing", () => {
  const { value } = ended(bid);
  for (const reason of Object.values(EndReason).filter((each) => typeof each === "number")) {
    const name = reason === EndReason.UNSPECIFIED ? "" : EndReason[reason];
    const end = { case: "ended", value: { ...value, status: OrderStatus.CANCELLED, reason } };
    expect(effectsOf(end)).toMatchObject([{ reason: name }]);
  }
});

test("events that move no money have no effect", () => {
  const ids = { orderId: bid, symbol: MARKET.symbol };
  expect(
    effectsOf(
      { case: "rested", value: ids },
      { case: "stopPlaced", value: ids },
      { case: "stopTriggered", value: ids },
      { case: "marketStateChanged", value: { symbol: MARKET.symbol } },
      { case: "switchSet", value: { userId: alice } },
    ),
  ).toEqual([]);
});

test.each([
  ["an event that this version does not know", { case: undefined }],
  ["an end that is none", { case: "ended", value: { orderId: uuidOf("a"), status: OrderStatus.OPEN } }],
  ["an accepted order without terms", { case: "accepted", value: {} }],
  ["an amend without its leg", { case: "amended", value: { ...amended, legId: "" } }],
  ["an amend of an unknown market", { case: "amended", value: { ...amended, symbol: "X/Y" } }],
  ["a trade with one party", { case: "trade", value: { ...trade, maker: undefined } }],
])("%s is never passed over", (_, kind) => {
  expect(() => readerOfMarket().read(recordOf(kind))).toThrowError(
    expect.objectContaining({
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: expect.objectContaining({ seq: "4" }),
    }),
  );
});
