// Records as the generator's own code encodes them: the plainest way, and what record-bytes.ts is compared with.
import {
  type OrderEndedSchema,
  RecordSchema,
  type TradePartySchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { Side as WireSide } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { tradeIdOf } from "@bourse/shared/ids.js";
import { create, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type { OrderAmended } from "../core/change-events.js";
import type {
  Command,
  JournalRecord,
  MatcherEvent,
  OrderEnded,
  SelfTradePrevented,
  TradeExecuted,
  TradeParty,
} from "../core/types.js";
import { type CommandKind, type EventKind, rareCommandInit, rareEventInit } from "../record/rare-bytes.js";
import { termsInit } from "../rpc/matcher-wire.js";
import { amendRefusals, reasons, selfTradeModes, sides, statuses } from "../rpc/matcher-words.js";

/** Bytes of bourse.matcher.v1.Record, decided by these rules. */
export function slowRecordBytes(shard: number, record: JournalRecord, rules = 2): Uint8Array {
  return toBinary(RecordSchema, create(RecordSchema, recordInit(shard, record, rules)));
}

function recordInit(
  shard: number,
  record: JournalRecord,
  rules: number,
): MessageInitShape<typeof RecordSchema> {
  return {
    seq: BigInt(record.seq),
    epoch: BigInt(record.epoch),
    timeMs: BigInt(record.timeMs),
    command: { kind: commandInit(record.command), traceparent: record.traceparent },
    events: record.events.map((event) => ({ kind: eventInit(event, { shard, seq: record.seq, rules }) })),
  };
}

function commandInit(command: Command): CommandKind {
  switch (command.type) {
    case "submit": {
      const expiresAtMs = BigInt(command.expiresAtMs);
      return { case: "submit", value: { terms: termsInit(command.terms), expiresAtMs } };
    }
    case "cancel":
      return {
        case: "cancel",
        value: { orderId: command.orderId, userId: command.userId, operatorId: command.operatorId },
      };
    case "resolve": {
      const { orderId, userId, symbol, cancelIfOpen } = command;
      const value = {
        ...{ orderId, userId, symbol, cancelIfOpen },
        tombstoneStatus: statuses[command.tombstoneStatus],
        tombstoneReason: reasons[command.tombstoneReason],
        expiresAtMs: BigInt(command.expiresAtMs),
      };
      return { case: "resolve", value };
    }
    case "amend": {
      const { orderId, userId, legId, symbol, legAmount } = command;
      const value = {
        ...{ orderId, userId, legId, symbol, legAmount },
        priceTicks: BigInt(command.priceTicks),
        quantityLots: BigInt(command.quantityLots),
        legUnits: BigInt(command.legUnits),
        expiresAtMs: BigInt(command.expiresAtMs),
      };
      return { case: "amend", value };
    }
    case "tick":
      return { case: "tick", value: {} };
    default:
      return rareCommandInit(command);
  }
}

function eventInit(event: MatcherEvent, at: { shard: number; seq: number; rules: number }): EventKind {
  switch (event.type) {
    case "accepted":
      return { case: "accepted", value: at.rules === 1 ? { terms: termsInit(event.terms) } : {} };
    case "rested":
    case "stopPlaced": {
      const { orderId, symbol } = event;
      const value = { orderId, symbol, side: sides[event.side], remainingLots: BigInt(event.remainingLots) };
      return event.type === "rested"
        ? { case: "rested", value: { ...value, priceTicks: BigInt(event.priceTicks) } }
        : { case: "stopPlaced", value: { ...value, stopPriceTicks: BigInt(event.stopPriceTicks) } };
    }
    case "stopTriggered": {
      const { orderId, userId, symbol } = event;
      const value = {
        ...{ orderId, userId, symbol, side: sides[event.side] },
        stopPriceTicks: BigInt(event.stopPriceTicks),
        remainingLots: BigInt(event.remainingLots),
      };
      return { case: "stopTriggered", value };
    }
    case "trade":
      return { case: "trade", value: tradeInit(at.shard, at.seq, event) };
    case "selfTradePrevented":
      return { case: "selfTradePrevented", value: preventedInit(event, at.rules) };
    case "ended":
      return { case: "ended", value: endedInit(event) };
    case "amended":
      return { case: "amended", value: amendedInit(event) };
    case "amendRefused": {
      const { orderId, userId, legId, symbol } = event;
      const value = { orderId, userId, legId, symbol, reason: amendRefusals[event.reason] };
      return { case: "amendRefused", value };
    }
    default:
      return rareEventInit(event);
  }
}

function preventedInit(event: SelfTradePrevented, rules: number) {
  const { symbol, takerOrderId, makerOrderId, userId } = event;
  const first = {
    ...{ symbol, takerOrderId, makerOrderId },
    priceTicks: BigInt(event.priceTicks),
    quantityLots: BigInt(event.quantityLots),
  };
  if (rules === 1) return first;
  return {
    ...{ ...first, userId, mode: selfTradeModes[event.mode], takerSide: sides[event.takerSide] },
    takerRemainingLots: BigInt(event.takerRemainingLots),
    takerReservedUnits: BigInt(event.takerReservedUnits),
    makerRemainingLots: BigInt(event.makerRemainingLots),
    makerReservedUnits: BigInt(event.makerReservedUnits),
  };
}

function amendedInit(event: OrderAmended) {
  const { orderId, userId, legId, symbol, keepsPlace, wasResting } = event;
  return {
    ...{ orderId, userId, legId, symbol, keepsPlace, wasResting, side: sides[event.side] },
    oldPriceTicks: BigInt(event.oldPriceTicks),
    oldRemainingLots: BigInt(event.oldRemainingLots),
    priceTicks: BigInt(event.priceTicks),
    remainingLots: BigInt(event.remainingLots),
    quantityLots: BigInt(event.quantityLots),
    reservedUnits: BigInt(event.reservedUnits),
    createdAtMs: BigInt(event.createdAtMs),
  };
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
    amendedPriceTicks: BigInt(event.amendedPriceTicks),
    amendedQuantityLots: BigInt(event.amendedQuantityLots),
    isTombstone: event.isTombstone,
    wasResting: resting !== undefined,
    side: resting === undefined ? WireSide.UNSPECIFIED : sides[resting.side],
    priceTicks: BigInt(resting?.priceTicks ?? 0),
  };
  if (terms !== undefined) init.terms = termsInit(terms);
  return init;
}
