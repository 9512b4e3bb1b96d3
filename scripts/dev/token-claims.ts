// What `npm run token` understands.
import { parseArgs } from "node:util";
import type { TokenClaims } from "@bourse/local/keys.js";
import { StartError } from "@bourse/local/start-error.js";
import { isUuid } from "@bourse/shared/ids.js";
import { namedUsers } from "./users.js";

const help = `npm run --silent token -- --user <alice|bob|operator|UUID> [options]

  --role <name>        trader, operator or auditor; may be repeated; default: the user's own, or trader
  --permission <name>  act_for: may name the user of each command of an OrderEntry stream
  --tier <name>        basic (10 requests/s), plus (100), pro (1,000) or unlimited; default: the user's own, or basic
  --ttl <seconds>      life of the token; default 86400

  The token is printed alone on standard output.`;

const roles = ["trader", "operator", "auditor"] as const;
const tiers = ["basic", "plus", "pro", "unlimited"] as const;

/** The claims that a command line asks for; fails with a StartError that says what is wrong. */
export function parseClaims(args: string[]): TokenClaims {
  const values = parse(args);
  if (values.help === true || values.user === undefined) throw new StartError(help);
  const known = namedUsers[values.user];
  if (known === undefined && !isUuid(values.user))
    throw new StartError(
      `--user: ${values.user} is neither a UUID nor one of ${Object.keys(namedUsers).join(", ")}`,
    );
  const tier = values.tier === undefined ? known?.tier : oneOf("--tier", tiers, values.tier);
  return {
    userId: known?.userId ?? values.user,
    roles: values.role?.map((role) => oneOf("--role", roles, role)) ?? known?.roles ?? ["trader"],
    permissions:
      values.permission?.map((permission) => oneOf("--permission", ["act_for"] as const, permission)) ?? [],
    ...(tier === undefined ? {} : { tier }),
    ...(values.ttl === undefined ? {} : { ttlSeconds: secondsOf(values.ttl) }),
  };
}

function parse(args: string[]) {
  const options = {
    user: { type: "string" },
    role: { type: "string", multiple: true },
    permission: { type: "string", multiple: true },
    tier: { type: "string" },
    ttl: { type: "string" },
    help: { type: "boolean" },
  } as const;
  try {
    return parseArgs({ args, options, strict: true }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n\n${help}`, { cause: error });
  }
}

function oneOf<T extends string>(option: string, allowed: readonly T[], value: string): T {
  const found = allowed.find((each) => each === value);
  if (found === undefined) throw new StartError(`${option}: ${value} is not one of ${allowed.join(", ")}`);
  return found;
}

function secondsOf(text: string): number {
  const seconds = Number(text);
  if (!Number.isSafeInteger(seconds) || seconds < 1)
    throw new StartError(`--ttl: ${text} is not a number of seconds`);
  return seconds;
}
