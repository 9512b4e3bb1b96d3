// npm run planted: is each rule of the design guarded? Breaks it in a test build of a process, under load and
// faults, and says by which breach audit or reconciliation caught it. Without the bug the same must be clean.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { plantedEnv } from "@bourse/local/testing/planted.js";
import { repoRoot } from "./audit/repo-root.js";
import { type ChaosExchange, startChaosExchange } from "./chaos/exchange.js";
import { type RoundResult, runRound } from "./chaos/round.js";
import { BUGS, type PlantedBug } from "./planted/bugs.js";

const usage = `usage: npm run planted [-- --rules <number,...>] [--no-control]

Breaks the rules of DESIGN.md §2 one after the other, all nine or those that are named, each in a test build of a
process, and exits with 0 only if audit or reconciliation catches every one, and finds nothing without the bug.

  --rules <numbers>  only these rules, separated by commas
  --no-control       only with the bug, not without it`;

const options = {
  rules: { type: "string" },
  "no-control": { type: "boolean", default: false },
  help: { type: "boolean" },
} as const;

/** A bug may keep the exchange from ever healing: then the audit has the word. Sound, it has a round's minute. */
const HEAL_MS_MAX = { planted: 20_000, sound: 60_000 };
const SEED = 5;

async function main(signal: AbortSignal): Promise<boolean> {
  const { values } = parseArgs({ options });
  if (values.help === true) {
    console.log(usage);
    return true;
  }
  const wanted = values.rules?.split(",").map(Number);
  const bugs = BUGS.filter(({ rule }) => wanted?.includes(rule) ?? true);
  if (bugs.length === 0) throw new Error(usage);
  let isGood = true;
  for (const bug of bugs) {
    const caught = await withBug(bug, signal);
    isGood &&= caught;
  }
  if (!values["no-control"]) isGood = (await withoutBugs(bugs, signal)) && isGood;
  return isGood;
}

async function withBug(bug: PlantedBug, signal: AbortSignal): Promise<boolean> {
  const startedAt = performance.now();
  const breaches = await onExchange(bug, { isPlanted: true, signal }, async (exchange) => {
    const { breaches: found } = await roundOf(exchange, bug, HEAL_MS_MAX.planted, signal);
    return found;
  });
  const seconds = ((performance.now() - startedAt) / 1_000).toFixed(0);
  const caught = breaches.find((text) => bug.caughtBy.test(text));
  const verdict = caught === undefined ? "NOT CAUGHT" : "caught";
  console.log(`rule ${bug.rule} broken: ${bug.text}: ${verdict} (${seconds} s, ${breaches.length} breaches)`);
  for (const text of caught === undefined ? breaches.slice(0, 10) : [caught])
    console.log(`  ${text.slice(0, 300)}`);
  return caught !== undefined;
}

/** The same faults and acts on sound processes; those without settings of their own share an exchange. */
async function withoutBugs(bugs: readonly PlantedBug[], signal: AbortSignal): Promise<boolean> {
  const groups = [
    bugs.filter(({ env }) => env === undefined),
    ...bugs.filter(({ env }) => env).map((bug) => [bug]),
  ];
  let isGood = true;
  for (const group of groups) {
    const [first] = group;
    if (first === undefined) continue;
    await onExchange(first, { isPlanted: false, signal }, async (exchange) => {
      for (const bug of group) {
        const { breaches, seconds } = await roundOf(exchange, bug, HEAL_MS_MAX.sound, signal);
        const verdict = breaches.length === 0 ? "clean" : `${breaches.length} BREACHES`;
        console.log(`rule ${bug.rule} kept, the same faults: ${verdict} (${seconds.toFixed(0)} s)`);
        for (const text of breaches.slice(0, 10)) console.log(`  ${text.slice(0, 300)}`);
        isGood &&= breaches.length === 0;
      }
    });
  }
  return isGood;
}

function roundOf(
  exchange: ChaosExchange,
  bug: PlantedBug,
  healMsMax: number,
  signal: AbortSignal,
): Promise<RoundResult> {
  return runRound(exchange, {
    seed: SEED,
    round: bug.rule,
    faults: bug.faults,
    before: [],
    signal,
    healMsMax,
    ...(bug.act === undefined ? {} : { act: bug.act }),
  });
}

async function onExchange<T>(
  { env = {}, planted }: PlantedBug,
  { isPlanted, signal }: { readonly isPlanted: boolean; readonly signal: AbortSignal },
  run: (exchange: ChaosExchange) => Promise<T>,
): Promise<T> {
  const home = await mkdtemp(join(tmpdir(), "bourse-planted-"));
  const from = fileURLToPath(import.meta.url).includes("/dist/") ? "dist" : "source";
  const build = { servicesFolder: join(repoRoot(), "services"), from } as const;
  const envOf = (name: string) => {
    const substitutions = isPlanted ? planted[name] : undefined;
    return substitutions === undefined ? {} : plantedEnv(substitutions, build);
  };
  const exchange = await startChaosExchange({ home, signal, env, envOf });
  try {
    return await run(exchange);
  } finally {
    await exchange.close();
    await rm(home, { recursive: true, force: true });
  }
}

const stop = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
try {
  process.exitCode = (await main(stop.signal)) ? 0 : 1;
} catch (error) {
  console.error(stop.signal.aborted ? "stopped" : error instanceof Error ? error.message : error);
  process.exitCode = stop.signal.aborted ? 130 : 2;
}
