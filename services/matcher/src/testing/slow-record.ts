// Records as the generator's own code encodes them: the plainest way, and what record-bytes.ts is compared with.
import {
  type CommandSchema,
  type EventSchema,
  type OrderEndedSchema,
  OrderTermsSchema,
  RecordSchema,
  type TradePartySchema,
  type OrderTerms as WireTerms,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { Side as WireSide } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { tradeIdOf } from "@bourse/shared/ids.js";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type {
  Command,
  JournalRecord,
  MatcherEvent,
  OrderEnded,
  TradeExecuted,
  TradeParty,
} from "../core/types.js";
import { marketInit, termsInit } from "../rpc/matcher-wire.js";
import { reasons, sides, statuses } from "../rpc/matcher-words.js";

/** Bytes of bourse.matcher.v1.Record. */
export function slowRecordBytes(shard: number, record: JournalRecord): Uint8Array {
  return toBinary(RecordSchema, create(RecordSchema, recordInit(shard, record)));
}

function recordInit(shard: number, record: JournalRecord): MessageInitShape<typeof RecordSchema> {
  // The terms of a new order stand in its command and in its first event: made once.
  const { command } = record;
  const terms = command.type === "submit" ? create(OrderTermsSchema, termsInit(command.terms)) : undefined;
  return {
    seq: BigInt(record.seq),
    epoch: BigInt(record.epoch),
    timeMs: BigInt(record.timeMs),
    command: commandInit(command, record.traceparent, terms),
    events: record.events.map((event) =>
      event.type === "accepted" && terms !== undefined
        ? { kind: { case: "accepted", value: { terms } } }
        : eventInit(shard, record.seq, event),
    ),
  };
}

function commandInit(
  command: Command,
  traceparent: string,
  terms: WireTerms | undefined,
): MessageInitShape<typeof CommandSchema> {
  switch (command.type) {
    case "submit": {
      const expiresAtMs = BigInt(command.expiresAtMs);
      const value = { terms: terms ?? termsInit(command.terms), expiresAtMs };
      return { kind: { case: "submit", value }, traceparent };
    }
    case "cancel":
      return {
        kind: { case: "cancel", value: { orderId: command.orderId, userId: command.userId } },
        traceparent,
      };
    case "resolve": {
      const value = {
        orderId: command.orderId,
        userId: command.userId,
        symbol: command.symbol,
        tombstoneStatus: statuses[command.tombstoneStatus],
        tombstoneReason: reasons[command.tombstoneReason],
        expiresAtMs: BigInt(command.expiresAtMs),
        cancelIfOpen: command.cancelIfOpen,
      };
      return { kind: { case: "resolve", value }, traceparent };
    }
    case "addMarket":
      return { kind: { case: "addMarket", value: { market: marketInit(command.market) } }, traceparent };
    case "startEpoch":
      return { kind: { case: "startEpoch", value: { epoch: BigInt(command.epoch) } }, traceparent };
    case "tick":
      return { kind: { case: "tick", value: {} }, traceparent };
  }
}

function eventInit(shard: number, seq: number, event: MatcherEvent): MessageInitShape<typeof EventSchema> {
  switch (event.type) {
    case "accepted":
      return { kind: { case: "accepted", value: { terms: termsInit(event.terms) } } };
    case "rested": {
      const { orderId, symbol } = event;
      const priceTicks = BigInt(event.priceTicks);
      const remainingLots = BigInt(event.remainingLots);
      return {
        kind: {
          case: "rested",
          value: { orderId, symbol, side: sides[event.side], priceTicks, remainingLots },
        },
      };
    }
    case "trade":
      return { kind: { case: "trade", value: tradeInit(shard, seq, event) } };
    case "selfTradePrevented": {
      const { symbol, takerOrderId, makerOrderId } = event;
      const priceTicks = BigInt(event.priceTicks);
      const quantityLots = BigInt(event.quantityLots);
      return {
        kind: {
          case: "selfTradePrevented",
          value: { symbol, takerOrderId, makerOrderId, priceTicks, quantityLots },
        },
      };
    }
    case "ended":
      return { kind: { case: "ended", value: endedInit(event) } };
    case "marketAdded":
      return { kind: { case: "marketAdded", value: { market: marketInit(event.market) } } };
  }
}

function tradeInit(shard: number, seq: number, event: TradeExecuted) {
  return {
    tradeId: tradeIdOf(shard, seq, event.index),
    symbol: event.symbol,
    priceTicks: BigInt(event.priceTicks),
    quantityLots: BigInt(event.quantityLots),
    takerSide: sides[event.takerSide],
    maker: partyInit(event.maker),
    taker: partyInit(event.taker),
    buyerLimitTicks: BigInt(event.buyerLimitTicks),
    index: event.index,
  };
}

function partyInit(party: TradeParty): MessageInitShape<typeof TradePartySchema> {
  const createdAtMs = BigInt(party.createdAtMs);
  const remainingLots = BigInt(party.remainingLots);
  return { ...party, createdAtMs, remainingLots };
}

function endedInit(event: OrderEnded): MessageInitShape<typeof OrderEndedSchema> {
  const { resting, terms } = event;
  const init: MessageInitShape<typeof OrderEndedSchema> = {
    orderId: event.orderId,
    userId: event.userId,
    symbol: event.symbol,
    status: statuses[event.status],
    reason: reasons[event.reason],
    executedLots: BigInt(event.executedLots),
    executedTickLots: event.executedTickLots,
    remainingLots: BigInt(event.remainingLots),
    createdAtMs: BigInt(event.createdAtMs),
    acceptedSeq: BigInt(event.acceptedSeq),
    isTombstone: event.isTombstone,
    wasResting: resting !== undefined,
    side: resting === undefined ? WireSide.UNSPECIFIED : sides[resting.side],
    priceTicks: BigInt(resting?.priceTicks ?? 0),
  };
  if (terms !== undefined) init.terms = termsInit(terms);
  return init;
}
