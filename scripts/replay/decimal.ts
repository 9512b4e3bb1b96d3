// Decimal text and whole numbers of a decimal grid, exact in both directions. No binary floats.

const decimalPattern = /^(-?)(0|[1-9][0-9]*)(?:\.([0-9]+))?$/;

/** How many decimals the text needs once trailing zeros are gone; throws on what is no decimal. */
export function decimalsNeeded(text: string): number {
  const match = decimalPattern.exec(text);
  if (match === null) throw new Error(`not a decimal number: "${text}"`);
  return (match[3] ?? "").replace(/0+$/, "").length;
}

/** The text as a whole number of steps of 10^-decimals; throws when it does not lie on that grid. */
export function parseScaled(text: string, decimals: number): bigint {
  const match = decimalPattern.exec(text);
  if (match === null) throw new Error(`not a decimal number: "${text}"`);
  const fraction = (match[3] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) {
    throw new Error(`"${text}" has more than ${decimals} decimals`);
  }
  const steps = BigInt(`${match[2]}${fraction.padEnd(decimals, "0")}`);
  return match[1] === "-" ? -steps : steps;
}

/** A whole number of steps of 10^-decimals as canonical decimal text: no trailing zeros, no exponent. */
export function formatScaled(steps: bigint, decimals: number): string {
  const sign = steps < 0n ? "-" : "";
  const digits = (steps < 0n ? -steps : steps).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return fraction === "" ? `${sign}${whole}` : `${sign}${whole}.${fraction}`;
}

/**
 * `part` of `whole` as a percentage with two decimals, rounded half up, but never up to 100.00 when
 * something is missing; "-" when there is nothing to measure.
 */
export function formatPercent(part: number, whole: number): string {
  if (whole === 0) return "-";
  const rounded = (BigInt(part) * 20_000n + BigInt(whole)) / (2n * BigInt(whole));
  const hundredths = part < whole && rounded >= 10_000n ? 9_999n : rounded;
  const text = hundredths.toString().padStart(3, "0");
  return `${text.slice(0, -2)}.${text.slice(-2)} %`;
}
