// The core against the plain model, command by command, on dense random flow.
//
//   BOURSE_LOCKSTEP_RUNS=5000 BOURSE_LOCKSTEP_SEED=7 npx vitest run lockstep   longer, with another seed
import fc from "fast-check";
import { expect, test } from "vitest";
import { Lockstep } from "../testing/slow-lockstep.js";
import { type SlowContext, type SlowStep, slowMarkets, slowScale, slowStep } from "../testing/slow-steps.js";
import type { Market, MatcherEvent } from "./types.js";

const RUNS = Number(process.env.BOURSE_LOCKSTEP_RUNS ?? 100);
const SEED = Number(process.env.BOURSE_LOCKSTEP_SEED ?? 23);
const STEPS_MAX = 160;
/** Commands after which the core's state goes through its bytes. */
const RESTORE_EVERY = 37;
const START_MS = 1_700_000_000_000;

type Scale = SlowContext["scale"];

function runLockstep(markets: readonly Market[], scale: Scale, steps: readonly SlowStep[]): MatcherEvent[] {
  const both = new Lockstep(markets);
  const context: SlowContext = { slow: both.slow, scale, orders: 0, legs: 0, submitted: [] };
  let timeMs = START_MS;
  const ids = new Set<string>();
  const commands: string[] = [];
  for (const [index, step] of steps.entries()) {
    timeMs += step.advanceMs;
    const command = step.command(context, timeMs);
    commands.push(`+${step.advanceMs} ms ${JSON.stringify(command)}`);
    try {
      both.step(timeMs, command);
      both.compareBooks();
      for (const id of both.slow.known.keys()) ids.add(id);
      both.compareIds(ids);
      if (index % RESTORE_EVERY === RESTORE_EVERY - 1) both.restore();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new Error(`after these commands:\n${commands.join("\n")}\n${why}`, { cause: error });
    }
  }
  return both.events;
}

test("the core decides exactly as the plain model does, after every command", { timeout: 600_000 }, () => {
  const seen = new Map<string, number>();
  fc.assert(
    fc.property(
      slowMarkets,
      slowScale,
      fc.array(slowStep, { minLength: 1, maxLength: STEPS_MAX, size: "max" }),
      (markets, scale, steps) => {
        for (const event of runLockstep(markets, scale, steps)) {
          for (const word of wordsOf(event)) seen.set(word, (seen.get(word) ?? 0) + 1);
        }
      },
    ),
    { numRuns: RUNS, seed: SEED },
  );
  // What never happened was never compared.
  expect(EXPECTED.filter((word) => !seen.has(word))).toEqual([]);
});

/** Kinds, reasons and modes that the flow must reach. */
const EXPECTED = [
  ...[
    "accepted",
    "rested",
    "trade",
    "stopPlaced",
    "stopTriggered",
    "amended",
    "marketStateChanged",
    "switchSet",
  ],
  ...["keeps place", "loses place"],
  ...["CANCEL_TAKER", "CANCEL_MAKER", "CANCEL_BOTH", "DECREMENT"].map((mode) => `prevented ${mode}`),
  ...["", "IOC_REMAINDER", "FOK_NOT_FILLABLE", "INSUFFICIENT_LIQUIDITY", "BUDGET_EXHAUSTED"].map(ended),
  ...["PRICE_PROTECTION", "SELF_TRADE", "PRICE_OUT_OF_BAND", "USER", "SYMBOL_HALTED", "SYMBOL_POST_ONLY"].map(
    ended,
  ),
  ...[
    "SYMBOL_CANCEL_ONLY",
    "SYMBOL_DELISTED",
    "OPEN_ORDER_LIMIT",
    "POST_ONLY_WOULD_TAKE",
    "NOT_SEQUENCED",
  ].map(ended),
  ...["DAY_END", "POST_ONLY_AT_TRIGGER", "CANCEL_ALL", "DEAD_MAN", "OPERATOR", "DELISTED", "AMENDED"].map(
    ended,
  ),
  ended("STOP_WOULD_TRIGGER"),
  ...["ORDER_NOT_OPEN", "LEG_TOO_SMALL", "POST_ONLY_WOULD_TAKE", "PRICE_OUT_OF_BAND"].map(refused),
  ...["SYMBOL_HALTED", "SYMBOL_POST_ONLY", "SYMBOL_CANCEL_ONLY", "PRICE_NOT_ALLOWED"].map(refused),
  // SYMBOL_DELISTED cannot be among them: what a delisting leaves is swept, as due, before the next command.
  refused("NOTIONAL_TOO_LARGE"),
];

function ended(reason: string): string {
  return `ended ${reason}`;
}

function refused(reason: string): string {
  return `refused ${reason}`;
}

function wordsOf(event: MatcherEvent): string[] {
  switch (event.type) {
    case "ended":
      return [ended(event.reason)];
    case "amendRefused":
      return [refused(event.reason)];
    case "selfTradePrevented":
      return [`prevented ${event.mode}`];
    case "amended":
      return ["amended", event.keepsPlace ? "keeps place" : "loses place"];
    default:
      return [event.type];
  }
}
