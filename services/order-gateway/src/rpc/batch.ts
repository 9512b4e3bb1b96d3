// A batch of commands: one after the other, each with a result of its own.

import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { toStatus } from "@bourse/shared/errors/to-wire.js";
import {
  AmendOrderRequestSchema,
  type BatchItem,
  type BatchOrdersRequest,
  BatchOrdersRequestSchema,
  type BatchResultSchema,
  CancelOrderRequestSchema,
  PlaceOrderRequestSchema,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { validateRequest } from "@bourse/shared/rpc/validate.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import type { CallContext } from "../flow/mesh.js";
import { type CommandDeps, commandToWire, runCommand } from "./commands.js";

type Result = MessageInitShape<typeof BatchResultSchema>;

/** A command that is good in itself: it stands for the items when only their number is judged. */
const GOOD_ITEM = {
  command: { case: "cancel", value: { id: { case: "clientOrderId", value: "x" } } },
} as const;
/** What is kept of the time that a caller waits, so that the results still reach it. */
const ANSWER_SHARE = 0.1;
const ANSWER_MS_MAX = 250;

/** Refuses a batch with too many items, or none. */
export function checkBatch({ items }: BatchOrdersRequest): void {
  const shape = { items: items.map(() => GOOD_ITEM) };
  validateRequest(BatchOrdersRequestSchema, create(BatchOrdersRequestSchema, shape));
}

/**
 * Carries out the items in order, each begun after its predecessor's answer. When the time of the call is
 * nearly over the rest is answered NOT_ATTEMPTED, while there is somebody to tell.
 */
export async function runBatch(
  deps: CommandDeps & { readonly nowMs: () => number },
  items: readonly BatchItem[],
  context: CallContext,
): Promise<Result[]> {
  const leftMs = Math.max(0, context.deadlineMs - deps.nowMs());
  const deadlineMs = context.deadlineMs - Math.min(ANSWER_MS_MAX, leftMs * ANSWER_SHARE);
  const results: Result[] = [];
  for (const item of items) results.push(await runItem(deps, item, { ...context, deadlineMs }));
  return results;
}

async function runItem(
  deps: CommandDeps & { readonly nowMs: () => number },
  { command }: BatchItem,
  context: CallContext,
): Promise<Result> {
  try {
    if (context.deadlineMs <= deps.nowMs()) throw new DomainError("DEADLINE_EXCEEDED");
    checkItem(command);
  } catch (error) {
    const failure = error instanceof DomainError ? withFacts(error, { outcome: "NOT_ATTEMPTED" }) : error;
    return { result: { case: "error", value: toStatus(failure) } };
  }
  try {
    return { result: commandToWire(await runCommand(deps, command, context)) };
  } catch (error) {
    return { result: { case: "error", value: toStatus(error) } };
  }
}

/** The rules of the call for one order, under its own field names. */
function checkItem(command: BatchItem["command"]): void {
  switch (command.case) {
    case "place":
      return validateRequest(PlaceOrderRequestSchema, command.value);
    case "cancel":
      return validateRequest(CancelOrderRequestSchema, command.value);
    case "amend":
      return validateRequest(AmendOrderRequestSchema, command.value);
    case undefined:
      throw new DomainError("FIELD_REQUIRED", { field: "command" });
  }
}
