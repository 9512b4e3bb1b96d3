// What `npm run kube-secrets` understands.
import { parseArgs } from "node:util";
import type { TokenClaims } from "@bourse/local/keys.js";
import { StartError } from "@bourse/local/start-error.js";
import { parseClaims } from "../dev/token-claims.js";
import { fullnameOf } from "./identities.js";
import type { Place } from "./plan.js";

const help = `npm run kube-secrets -- --namespace <name> [options]

  Makes what is missing of the secrets that a release needs: mesh certificates, database passwords, the key
  set of access tokens, tokens for helm test and for load. What exists is kept; to have one made again,
  delete it first. For clusters without cert-manager and without a secret store.

  --release <name>        of Helm; default: bourse
  --trust-domain <name>   of the mesh identities; default: bourse
  --rotate-certificates   issues every mesh certificate again; processes take them up without a restart
  --dry-run               prints the names of what would be written, and writes nothing
  --kubeconfig <file>     as for kubectl
  --context <name>        as for kubectl

npm run --silent kube-secrets -- --namespace <name> --token <alice|bob|operator|UUID> [--role ...] [--tier ...]
                                 [--permission ...] [--ttl ...]

  Prints an access token for that release, alone on standard output; the options are those of npm run token.`;

const options = {
  namespace: { type: "string" },
  release: { type: "string" },
  "trust-domain": { type: "string" },
  "rotate-certificates": { type: "boolean" },
  "dry-run": { type: "boolean" },
  kubeconfig: { type: "string" },
  context: { type: "string" },
  token: { type: "string" },
  role: { type: "string", multiple: true },
  tier: { type: "string" },
  permission: { type: "string", multiple: true },
  ttl: { type: "string" },
  help: { type: "boolean" },
} as const;

/** A command line, understood. */
export interface Options {
  readonly place: Place;
  readonly trustDomain: string;
  readonly rotateCertificates: boolean;
  readonly dryRun: boolean;
  /** In front of every kubectl command: which cluster, which namespace. */
  readonly kubectlArgs: readonly string[];
  /** Whom to print a token for, instead of making secrets. */
  readonly token: TokenClaims | undefined;
}

/** Understands the command line; fails with a StartError that says what is wrong. */
export function parseOptions(args: string[]): Options {
  const values = parse(args);
  if (values.help === true) throw new StartError(help);
  const { namespace, token, role = [], permission = [], tier, ttl } = values;
  if (namespace === undefined) throw new StartError(`--namespace is missing\n\n${help}`);
  if (token === undefined && [...role, ...permission, tier, ttl].some((value) => value !== undefined))
    throw new StartError("--role, --tier, --permission and --ttl belong to --token");
  return {
    place: { namespace, fullname: fullnameOf(values.release ?? "bourse") },
    trustDomain: values["trust-domain"] ?? "bourse",
    rotateCertificates: values["rotate-certificates"] ?? false,
    dryRun: values["dry-run"] ?? false,
    kubectlArgs: [
      ...given("--kubeconfig", values.kubeconfig),
      ...given("--context", values.context),
      ...given("--namespace", namespace),
    ],
    token:
      token === undefined
        ? undefined
        : parseClaims([
            ...given("--user", token),
            ...role.flatMap((each) => given("--role", each)),
            ...permission.flatMap((each) => given("--permission", each)),
            ...given("--tier", tier),
            ...given("--ttl", ttl),
          ]),
  };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, strict: true }).values;
  } catch (error) {
    throw new StartError(`${(error as Error).message}\n\n${help}`, { cause: error });
  }
}

function given(option: string, value: string | undefined): string[] {
  return value === undefined ? [] : [option, value];
}
