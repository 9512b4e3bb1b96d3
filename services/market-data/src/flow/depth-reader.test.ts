import { crc32 } from "node:zlib";
import { formatPrice, formatQuantity } from "@bourse/shared/units/market.js";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { bestLevels } from "../core/depth.js";
import type { Side } from "../core/events.js";
import { emptyShardView, type MarketView } from "../core/shard-view.js";
import { applyWire, playStep, session } from "../testing/flow-of.js";
import { marketRecord, simpleMatcher } from "../testing/simple-matcher.js";
import { type DepthGround, type DepthMessage, nextDiff, openDepthReader } from "./depth-reader.js";

function ground(): DepthGround {
  return { crc32, lastDiffs: new WeakMap() };
}

/** A reader on the other side of the wire: it knows only what it is sent, as text. */
function textReader(market: MarketView, levels: number) {
  const book = { buy: new Map<number, string>(), sell: new Map<number, string>() };
  let lastUpdateId = 0;
  const put = (side: Side, sent: Extract<DepthMessage, { type: "diff" | "snapshot" }>) => {
    for (const { priceTicks, quantityLots } of side === "buy" ? sent.bids : sent.asks) {
      if (quantityLots === 0n) book[side].delete(priceTicks);
      else book[side].set(priceTicks, formatQuantity(market.grid, quantityLots));
    }
  };
  const sorted = (side: Side) => [...book[side]].sort(([a], [b]) => (side === "buy" ? b - a : a - b));
  return {
    book: (side: Side) => sorted(side).slice(0, levels === 0 ? undefined : levels),
    checksum() {
      const max = levels === 0 ? 10 : Math.min(10, levels);
      const text = (side: Side) =>
        sorted(side)
          .slice(0, max)
          .map(([price, quantity]) => `${formatPrice(market.grid, price)}:${quantity}`);
      return crc32([...text("buy"), ...text("sell")].join(","));
    },
    take(message: DepthMessage) {
      if (message.type === "heartbeat") return;
      if (message.type === "diff") expect(message.prevUpdateId).toBe(lastUpdateId);
      else for (const side of ["buy", "sell"] as const) book[side].clear();
      put("buy", message);
      put("sell", message);
      lastUpdateId = message.lastUpdateId;
    },
  };
}

function marketWithSession() {
  const matcher = simpleMatcher();
  const view = emptyShardView(10);
  applyWire(view, marketRecord(matcher));
  return { matcher, view, market: view.markets.get("BTC/USDT") as MarketView };
}

describe("diffs replayed onto the snapshot", () => {
  test("equal the book and its checksum, for every number of levels and every lag", () => {
    const levels = fc.constantFrom(0, 1, 2, 3, 5, 20);
    const reads = fc.array(fc.boolean(), { minLength: 1 });
    fc.assert(
      fc.property(session(20), session(), levels, reads, (before, steps, levels, reads) => {
        const { matcher, view, market } = marketWithSession();
        for (const step of before) applyWire(view, playStep(matcher, step));
        const { reader, snapshot } = openDepthReader(market, levels, ground());
        const far = textReader(market, levels);
        far.take(snapshot);
        steps.forEach((step, number) => {
          applyWire(view, playStep(matcher, step));
          // A slow reader skips some turns; one diff then covers them.
          if (reads[number % reads.length] !== true && number < steps.length - 1) return;
          const message = nextDiff(reader);
          if (message === undefined) return;
          far.take(message);
          for (const side of ["buy", "sell"] as const) {
            const own = bestLevels(market.depth, side, levels === 0 ? undefined : levels);
            const text = own.map((level) => [
              level.priceTicks,
              formatQuantity(market.grid, level.quantityLots),
            ]);
            expect(far.book(side)).toEqual(text);
          }
          expect(far.checksum()).toBe(message.checksum);
        });
        expect(nextDiff(reader)).toBeUndefined();
      }),
      { numRuns: 300 },
    );
  });

  test("readers in step share one diff", () => {
    const { matcher, view, market } = marketWithSession();
    const both = ground();
    const [one, other] = [openDepthReader(market, 0, both), openDepthReader(market, 0, both)];
    applyWire(view, matcher.place({ side: "buy", priceTicks: 100, quantityLots: 1 }));
    expect(nextDiff(one.reader)).toBe(nextDiff(other.reader));
  });

  test("a reader behind more than is remembered gets a snapshot", () => {
    const { matcher, view, market } = marketWithSession();
    const { reader } = openDepthReader(market, 0, ground());
    for (let turn = 0; turn < 1_100; turn += 1) {
      applyWire(view, matcher.place({ side: "buy", priceTicks: 1 + turn, quantityLots: 1 }));
    }
    const message = nextDiff(reader);
    expect(message?.type).toBe("snapshot");
    expect(message?.lastUpdateId).toBe(matcher.seq);
  });
});

test("the checksum is CRC-32 of the documented text", () => {
  const { matcher, view, market } = marketWithSession();
  const place = (side: Side, priceTicks: number, quantityLots: number) =>
    applyWire(view, matcher.place({ side, priceTicks, quantityLots }));
  place("buy", 4_999_950, 150_000);
  place("buy", 5_000_000, 100);
  place("sell", 5_000_100, 25_000);
  const { snapshot } = openDepthReader(market, 0, ground());
  expect(snapshot.checksum).toBe(crc32("50000:0.001,49999.5:1.5,50001:0.25"));
});
