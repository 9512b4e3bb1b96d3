// What `chaos` is told.
import { parseArgs } from "node:util";

export const usage = `usage: npm run chaos [-- --minutes <number>] [--rounds <number>] [--seed <number>] [--round <number>]
                        [--kills <number>] [--pauses <number>] [--home <folder>]

Starts an exchange of its own, drives load through it and breaks it on purpose, round after round: processes are
killed and paused, every way between them is cut, delayed, half-open or closed, PostgreSQL is cut at COMMIT and
shut down at once, Reserve, Submit and Settle arrive twice and late. After each round everything is healed, and
when it is quiet the exchange is audited and held against what every client was told.

  --minutes <number>   begins no round later than this; 5 by default
  --rounds <number>    ends after so many rounds, whatever the time
  --seed <number>      of load and faults; a new one each time by default. The same seed draws the same faults
  --round <number>     begins with this round of the seed; 1 by default
  --kills <number>     goes on until so many processes were killed (kill -9), also past the minutes
  --pauses <number>    goes on until so many were paused (SIGSTOP)
  --home <folder>      state of the exchange, which must be empty; a folder of its own by default

Exit code 0 when no round had a breach; 1 after the first that had one: it says what, and keeps the home.`;

export interface ChaosOptions {
  readonly minutes: number;
  readonly rounds: number;
  readonly seed: number;
  readonly firstRound: number;
  readonly kills: number;
  readonly pauses: number;
  readonly home: string | undefined;
}

const optionTypes = {
  minutes: { type: "string" },
  rounds: { type: "string" },
  seed: { type: "string" },
  round: { type: "string", default: "1" },
  kills: { type: "string", default: "0" },
  pauses: { type: "string", default: "0" },
  home: { type: "string" },
  help: { type: "boolean" },
} as const;

/** The options, or undefined when help is asked for. Throws with what is wrong and the usage. */
export function chaosOptions(args: readonly string[], newSeed: () => number): ChaosOptions | undefined {
  const { values } = parseArgs({ args: [...args], options: optionTypes, strict: true });
  if (values.help === true) return undefined;
  return {
    // So many rounds are enough of a bound.
    minutes: numberOf("--minutes", values.minutes ?? (values.rounds === undefined ? "5" : "1440"), 1),
    rounds: values.rounds === undefined ? Number.POSITIVE_INFINITY : numberOf("--rounds", values.rounds, 1),
    seed: values.seed === undefined ? newSeed() : numberOf("--seed", values.seed, 0),
    firstRound: numberOf("--round", values.round, 1),
    kills: numberOf("--kills", values.kills, 0),
    pauses: numberOf("--pauses", values.pauses, 0),
    home: values.home,
  };
}

const MAX = 4_294_967_295;

function numberOf(option: string, text: string, min: number): number {
  const value = Number(text);
  if (/^[0-9]+$/.test(text) && value >= min && value <= MAX) return value;
  throw new Error(`${option}: ${text} is not a whole number from ${min} to ${MAX}\n\n${usage}`);
}
