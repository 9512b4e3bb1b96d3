// Records, answers and views as messages of the contract.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  type CommandSchema,
  type EventSchema,
  type OrderEndedSchema,
  OrderTermsSchema,
  RecordSchema,
  type TradePartySchema,
  type Command as WireCommand,
  type OrderTerms as WireTerms,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type {
  CommandResultSchema,
  OrderStateSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { type MarketSchema, Side as WireSide } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { tradeIdOf } from "@bourse/shared/ids.js";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import type {
  Command,
  JournalRecord,
  Market,
  MatcherEvent,
  OrderEnded,
  OrderTerms,
  OrderView,
  TradeExecuted,
  TradeParty,
} from "../core/types.js";
import type { RecordCodec } from "../flow/log.js";
import type { Answer } from "../flow/sequence.js";
import { marketStates, reasons, sides, statuses, timesInForce, types } from "./matcher-words.js";
import { newerIn } from "./newer-record.js";
import { parseCancel, parseMarket, parseResolve, parseSubmit } from "./parse-command.js";

/** Records of a shard as bytes of bourse.matcher.v1.Record. */
export function createRecordCodec(shard: number): RecordCodec {
  return {
    encode: (record) => toBinary(RecordSchema, create(RecordSchema, recordInit(shard, record))),
    decode(payload) {
      const record = fromBinary(RecordSchema, payload);
      if (record.command === undefined) throw new DomainError("MALFORMED_REQUEST", { field: "command" });
      return {
        seq: Number(record.seq),
        epoch: Number(record.epoch),
        timeMs: Number(record.timeMs),
        command: parseStored(record.command, shard),
        traceparent: record.command.traceparent,
      };
    },
    newerIn,
  };
}

function parseStored({ kind }: WireCommand, shard: number): Command {
  switch (kind.case) {
    case "submit":
      return parseSubmit(kind.value);
    case "cancel":
      return parseCancel(kind.value);
    case "resolve":
      return parseResolve(kind.value);
    case "addMarket":
      if (kind.value.market === undefined) throw new DomainError("FIELD_REQUIRED", { field: "market" });
      return { type: "addMarket", market: parseMarket(kind.value.market, shard) };
    case "startEpoch":
      return { type: "startEpoch", epoch: Number(kind.value.epoch) };
    case "tick":
      return { type: "tick" };
    case undefined:
      throw new DomainError("FIELD_REQUIRED", { field: "command" });
  }
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

export function termsInit(terms: OrderTerms): MessageInitShape<typeof OrderTermsSchema> {
  return {
    ...terms,
    side: sides[terms.side],
    type: types[terms.type],
    timeInForce: timesInForce[terms.timeInForce],
    priceTicks: BigInt(terms.priceTicks),
    quantityLots: BigInt(terms.quantityLots),
    budgetTickLots: BigInt(terms.budgetTickLots),
  };
}

export function marketInit(market: Market): MessageInitShape<typeof MarketSchema> {
  return { ...market, state: marketStates[market.state] };
}

/** An order as the shard knows it. */
export function orderInit(order: OrderView): MessageInitShape<typeof OrderStateSchema> {
  const init: MessageInitShape<typeof OrderStateSchema> = {
    orderId: order.orderId,
    userId: order.userId,
    status: statuses[order.status],
    reason: reasons[order.reason],
    executedLots: BigInt(order.executedLots),
    executedTickLots: order.executedTickLots,
    remainingLots: BigInt(order.remainingLots),
    createdAtMs: BigInt(order.createdAtMs),
    updatedAtMs: BigInt(order.updatedAtMs),
    acceptedSeq: BigInt(order.acceptedSeq),
  };
  if (order.terms !== undefined) init.terms = termsInit(order.terms);
  return init;
}

/** What became of a command. */
export function resultInit(answer: Answer): MessageInitShape<typeof CommandResultSchema> {
  const seq = BigInt(answer.seq);
  if (answer.type === "failure") {
    const value = { reason: answer.reason, facts: { ...answer.facts } };
    return { outcome: { case: "failure", value }, seq };
  }
  return { outcome: { case: "order", value: orderInit(answer.order) }, seq, replayed: answer.replayed };
}
