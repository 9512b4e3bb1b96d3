// Records, answers and views as messages of the contract.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  CommandSchema,
  type OrderTermsSchema,
  type Command as WireCommand,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type {
  CommandResultSchema,
  OrderStateSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { MarketSchema } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import type { Command, Market, OrderTerms, OrderView } from "../core/types.js";
import type { RecordCodec } from "../flow/log.js";
import type { Answer } from "../flow/sequence.js";
import { marketStates, reasons, sides, statuses, timesInForce, types } from "./matcher-words.js";
import { newerIn } from "./newer-record.js";
import { parseCancel, parseMarket, parseResolve, parseSubmit } from "./parse-command.js";
import { createRecordEncoder, readRecord } from "./record-bytes.js";

/** Records of a shard as bytes of bourse.matcher.v1.Record. */
export function createRecordCodec(shard: number): RecordCodec {
  return {
    ...createRecordEncoder(shard),
    decode(payload) {
      const { command: bytes, ...place } = readRecord(payload);
      if (bytes === undefined) throw new DomainError("MALFORMED_REQUEST", { field: "command" });
      const command = fromBinary(CommandSchema, bytes);
      return { ...place, command: parseStored(command, shard), traceparent: command.traceparent };
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
