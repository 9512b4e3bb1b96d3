import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { play, session } from "../testing/flow-of.js";
import { marketRecord, simpleMatcher } from "../testing/simple-matcher.js";
import { bestLevels, levelCount } from "./depth.js";
import type { ShardRecord } from "./events.js";
import {
  applyRecords,
  emptyShardView,
  isContinuation,
  type MarketView,
  type ShardView,
} from "./shard-view.js";
import { latestTrades } from "./trades.js";

/** A view after the market's record and these. */
function viewAfter(records: readonly ShardRecord[]): { view: ShardView; market: MarketView } {
  const view = emptyShardView(10);
  applyRecords(view, records);
  return { view, market: view.markets.get("BTC/USDT") as MarketView };
}

describe("the book from events", () => {
  test("adds what rests, takes what trades, drops what leaves", () => {
    const matcher = simpleMatcher();
    const records = [
      marketRecord(matcher),
      matcher.place({ side: "buy", priceTicks: 100, quantityLots: 5 }),
      matcher.place({ side: "buy", priceTicks: 101, quantityLots: 2 }),
      matcher.place({ side: "sell", priceTicks: 100, quantityLots: 4 }),
      matcher.place({ side: "sell", priceTicks: 103, quantityLots: 1 }),
    ];
    const { market } = viewAfter(records);
    expect(bestLevels(market.depth, "buy")).toEqual([{ priceTicks: 100, quantityLots: 3n }]);
    expect(bestLevels(market.depth, "sell")).toEqual([{ priceTicks: 103, quantityLots: 1n }]);
    expect(
      latestTrades(market.trades, 10).map(({ seq, index, priceTicks }) => [seq, index, priceTicks]),
    ).toEqual([
      [4, 1, 100],
      [4, 0, 101],
    ]);
  });

  test("equals the orders that rest, however they were batched", () => {
    fc.assert(
      fc.property(session(), fc.array(fc.integer({ min: 1, max: 7 })), (steps, sizes) => {
        const { matcher, records } = play(steps);
        const view = emptyShardView(10);
        for (let from = 0, turn = 0; from < records.length; turn += 1) {
          const size = sizes[turn % Math.max(1, sizes.length)] ?? 3;
          applyRecords(view, records.slice(from, from + size));
          from += size;
        }
        const { depth } = view.markets.get("BTC/USDT") as MarketView;
        for (const side of ["buy", "sell"] as const) {
          expect(bestLevels(depth, side)).toEqual(matcher.levels(side));
          expect(levelCount(depth, side)).toBe(matcher.levels(side).length);
        }
      }),
    );
  });

  test("sums above 2^53 stay exact", () => {
    const matcher = simpleMatcher();
    const lots = Number.MAX_SAFE_INTEGER;
    const huge = { side: "buy", priceTicks: 1, quantityLots: lots } as const;
    const { market } = viewAfter([marketRecord(matcher), ...[huge, huge, huge].map(matcher.place)]);
    expect(bestLevels(market.depth, "buy")).toEqual([{ priceTicks: 1, quantityLots: 3n * BigInt(lots) }]);
  });

  test("a level that would become negative stops the process", () => {
    const matcher = simpleMatcher();
    const { view } = viewAfter([marketRecord(matcher), matcher.tick()]);
    const left = { type: "left", symbol: "BTC/USDT", side: "buy", priceTicks: 7, quantityLots: 1 } as const;
    expect(() => applyRecords(view, [{ seq: 3, epoch: 1, timeMs: 0, events: [left] }])).toThrow(
      "a level is not negative",
    );
  });

  test("a crossed book stops the process", () => {
    const matcher = simpleMatcher();
    const { view } = viewAfter([
      marketRecord(matcher),
      matcher.place({ side: "buy", priceTicks: 9, quantityLots: 1 }),
    ]);
    const rested = {
      type: "rested",
      symbol: "BTC/USDT",
      side: "sell",
      priceTicks: 9,
      quantityLots: 1,
    } as const;
    const record = { seq: 3, epoch: 1, timeMs: 0, events: [rested] };
    expect(() => applyRecords(view, [record])).toThrow("the book is not crossed");
  });
});

describe("a batch continues a view", () => {
  const at = (seq: number, epoch: number): ShardRecord => ({ seq, epoch, timeMs: 0, events: [] });
  const { view } = viewAfter([at(1, 3), at(2, 3)]);

  test.each([
    ["the next seq of the same epoch", [at(3, 3)], true],
    ["the next seq of a higher epoch", [at(3, 3), at(4, 9)], true],
    ["a gap", [at(4, 3)], false],
    ["a gap inside", [at(3, 3), at(5, 3)], false],
    ["a repeat", [at(2, 3)], false],
    ["a lower epoch", [at(3, 2)], false],
  ])("%s", (_, records, expected) => {
    expect(isContinuation(view, records)).toBe(expected);
  });
});

test("the ring keeps the newest trades, newest first", () => {
  const matcher = simpleMatcher();
  const pairs = Array.from({ length: 12 }, (_, number) => [
    matcher.place({ side: "buy", priceTicks: 100 + number, quantityLots: 1 }),
    matcher.place({ side: "sell", priceTicks: 100 + number, quantityLots: 1 }),
  ]).flat();
  const { market } = viewAfter([marketRecord(matcher), ...pairs]);
  const prices = (max: number) => latestTrades(market.trades, max).map(({ priceTicks }) => priceTicks);
  expect(prices(3)).toEqual([111, 110, 109]);
  expect(prices(1_000)).toEqual([111, 110, 109, 108, 107, 106, 105, 104, 103, 102]);
});
