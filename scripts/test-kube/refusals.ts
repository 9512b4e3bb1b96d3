// Values that must not reach a cluster, and the words that must say why: first what the schema refuses, then
// what only the templates can see.
import type { Bench } from "./bench.js";
import { template } from "./chart.js";
import { eachAtOnce } from "./run.js";

/** Values laid over the environment kind, and what the refusal must say. */
interface Refusal {
  readonly what: string;
  readonly values: unknown;
  readonly says: readonly string[];
}

const MARKET = {
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  shard: 0,
  tickSize: "0.01",
  lotSize: "0.00001",
};

/** Two shards run in the environment kind: 0 and 1. */
const markets = (...given: unknown[]) => ({ markets: given });

const { shard: _shard, ...MARKET_WITHOUT_SHARD } = MARKET;

const bySchema: readonly Refusal[] = [
  { what: "a key that nobody knows", values: { orderGatway: {} }, says: ["'orderGatway' not allowed"] },
  {
    what: "a key of a component that nobody knows",
    values: { wallet: { replica: 2 } },
    says: ["/wallet", "'replica' not allowed"],
  },
  {
    what: "a setting that the process does not have",
    values: { wallet: { settings: { poolSize: 2 } } },
    says: ["/wallet/settings", "'poolSize' not allowed"],
  },
  {
    what: "replicas in words",
    values: { wallet: { replicas: "two" } },
    says: ["/wallet/replicas", "got string, want integer"],
  },
  {
    what: "a negative number of pods",
    values: { settler: { replicas: -1 } },
    says: ["/settler/replicas", "minimum"],
  },
  { what: "no shard at all", values: { matcher: { shards: 0 } }, says: ["/matcher/shards", "minimum"] },
  {
    what: "a negative port",
    values: { networkPolicy: { postgres: { ports: [-5432] } } },
    says: ["/networkPolicy/postgres/ports/0", "minimum"],
  },
  {
    what: "a mode that there is not",
    values: { mtls: { mode: "permissive" } },
    says: ["/mtls/mode", "existingSecrets", "certManager", "plaintext"],
  },
  {
    what: "a digest that is cut off",
    values: { image: { digest: "sha256:0123" } },
    says: ["/image/digest", "does not match pattern"],
  },
  {
    what: "Kafka, which is not there yet",
    values: { kafka: { brokers: ["kafka:9092"] } },
    says: ["/kafka/brokers"],
  },
  {
    what: "Redis, which is not there yet",
    values: { redis: { url: "redis://redis" } },
    says: ["/redis/url"],
  },
  {
    what: "a market without shard",
    values: markets(MARKET_WITHOUT_SHARD),
    says: ["/markets/0", "missing property 'shard'"],
  },
  {
    what: "a tick that is a number and not text",
    values: markets({ ...MARKET, tickSize: 0.01 }),
    says: ["/markets/0/tickSize", "got number, want string"],
  },
  {
    what: "a tick with nine decimals",
    values: markets({ ...MARKET, tickSize: "0.000000001" }),
    says: ["/markets/0/tickSize", "does not match pattern"],
  },
  {
    what: "a symbol in small letters",
    values: markets({ ...MARKET, symbol: "btc/usdt" }),
    says: ["/markets/0/symbol", "does not match pattern"],
  },
  {
    what: "a fee of everything",
    values: markets({ ...MARKET, takerFeePpm: 1_000_000 }),
    says: ["/markets/0/takerFeePpm", "maximum"],
  },
];

