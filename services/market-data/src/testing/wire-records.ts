import {
  type Event,
  EventSchema,
  type Record,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { type Market, MarketSchema, OrderStatus, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create } from "@bufbuild/protobuf";
import type { MarketEvent, ShardRecord } from "../core/events.js";
import { testMarket } from "./simple-matcher.js";

/** A record as the matcher sends it. */
export function wireRecord(record: ShardRecord): Record {
  return create(RecordSchema, {
    seq: BigInt(record.seq),
    epoch: BigInt(record.epoch),
    timeMs: BigInt(record.timeMs),
    events: record.events.map(wireEvent),
  });
}

/** The market of the tests as the matcher sends it. */
export function wireMarket(symbol?: string, shard?: number): Market {
  return create(MarketSchema, testMarket(symbol, shard).listing);
}

function wireEvent(event: MarketEvent): Event {
  if (event.type === "market_added") {
    const market = create(MarketSchema, event.market.listing);
    return create(EventSchema, { kind: { case: "marketAdded", value: { market } } });
  }
  const at = { symbol: event.symbol, priceTicks: BigInt(event.priceTicks) };
  if (event.type === "traded") {
    const { tradeId, index } = event;
    const value = { ...at, tradeId, index, quantityLots: BigInt(event.quantityLots) };
    return create(EventSchema, {
      kind: { case: "trade", value: { ...value, takerSide: sideOf(event.takerSide) } },
    });
  }
  const value = { ...at, side: sideOf(event.side), remainingLots: BigInt(event.quantityLots) };
  if (event.type === "rested") return create(EventSchema, { kind: { case: "rested", value } });
  const ended = { ...value, status: OrderStatus.CANCELLED, wasResting: true, executedTickLots: "0" };
  return create(EventSchema, { kind: { case: "ended", value: ended } });
}

function sideOf(side: "buy" | "sell"): Side {
  return side === "buy" ? Side.BUY : Side.SELL;
}
