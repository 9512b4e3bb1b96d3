// npm run chaos: an exchange of its own under load and faults, round after round, each healed, audited and held
// against what every client was told.
import { randomInt } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import type { Told } from "@bourse/local/testing/load.js";
import { type ChaosExchange, startChaosExchange } from "./chaos/exchange.js";
import { type ChaosOptions, chaosOptions, usage } from "./chaos/options.js";
import { type FaultKind, faultText, planRound } from "./chaos/plan.js";
import { noTotals, roundLine, type Totals, totalLines, withRound } from "./chaos/report.js";
import { runRound } from "./chaos/round.js";

/** An audit reads everything since the beginning, so an exchange lives for so many rounds only. */
const ROUNDS_OF_EXCHANGE = 25;

/** Runs until the time is over and enough was broken; true when nothing ever was wrong. */
async function main(options: ChaosOptions, signal: AbortSignal): Promise<boolean> {
  const { firstRound, minutes, seed } = options;
  const startedAt = performance.now();
  const minutesNow = () => (performance.now() - startedAt) / 60_000;
  console.log(`seed ${seed}; the same faults again: npm run chaos -- --seed ${seed}`);
  let totals = noTotals;
  const isEnough = () =>
    totals.rounds >= options.rounds || (minutesNow() >= minutes && hasBroken(totals, options));
  let home = "";
  while (!isEnough() && totals.breaches === 0) {
    home = await homeOf(options);
    const exchange = await startChaosExchange({ home, signal });
    try {
      const before: Told[] = [];
      for (let n = 0; n < ROUNDS_OF_EXCHANGE && !isEnough() && totals.breaches === 0; n += 1) {
        const round = firstRound + totals.rounds;
        totals = await oneRound(exchange, { seed, round, before, totals, signal });
      }
    } finally {
      await exchange.close();
      if (totals.breaches === 0) await rm(home, { recursive: true, force: true });
    }
  }
  for (const line of totalLines(totals, seed, minutesNow())) console.log(line);
  if (totals.breaches > 0) console.log(`the home is kept: ${home}; logs lie in ${join(home, "logs")}`);
  return totals.breaches === 0;
}

async function oneRound(
  exchange: ChaosExchange,
  run: {
    readonly seed: number;
    readonly round: number;
    readonly before: Told[];
    readonly totals: Totals;
    readonly signal: AbortSignal;
  },
): Promise<Totals> {
  const { before, round, seed, totals } = run;
  const faults = planRound(seed, round);
  const result = await runRound(exchange, { ...run, faults });
  before.push(...result.told);
  console.log(roundLine(round, result));
  if (result.breaches.length > 0) {
    console.log(`BREACH in round ${round} of seed ${seed}:`);
    for (const breach of result.breaches.slice(0, BREACHES_SHOWN)) console.log(`  ${breach}`);
    console.log("faults of the round:");
    for (const fault of faults) console.log(`  ${faultText(fault)}`);
    console.log(`this round alone: npm run chaos -- --seed ${seed} --round ${round} --rounds 1`);
  }
  return withRound(totals, result);
}

const BREACHES_SHOWN = 30;

function hasBroken({ faults }: Totals, { kills, pauses }: ChaosOptions): boolean {
  const count = (kind: FaultKind) => faults.get(kind) ?? 0;
  return count("kill") >= kills && count("pause") >= pauses;
}

/** An empty folder: the one that was named, or a new one. */
async function homeOf({ home }: ChaosOptions): Promise<string> {
  if (home === undefined) return mkdtemp(join(tmpdir(), "bourse-chaos-"));
  const folder = resolve(home);
  await mkdir(folder, { recursive: true });
  if ((await readdir(folder)).length > 0) throw new Error(`--home: ${folder} is not empty`);
  return folder;
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
try {
  const options = chaosOptions(process.argv.slice(2), () => randomInt(1, 2 ** 31));
  if (options === undefined) console.log(usage);
  else process.exitCode = (await main(options, stop.signal)) ? 0 : 1;
} catch (error) {
  console.error(stop.signal.aborted ? "stopped" : error instanceof Error ? error.message : error);
  process.exitCode = stop.signal.aborted ? 130 : 2;
}
