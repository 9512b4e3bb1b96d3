// The report of a replay as lines of text.
import { formatPercent, formatScaled } from "./decimal.js";
import { formatCount, formatMs } from "./figures.js";
import { showFloor } from "./floors.js";
import { showFigure } from "./history.js";
import type { ConservationLine, Prepared, ReplayReport } from "./run.js";
import type { ReplaySet } from "./set.js";
import type { Stage } from "./stage.js";
import { type Check, isPassed } from "./verdict.js";

/** What is about to happen. */
export function introduction(
  set: ReplaySet,
  { scale, commands, stage }: Prepared & { stage: Stage },
): string[] {
  const seeds = commands.filter(({ op }) => op === "SEED").length;
  const shifts = [
    ...(scale.priceShift === 0 ? [] : [`prices × 10^${scale.priceShift}`]),
    ...(scale.quantityShift === 0 ? [] : [`quantities × 10^${scale.quantityShift}`]),
  ];
  const scaled = shifts.length === 0 ? "" : `, ${shifts.join(", ")}`;
  return [
    line("set", `${set.name}: ${formatCount(seeds)} seeds, ${formatCount(commands.length - seeds)} commands`),
    line(
      "market",
      `${stage.symbol}, tick ${scale.tickSize}, lot ${scale.lotSize}${scaled}, protection ${stage.protectionBps} bps`,
    ),
  ];
}

/** What came of it. */
export function reportLines(report: ReplayReport): string[] {
  const { latencyMs, floors, checks, figures, conservation } = report;
  return [
    ...checks.flatMap(checkLines),
    ...conservation.map((asset) => line("asset", showConservation(asset))),
    ...figures.map((figure) => line("history", showFigure(figure))),
    line("rate", showRate(report)),
    line(
      "latency",
      `p50 ${formatMs(latencyMs.p50)}, p99 ${formatMs(latencyMs.p99)}, p99.9 ${formatMs(latencyMs.p999)}`,
    ),
    ...(floors.length === 0
      ? [line("floor", "not known: the processes' metrics were not reached")]
      : floors.map((floor) => line("floor", showFloor(floor)))),
    line(
      "faults",
      `${report.reconnects} streams broken, ${report.renewals} orders sent again under a new id`,
    ),
    line("verdict", report.isPassed ? "everything is equal" : "DIFFERENT"),
  ];
}

function checkLines(check: Check): string[] {
  const { name, equal, expected, differences, differencesTotal } = check;
  const mark = isPassed(check) ? "ok" : "DIFFERS";
  const hidden = differencesTotal - differences.length;
  return [
    line(
      mark,
      `${name}: ${formatCount(equal)} of ${formatCount(expected)} (${formatPercent(equal, expected)})`,
    ),
    ...differences.map((text) => line("", `  ${text}`)),
    ...(hidden > 0 ? [line("", `  and ${formatCount(hidden)} more`)] : []),
  ];
}

function showConservation({ asset, deposited, held }: ConservationLine): string {
  const difference = formatScaled(held - deposited, 8);
  return `${asset}: deposited ${formatScaled(deposited, 8)}, held ${formatScaled(held, 8)}, difference ${difference}`;
}

function showRate({ commands, answeredMs, settledMs }: ReplayReport): string {
  const answered = formatCount((commands * 1_000) / answeredMs);
  const settled = formatCount((commands * 1_000) / settledMs);
  return (
    `${settled} commands/s durable and settled, ${answered}/s answered ` +
    `(${formatCount(commands)} in ${(answeredMs / 1_000).toFixed(2)} s, settled ${formatMs(settledMs - answeredMs)} later)`
  );
}

function line(label: string, text: string): string {
  return `${label.padEnd(10)}${text}`;
}
