// Whole-number arithmetic beyond 2^53 without bigint and without rounding.

/** Sums carry here: high × 10^15 + low, with 0 ≤ low < 10^15. */
export const BASE = 1e15;
const BASE_DIGITS = 15;

/** Whole number as text of a sum kept as two numbers. */
export function sumText(high: number, low: number): string {
  return high === 0 ? String(low) : `${high}${String(low).padStart(BASE_DIGITS, "0")}`;
}

// A remainder of doubles is a call into C: what is common goes without.

/** Low part of a sum plus a safe integer. */
export function sumLow(low: number, added: number): number {
  if (added < BASE) return low + added < BASE ? low + added : low + added - BASE;
  return (low + (added % BASE)) % BASE;
}

/** High part of a sum plus a safe integer, given the low part before. */
export function sumHigh(high: number, low: number, added: number): number {
  if (added < BASE) return low + added < BASE ? high : high + 1;
  const carried = low + (added % BASE) >= BASE ? 1 : 0;
  return high + quotient(added, BASE) + carried;
}

/** Whole quotient of safe integers, exact where a floored division might round up. */
export function quotient(dividend: number, divisor: number): number {
  if (dividend < EXACT_QUOTIENT) return Math.floor(dividend / divisor);
  return (dividend - (dividend % divisor)) / divisor;
}

/** Below it a quotient of whole numbers is further from the next whole number than its rounding error. */
const EXACT_QUOTIENT = 2 ** 52;

/** One hundredth of one percent: the unit of bands and protections. */
const BPS = 10_000;
const SPLIT = 1e8;

/** floor(value × bps / 10,000), or the largest safe integer where it would be above. 1 ≤ bps ≤ 1,010,000. */
export function scaleDown(value: number, bps: number): number {
  const rest = quotient((value % BPS) * bps, BPS);
  const whole = quotient(value, BPS);
  if (whole > quotient(Number.MAX_SAFE_INTEGER - rest, bps)) return Number.MAX_SAFE_INTEGER;
  return whole * bps + rest;
}

/** ceil(value × bps / 10,000) for bps ≤ 10,000. */
export function scaleUp(value: number, bps: number): number {
  const down = scaleDown(value, bps);
  return ((value % BPS) * bps) % BPS === 0 ? down : down + 1;
}

/** True when a × aTimes ≤ b × bTimes, exactly. a, b safe integers; the factors at most 1,000,000. */
export function isProductAtMost(a: number, aTimes: number, b: number, bTimes: number): boolean {
  if (a <= EXACT_FACTOR && b <= EXACT_FACTOR) return a * aTimes <= b * bTimes;
  const aHigh = productHigh(a, aTimes);
  const bHigh = productHigh(b, bTimes);
  if (aHigh !== bHigh) return aHigh < bHigh;
  return ((a % SPLIT) * aTimes) % SPLIT <= ((b % SPLIT) * bTimes) % SPLIT;
}

/** Times 1,000,000 it is still a safe integer. */
export const EXACT_FACTOR = 9_000_000_000;

function productHigh(value: number, times: number): number {
  return quotient(value, SPLIT) * times + quotient((value % SPLIT) * times, SPLIT);
}
