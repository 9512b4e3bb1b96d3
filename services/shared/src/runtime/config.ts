// Settings: one YAML file for the whole exchange, overridden by the environment; all mistakes at once.
import { readFileSync } from "node:fs";
import { parseDocument } from "yaml";
import { z } from "zod";

/** Keys that may stand at the top of the file: what several processes share, and a section for each. */
const TOP_LEVEL = [
  "log",
  "tracing",
  "tls",
  "shards",
  "markets",
  "orderGateway",
  "projector",
  "wallet",
  "settler",
  "matcher",
  "marketData",
  "local",
] as const;

export type TopLevelKey = (typeof TOP_LEVEL)[number];

/** Exit code of a process whose settings cannot work (EX_CONFIG). */
export const EXIT_BAD_SETTINGS = 78;

/** Every mistake in the settings, one line each, naming the key. */
export class ConfigError extends Error {
  override name = "ConfigError";
  constructor(readonly mistakes: readonly string[]) {
    super(`settings cannot work:\n${mistakes.map((mistake) => `  ${mistake}`).join("\n")}`);
  }
}

/** A whole number, also from environment text. */
export const whole = () =>
  z
    .union(
      [
        z.number(),
        z
          .string()
          .regex(/^-?[0-9]+$/)
          .transform(Number),
      ],
      "must be a whole number",
    )
    .pipe(z.int("must be a whole number"));
/** A TCP port; 0 picks a free one. */
export const port = () => whole().pipe(z.int().min(0).max(65_535));
/** A positive whole number: a count, a size, a duration in the unit that the key names. */
export const count = () => whole().pipe(z.int().min(1));
/** True or false, also from environment text. */
export const flag = () =>
  z.union(
    [z.boolean(), z.enum(["true", "false"]).transform((text) => text === "true")],
    "must be true or false",
  );
/** Text that is not empty; a number in the file or environment is taken as its text. */
export const text = () =>
  z.union([z.string(), z.number().transform(String)], "must be text").pipe(z.string().min(1));

/** Settings that every process has. */
const logSettings = z.strictObject({
  level: z
    .enum(["trace", "debug", "info", "warn", "error", "fatal"])
    .default("info")
    .describe("least level that is logged"),
});
/** Settings of tracing; off without an address. */
const tracingSettings = z.strictObject({
  otlpUrl: text()
    .optional()
    .describe("OTLP gRPC endpoint, for example http://127.0.0.1:4317; off when absent"),
  sampleRatio: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(0.01)
    .describe("share of traces that start here and are kept, 0 to 1"),
});
/** Mutual TLS inside the mesh. */
const tlsSettings = z
  .strictObject({
    certFile: text().describe("file with this process's certificate, PEM; read again when it is renewed"),
    keyFile: text().describe("file with its private key, PEM"),
    caFile: text().describe("file with the certificates that peers must descend from, PEM"),
    trustDomain: text()
      .default("bourse")
      .describe("trust domain of identities, spiffe://<trust domain>/<process>"),
  })
  .optional()
  .describe("mutual TLS between the services; plaintext when absent");

export type TlsSettings = NonNullable<z.output<typeof tlsSettings>>;

/** Of servers with replicas. */
export const connectionAge = () =>
  count()
    .default(300_000)
    .describe(
      "milliseconds after which a connection is closed once its calls are done, to find new replicas",
    );

/** Of processes with a database. */
export const preparedStatements = () =>
  flag()
    .default(true)
    .describe(
      "whether statements are prepared once per connection; false behind a pooler in transaction mode, where neither statements nor settings may outlive a transaction",
    );

/** What every process has, for its schema to spread; ports are its own. */
export const processSettings = {
  log: logSettings.prefault({}),
  tracing: tracingSettings.prefault({}),
  tls: tlsSettings,
  host: text().default("127.0.0.1").describe("address to listen on"),
  healthPort: port()
    .optional()
    .describe("port of plaintext gRPC health for the probes of a cluster; closed when absent"),
  drainMsMax: count().default(15_000).describe("milliseconds that the drain may take"),
};

/** Where the shards are. */
export const shardsSettings = z
  .array(
    z.strictObject({
      shard: whole().pipe(z.int().min(0)),
      address: text(),
      // With mutual TLS, where it is not the host of the address.
      serverName: text().optional(),
    }),
  )
  .min(1)
  .describe("each shard's number, gRPC address, and the name in its certificate if that is another")
  .superRefine((shards, context) => {
    const numbers = shards.map(({ shard }) => shard);
    if (new Set(numbers).size !== numbers.length)
      context.addIssue({ code: "custom", message: "a shard is named twice" });
  });

export interface ConfigRequest<S extends z.ZodRawShape> {
  /** The process's own section of the file. */
  readonly section: TopLevelKey;
  /** Top-level keys that it needs besides. */
  readonly shared: readonly TopLevelKey[];
  /** One entry per key of the section and per shared key; a key of both belongs to the section. */
  readonly schema: z.ZodObject<S>;
  /** What the schema cannot say; each mistake names its key. */
  readonly findMistakes?: (settings: z.output<z.ZodObject<S>>) => readonly string[];
}

type Env = Readonly<Record<string, string | undefined>>;
type Tree = Record<string, unknown>;

