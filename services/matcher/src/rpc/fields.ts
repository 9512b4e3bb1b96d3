// Fields of commands: each either is what it says, or is refused by its name.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { isUuid } from "@bourse/shared/ids.js";

export const CLIENT_ORDER_ID = /^[A-Za-z0-9._:-]{1,64}$/;
export const SYMBOL = /^[A-Z0-9]{2,10}\/[A-Z0-9]{2,10}$/;
export const ASSET = /^[A-Z0-9]{2,10}$/;
/** Reserved amounts outgrow the 12 digits of the edge. */
export const AMOUNT = /^(0|[1-9][0-9]{0,29})(\.[0-9]{1,8})?$/;
export const PPM_MAX = 999_999;
const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

export function owner({ orderId, userId }: { readonly orderId: string; readonly userId: string }) {
  if (!isUuid(orderId)) throw new DomainError("INVALID_ORDER_ID", { field: "order_id" });
  return { orderId, userId: user(userId) };
}

export function user(userId: string): string {
  return uuidField("user_id", userId, "INVALID_USER_ID");
}

/** An operator who ends another's orders; "" for none. */
export function operator(operatorId: string): string {
  return operatorId === "" ? "" : uuidField("operator_id", operatorId, "INVALID_USER_ID");
}

export function uuidField(field: string, text: string, reason: FailureReason): string {
  if (!isUuid(text)) throw new DomainError(reason, { field });
  return text;
}

/** A whole number that the core can count with. */
export function whole(field: string, value: bigint): number {
  if (value < 0n || value > SAFE_MAX) throw new DomainError("VALUE_TOO_LARGE", { field });
  return Number(value);
}

export function within(field: string, value: number, min: number, max: number): number {
  if (value < min || value > max) throw new DomainError("INVALID_FIELD", { field });
  return value;
}

export function matching(field: string, text: string, pattern: RegExp, reason: FailureReason): string {
  if (!pattern.test(text)) throw new DomainError(text === "" ? "FIELD_REQUIRED" : reason, { field });
  return text;
}

/** A place in the log. */
export function position(field: string, value: bigint): number {
  if (value < 0n || value > SAFE_MAX) throw new DomainError("INVALID_FIELD", { field });
  return Number(value);
}
