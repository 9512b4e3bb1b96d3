// npm run bench [-- place|replay|idle|matcher|wallet …]: the figures that the project claims, beside the limit, the
// floor or the peer that belongs to each, measured in the same run on a throw-away exchange.
import { existsSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { makeToken } from "@bourse/local/keys.js";
import { type Mesh, startMesh } from "@bourse/local/mesh.js";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { repoRoot } from "./audit/repo-root.js";
import { benchMatcher, figureNames } from "./bench/matcher/run.js";
import { benchPlace } from "./bench/place.js";
import { readUsage } from "./bench/processes.js";
import { benchWallet, walletFigureNames } from "./bench/wallet/run.js";
import { formatCount, formatMs } from "./replay/figures.js";
import { showFloor } from "./replay/floors.js";
import { startProgress } from "./replay/progress.js";
import { reportLines } from "./replay/report.js";
import { runReplay } from "./replay/run.js";
import { loadSet } from "./replay/set.js";
import type { Target } from "./replay/target.js";

const usage = `usage: npm run bench [-- <what>…] [--set <folder>] [--rate <number>] [--seconds <number>]
       npm run bench -- matcher [--only <figure>]… [--flow <file>]
       npm run bench -- wallet [--only <figure>]…

what: idle    start times, memory and processor time without load
      place   placement latency at a fixed rate, beside the fsync and commit floors
      replay  commands a second of a replay set at full speed (the Bitstamp set beside the checkout, else
              the largest of the project's own)
      matcher the matching core, its journal and its recovery, beside peers on the same order flow; figures:
              ${figureNames.join(", ")}
      wallet  reserves, settlements and history rows on a PostgreSQL of its own, in turn with pgbench (which must
              be installed) and single-row commits; figures: ${walletFigureNames.join(", ")}
The first three by default.`;

/** Limits that the figures are held against. */
const limits = {
  secondStartMs: 10_000,
  idlePssMib: 800,
  idleCorePercent: 5,
  replayCommandsPerSecond: 1_500,
};
const idleSeconds = 15;

const known = ["idle", "place", "replay", "matcher", "wallet"] as const;
/** Figures that need no exchange; they take minutes, so they are asked for by name. */
const alone: Readonly<Record<string, readonly string[]>> = {
  matcher: figureNames,
  wallet: walletFigureNames,
};

async function main(): Promise<boolean> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      set: { type: "string" },
      rate: { type: "string", default: "500" },
      seconds: { type: "string", default: "20" },
      only: { type: "string", multiple: true, default: [] },
      flow: { type: "string" },
      help: { type: "boolean" },
    },
  });
  const unknown = positionals.filter((name) => !known.some((what) => what === name));
  if (values.help === true || unknown.length > 0) {
    console.log(usage);
    return unknown.length === 0;
  }
  const figures = positionals.flatMap((what) => alone[what] ?? []);
  const strange = values.only.filter((name) => !figures.includes(name));
  if (strange.length > 0)
    throw new Error(`there is no figure "${strange.join(", ")}": ${figures.join(", ")}`);
  if (positionals.includes("matcher")) await benchMatcher({ only: values.only, flow: values.flow });
  if (positionals.includes("wallet")) await benchWallet({ only: values.only });
  const onMesh = positionals.filter((what) => alone[what] === undefined);
  if (positionals.length > 0 && onMesh.length === 0) return true;
  const wants = (what: (typeof known)[number]) => onMesh.length === 0 || onMesh.includes(what);
  const home = await mkdtemp(join(tmpdir(), "bourse-bench-"));
  let mesh = await startMesh({ home, ports: "free" });
  try {
    if (wants("idle")) {
      line("first", showStart(mesh));
      await mesh.stop();
      const startedAtMs = systemClock.monotonicMs();
      mesh = await startMesh({ home, ports: "free" });
      const tookMs = systemClock.monotonicMs() - startedAtMs;
      line("second", `${showStart(mesh)}; ${ratio(formatMs(tookMs), tookMs, limits.secondStartMs)}`);
      await benchIdle(mesh);
    }
    const target: Target = {
      address: mesh.running.grpcAddress,
      home,
      running: mesh.running,
      token: (claims) => makeToken(home, claims),
      close: () => Promise.resolve(),
    };
    if (wants("place")) await showPlace(target, Number(values.rate), Number(values.seconds));
    return wants("replay") ? await showReplay(mesh, target, values.set ?? defaultSet()) : true;
  } finally {
    await mesh.stop();
    await rm(home, { recursive: true, force: true });
  }
}

