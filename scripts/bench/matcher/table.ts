// The figures as a table: what, what must be, what would be better, what was measured.

export interface Figure {
  readonly what: string;
  readonly must: string;
  readonly stretch: string;
  /** In words, with what it was compared with. */
  readonly measured: string;
  /** Undefined when it could not be measured. */
  readonly grade: Grade | undefined;
}

export type Grade = "stretch met" | "met" | "not met" | "no limit";

/** Grade of a figure that should be high. */
export function atLeast(value: number, must: number, stretch: number): Grade {
  if (value >= stretch) return "stretch met";
  return value >= must ? "met" : "not met";
}

/** Grade of a figure that should be low. */
export function atMost(value: number, must: number, stretch: number): Grade {
  if (value <= stretch) return "stretch met";
  return value <= must ? "met" : "not met";
}

/** The worst of several. */
export function worst(grades: readonly Grade[]): Grade {
  if (grades.includes("not met")) return "not met";
  return grades.includes("met") ? "met" : "stretch met";
}

/** A figure that could not be measured, and why. */
export function unmeasured(figure: Pick<Figure, "what" | "must" | "stretch">, why: string): Figure {
  return { ...figure, measured: why, grade: undefined };
}

/** Lines of the table, columns aligned. */
export function tableLines(figures: readonly Figure[]): string[] {
  const head = ["what", "must", "stretch", "measured", ""];
  const rows = figures.map(({ what, must, stretch, measured, grade }) => [
    what,
    must,
    stretch,
    measured,
    grade ?? "NOT MEASURED",
  ]);
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd();
  return [
    line(head),
    widths
      .map((width) => "-".repeat(width))
      .join("  ")
      .trimEnd(),
    ...rows.map(line),
  ];
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  if (sorted.length % 2 === 1) return sorted[middle] ?? Number.NaN;
  return ((sorted[middle - 1] ?? Number.NaN) + (sorted[middle] ?? Number.NaN)) / 2;
}

/** Prints the table of the figures named, all without a name. What is not met is said, and is no failure: a bench is not a test. */
export async function printFigures<B extends { readonly say: (line: string) => void }>(
  bench: B,
  figures: Readonly<Record<string, (bench: B) => Promise<Figure[]>>>,
  only: readonly string[],
): Promise<void> {
  const measured: Figure[] = [];
  for (const [name, measure] of Object.entries(figures)) {
    if (only.length > 0 && !only.includes(name)) continue;
    bench.say(`${name} ...`);
    measured.push(...(await measure(bench)));
  }
  console.log(tableLines(measured).join("\n"));
}
