// One order until its final word, with everything that was seen on the way.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type {
  Order,
  PlaceOrderRequestSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { Outcome } from "./record.js";
import type { LoadUser } from "./users.js";

/** An order as it is sent. */
export type Sent = MessageInitShape<typeof PlaceOrderRequestSchema> & { readonly clientOrderId: string };

/** The final word on an order. */
export interface Word {
  readonly outcome: Outcome;
  readonly order: Order | undefined;
  readonly attempts: number;
  /** Reasons of the failures, each once. */
  readonly reasons: readonly string[];
}

/** Places an order until its final word. Undefined when the run is given up before there is one. */
export async function placeUntilFinal(user: LoadUser, sent: Sent): Promise<Word | undefined> {
  const reasons = new Set<string>();
  let attempts = 0;
  const word = (outcome: Outcome, order?: Order): Word => ({
    outcome,
    order,
    attempts,
    reasons: [...reasons],
  });
  try {
    const { order } = await user.untilFinal(
      (orders, call) => {
        attempts += 1;
        return orders.placeOrder(sent, call);
      },
      ({ reason }) => reasons.add(reason),
    );
    return word(outcomeOf(order), order);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    // Only the end of the run makes a call end like this: the client repeats it otherwise.
    if (error.reason === "CANCELLED") return undefined;
    reasons.add(error.reason);
    return word(refusalOf(error));
  }
}

function outcomeOf(order: Order | undefined): Outcome {
  if (order === undefined) return "failed";
  if (order.status !== OrderStatus.REJECTED) return "acknowledged";
  return order.reason === EndReason.NOT_SEQUENCED ? "tombstone" : "rejected";
}

function refusalOf({ facts, reason }: DomainError): Outcome {
  if (facts.outcome !== "NOT_ACCEPTED") return "failed";
  return reason === "INSUFFICIENT_FUNDS" ? "refused" : "tombstone";
}

/** Cancels an order. That it ended before is an answer too; false for any other failure. */
export async function cancelUntilFinal(
  user: LoadUser,
  clientOrderId: string,
  symbol: string,
): Promise<boolean> {
  const id = { case: "clientOrderId", value: clientOrderId } as const;
  try {
    await user.untilFinal((orders, call) => orders.cancelOrder({ id, symbol }, call));
    return true;
  } catch (error) {
    return error instanceof DomainError && error.reason === "ORDER_NOT_OPEN";
  }
}
