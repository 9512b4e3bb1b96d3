// The matcher's messages as what the views need. Events of no public interest are left out.
import { assert } from "@bourse/shared/assert.js";
import type { Event, Record } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { type Market as WireMarket, Side as WireSide } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { gridOf } from "@bourse/shared/units/market.js";
import type { ListedMarket, MarketEvent, ShardRecord, Side } from "../core/events.js";

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
    case "marketAdded": {
      const { market } = kind.value;
      assert(market !== undefined, "MarketAdded carries the market");
      return [{ type: "market_added", market: decodeMarket(market) }];
    }
    // Nothing public changes; undefined is an event of a later version.
    case "accepted":
    case "selfTradePrevented":
    case undefined:
      return [];
  }
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
