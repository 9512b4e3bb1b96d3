// Values of the chart as plain data.

export type Values = { readonly [key: string]: unknown };

/** A market as values list it. */
export interface MarketValues {
  readonly symbol: string;
  readonly shard: number;
  readonly [key: string]: unknown;
}

/** Joins maps, as Helm does with several values files: the later wins, lists are replaced whole. */
export function mergeValues(under: Values, over: Values): Values {
  const merged: Record<string, unknown> = { ...under };
  for (const [key, value] of Object.entries(over)) {
    const below = merged[key];
    merged[key] = isMap(below) && isMap(value) ? mergeValues(below, value) : value;
  }
  return merged;
}

function isMap(value: unknown): value is Values {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The markets in values. */
export function marketsOf(values: Values): MarketValues[] {
  return (values.markets ?? []) as MarketValues[];
}

/** How many shards values ask for. */
export function shardsOf(values: Values): number {
  return Number((values.matcher as Values | undefined)?.shards ?? 1);
}

/** What the test sets over the values it is given. */
export function testValues(image: string): Values {
  const colon = image.lastIndexOf(":");
  return {
    image: { repository: image.slice(0, colon), tag: image.slice(colon + 1) },
    orderGateway: {
      replicas: 1,
      settings: {
        // All load comes from one address.
        rateLimit: { perIp: 1_000_000, basic: 10, plus: 100, pro: 1_000, bucketsMax: 100_000 },
      },
    },
  };
}

/** A market like those that exist, on a shard. */
export function newMarket(symbol: string, shard: number): MarketValues {
  const [baseAsset = "", quoteAsset = ""] = symbol.split("/");
  return {
    symbol,
    baseAsset,
    quoteAsset,
    shard,
    tickSize: "0.01",
    lotSize: "0.0001",
    minQuantity: "0.001",
    maxQuantity: "0",
    minNotional: "1",
    protectionBps: 500,
    bandBps: 5_000,
    openOrdersMax: 500,
    makerFeePpm: 1_000,
    takerFeePpm: 2_000,
    state: "TRADING",
  };
}
