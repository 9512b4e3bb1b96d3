import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MarketSchema, OrderStatus, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { history, MARKET, usersOf, uuidOf } from "../testing/history.js";
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
      expect(reader.read(step.record)).toEqual({ epoch: 1, seq: Number(step.record.seq), operations });
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

test.each([
  ["an event that this version does not know", { case: undefined }],
  ["an end that is none", { case: "ended", value: { orderId: uuidOf("a"), status: OrderStatus.OPEN } }],
  ["a trade with one party", { case: "trade", value: { ...trade, maker: undefined } }],
])("%s is never passed over", (_, kind) => {
  expect(() => readerOfMarket().read(recordOf(kind))).toThrowError(
    expect.objectContaining({
      reason: "SETTLEMENT_IMPOSSIBLE",
      facts: expect.objectContaining({ seq: "4" }),
    }),
  );
});
