// What a command costs: time at its percentiles, and bytes of the heap.
import type { Bench } from "./bench.js";
import { atMost, type Figure, worst } from "./table.js";

interface Percentiles {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
}

/** Young generation in MiB: larger than anything that a run could allocate unnoticed. */
const YOUNG_MIB = 128;
const RUNS = 5;
const WARM_UPS = 3;

export async function latencyRows(bench: Bench): Promise<Figure[]> {
  const player = await bench.start("bourse", "core-player", [bench.flow.path], ["--expose-gc"]);
  try {
    for (let at = 0; at < WARM_UPS; at += 1) await player.ask("play");
    const runs: { command: Percentiles; timer: Percentiles }[] = [];
    for (let at = 0; at < RUNS; at += 1) runs.push(await player.ask("latency"));
    runs.sort((a, b) => a.command.p99 - b.command.p99);
    const { command, timer } = runs[RUNS >> 1]!;
    bench.say(`latency p99 of ${RUNS} runs: ${runs.map((run) => run.command.p99.toFixed(0)).join(", ")} ns`);
    const measured =
      `p50 ${command.p50.toFixed(0)} ns, p99 ${command.p99.toFixed(0)} ns, p99.9 ${command.p999.toFixed(0)} ns, ` +
      `of it ${timer.p50.toFixed(0)} ns the timer`;
    const grade = worst([atMost(command.p99, 1_000, 500), atMost(command.p999, 3_000, 3_000)]);
    return [{ what: "core latency p99 / p99.9", must: "1 us / 3 us", stretch: "0.5 us", measured, grade }];
  } finally {
    await player.close();
  }
}

export async function allocationRows(bench: Bench): Promise<Figure[]> {
  const node = ["--expose-gc", `--min-semi-space-size=${YOUNG_MIB}`, `--max-semi-space-size=${YOUNG_MIB}`];
  const player = await bench.start("bourse", "core-cost", [bench.flow.path], node);
  try {
    const run = await player.ask<{
      commands: number;
      heapBytes: number;
      bufferBytes: number;
      collections: number;
    }>(`allocation ${WARM_UPS}`);
    const perCommand = (run.heapBytes + run.bufferBytes) / run.commands;
    const measured =
      `${perCommand.toFixed(3)} bytes a command: heap ${run.heapBytes}, typed arrays ${run.bufferBytes} in ` +
      `${run.commands} commands, ${run.collections} collections`;
    // The runtime's own few kilobytes (timers, the measurement) are not the command's: none means under 0.1.
    const grade = run.collections === 0 ? atMost(perCommand, 0.1, 0.1) : "not met";
    return [{ what: "core allocation after warm-up", must: "0 bytes", stretch: "-", measured, grade }];
  } finally {
    await player.close();
  }
}
