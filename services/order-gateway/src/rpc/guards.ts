// What stands before every handler, on every surface alike, in this order: drain, limit per address,
// authentication, permission, limit per user, schema.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { type Call, type Guard, refusedBefore } from "@bourse/shared/rpc/call.js";
import { validateRequest } from "@bourse/shared/rpc/validate.js";
import type { Message } from "@bufbuild/protobuf";
import type { Limiter } from "../flow/limit-rate.js";
import { isCancel, ruleOf } from "./access.js";
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
      await admit(deps, call);
      if (request !== undefined) validateRequest(call.method.input, request as Message);
    } catch (error) {
      throw refusedBefore(call.method, error);
    }
  };
}

async function admit(deps: GuardDeps, call: Call): Promise<void> {
  const rule = ruleOf(call.method);
  if (rule === "anybody") return;
  setCaller(call, await deps.verify(bearerToken(call)));
  const caller = callerOf(call);
  if (!rule(caller)) throw new DomainError("INSUFFICIENT_SCOPE");
  // A stream of commands is counted command by command, where it is read.
  if (call.method.methodKind === "bidi_streaming") return;
  const allowance = await deps.limiter.checkUser(caller, isCancel(call.method) ? "cancel" : "request");
  if (allowance === undefined) return;
  const reset = Math.ceil(allowance.resetMs / 1000);
  call.setHeader("ratelimit", `limit=${allowance.limit}, remaining=${allowance.remaining}, reset=${reset}`);
}

/** The one bearer token of a call. Two headers, another scheme or none: UNAUTHENTICATED. */
function bearerToken(call: Call): string {
  const header = call.header("authorization") ?? "";
  const match = /^Bearer ([^\s,]+)$/i.exec(header);
  if (match?.[1] === undefined) throw new DomainError("UNAUTHENTICATED");
  return match[1];
}
