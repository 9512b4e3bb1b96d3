// Amounts of an asset: decimal text outside, whole atoms of 10^-8 inside, NUMERIC(38,8) in SQL.
import { assert } from "../assert.js";
import { DomainError, type FailureReason } from "../errors/domain-error.js";

/** Decimals of every amount. */
export const DECIMALS = 8;
/** Atoms in one unit of an asset. */
export const ATOMS_PER_UNIT = 100_000_000n;

const PLAIN = /^(?:0|[1-9][0-9]*)(?:\.[0-9]+)?$/;
/** Digits before the point at the edge. Inside the mesh a sum may have more: NUMERIC(38,8) is the limit. */
const WHOLE_DIGITS_MAX = 12;
export const SUM_WHOLE_DIGITS_MAX = 30;

/**
 * Checks decimal text of the edge, `(0|[1-9][0-9]{0,11})(\.[0-9]{1,8})?`, and says precisely what is
 * wrong: FIELD_REQUIRED, INVALID_DECIMAL, TOO_MANY_DECIMALS or VALUE_TOO_LARGE, in this order.
 */
export function checkDecimal(field: string, text: string, wholeDigitsMax = WHOLE_DIGITS_MAX): void {
  const reason = whyNotDecimal(text, wholeDigitsMax);
  if (reason !== undefined) throw new DomainError(reason, { field });
}

function whyNotDecimal(text: string, wholeDigitsMax: number): FailureReason | undefined {
  if (text === "") return "FIELD_REQUIRED";
  // The length comes first, so that a huge text costs nothing.
  if (text.length > wholeDigitsMax + 1 + DECIMALS || !PLAIN.test(text)) return "INVALID_DECIMAL";
  const dot = text.indexOf(".");
  const wholeDigits = dot < 0 ? text.length : dot;
  if (dot >= 0 && text.length - dot - 1 > DECIMALS) return "TOO_MANY_DECIMALS";
  return wholeDigits > wholeDigitsMax ? "VALUE_TOO_LARGE" : undefined;
}

/** Atoms of decimal text from the edge; refuses as checkDecimal does. Zero is allowed. */
export function parseAtoms(field: string, text: string, wholeDigitsMax = WHOLE_DIGITS_MAX): bigint {
  checkDecimal(field, text, wholeDigitsMax);
  return atomsOfNumeric(text);
}

/** As parseAtoms, and refuses zero with `whenZero`. */
export function parsePositiveAtoms(
  field: string,
  text: string,
  whenZero: FailureReason = "AMOUNT_NOT_POSITIVE",
): bigint {
  const atoms = parseAtoms(field, text);
  if (atoms === 0n) throw new DomainError(whenZero, { field });
  return atoms;
}

/** Canonical decimal text of atoms: no trailing zeros, no exponent; negative only for house accounts. */
export function formatAtoms(atoms: bigint): string {
  return formatScaled(atoms, DECIMALS);
}

/** What a column of NUMERIC(38,8) gives: nearly all that is read. */
const WITH_ALL_DECIMALS = /^-?[0-9]+\.[0-9]{8}$/;

/** Atoms of a NUMERIC that our own tables hold: any size, any sign, up to 8 decimals that count. */
export function atomsOfNumeric(text: string): bigint {
  if (text === "0.00000000") return 0n;
  if (WITH_ALL_DECIMALS.test(text)) return BigInt(text.slice(0, -DECIMALS - 1) + text.slice(-DECIMALS));
  const isNegative = text.startsWith("-");
  const digits = isNegative ? text.slice(1) : text;
  const dot = digits.indexOf(".");
  const whole = dot < 0 ? digits : digits.slice(0, dot);
  const fraction = dot < 0 ? "" : digits.slice(dot + 1);
  assert(/^[0-9]+$/.test(whole) && /^[0-9]*$/.test(fraction), "a stored amount is a plain number");
  assert(/^0*$/.test(fraction.slice(DECIMALS)), "a stored amount has at most 8 decimals");
  const atoms = BigInt(whole + fraction.slice(0, DECIMALS).padEnd(DECIMALS, "0"));
  return isNegative ? -atoms : atoms;
}

/** Atoms as NUMERIC for a statement: not for people, and at a fraction of the cost of canonical text. */
export function numericOfAtoms(atoms: bigint): string {
  return atoms === 0n ? "0" : `${atoms}e-8`;
}

/** Canonical text of a whole number scaled by 10^decimals. */
export function formatScaled(value: bigint, decimals: number): string {
  const isNegative = value < 0n;
  const digits = (isNegative ? -value : value).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  const text = fraction === "" ? whole : `${whole}.${fraction}`;
  return isNegative ? `-${text}` : text;
}
