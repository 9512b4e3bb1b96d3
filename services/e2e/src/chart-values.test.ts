// The values of the Helm chart, without Helm: the schema is sound and strict, every values file fits it, and
// what the values say is what the services and the money can work with.
import { readdirSync, readFileSync } from "node:fs";
import { gridOf, parseQuantityLots } from "@bourse/shared/units/market.js";
import { Ajv, type ErrorObject } from "ajv";
import { describe, expect, test } from "vitest";
import { isMap, type Pair, parse, parseDocument, type YAMLMap } from "yaml";

const CHART = new URL("../../../charts/bourse/", import.meta.url);
const LAPTOP = new URL("../../local/bourse.yaml", import.meta.url);

type Values = Record<string, unknown>;

const schema = JSON.parse(read("values.schema.json"));
const defaults = parse(read("values.yaml")) as Values;
const environments = readdirSync(new URL("environments/", CHART))
  .filter((name) => name.endsWith(".yaml"))
  .map((name) => ({ name, values: merged(defaults, parse(read(`environments/${name}`))) as Values }));
const settings = parse(readFileSync(LAPTOP, "utf8")) as Values;

// Strict: a keyword that is misspelled, or that cannot apply, is refused when the schema is compiled.
const validate = new Ajv({ strict: true, allErrors: true, allowUnionTypes: true }).compile(schema);

/** What somebody may write by mistake, over the defaults with one market, and the value that is refused. */
const WRONG = [
  { what: "a key that nobody knows", values: "orderGatway: {}", path: "/orderGatway" },
  {
    what: "a setting that nobody knows",
    values: "wallet: { settings: { poolSize: 2 } }",
    path: "/wallet/settings/poolSize",
  },
  {
    what: "a port of the chart's own",
    values: "wallet: { settings: { grpcPort: 1 } }",
    path: "/wallet/settings/grpcPort",
  },
  { what: "replicas in words", values: "wallet: { replicas: two }", path: "/wallet/replicas" },
  { what: "replicas below none", values: "settler: { replicas: -1 }", path: "/settler/replicas" },
  { what: "half a replica", values: "settler: { replicas: 1.5 }", path: "/settler/replicas" },
  { what: "a switch in words", values: 'ingress: { enabled: "yes" }', path: "/ingress/enabled" },
  { what: "no shard", values: "matcher: { shards: 0 }", path: "/matcher/shards" },
  {
    what: "a negative port",
    values: "networkPolicy: { postgres: { ports: [-1] } }",
    path: "/networkPolicy/postgres/ports/0",
  },
  {
    what: "a port that is none",
    values: "networkPolicy: { dns: { ports: [65536] } }",
    path: "/networkPolicy/dns/ports/0",
  },
  { what: "a mode that there is not", values: "mtls: { mode: permissive }", path: "/mtls/mode" },
  { what: "a short digest", values: 'image: { digest: "sha256:01" }', path: "/image/digest" },
  {
    what: "a tag in the repository's place",
    values: "image: { repository: 'a b' }",
    path: "/image/repository",
  },
  { what: "Kafka", values: "kafka: { brokers: ['kafka:9092'] }", path: "/kafka/brokers" },
  { what: "Redis", values: "redis: { url: 'redis://redis' }", path: "/redis/url" },
  {
    what: "an address of another scheme",
    values: "tracing: { otlpUrl: 'grpc://otel:4317' }",
    path: "/tracing/otlpUrl",
  },
  { what: "a share above all", values: "tracing: { sampleRatio: 2 }", path: "/tracing/sampleRatio" },
  { what: "a market without shard", values: "markets: [{ symbol: A1/B1 }]", path: "/markets/0/shard" },
  { what: "a market as text", values: "markets: [BTC/USDT]", path: "/markets/0" },
  { what: "a tick as a number", values: "markets: [{ tickSize: 0.01 }]", path: "/markets/0/tickSize" },
  { what: "a negative lot", values: 'markets: [{ lotSize: "-1" }]', path: "/markets/0/lotSize" },
  {
    what: "a fee of everything",
    values: "markets: [{ takerFeePpm: 1000000 }]",
    path: "/markets/0/takerFeePpm",
  },
  {
    what: "a fee below zero",
    values: "markets: [{ makerFeePpm: -1 }]",
    path: "/markets/0/makerFeePpm",
  },
  {
    what: "a rebate for a tier",
    values: "markets: [{ feeTiers: [{ tier: pro, makerFeePpm: -1, takerFeePpm: 0 }] }]",
    path: "/markets/0/feeTiers/0/makerFeePpm",
  },
  {
    what: "fees of a tier that there is not",
    values: "markets: [{ feeTiers: [{ tier: vip, makerFeePpm: 0, takerFeePpm: 0 }] }]",
    path: "/markets/0/feeTiers/0/tier",
  },
  { what: "a state that there is not", values: "markets: [{ state: OPEN }]", path: "/markets/0/state" },
  { what: "a market's key that nobody knows", values: "markets: [{ tick: '1' }]", path: "/markets/0/tick" },
];

