// The matcher's messages as what the order history needs.
import { assert } from "@bourse/shared/assert.js";
import type {
  Event,
  OrderTerms,
  Record,
  SelfTradePrevented,
  TradeParty,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { type Market, SelfTradePrevention } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { type Grid, gridOf } from "@bourse/shared/units/market.js";
import type { HistoryEvent, HistoryParty, HistoryRecord, HistoryTerms } from "../core/order-history-types.js";

/** Records of a shard, with the events that change the history. */
export function decodeHistory(records: readonly Record[]): HistoryRecord[] {
  return records.map((record) => ({
    seq: whole(record.seq),
    epoch: whole(record.epoch),
    timeMs: whole(record.timeMs),
    events: record.events.flatMap((event) => decodeEvent(record, event) ?? []),
  }));
}

/** Grid of a market. */
export function decodeGrid(market: Market): Grid {
  return gridOf(market);
}

function decodeEvent(record: Record, { kind }: Event): HistoryEvent | undefined {
  switch (kind.case) {
    case "accepted":
      // Since rules 2 the terms stand in the record's command only.
      return { type: "accepted", terms: decodeTerms(kind.value.terms ?? submittedTerms(record)) };
    case "stopPlaced":
      return { type: "stop_placed", orderId: kind.value.orderId };
    case "stopTriggered":
      return { type: "stop_triggered", orderId: kind.value.orderId, symbol: kind.value.symbol };
    case "amended": {
      const { orderId, symbol, priceTicks, quantityLots, createdAtMs } = kind.value;
      return {
        type: "amended",
        ...{ orderId, symbol },
        priceTicks: whole(priceTicks),
        quantityLots: whole(quantityLots),
        createdAtMs: whole(createdAtMs),
      };
    }
    case "selfTradePrevented":
      return decodePrevention(kind.value);
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
        amendedPriceTicks: whole(kind.value.amendedPriceTicks),
        amendedQuantityLots: whole(kind.value.amendedQuantityLots),
        terms: kind.value.terms === undefined ? undefined : decodeTerms(kind.value.terms),
        isTombstone: kind.value.isTombstone,
      };
    }
    case "marketAdded":
      assert(kind.value.market !== undefined, "MarketAdded carries the market");
      return { type: "market_added", grid: gridOf(kind.value.market) };
    // Says nothing about an order that the others do not; undefined is an event of a later version.
    case "rested":
    case "amendRefused":
    case "marketStateChanged":
    case "switchSet":
    case undefined:
      return undefined;
  }
}

/** Only DECREMENT changes an order that goes on; whoever else ends has an event of its own. */
function decodePrevention(prevented: SelfTradePrevented): HistoryEvent | undefined {
  if (prevented.mode !== SelfTradePrevention.DECREMENT) return undefined;
  const { symbol, quantityLots, takerOrderId, makerOrderId } = prevented;
  const taker = { orderId: takerOrderId, remainingLots: whole(prevented.takerRemainingLots) };
  const maker = { orderId: makerOrderId, remainingLots: whole(prevented.makerRemainingLots) };
  return { type: "decremented", symbol, quantityLots: whole(quantityLots), orders: [maker, taker] };
}

function submittedTerms({ command }: Record): OrderTerms | undefined {
  return command?.kind.case === "submit" ? command.kind.value.terms : undefined;
}

function decodeTerms(terms: OrderTerms | undefined): HistoryTerms {
  assert(terms !== undefined, "an accepted or refused order has terms");
  return {
    orderId: terms.orderId,
    userId: terms.userId,
    clientOrderId: terms.clientOrderId,
    symbol: terms.symbol,
    side: terms.side,
    type: terms.type,
    timeInForce: terms.timeInForce,
    postOnly: terms.postOnly,
    selfTradePrevention: terms.selfTradePrevention,
    priceTicks: whole(terms.priceTicks),
    stopPriceTicks: whole(terms.stopPriceTicks),
    quantityLots: whole(terms.quantityLots),
    // A budget that was derived from a quantity is not the client's.
    quoteBudget: terms.byQuoteBudget ? terms.quoteBudget : "",
  };
}

function decodeParty(party: TradeParty | undefined): HistoryParty {
  assert(party !== undefined, "a trade has two parties");
  return {
    orderId: party.orderId,
    userId: party.userId,
    clientOrderId: party.clientOrderId,
    feePpm: party.feePpm,
    receivedBefore: BigInt(party.receivedBefore),
    createdAtMs: whole(party.createdAtMs),
  };
}

function whole(value: bigint): number {
  const number = Number(value);
  assert(Number.isSafeInteger(number), "a count on the wire is a safe integer");
  return number;
}
