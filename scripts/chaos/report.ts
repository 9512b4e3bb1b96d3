// What a chaos run prints: a line per round, totals at the end.
import type { FaultKind } from "./plan.js";
import type { RoundResult } from "./round.js";

/** Sums over all rounds. */
export interface Totals {
  readonly rounds: number;
  readonly faults: ReadonlyMap<FaultKind, number>;
  readonly acknowledged: number;
  readonly refused: number;
  readonly unknown: number;
  readonly amends: number;
  readonly commits: number;
  readonly repeats: number;
  readonly held: number;
  readonly breaches: number;
}

export const noTotals: Totals = {
  rounds: 0,
  faults: new Map(),
  acknowledged: 0,
  refused: 0,
  unknown: 0,
  amends: 0,
  commits: 0,
  repeats: 0,
  held: 0,
  breaches: 0,
};

/** Adds a round. */
export function withRound(totals: Totals, { breaches, faults, struck, told }: RoundResult): Totals {
  const counted = new Map(totals.faults);
  for (const [kind, count] of faults) counted.set(kind, (counted.get(kind) ?? 0) + count);
  return {
    rounds: totals.rounds + 1,
    faults: counted,
    acknowledged: totals.acknowledged + told.filter(({ order }) => order !== undefined).length,
    refused: totals.refused + told.filter(({ refusal }) => refusal !== undefined).length,
    unknown: totals.unknown + told.filter(({ wasUnknown }) => wasUnknown).length,
    amends: totals.amends + told.reduce((sum, { amends }) => sum + amends.length, 0),
    commits: totals.commits + struck.commits,
    repeats: totals.repeats + struck.repeats,
    held: totals.held + struck.held,
    breaches: totals.breaches + breaches.length,
  };
}

/** The line of a round. */
export function roundLine(round: number, result: RoundResult): string {
  const { acknowledged, amends, refused, unknown } = withRound(noTotals, result);
  const { breaches, ended, faults, invariants, seconds, struck } = result;
  return [
    `round ${round}`,
    `${seconds.toFixed(1)} s`,
    faultsText(faults),
    `${struck.commits} commits cut, ${struck.repeats} repeats, ${struck.held} held`,
    `${acknowledged} orders acknowledged, ${refused} refused, ${unknown} unknown resolved, ${amends} amends`,
    `audit ${invariants.held} of ${invariants.all}`,
    ...(ended.length === 0 ? [] : [`ended by itself: ${ended.join(", ")}`]),
    `${breaches.length} breaches`,
  ].join(" | ");
}

/** The last lines of a run. */
export function totalLines(totals: Totals, seed: number, minutes: number): string[] {
  const { acknowledged, amends, breaches, commits, faults, held, refused, repeats, rounds, unknown } = totals;
  return [
    `${rounds} rounds in ${minutes.toFixed(1)} minutes, seed ${seed}: ${faultsText(faults)}`,
    `${commits} commits cut, ${repeats} messages repeated, ${held} held back`,
    `${acknowledged} orders acknowledged, ${refused} refused, ${unknown} unknown outcomes resolved, ${amends} amends`,
    `${breaches} breaches`,
  ];
}

/** "kill 3, pause 1", in the order of the alphabet. */
function faultsText(faults: ReadonlyMap<FaultKind, number>): string {
  const counts = [...faults].sort(([a], [b]) => (a < b ? -1 : 1)).map(([kind, count]) => `${kind} ${count}`);
  return counts.length === 0 ? "no faults" : counts.join(", ");
}
