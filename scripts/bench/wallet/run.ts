// npm run bench -- wallet [--only <figure>…]: the figures that the wallet claims.
import { type Figure, printFigures } from "../matcher/table.js";
import { openWalletBench, type WalletBench } from "./bench.js";
import { latencyRows } from "./latency-row.js";
import { processRows } from "./process-rows.js";
import { projectorRows } from "./projector-row.js";
import { throughputRows } from "./throughput-rows.js";

/** Figures by name, in the order of the table. */
const figures: Readonly<Record<string, (bench: WalletBench) => Promise<Figure[]>>> = {
  throughput: throughputRows,
  latency: latencyRows,
  projector: projectorRows,
  process: processRows,
};

export const walletFigureNames = Object.keys(figures);

/** Prints the table. */
export async function benchWallet(options: { readonly only: readonly string[] }): Promise<void> {
  const bench = await openWalletBench();
  try {
    bench.say(`beside ${bench.pgbench.description}`);
    await printFigures(bench, figures, options.only);
  } finally {
    await bench.close();
  }
}
