// The commands that a stream and a batch carry: the calls for one order, without the call.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { BatchItem } from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import type { AmendRequest } from "../core/amend.js";
import type { PlaceRequest } from "../core/order-content.js";
import type { CancelName, OrderName } from "../flow/cancel-order.js";
import type { CallContext } from "../flow/mesh.js";
import type { OrderAnswer } from "../flow/place-order.js";
import { amendRequestOf, answerToWire, cancelNameOf, orderNameOf, placeRequestOf } from "./order-wire.js";

/** What a command became. */
export interface CommandAnswer {
  readonly type: "placed" | "cancelled" | "amended";
  readonly answer: OrderAnswer;
}

/** What commands need from the service. All reject with DomainErrors. */
export interface CommandDeps {
  readonly place: (request: PlaceRequest, context: CallContext) => Promise<OrderAnswer>;
  readonly cancel: (name: CancelName, context: CallContext) => Promise<OrderAnswer>;
  readonly amend: (name: OrderName, request: AmendRequest, context: CallContext) => Promise<OrderAnswer>;
}

/** Carries out one command that was found good. */
export async function runCommand(
  deps: CommandDeps,
  command: BatchItem["command"],
  context: CallContext,
): Promise<CommandAnswer> {
  switch (command.case) {
    case "place":
      return { type: "placed", answer: await deps.place(placeRequestOf(command.value), context) };
    case "cancel":
      return { type: "cancelled", answer: await deps.cancel(cancelNameOf(command.value), context) };
    case "amend": {
      const answer = await deps.amend(orderNameOf(command.value), amendRequestOf(command.value), context);
      return { type: "amended", answer };
    }
    case undefined:
      throw new DomainError("FIELD_REQUIRED", { field: "command", outcome: "NOT_ATTEMPTED" });
  }
}

/** The answer as the choice of a result. */
export function commandToWire({ type, answer }: CommandAnswer) {
  return { case: type, value: answerToWire(answer) };
}
