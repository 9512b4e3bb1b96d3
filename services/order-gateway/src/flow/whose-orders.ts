// Whose orders a caller ends: its own, or as an operator those of the user that it names.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { CallContext } from "./mesh.js";

/** Owner of the orders, and who ends them when it is not the owner; "" when it is. */
export interface Whose {
  readonly userId: string;
  readonly operatorId: string;
}

/** Refuses whoever names another user and is no operator; "" names the caller. */
export function whoseOrders(named: string, { userId, operatorId }: CallContext): Whose {
  // Ids derive from the user's: one in capitals would stand for other orders of the same user.
  const owner = named.toLowerCase();
  if (owner === "" || owner === userId) return { userId, operatorId: "" };
  if (operatorId === undefined)
    throw new DomainError("INSUFFICIENT_SCOPE", { field: "user_id", outcome: "NOT_ATTEMPTED" });
  return { userId: owner, operatorId };
}
