// Answers and views as messages of the contract.
import type { OrderTermsSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type {
  CommandResultSchema,
  OrderStateSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { OrderTerms, OrderView } from "../core/types.js";
import type { LevelView } from "../core/view.js";
import type { Answer } from "../flow/answer.js";
import {
  amendRefusals,
  reasons,
  selfTradeModes,
  sides,
  statuses,
  timesInForce,
  types,
} from "./matcher-words.js";

export function termsInit(terms: OrderTerms): MessageInitShape<typeof OrderTermsSchema> {
  return {
    ...terms,
    side: sides[terms.side],
    type: types[terms.type],
    timeInForce: timesInForce[terms.timeInForce],
    priceTicks: BigInt(terms.priceTicks),
    stopPriceTicks: BigInt(terms.stopPriceTicks),
    selfTradePrevention: selfTradeModes[terms.selfTradePrevention],
    quantityLots: BigInt(terms.quantityLots),
    budgetTickLots: BigInt(terms.budgetTickLots),
  };
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
    priceTicks: BigInt(order.priceTicks),
    quantityLots: BigInt(order.quantityLots),
    isTriggered: order.isTriggered,
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
  const outcome = { case: "order" as const, value: orderInit(answer.order) };
  const amendRefusal = answer.amendRefusal === undefined ? 0 : amendRefusals[answer.amendRefusal];
  return { outcome, seq, replayed: answer.replayed, amendRefusal };
}

/** All that rests at one price. */
export function levelInit({ priceTicks, quantityLots, orderCount }: LevelView) {
  return { priceTicks: BigInt(priceTicks), quantityLots, orderCount };
}
