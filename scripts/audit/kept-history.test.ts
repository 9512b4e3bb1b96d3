// The order history as far back as it is kept, held against a journal that goes back further.
import { OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { gridOf } from "@bourse/shared/units/market.js";
import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { compareHistory } from "./cuts.js";
import type { ShardFold } from "./fold.js";
import { acceptedOrder } from "./folded.js";
import type { HistoryOrderRow } from "./snapshot.js";

const GRID = gridOf({
  ...{ symbol: "BTC/USDT", baseAsset: "BTC", quoteAsset: "USDT", tickSize: "0.01", lotSize: "0.00001" },
});

const orderAt = (orderId: string, createdAtMs: bigint) => {
  const terms = create(OrderTermsSchema, { orderId, symbol: "BTC/USDT" });
  return [orderId, { ...acceptedOrder(terms, 5n, createdAtMs), trades: 2 }] as const;
};
const orders = new Map([orderAt("old", 1_000n), orderAt("new", 2_000n)]);
const fold = { orders, missingThroughSeq: 0n, gridOf: () => GRID } as unknown as ShardFold;

const row: HistoryOrderRow = {
  ...{ order_id: "new", shard: 0, status: 2, reason: 0, filled_quantity: "0", executed_quote: "0" },
  ...{ fee: "0", trades: "2", accepted_seq: "5" },
};

test("an order that left the history is not missing from it, one that should be there is", () => {
  const unchecked: string[] = [];
  const compare = (rows: readonly HistoryOrderRow[], ordersFromMs: bigint) =>
    compareHistory(fold, rows, (what) => unchecked.push(what), { ordersFromMs, tradesFromMs: 0n });
  expect(compare([row], 2_000n)).toEqual([]);
  expect(unchecked).toEqual(["orders"]);
  expect(compare([row], 1_000n)).toEqual(["order old of seq 5 is missing in the history"]);
  expect(compare([], 2_000n)).toEqual(["order new of seq 5 is missing in the history"]);
});

test("trades of an order are counted unless some of them may have left", () => {
  const compare = (tradesFromMs: bigint) =>
    compareHistory(fold, [{ ...row, trades: "1" }], () => {}, { ordersFromMs: 2_000n, tradesFromMs });
  expect(compare(2_000n)).toEqual(["order new: number of trades 1 instead of 2"]);
  expect(compare(2_001n)).toEqual([]);
});
