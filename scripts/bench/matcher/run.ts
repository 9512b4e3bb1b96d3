// npm run bench -- matcher [--only <figure>…] [--flow <file>]: the figures that the matcher claims.
import { type Bench, openBench } from "./bench.js";
import { conformanceRows } from "./conformance-row.js";
import { coreRows } from "./core-row.js";
import { allocationRows, latencyRows } from "./cost-row.js";
import { journaledRows } from "./journaled-row.js";
import { memoryRows } from "./memory-row.js";
import { recoveryRows } from "./recovery-row.js";
import { snapshotRows } from "./snapshot-row.js";
import { type Figure, printFigures } from "./table.js";

/** Figures by name, in the order of the table. */
const figures: Readonly<Record<string, (bench: Bench) => Promise<Figure[]>>> = {
  core: coreRows,
  conformance: conformanceRows,
  latency: latencyRows,
  allocation: allocationRows,
  memory: memoryRows,
  journaled: journaledRows,
  snapshot: snapshotRows,
  recovery: recoveryRows,
};

export const figureNames = Object.keys(figures);

/** Prints the table. */
export async function benchMatcher(options: {
  readonly only: readonly string[];
  readonly flow: string | undefined;
}): Promise<void> {
  const bench = openBench(options);
  try {
    await printFigures(bench, figures, options.only);
  } finally {
    bench.close();
  }
}