describe("the schema", () => {
  test("accepts the defaults", () => {
    expect(mistakesOf(defaults)).toEqual([]);
  });

  test.each(environments)("accepts environments/$name", ({ values }) => {
    expect(mistakesOf(values)).toEqual([]);
  });

  test("there is an environment for kind, staging and production", () => {
    const names = environments.map(({ name }) => name);
    expect(names).toEqual(expect.arrayContaining(["kind.yaml", "production.yaml", "staging.yaml"]));
  });

  test.each(WRONG)("refuses $what", ({ values, path }) => {
    const mistakes = mistakesOf(merged(withMarket(), parse(values)));
    expect(mistakes.map((mistake) => mistake.path)).toContain(path);
  });

  test("refers to nothing outside itself", () => {
    expect(JSON.stringify(schema).match(/"\$ref":"(?!#)/g)).toBeNull();
  });
});

describe("values.yaml", () => {
  test("explains every value in a comment that becomes the chart's page", () => {
    const document = parseDocument(read("values.yaml"));
    expect(undocumented(document.contents as YAMLMap, "")).toEqual([]);
  });

  test("names what the schema names, and the schema what values.yaml names", () => {
    expect(keysOf(schema)).toEqual(Object.keys(defaults).sort());
  });
});

describe.each([{ name: "values.yaml", values: defaults }, ...environments])("$name", ({ values }) => {
  const markets = values.markets as Market[];

  test("lists markets whose ticks, lots and least quantities fit", () => {
    for (const market of markets) {
      const grid = gridOf(market);
      for (const key of ["minQuantity", "maxQuantity"] as const) {
        const quantity = market[key] ?? "0";
        if (quantity !== "0") expect(parseQuantityLots(grid, key, quantity)).toBeGreaterThan(0);
      }
    }
  });

  test("lists every market once, on a shard that has a replica", () => {
    const symbols = markets.map(({ symbol }) => symbol);
    expect(new Set(symbols).size).toBe(symbols.length);
    const { shards } = values.matcher as { shards: number };
    expect(markets.filter(({ shard }) => shard >= shards)).toEqual([]);
  });

  test("lists the market of its smoke test", () => {
    const { existingSecret, symbol } = values.smoke as { existingSecret: string; symbol: string };
    if (existingSecret === "") return;
    expect(markets.map((market) => market.symbol)).toContain(symbol);
  });
});

describe.each(["orderGateway", "wallet", "settler", "projector", "marketData", "matcher"])(
  "settings of %s",
  (section) => {
    const known = Object.keys(settings[section] as Values);
    const offered = Object.keys(propertiesAt(section, "settings"));

    test("are those of the process, without what follows from the cluster", () => {
      expect(offered.sort()).toEqual(known.filter((key) => !BY_THE_CHART.has(key)).sort());
    });

    test("are accepted as they are on a laptop", () => {
      const laptop = Object.entries(settings[section] as Values).filter(([key]) => offered.includes(key));
      const values = merged(defaults, { [section]: { settings: Object.fromEntries(laptop) } });
      expect(mistakesOf(values)).toEqual([]);
    });
  },
);

test("a market of the chart has the keys of a market of the processes", () => {
  const [market] = settings.markets as Values[];
  expect(Object.keys(schema.definitions.market.properties).sort()).toEqual(Object.keys(market ?? {}).sort());
});

/** Settings that the chart itself makes: addresses, ports, and who signs access tokens. */
const BY_THE_CHART = new Set([
  "host",
  "grpcPort",
  "httpPort",
  "adminPort",
  "healthPort",
  "walletAddress",
  "marketDataAddress",
  "tokenIssuer",
  "tokenAudience",
]);

interface Market {
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly shard: number;
  readonly tickSize: string;
  readonly lotSize: string;
  readonly minQuantity?: string;
  readonly maxQuantity?: string;
}

/** The defaults with one market, for the table to spoil. */
function withMarket(): Values {
  const [market] = settings.markets as Values[];
  return { ...defaults, markets: [market] };
}

function read(path: string): string {
  return readFileSync(new URL(path, CHART), "utf8");
}

/** What the schema has against values: where, and why. */
function mistakesOf(values: unknown): { path: string; text: string }[] {
  if (validate(values)) return [];
  return (validate.errors ?? []).map((error) => ({ path: pathOf(error), text: error.message ?? "" }));
}

/** For a key that may not be, or must be, the path of that key. */
function pathOf({ instancePath, params }: ErrorObject): string {
  const key = params.additionalProperty ?? params.unevaluatedProperty ?? params.missingProperty;
  return key === undefined ? instancePath : `${instancePath}/${key}`;
}

function propertiesAt(...path: string[]): Values {
  return path.reduce((here, key) => here.properties[key], schema).properties;
}

function keysOf({ properties }: { properties: Values }): string[] {
  return Object.keys(properties)
    .filter((key) => key !== "global")
    .sort();
}

/** Values without a comment of their own or of something that they are part of. */
function undocumented(map: YAMLMap, path: string): string[] {
  return map.items.flatMap((item, index) => {
    const { key, value } = item as Pair<{ value: string; commentBefore?: string }, unknown>;
    const name = path === "" ? key.value : `${path}.${key.value}`;
    // The parser keeps the comment above the first key with the map.
    const comment = [key.commentBefore, index === 0 ? map.commentBefore : undefined].join("\n");
    if (/^ -- /m.test(comment)) return [];
    return isMap(value) && value.items.length > 0 ? undocumented(value, name) : [name];
  });
}

/** As Helm merges values files: maps key by key, everything else is replaced, null removes. */
function merged(below: unknown, above: unknown): unknown {
  if (!isValues(below) || !isValues(above)) return above ?? below;
  const keys = [...new Set([...Object.keys(below), ...Object.keys(above)])].filter(
    (key) => above[key] !== null,
  );
  return Object.fromEntries(
    keys.map((key) => [key, key in above ? merged(below[key], above[key]) : below[key]]),
  );
}

function isValues(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