const byTemplates: readonly Refusal[] = [
  {
    what: "a market on two shards",
    values: markets(MARKET, { ...MARKET, shard: 1 }),
    says: ["market BTC/USDT is on shards 0 and 1: a market lives on one shard"],
  },
  {
    what: "a market listed twice",
    values: markets(MARKET, MARKET),
    says: ["market BTC/USDT is listed twice"],
  },
  {
    what: "a shard without replica",
    values: markets({ ...MARKET, shard: 2 }),
    says: [
      "market BTC/USDT is on shard 2, which has no replica: matcher.shards is 2, so the last shard is 1",
    ],
  },
  {
    what: "a tick that does not fit the lot",
    values: markets({ ...MARKET, tickSize: "0.001", lotSize: "0.000001" }),
    says: ["market BTC/USDT: tickSize 0.001 x lotSize 0.000001 is no whole number of 0.00000001 USDT"],
  },
  {
    what: "a tick of zero",
    values: markets({ ...MARKET, tickSize: "0.00" }),
    says: ["market BTC/USDT: tickSize must be above zero"],
  },
  {
    what: "a least quantity between two lots",
    values: markets({ ...MARKET, minQuantity: "0.000015" }),
    says: ["market BTC/USDT: minQuantity 0.000015 is no multiple of lotSize 0.00001"],
  },
  {
    what: "a largest quantity below the least",
    values: markets({ ...MARKET, minQuantity: "2", maxQuantity: "1" }),
    says: ["market BTC/USDT: maxQuantity 1 is below minQuantity 2"],
  },
  {
    what: "a symbol of other assets",
    values: markets({ ...MARKET, symbol: "ETH/USDT" }),
    says: ["market ETH/USDT must be named for its two assets"],
  },
  {
    what: "two mistakes at once, both told",
    values: markets({ ...MARKET, shard: 7 }, { ...MARKET, symbol: "ETH/USDT" }),
    says: ["which has no replica", "must be named for its two assets"],
  },
  {
    what: "no secret for the database",
    values: { postgres: { existingSecret: "" } },
    says: ["postgres.existingSecret must name the secret"],
  },
  {
    what: "no keys for access tokens",
    values: { auth: { existingSecret: "" } },
    says: ["auth.existingSecret or auth.jwksUrl must say"],
  },
  {
    what: "keys for access tokens from two places",
    values: { auth: { jwksUrl: "https://login.example.com/keys" } },
    says: ["auth.jwksUrl and auth.existingSecret are both set"],
  },
  {
    what: "certificates of no issuer",
    values: { mtls: { mode: "certManager" } },
    says: ["mtls.issuerRef.name must name the issuer"],
  },
  {
    what: "a route of no gateway",
    values: { gatewayApi: { enabled: true } },
    says: ["gatewayApi.parentRefs must name the gateway"],
  },
  {
    what: "two routes for one host",
    values: {
      gatewayApi: {
        enabled: true,
        parentRefs: [{ name: "gateway" }],
        httpRoute: { hostnames: ["api.example.com"] },
        grpcRoute: { hostnames: ["api.example.com"] },
      },
    },
    says: ["api.example.com is a hostname of the httpRoute and of the grpcRoute"],
  },
  {
    what: "an ingress for no host",
    values: { ingress: { enabled: true } },
    says: ["ingress.http.hosts or ingress.grpc.hosts must name a host"],
  },
  {
    what: "a smoke test on a market that is not listed",
    values: { smoke: { symbol: "DOGE/USDT" } },
    says: ["smoke.symbol DOGE/USDT is not among markets (BTC/USDT, "],
  },
  {
    what: "two monitors of everything",
    values: { monitoring: { podMonitor: { enabled: true }, serviceMonitor: { enabled: true } } },
    says: ["monitoring.podMonitor and monitoring.serviceMonitor are both enabled"],
  },
  {
    what: "a pod that is killed while it drains",
    values: { wallet: { terminationGracePeriodSeconds: 10 } },
    says: ["wallet.terminationGracePeriodSeconds 10 must be above 18", "a drain of 15000 ms"],
  },
  {
    what: "autoscaling from many to few",
    values: { wallet: { autoscaling: { enabled: true, minReplicas: 9 } } },
    says: ["wallet.autoscaling.minReplicas must not be above maxReplicas"],
  },
];

/** Each is refused, with a message that names the value and the reason. */
export async function checkRefusals(bench: Bench): Promise<void> {
  const kind = bench.chart.environments.get("kind");
  const files = kind === undefined ? [] : [kind];
  const kubernetes = (bench.schemas.versions.at(-1) ?? "").replace(/^v/, "");
  const refusals = [...bySchema, ...byTemplates];
  const answers = await eachAtOnce(refusals, ({ what, values }) =>
    template(bench.chart, { name: what, files, values }, { kubernetes, scratch: bench.scratch }),
  );
  for (const [index, { what, says }] of refusals.entries()) {
    await bench.report.check(`refuses ${what}`, () => {
      const { code, output } = answers[index] ?? { code: 0, output: "" };
      if (code === 0) throw new Error("it is rendered");
      const missing = says.filter((words) => !output.includes(words));
      if (missing.length > 0) throw new Error(`does not say: ${missing.join(" | ")}\nbut says:\n${output}`);
    });
  }
}
