// What stands before every handler, on every surface alike, in this order: drain, limit per address,
// authentication, permission, limit per user, schema.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  type BatchOrdersRequest,
  OrderGatewayService,
} from "@bourse/shared/gen/bourse/order_gateway/v1/order_gateway_pb.js";
import { type Call, type Guard, refusedBefore } from "@bourse/shared/rpc/call.js";
import { validateRequest } from "@bourse/shared/rpc/validate.js";
import type { Message } from "@bufbuild/protobuf";
import type { Allowance, Limiter } from "../flow/limit-rate.js";
import { type Cost, costOf, ruleOf } from "./access.js";
import { checkBatch } from "./batch.js";
import { type Caller, callerOf, setCaller } from "./caller.js";

export interface GuardDeps {
  readonly verify: (token: string) => Promise<Caller>;
  readonly limiter: Limiter;
  /** Address of the caller, behind the proxies that are trusted. */
  readonly addressOf: (call: Call) => string;
  readonly isDraining: () => boolean;
}

/** The guards as one; a refusal of a call that changes something says NOT_ATTEMPTED. */
export function edgeGuard(deps: GuardDeps): Guard {
  return async (call, request) => {
    try {
      if (deps.isDraining()) throw new DomainError("DRAINING", { retry_after_ms: "1000" });
      await deps.limiter.checkAddress(deps.addressOf(call));
      await admit(deps, call, request);
      if (request !== undefined) validate(call, request as Message);
    } catch (error) {
      throw refusedBefore(call.method, error);
    }
  };
}

/** The items of a batch are each validated in their turn: a bad one is a result, not the batch's end. */
function validate({ method }: Call, request: Message): void {
  if (method === OrderGatewayService.method.batchOrders) checkBatch(request as BatchOrdersRequest);
  else validateRequest(method.input, request);
}

async function admit(deps: GuardDeps, call: Call, request: unknown): Promise<void> {
  const rule = ruleOf(call.method);
  if (rule === "anybody") return;
  setCaller(call, await deps.verify(bearerToken(call)));
  const caller = callerOf(call);
  if (!rule(caller)) throw new DomainError("INSUFFICIENT_SCOPE");
  // A stream of commands is counted command by command, where it is read.
  if (call.method.methodKind === "bidi_streaming") return;
  const allowance = await take(deps, caller, costOf(call.method, request));
  if (allowance === undefined) return;
  const reset = Math.ceil(allowance.resetMs / 1000);
  call.setHeader("ratelimit", `limit=${allowance.limit}, remaining=${allowance.remaining}, reset=${reset}`);
}

/** Takes from the buckets that a call touches; the first of them is the one that its caller is told about. */
async function take({ limiter }: GuardDeps, caller: Caller, cost: Cost): Promise<Allowance | undefined> {
  const ofRequests =
    cost.request === 0 ? undefined : await limiter.checkUser(caller, "request", cost.request);
  const ofCancels = cost.cancel === 0 ? undefined : await limiter.checkUser(caller, "cancel", cost.cancel);
  return ofRequests ?? ofCancels;
}

/** The one bearer token of a call. Two headers, another scheme or none: UNAUTHENTICATED. */
function bearerToken(call: Call): string {
  const header = call.header("authorization") ?? "";
  const match = /^Bearer ([^\s,]+)$/i.exec(header);
  if (match?.[1] === undefined) throw new DomainError("UNAUTHENTICATED");
  return match[1];
}
