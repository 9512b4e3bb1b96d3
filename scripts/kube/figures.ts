// What the test measured, each figure with what it must be.

/** One figure. */
export interface Figure {
  readonly what: string;
  /** As it is shown, with its unit. */
  readonly value: string;
  /** What it must be, as text; absent for what is only shown. */
  readonly must?: string;
  readonly isMet?: boolean;
}

/** A figure that must not be above a limit; not measured (NaN) is not met. */
export function atMost(what: string, value: number, limit: number, unit: string): Figure {
  const [shown, must] = [value, limit].map((number) => `${textOf(number)}${unit === "" ? "" : ` ${unit}`}`);
  return { what, value: shown ?? "", must: `at most ${must}`, isMet: value <= limit };
}

/** A figure that must not be below a limit. */
export function atLeast(what: string, value: number, limit: number, unit = ""): Figure {
  return { what, value: `${textOf(value)}${unit}`, must: `at least ${limit}${unit}`, isMet: value >= limit };
}

/** Something that must be so. */
export function mustHold(what: string, value: string, must: string, isMet: boolean): Figure {
  return { what, value, must, isMet };
}

function textOf(value: number): string {
  return Number.isFinite(value) ? String(Math.round(value * 100) / 100) : "not measured";
}

/** The table of figures, columns aligned. */
export function tableLines(figures: readonly Figure[]): string[] {
  const rows = figures.map(({ isMet, must = "", value, what }) => [
    what,
    value,
    must,
    isMet === undefined ? "" : isMet ? "ok" : "NOT MET",
  ]);
  const all = [["what", "measured", "must", ""], ...rows];
  const widths = [0, 1, 2].map((column) => Math.max(...all.map((row) => (row[column] ?? "").length)));
  return all.map((row) =>
    row
      .map((text, column) => text.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
}

/** True when nothing that must hold does not. */
export function areMet(figures: readonly Figure[]): boolean {
  return figures.every(({ isMet }) => isMet !== false);
}
