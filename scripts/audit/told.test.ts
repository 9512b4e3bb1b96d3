import {
  type Record as JournalRecord,
  OrderTermsSchema,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { create, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import type { ShardFindings } from "./audit-shard.js";
import { ShardFold } from "./fold.js";
import { compareKeys } from "./keys.js";
import { compareQuiet, restlessGauges } from "./quiet.js";
import type { ReservationRow, Snapshot } from "./snapshot.js";
import { compareTold, type ToldWord } from "./told.js";

const user = "6f0e6c9e-31a0-4d3e-8f6e-0c1a2b3c4d5e";
const orderId = orderIdOf(user, "one");

function foldOf(terms: { orderId: string; clientOrderId: string }): ShardFold {
  const fold = new ShardFold();
  fold.apply(recordOf(terms));
  return fold;
}

function recordOf(terms: { orderId: string; clientOrderId: string }): JournalRecord {
  const whole = {
    ...terms,
    userId: user,
    symbol: "BTC/USDT",
    side: Side.BUY,
    quantityLots: 5n,
    priceTicks: 7n,
  };
  return create(RecordSchema, {
    seq: 1n,
    epoch: 1n,
    events: [{ kind: { case: "accepted", value: { terms: whole } } }],
  });
}

function rowOf(change: Partial<ReservationRow> = {}): ReservationRow {
  return {
    order_id: orderId,
    leg_of: null,
    shard: 0,
    state: "ACTIVE",
    asset: "USDT",
    amount: "1",
    remaining: "1",
    moved: "0",
    final_status: null,
    executed_lots: null,
    executed_tick_lots: null,
    ended_seq: null,
    age_ms: "0",
    terms: null,
    ...change,
  };
}

const fold = foldOf({ orderId, clientOrderId: "one" });
const shards = [{ shard: 0, fold, behind: { wallet: 0, history: 0 } }] as unknown as ShardFindings[];
const snapshotOf = (...reservations: ReservationRow[]) => ({ reservations }) as unknown as Snapshot;
const word = (clientOrderId: string, said: ToldWord["word"]): ToldWord => ({
  userId: user,
  clientOrderId,
  word: said,
  atMs: 0,
});

test("an order that was acknowledged is in a journal, one that was refused is in none", () => {
  const none = snapshotOf();
  expect(compareTold(none, shards, [word("one", "acknowledged"), word("two", "none")], 0)).toEqual([]);
  expect(compareTold(none, shards, [word("two", "acknowledged")], 0)).toHaveLength(1);
  expect(compareTold(none, shards, [word("one", "none")], 0)).toHaveLength(1);
});

test("a refusal of the wallet's is a no, too", () => {
  const other = rowOf({ order_id: orderIdOf(user, "two"), state: "REFUSED" });
  expect(compareTold(snapshotOf(other), shards, [], 0)).toEqual([]);
  expect(compareTold(snapshotOf(rowOf({ state: "REFUSED" })), shards, [], 0)).toHaveLength(1);
});

test("money is held for a refused order for a minute at most", () => {
  const held = snapshotOf(rowOf({ order_id: orderIdOf(user, "two") }));
  expect(compareTold(held, shards, [word("two", "none")], 59_000)).toEqual([]);
  expect(compareTold(held, shards, [word("two", "none")], 61_000)).toHaveLength(1);
});

test("an order has the id that its key determines, and the terms that were reserved for", () => {
  const terms = { orderId, userId: user, clientOrderId: "one", symbol: "BTC/USDT", side: Side.BUY };
  const stored = (lots: bigint) => {
    const whole = create(OrderTermsSchema, { ...terms, quantityLots: lots, priceTicks: 7n });
    return new Map([[orderId, rowOf({ terms: Buffer.from(toBinary(OrderTermsSchema, whole)) })]]);
  };
  expect(compareKeys(fold, stored(5n))).toEqual([]);
  expect(compareKeys(fold, stored(6n))).toEqual([expect.stringContaining("quantityLots")]);
  expect(compareKeys(foldOf({ orderId, clientOrderId: "two" }), new Map())).toHaveLength(1);
});

test("at rest nothing waits, and money is held for open orders alone", () => {
  expect(compareQuiet(snapshotOf(), shards, [])).toEqual([]);
  expect(compareQuiet(snapshotOf(rowOf()), shards, [])).toHaveLength(1);
  const behind = [{ ...shards[0], behind: { wallet: 2, history: 1 } }] as unknown as ShardFindings[];
  expect(compareQuiet(snapshotOf(), behind, [])).toHaveLength(2);
  const metrics = 'bourse_settler_lag_records{shard="0"} 3\nbourse_journal_waiting_records 0\nprocess_cpu 5';
  expect(restlessGauges(metrics)).toEqual(['bourse_settler_lag_records{shard="0"} 3']);
});
