// Single values of the wire, read once: text and int64 in, domain values out, with the reason of the field.
import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { isUuid } from "@bourse/shared/ids.js";
import { parseAtoms, SUM_WHOLE_DIGITS_MAX } from "@bourse/shared/units/atoms.js";

const ASSET = /^[A-Z0-9]{2,10}$/;
const WHOLE = /^[0-9]{1,38}$/;

/** UUID in lower case. Upper case is the same id. */
export function readUuid(field: string, text: string, reason: FailureReason = "INVALID_FIELD"): string {
  if (text === "") throw new DomainError("FIELD_REQUIRED", { field });
  const id = text.toLowerCase();
  if (!isUuid(id)) throw new DomainError(reason, { field });
  return id;
}

export const readOrderId = (field: string, text: string) => readUuid(field, text, "INVALID_ORDER_ID");
export const readUserId = (field: string, text: string) => readUuid(field, text, "INVALID_USER_ID");

/** Accounts of the house change by settlement and by the other side of transfers only. */
const HOUSE = /^00000000-0000-0000-0000-/;

/** A user who is not the house. */
export function readCustomer(field: string, text: string): string {
  const id = readUserId(field, text);
  if (HOUSE.test(id)) throw new DomainError("INVALID_USER_ID", { field });
  return id;
}

/** Asset code in capitals. */
export function readAsset(field: string, text: string): string {
  if (text === "") throw new DomainError("FIELD_REQUIRED", { field });
  if (!ASSET.test(text)) throw new DomainError("INVALID_ASSET", { field });
  return text;
}

/** Atoms of an amount inside the mesh, where a sum may outgrow the digits of the edge; zero is allowed. */
export function readAtoms(field: string, text: string): bigint {
  return parseAtoms(field, text, SUM_WHOLE_DIGITS_MAX);
}

/** As readAtoms, and refuses zero. */
export function readPositiveAtoms(field: string, text: string): bigint {
  const atoms = readAtoms(field, text);
  if (atoms === 0n) throw new DomainError("AMOUNT_NOT_POSITIVE", { field });
  return atoms;
}

/** A whole number that is a count, a seq, an epoch or a time. */
export function readCount(field: string, value: bigint | number): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number) || number < 0) throw new DomainError("INVALID_FIELD", { field });
  return number;
}

/** A whole number as text that may exceed 2^53. */
export function readWhole(field: string, text: string): bigint {
  if (!WHOLE.test(text)) throw new DomainError("INVALID_FIELD", { field });
  return BigInt(text);
}

/** Rate in parts per million, below one million. */
export function readPpm(field: string, value: number): number {
  if (!Number.isInteger(value) || value < 0 || value >= 1_000_000)
    throw new DomainError("INVALID_FIELD", { field });
  return value;
}
