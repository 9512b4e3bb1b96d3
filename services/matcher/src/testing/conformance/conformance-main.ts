// npm run conformance [-- <file…>]: runs workload files of the public matching-engine benchmark, or the one that
// lies here, and compares the hash of the canonical reports with the published one, for the core alone and through
// the journal.
//
//   --core-only            without the journal
//   --runs N               runs of the core alone (3); the middle speed is shown
//   --make FILE [--seed N] [--count N]   writes a workload of our own, compressed, and says its hash
//
// Exit codes: 0 all as expected, 1 a hash differs or a run failed, 64 wrong use.
import { writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { brotliCompressSync } from "node:zlib";
import { makeMessages } from "./make-workload.js";
import { playCore, tapeFor } from "./play-core.js";
import { playJournal } from "./play-journal.js";
import { expectedOf } from "./published.js";
import { hashLines, type ReportTape, reportLines } from "./reports.js";
import { slowReports } from "./slow-play.js";
import { parseWorkload, readWorkload, type Workload, workloadBytes } from "./workload.js";

const USAGE = `usage: npm run conformance [-- [<file…>] [--core-only] [--runs N]]
       npm run conformance -- --make <file> [--seed N] [--count N]
`;
const EXIT_USAGE = 64;
/** The workload that lies here, also when this runs compiled. */
const OWN = fileURLToPath(new URL("../../../src/testing/conformance/seeded-20000.bin.br", import.meta.url));

const write = (line: string) => void process.stdout.write(`${line}\n`);
const grouped = new Intl.NumberFormat("en-US");

try {
  process.exitCode = await run();
} catch (error) {
  process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  process.exitCode = 1;
}

async function run(): Promise<number> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      help: { type: "boolean", short: "h", default: false },
      "core-only": { type: "boolean", default: false },
      runs: { type: "string", default: "3" },
      make: { type: "string" },
      seed: { type: "string", default: "23" },
      count: { type: "string", default: "20000" },
    },
  });
  if (values.help) {
    write(USAGE.trimEnd());
    return 0;
  }
  const [runs, seed, count] = [Number(values.runs), Number(values.seed), Number(values.count)];
  const isUsable = [runs, seed, count].every((each) => Number.isSafeInteger(each) && each > 0);
  if (!isUsable || (values.make !== undefined && positionals.length > 0)) {
    process.stderr.write(USAGE);
    return EXIT_USAGE;
  }
  if (values.make !== undefined) return make(values.make, seed, count);
  let isGood = true;
  const paths = positionals.length === 0 ? [OWN] : positionals;
  for (const path of paths) isGood = (await conforms(path, runs, values["core-only"])) && isGood;
  return isGood ? 0 : 1;
}

/** Writes a workload, with the hash that the plain model gives. */
function make(path: string, seed: number, count: number): number {
  const bytes = workloadBytes(makeMessages(seed, count));
  const lines = slowReports(parseWorkload(bytes, path));
  writeFileSync(path, brotliCompressSync(bytes));
  write(`${path}: seed ${seed}, ${grouped.format(count)} messages, by the plain model:`);
  write(`  ${hashLines(lines)}  ${grouped.format(lines.length)} reports`);
  return 0;
}

async function conforms(path: string, runs: number, isCoreOnly: boolean): Promise<boolean> {
  const workload = readWorkload(path);
  const expected = expectedOf(path);
  write(`${path}: ${grouped.format(workload.count)} messages`);
  if (expected !== undefined)
    write(`  expected      ${expected.hash}  ${grouped.format(expected.reports)} reports`);
  const core = playAlone(workload, runs);
  let isGood = show("core", core, expected?.hash ?? hashOf(core.tape));
  if (!isCoreOnly) {
    const tape = tapeFor(workload);
    const { writeSeconds, replaySeconds } = await playJournal(workload, tape);
    const speed = `written ${rate(workload, writeSeconds)}, replayed ${rate(workload, replaySeconds)}`;
    isGood = show("with journal", { tape, speed }, expected?.hash ?? hashOf(core.tape)) && isGood;
  }
  if (expected === undefined) write("  no published hash is known for a file of this name");
  return isGood;
}

interface Played {
  readonly tape: ReportTape;
  readonly speed: string;
}

function playAlone(workload: Workload, runs: number): Played {
  const seconds: number[] = [];
  let tape = tapeFor(workload);
  for (let run = 0; run < runs; run += 1) {
    tape = tapeFor(workload);
    const startedAt = performance.now();
    playCore(workload, tape);
    seconds.push((performance.now() - startedAt) / 1_000);
  }
  seconds.sort((a, b) => a - b);
  return { tape, speed: rate(workload, seconds[Math.floor(runs / 2)]) };
}

function hashOf(tape: ReportTape): string {
  return hashLines(reportLines(tape));
}

function show(name: string, { tape, speed }: Played, expected: string): boolean {
  const hash = hashOf(tape);
  const verdict = hash === expected ? "the same" : "DIFFERS";
  write(`  ${name.padEnd(12)}  ${hash}  ${grouped.format(tape.count)} reports  ${verdict}  ${speed}`);
  return hash === expected;
}

function rate({ count }: Workload, seconds: number): string {
  return `${(count / seconds / 1e6).toFixed(2)} M messages/s`;
}