/**
 * Reads the settings of one process: defaults, then the file named by BOURSE_CONFIG, then the
 * environment (BOURSE__WALLET__GRPC_PORT is `wallet.grpcPort`). Throws a ConfigError with every mistake.
 */
export function readConfig<S extends z.ZodRawShape>(
  request: ConfigRequest<S>,
  env: Env,
): z.output<z.ZodObject<S>> {
  const tree = readFile(env.BOURSE_CONFIG);
  const mistakes = Object.keys(tree)
    .filter((key) => !(TOP_LEVEL as readonly string[]).includes(key))
    .map((key) => `${key}: unknown key`);
  applyEnvironment(tree, env, [request.section, ...request.shared], mistakes);
  const section = tree[request.section] ?? {};
  const input: Tree = {};
  for (const key of request.shared) if (tree[key] !== undefined) input[key] = tree[key];
  if (typeof section === "object" && !Array.isArray(section)) Object.assign(input, section);
  else mistakes.push(`${request.section}: must be a map of settings`);
  const result = z.strictObject(request.schema.shape).safeParse(input);
  if (!result.success)
    mistakes.push(...result.error.issues.flatMap((issue) => describe(request, input, issue)));
  else mistakes.push(...(request.findMistakes?.(result.data as z.output<z.ZodObject<S>>) ?? []));
  if (!result.success || mistakes.length > 0) throw new ConfigError(mistakes);
  return Object.freeze(result.data) as z.output<z.ZodObject<S>>;
}

/**
 * As readConfig; prints the mistakes on standard error and exits with 78. A process that is only asked
 * whether its settings can work (argument --check) says so and ends.
 */
export function loadConfig<S extends z.ZodRawShape>(
  request: ConfigRequest<S>,
  env: Env = process.env,
): z.output<z.ZodObject<S>> {
  try {
    const settings = readConfig(request, env);
    if (!process.argv.includes("--check")) return settings;
    process.stdout.write(`settings of ${request.section} can work\n`);
    process.exit(0);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    refuseSettings(error);
  }
}

/** Prints the mistakes on standard error and exits with 78. */
export function refuseSettings(error: ConfigError): never {
  process.stderr.write(`${error.message}\n`);
  process.exit(EXIT_BAD_SETTINGS);
}

function readFile(path: string | undefined): Tree {
  if (path === undefined || path === "") return {};
  let source: string;
  try {
    source = readFileSync(path, "utf8");
  } catch (error) {
    throw new ConfigError([
      `BOURSE_CONFIG: cannot read ${path}: ${(error as NodeJS.ErrnoException).code ?? "error"}`,
    ]);
  }
  const document = parseDocument(source, { prettyErrors: true });
  if (document.errors.length > 0) {
    throw new ConfigError(
      document.errors.map((error) => `${path}: ${error.message.split("\n")[0] ?? "not YAML"}`),
    );
  }
  const tree: unknown = document.toJS() ?? {};
  if (typeof tree !== "object" || Array.isArray(tree))
    throw new ConfigError([`${path}: must be a map of settings`]);
  return tree as Tree;
}

function applyEnvironment(tree: Tree, env: Env, keys: readonly string[], mistakes: string[]): void {
  for (const [name, value] of Object.entries(env)) {
    if (!name.startsWith("BOURSE__") || value === undefined) continue;
    const path = name.slice("BOURSE__".length).split("__").map(camelCase);
    const [top, ...rest] = path;
    if (top === undefined || !(TOP_LEVEL as readonly string[]).includes(top))
      mistakes.push(`${name}: unknown key`);
    else if (keys.includes(top)) assign(tree, path, fromEnvironment(value), rest.length);
  }
}

function assign(tree: Tree, path: readonly string[], value: unknown, depth: number): void {
  const [key, ...rest] = path;
  if (key === undefined) return;
  if (depth === 0) {
    tree[key] = value;
    return;
  }
  const child = tree[key];
  const next: Tree =
    typeof child === "object" && child !== null && !Array.isArray(child) ? (child as Tree) : {};
  tree[key] = next;
  assign(next, rest, value, depth - 1);
}

/** Lists and maps are JSON; everything else is text, which the schema turns into numbers and flags. */
function fromEnvironment(value: string): unknown {
  if (!/^[[{]/.test(value)) return value;
  try {
    return JSON.parse(value);
  } catch {
    return value;
  }
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase());
}

function describe<S extends z.ZodRawShape>(
  request: ConfigRequest<S>,
  input: unknown,
  issue: z.core.$ZodIssue,
): string[] {
  const name = (key: string) =>
    (request.shared as readonly string[]).includes(key) ? key : `${request.section}.${key}`;
  if (issue.code === "unrecognized_keys" && issue.path.length === 0) {
    return issue.keys.map((key) => `${name(key)}: unknown key`);
  }
  const [head, ...rest] = issue.path.map(String);
  const path = [name(head ?? ""), ...rest].join(".");
  if (issue.code === "unrecognized_keys") return issue.keys.map((key) => `${path}.${key}: unknown key`);
  const isMissing = valueAt(input, issue.path) === undefined;
  return [`${path}: ${isMissing ? "is required" : issue.message}`];
}

function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input;
  for (const key of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[key];
  return value;
}
