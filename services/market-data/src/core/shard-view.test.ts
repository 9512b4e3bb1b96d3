import type { Record } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { MarketState, SelfTradePrevention } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeBook, decodeMarket } from "../io/matcher-events.js";
import { applyWire, play, playStep, session } from "../testing/flow-of.js";
import { marketRecord, simpleMatcher, testMarket, timeOf } from "../testing/simple-matcher.js";
import { bestLevels, levelCount } from "./depth.js";
import type { Level, ShardRecord } from "./events.js";
import {
  applyRecords,
  emptyShardView,
  isContinuation,
  listMarket,
  loadBooks,
  type MarketView,
  type ShardView,
} from "./shard-view.js";
import { latestTrades } from "./trades.js";

/** A view after the market's record and these. */
function viewAfter(records: readonly Record[]): { view: ShardView; market: MarketView } {
  const view = emptyShardView(10);
  applyWire(view, ...records);
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

  test("follows an amend: less keeps its level, anything else leaves it and may rest anew", () => {
    const matcher = simpleMatcher();
    const records = [
      marketRecord(matcher),
      matcher.place({ side: "buy", priceTicks: 100, quantityLots: 5 }),
      matcher.place({ side: "buy", priceTicks: 100, quantityLots: 7 }),
      matcher.place({ side: "sell", priceTicks: 104, quantityLots: 2 }),
      matcher.amend(0, { priceTicks: 100, openLots: 3 }),
    ];
    const levels = () => bestLevels(viewAfter(records).market.depth, "buy");
    expect(levels()).toEqual([{ priceTicks: 100, quantityLots: 10n }]);
    records.push(matcher.amend(0, { priceTicks: 100, openLots: 8 }));
    expect(levels()).toEqual([{ priceTicks: 100, quantityLots: 15n }]);
    records.push(matcher.amend(0, { priceTicks: 101, openLots: 7 }));
    expect(levels()).toEqual([
      { priceTicks: 101, quantityLots: 7n },
      { priceTicks: 100, quantityLots: 8n },
    ]);
    // It crosses: trades as a taker, and the rest comes to its new price.
    records.push(matcher.amend(2, { priceTicks: 104, openLots: 7 }));
    expect(levels()[0]).toEqual({ priceTicks: 104, quantityLots: 5n });
    records.push(matcher.amend(1, { priceTicks: 104, openLots: 0 }));
    expect(levels()).toEqual(matcher.levels("buy"));
  });

  test.each([
    ["CANCEL_TAKER keeps the maker", SelfTradePrevention.CANCEL_TAKER, 9n, undefined],
    ["CANCEL_MAKER lets the taker rest", SelfTradePrevention.CANCEL_MAKER, undefined, 4n],
    ["CANCEL_BOTH leaves nothing", SelfTradePrevention.CANCEL_BOTH, undefined, undefined],
    ["DECREMENT lowers the maker", SelfTradePrevention.DECREMENT, 5n, undefined],
  ])("after a prevention: %s", (_, mode, ask, bid) => {
    const matcher = simpleMatcher();
    const own = { priceTicks: 100, userId: "ann", mode };
    const { market } = viewAfter([
      marketRecord(matcher),
      matcher.place({ ...own, side: "sell", quantityLots: 9 }),
      matcher.place({ ...own, side: "buy", quantityLots: 4 }),
    ]);
    expect(bestLevels(market.depth, "sell")[0]?.quantityLots).toBe(ask);
    expect(bestLevels(market.depth, "buy")[0]?.quantityLots).toBe(bid);
    expect(latestTrades(market.trades, 1)).toEqual([]);
  });

  test("shows a stop only once it fired", () => {
    const matcher = simpleMatcher();
    const records = [
      marketRecord(matcher),
      matcher.place({ side: "buy", priceTicks: 99, quantityLots: 6, stopTicks: 100 }),
      matcher.amend(0, { priceTicks: 98, openLots: 9 }),
      matcher.place({ side: "sell", priceTicks: 100, quantityLots: 1 }),
    ];
    expect(bestLevels(viewAfter(records).market.depth, "buy")).toEqual([]);
    records.push(matcher.place({ side: "buy", priceTicks: 100, quantityLots: 1 }));
    expect(bestLevels(viewAfter(records).market.depth, "buy")).toEqual([
      { priceTicks: 98, quantityLots: 9n },
    ]);
  });

  test("reads prevention of rules 1, which said no mode, as it was: the taker ends", () => {
    const matcher = simpleMatcher();
    const own = { priceTicks: 100, userId: "ann", mode: SelfTradePrevention.UNSPECIFIED };
    const { market } = viewAfter([
      marketRecord(matcher),
      matcher.place({ ...own, side: "sell", quantityLots: 9 }),
      matcher.place({ ...own, side: "buy", quantityLots: 4 }),
    ]);
    expect(bestLevels(market.depth, "sell")).toEqual([{ priceTicks: 100, quantityLots: 9n }]);
  });

  test("goes on from a book read whole as it does from its records", () => {
    fc.assert(
      fc.property(session(30), session(30), (before, after) => {
        const { matcher } = play(before);
        const view = emptyShardView(10);
        loadBooks(view, { epoch: 1, seq: matcher.seq }, [decodeBook(matcher.book())]);
        const { depth } = view.markets.get("BTC/USDT") as MarketView;
        expect(depth.lastUpdateId).toBe(matcher.seq);
        for (const step of after) {
          applyWire(view, playStep(matcher, step));
          for (const side of ["buy", "sell"] as const)
            expect(bestLevels(depth, side)).toEqual(matcher.levels(side));
        }
      }),
    );
  });

  test("refuses a book whose levels are out of order or crossed", () => {
    const market = decodeMarket(testMarket());
    const at = { epoch: 1, seq: 5 };
    const level = (priceTicks: number, quantityLots = 1n) => ({ priceTicks, quantityLots });
    const load = (bids: Level[], asks: Level[]) => () =>
      loadBooks(emptyShardView(10), at, [{ market, bids, asks }]);
    expect(load([level(1), level(2)], [])).toThrow("levels are in order");
    expect(load([], [level(3), level(3)])).toThrow("levels are in order");
    expect(load([level(1, 0n)], [])).toThrow("none is empty");
    expect(load([level(3)], [level(2)])).toThrow("the book is not crossed");
  });

  test("equals the orders that rest, however they were batched", () => {
    fc.assert(
      fc.property(session(), fc.array(fc.integer({ min: 1, max: 7 })), (steps, sizes) => {
        const { matcher, records } = play(steps);
        const view = emptyShardView(10);
        for (let from = 0, turn = 0; from < records.length; turn += 1) {
          const size = sizes[turn % Math.max(1, sizes.length)] ?? 3;
          applyWire(view, ...records.slice(from, from + size));
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
    const { market } = viewAfter([
      marketRecord(matcher),
      ...[huge, huge, huge].map((order) => matcher.place(order)),
    ]);
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

test("a market is what its last change made it, whatever a header said before", () => {
  const matcher = simpleMatcher();
  const view = emptyShardView(10);
  const { POST_ONLY, HALTED } = MarketState;
  listMarket(view, decodeMarket({ ...testMarket(), state: HALTED }));
  const { status, symbol } = view.markets.get("BTC/USDT") as MarketView;
  expect(status).toEqual({ state: HALTED, reason: "", changedAtMs: undefined, seq: 0 });
  applyWire(view, marketRecord(matcher));
  expect(view.markets.get(symbol)?.status).toMatchObject({ state: MarketState.TRADING, seq: 1 });
  const [update] = applyWire(view, matcher.setState(POST_ONLY, "news"), matcher.setState(HALTED, "worse"));
  expect(update).toMatchObject({
    hasDepthChanged: false,
    statuses: [
      { state: POST_ONLY, reason: "news", changedAtMs: timeOf(2), seq: 2 },
      { state: HALTED, reason: "worse", changedAtMs: timeOf(3), seq: 3 },
    ],
  });
  expect(update?.market.status).toBe(update?.statuses[1]);
});

describe("a batch continues a view", () => {
  const at = (seq: number, epoch: number): ShardRecord => ({ seq, epoch, timeMs: 0, events: [] });
  const view = emptyShardView(10);
  applyRecords(view, [at(1, 3), at(2, 3)]);

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
