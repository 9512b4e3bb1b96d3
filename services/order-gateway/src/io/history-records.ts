// The matcher's messages as what the order history needs.
import { assert } from "@bourse/shared/assert.js";
import type {
  Event,
  OrderTerms,
  Record,
  TradeParty,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type Grid, gridOf } from "@bourse/shared/units/market.js";
import type { HistoryEvent, HistoryParty, HistoryRecord, HistoryTerms } from "../core/order-history.js";

/** Records of a shard, with the events that change the history. */
export function decodeHistory(records: readonly Record[]): HistoryRecord[] {
  return records.map((record) => ({
    seq: whole(record.seq),
    epoch: whole(record.epoch),
    timeMs: whole(record.timeMs),
    events: record.events.flatMap((event) => decodeEvent(event) ?? []),
  }));
}

/** Grid of a market. */
export function decodeGrid(market: Market): Grid {
  return gridOf(market);
}

function decodeEvent({ kind }: Event): HistoryEvent | undefined {
  switch (kind.case) {
    case "accepted":
      return { type: "accepted", terms: decodeTerms(kind.value.terms) };
    case "trade": {
      const { tradeId, symbol, priceTicks, quantityLots, takerSide, maker, taker, index } = kind.value;
      return {
        type: "traded",
        tradeId,
        symbol,
        priceTicks: whole(priceTicks),
        quantityLots: whole(quantityLots),
        takerSide,
        maker: decodeParty(maker),
        taker: decodeParty(taker),
        index,
      };
    }
    case "ended": {
      const { orderId, symbol, status, reason, executedLots, executedTickLots, createdAtMs } = kind.value;
      return {
        type: "ended",
        orderId,
        symbol,
        status,
        reason,
        executedLots: whole(executedLots),
        executedTickLots: BigInt(executedTickLots),
        createdAtMs: whole(createdAtMs),
        terms: kind.value.terms === undefined ? undefined : decodeTerms(kind.value.terms),
        isTombstone: kind.value.isTombstone,
      };
    }
    case "marketAdded":
      assert(kind.value.market !== undefined, "MarketAdded carries the market");
      return { type: "market_added", grid: gridOf(kind.value.market) };
    // Says nothing that accepted, traded and ended do not; undefined is an event of a later version.
    case "rested":
    case "selfTradePrevented":
    case undefined:
      return undefined;
  }
}

function decodeTerms(terms: OrderTerms | undefined): HistoryTerms {
  assert(terms !== undefined, "OrderAccepted carries the terms");
  const { orderId, userId, clientOrderId, symbol, side, type, timeInForce, postOnly } = terms;
  return {
    ...{ orderId, userId, clientOrderId, symbol, side, type, timeInForce, postOnly },
    priceTicks: whole(terms.priceTicks),
    quantityLots: whole(terms.quantityLots),
    // A budget that was derived from a quantity is not the client's.
    quoteBudget: terms.byQuoteBudget ? terms.quoteBudget : "",
  };
}

function decodeParty(party: TradeParty | undefined): HistoryParty {
  assert(party !== undefined, "a trade has two parties");
  const { orderId, userId, clientOrderId, feePpm, receivedBefore, createdAtMs } = party;
  return {
    ...{ orderId, userId, clientOrderId, feePpm },
    receivedBefore: BigInt(receivedBefore),
    createdAtMs: whole(createdAtMs),
  };
}

function whole(value: bigint): number {
  const number = Number(value);
  assert(Number.isSafeInteger(number), "a count on the wire is a safe integer");
  return number;
}
