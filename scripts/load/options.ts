// What `load` is told: the command line says how much, the environment where and as whom.
import { parseArgs } from "node:util";

export const usage = `usage: load [--rate <orders a second> | --in-flight <orders>] [--seconds <number>]
            [--markets <symbol,...>] [--records <file>] [--seed <number>]

  --rate <number>        open loop: orders leave when they are due, whatever the answers do; default 200
  --in-flight <number>   closed loop: so many orders are on their way at any time
  --seconds <number>     ends after this long; until SIGINT or SIGTERM when absent
  --markets <symbols>    only these, separated by commas; every market that trades when absent
  --records <file>       one line per order: ids, times, attempts, outcome, failures seen
  --seed <number>        of the order flow; default 1

environment:
  BOURSE_ADDRESS         gRPC address of the edge; dns:///name:port spreads over every address of a name
  OPERATOR_TOKEN         makes the deposits
  LOAD_TOKENS            tokens of the users that trade, one per line ("<token>" or "<user id> <token>")

The last line is the summary as JSON. Exit code 1 when an order was lost, doubled, failed for good or never answered.`;

/** How the orders leave. */
export type Pace =
  | { readonly type: "open"; readonly perSecond: number }
  | { readonly type: "closed"; readonly inFlight: number };

export interface LoadOptions {
  readonly address: string;
  readonly operatorToken: string;
  readonly tokens: readonly string[];
  readonly pace: Pace;
  readonly seconds: number | undefined;
  /** Markets to use; empty for all that trade. */
  readonly symbols: readonly string[];
  readonly recordsFile: string | undefined;
  readonly seed: number;
}

type Env = Readonly<Record<string, string | undefined>>;

const optionTypes = {
  rate: { type: "string" },
  "in-flight": { type: "string" },
  seconds: { type: "string" },
  markets: { type: "string" },
  records: { type: "string" },
  seed: { type: "string", default: "1" },
  help: { type: "boolean" },
} as const;

/** The options, or undefined when help is asked for. Throws with what is wrong and the usage. */
export function loadOptions(args: readonly string[], env: Env): LoadOptions | undefined {
  const { values } = parseArgs({ args: [...args], options: optionTypes, strict: true });
  if (values.help === true) return undefined;
  if (values.rate !== undefined && values["in-flight"] !== undefined)
    throw new Error(`--rate and --in-flight exclude each other\n\n${usage}`);
  const inFlight = values["in-flight"];
  const pace: Pace =
    inFlight === undefined
      ? { type: "open", perSecond: numberOf("--rate", values.rate ?? "200", 20_000) }
      : { type: "closed", inFlight: numberOf("--in-flight", inFlight, 10_000) };
  return {
    address: needed(env, "BOURSE_ADDRESS"),
    operatorToken: needed(env, "OPERATOR_TOKEN"),
    tokens: tokensOf(needed(env, "LOAD_TOKENS")),
    pace,
    seconds: values.seconds === undefined ? undefined : numberOf("--seconds", values.seconds, 86_400),
    symbols: (values.markets ?? "").split(",").filter((symbol) => symbol !== ""),
    recordsFile: values.records,
    seed: numberOf("--seed", values.seed, 4_294_967_295),
  };
}

/** Tokens of a text with one per line; an id before the token is for people and passed over. */
export function tokensOf(text: string): string[] {
  return text.split("\n").flatMap((line) => line.trim().split(/\s+/).at(-1) || []);
}

function numberOf(option: string, text: string, max: number): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value >= 1 && value <= max) return value;
  throw new Error(`${option}: ${text} is not a whole number from 1 to ${max}`);
}

function needed(env: Env, name: string): string {
  const value = env[name];
  if (value === undefined || value === "") throw new Error(`${name} is not set\n\n${usage}`);
  return value;
}
