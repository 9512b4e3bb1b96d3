// Who is calling, as the guards found out.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Call } from "@bourse/shared/rpc/call.js";
import type { Tier } from "@bourse/shared/units/tiers.js";

/** Whose token it was and what it allows. */
export interface Caller {
  readonly userId: string;
  readonly roles: ReadonlySet<string>;
  readonly permissions: ReadonlySet<string>;
  readonly tier: Tier;
  /** Wall-clock milliseconds at which the token ends. */
  readonly expiresAtMs: number;
}

const CALLER = Symbol("caller");

/** Notes who calls. */
export function setCaller(call: Call, caller: Caller): void {
  call.values.set(CALLER, caller);
}

/** Who calls; only for methods that need a token. */
export function callerOf(call: Call): Caller {
  const caller = call.values.get(CALLER) as Caller | undefined;
  if (caller === undefined) throw new DomainError("UNAUTHENTICATED");
  return caller;
}

/** True when the caller has one of the roles. */
export function hasRole(caller: Caller, ...roles: readonly string[]): boolean {
  return roles.some((role) => caller.roles.has(role));
}
