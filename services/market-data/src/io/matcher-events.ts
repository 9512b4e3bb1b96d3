// The matcher's messages as what the views need. Events of no public interest are left out.
import { assert } from "@bourse/shared/assert.js";
import type {
  Event,
  OrderAmended,
  Record,
  SelfTradePrevented,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { BookLevel, BookSnapshot } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import {
  SelfTradePrevention,
  type Market as WireMarket,
  Side as WireSide,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { gridOf } from "@bourse/shared/units/market.js";
import type { Level, ListedMarket, MarketEvent, ShardBook, ShardRecord, Side } from "../core/events.js";

/** Records of a shard, with the events that change a public view. */
export function decodeRecords(records: readonly Record[]): ShardRecord[] {
  return records.map((record) => ({
    seq: whole(record.seq),
    epoch: whole(record.epoch),
    timeMs: whole(record.timeMs),
    events: record.events.flatMap(decodeEvent),
  }));
}

/** A market with its grid. */
export function decodeMarket(market: WireMarket): ListedMarket {
  return { listing: market, grid: gridOf(market) };
}

/** A whole book. */
export function decodeBook({ market, bids, asks }: BookSnapshot): ShardBook {
  assert(market !== undefined, "a book names its market");
  return { market: decodeMarket(market), bids: bids.map(decodeLevel), asks: asks.map(decodeLevel) };
}

function decodeLevel({ priceTicks, quantityLots }: BookLevel): Level {
  return { priceTicks: whole(priceTicks), quantityLots: BigInt(quantityLots) };
}

function decodeEvent({ kind }: Event): MarketEvent[] {
  switch (kind.case) {
    case "rested": {
      const { symbol, side, priceTicks, remainingLots } = kind.value;
      return [
        {
          type: "rested",
          symbol,
          side: sideOf(side),
          priceTicks: whole(priceTicks),
          quantityLots: whole(remainingLots),
        },
      ];
    }
    case "trade": {
      const { symbol, tradeId, takerSide, priceTicks, quantityLots, index } = kind.value;
      return [
        {
          type: "traded",
          symbol,
          tradeId,
          takerSide: sideOf(takerSide),
          priceTicks: whole(priceTicks),
          quantityLots: whole(quantityLots),
          index,
        },
      ];
    }
    case "ended": {
      const { symbol, side, priceTicks, remainingLots, wasResting } = kind.value;
      if (!wasResting) return [];
      return [
        {
          type: "left",
          symbol,
          side: sideOf(side),
          priceTicks: whole(priceTicks),
          quantityLots: whole(remainingLots),
        },
      ];
    }
    case "amended":
      return decodeAmend(kind.value);
    case "selfTradePrevented":
      return decodePrevention(kind.value);
    case "marketStateChanged": {
      const { symbol, state, reason } = kind.value;
      return [{ type: "state_changed", symbol, state, reason }];
    }
    case "marketAdded": {
      const { market } = kind.value;
      assert(market !== undefined, "MarketAdded carries the market");
      return [{ type: "market_added", market: decodeMarket(market) }];
    }
    // Nothing public changes: a stop waits outside the book. Undefined is an event of a later version.
    case "accepted":
    case "stopPlaced":
    case "stopTriggered":
    case "amendRefused":
    case "switchSet":
    case undefined:
      return [];
  }
}

/** An order that keeps its place gives some of its quantity up; one that loses it leaves, and may rest anew. */
function decodeAmend(amended: OrderAmended): MarketEvent[] {
  if (!amended.wasResting) return [];
  const kept = amended.keepsPlace ? whole(amended.remainingLots) : 0;
  const quantityLots = whole(amended.oldRemainingLots) - kept;
  assert(quantityLots >= 0, "who gets more loses the place");
  const at = { side: sideOf(amended.side), priceTicks: whole(amended.oldPriceTicks) };
  return [{ type: "left", symbol: amended.symbol, ...at, quantityLots }];
}

/** DECREMENT takes from the resting order; in the other modes whoever leaves the book has an end of its own. */
function decodePrevention(prevented: SelfTradePrevented): MarketEvent[] {
  if (prevented.mode !== SelfTradePrevention.DECREMENT) return [];
  const { symbol, priceTicks, quantityLots } = prevented;
  const side = sideOf(prevented.takerSide) === "buy" ? "sell" : "buy";
  return [{ type: "left", symbol, side, priceTicks: whole(priceTicks), quantityLots: whole(quantityLots) }];
}

function whole(value: bigint): number {
  const number = Number(value);
  assert(Number.isSafeInteger(number), "a count on the wire is a safe integer");
  return number;
}

function sideOf(side: WireSide): Side {
  assert(side === WireSide.BUY || side === WireSide.SELL, "an event's side is buy or sell");
  return side === WireSide.BUY ? "buy" : "sell";
}