function showStart(mesh: Mesh): string {
  const parts = [...mesh.readyAfterMs].map(([name, ms]) => `${name} ${formatMs(ms)}`);
  return `ready after: ${parts.join(", ")}`;
}

async function benchIdle(mesh: Mesh): Promise<void> {
  // The first seconds belong to the start: compilers and caches settle.
  await systemClock.sleep(5_000);
  const before = readUsage(mesh);
  const startedAtMs = systemClock.monotonicMs();
  await systemClock.sleep(idleSeconds * 1_000);
  const elapsedMs = systemClock.monotonicMs() - startedAtMs;
  const after = readUsage(mesh);
  const mib = (bytes: number) => bytes / 1_048_576;
  let pss = 0;
  let cpu = 0;
  for (const [index, { name, pssBytes, cpuMs }] of after.entries()) {
    const percent = ((cpuMs - (before[index]?.cpuMs ?? 0)) * 100) / elapsedMs;
    pss += pssBytes;
    cpu += percent;
    line(
      "idle",
      `${name.padEnd(14)} ${mib(pssBytes).toFixed(0).padStart(4)} MiB  ${percent.toFixed(2)} % of a core`,
    );
  }
  line("idle", `memory ${ratio(`${mib(pss).toFixed(0)} MiB`, mib(pss), limits.idlePssMib)}`);
  line("idle", `processor ${ratio(`${cpu.toFixed(2)} % of a core`, cpu, limits.idleCorePercent)}`);
}

async function showPlace(target: Target, rate: number, seconds: number): Promise<void> {
  const { orders, p50Ms, p99Ms, p999Ms, floors } = await benchPlace(target, rate, seconds);
  const latency = `p50 ${formatMs(p50Ms)}, p99 ${formatMs(p99Ms)}, p99.9 ${formatMs(p999Ms)}`;
  line("place", `${formatCount(orders)} at ${rate}/s: ${latency}`);
  for (const floor of floors) line("floor", showFloor(floor));
  const floorMs = (pick: "p50Ms" | "p99Ms") => floors.reduce((sum, floor) => sum + floor[pick], 0);
  if (floors.length > 0) {
    const [p50, p99] = [p50Ms / floorMs("p50Ms"), p99Ms / floorMs("p99Ms")];
    line("ratio", `p50 ${p50.toFixed(1)} and p99 ${p99.toFixed(1)} times one commit and one fsync`);
  }
}

async function showReplay(mesh: Mesh, target: Target, folder: string): Promise<boolean> {
  const set = loadSet(folder);
  const before = readUsage(mesh);
  const ownBefore = process.cpuUsage();
  const progress = startProgress(set.commands.length);
  const report = await runReplay({
    set,
    target,
    shard: 0,
    windowMax: 256,
    rate: undefined,
    signal: new AbortController().signal,
    onProgress: progress.at,
    onFault: progress.note,
  }).finally(progress.end);
  console.log(reportLines(report).join("\n"));
  const own = process.cpuUsage(ownBefore);
  const usage = readUsage(mesh).map(({ name, cpuMs }, index) => ({
    name,
    cpuMs: cpuMs - (before[index]?.cpuMs ?? 0),
  }));
  for (const { name, cpuMs } of [...usage, { name: "this tool", cpuMs: (own.user + own.system) / 1_000 }]) {
    line(
      "processor",
      `${name.padEnd(14)} ${((cpuMs * 1_000) / report.commands).toFixed(0).padStart(5)} µs a command`,
    );
  }
  const perSecond = (report.commands * 1_000) / report.settledMs;
  const text = `${formatCount(perSecond)} commands/s, ${(perSecond / limits.replayCommandsPerSecond).toFixed(2)} times`;
  line("replay", `${text} the ${formatCount(limits.replayCommandsPerSecond)} that are asked for`);
  return report.isPassed;
}

function defaultSet(): string {
  const beside = join(repoRoot(), "..", "shared", "data", "bitstamp-btcusd-20150501-00h05h");
  return existsSync(beside) ? beside : join(repoRoot(), "scripts", "replay", "sets", "fine-lots");
}

function ratio(text: string, value: number, limit: number): string {
  return `${text}, ${(value / limit).toFixed(2)} of the limit`;
}

function line(label: string, text: string): void {
  console.log(`${label.padEnd(10)}${text}`);
}

try {
  process.exitCode = (await main()) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
