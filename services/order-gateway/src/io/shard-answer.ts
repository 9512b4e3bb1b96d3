// What a shard says about a command, in the gateway's words.
import { DomainError, type FailureReason, isFailureReason } from "@bourse/shared/errors/domain-error.js";
import { AmendRefusal } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import type { CommandResult } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { OrderState } from "../core/order-types.js";
import { stateOfWire } from "./messages.js";
import type { LinkAnswer } from "./shard-link.js";

/** What a shard said about one order. */
export type ShardAnswer =
  | {
      readonly type: "order";
      readonly state: OrderState;
      readonly seq: number;
      /** True when it had been decided before this command. */
      readonly replayed: boolean;
      /** Why an amend changed nothing; absent when it did, and for all other commands. */
      readonly refusal?: FailureReason | undefined;
    }
  | { readonly type: "failure"; readonly error: DomainError };

/** The answer behind the result of a command. */
export function answerOf({ result, wasResent }: LinkAnswer): ShardAnswer {
  const { outcome, seq, replayed }: CommandResult = result;
  switch (outcome.case) {
    case "order":
      // After a resend the first copy may have been this call's own.
      return {
        type: "order",
        state: stateOfWire(outcome.value),
        seq: Number(seq),
        replayed: replayed && !wasResent,
        refusal: refusalOf(result.amendRefusal),
      };
    case "failure": {
      const { reason, facts } = outcome.value;
      return {
        type: "failure",
        error: new DomainError(isFailureReason(reason) ? reason : "INTERNAL", facts),
      };
    }
    case undefined:
      return { type: "failure", error: new DomainError("INTERNAL") };
  }
}

/** A refusal that this gateway does not know is the shard's word all the same. */
function refusalOf(refusal: AmendRefusal): FailureReason | undefined {
  if (refusal === AmendRefusal.UNSPECIFIED) return undefined;
  const name = AmendRefusal[refusal] ?? "";
  return isFailureReason(name) ? name : "ORDER_NOT_OPEN";
}
