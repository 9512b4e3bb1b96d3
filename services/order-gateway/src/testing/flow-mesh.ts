// A mesh for tests of flows: one market on shard 3, whose other calls are no part of the test.
import { manualClock } from "@bourse/shared/testing/clock.js";
import { gridOf } from "@bourse/shared/units/market.js";
import type { MarketRules } from "../core/market.js";
import type { OrderTerms } from "../core/order-types.js";
import type { KnownOrder, Mesh, ShardsPort, WalletPort } from "../flow/mesh.js";

export const USER = "user";
/** Shard time that the gateway has heard. */
export const SHARD_MS = 1_000_000;
/** BTC/USDT: ticks of 0.01, lots of 0.00001, no limits. */
export const MARKET: MarketRules = {
  ...gridOf({
    symbol: "BTC/USDT",
    baseAsset: "BTC",
    quoteAsset: "USDT",
    tickSize: "0.01",
    lotSize: "0.00001",
  }),
  shard: 3,
  minQuantityLots: 1n,
  maxQuantityLots: 0n,
  minNotionalAtoms: 0n,
  protectionBps: 500,
  makerFeePpm: 0,
  takerFeePpm: 0,
  feeTiers: [],
  state: "TRADING",
};

/** A limit buy of 1 BTC at 100 USDT. */
export function flowTerms(change: Partial<OrderTerms> = {}): OrderTerms {
  return {
    orderId: "order",
    userId: USER,
    clientOrderId: "client",
    symbol: "BTC/USDT",
    side: "BUY",
    type: "LIMIT",
    timeInForce: "GTC",
    priceTicks: 10_000,
    stopPriceTicks: 0,
    quantityLots: 100_000,
    budgetTickLots: 0,
    byQuoteBudget: false,
    postOnly: false,
    selfTradePrevention: "CANCEL_TAKER",
    makerFeePpm: 0,
    takerFeePpm: 0,
    reservedAsset: "USDT",
    reservedAmount: "100",
    quoteBudget: "",
    ...change,
  };
}

/** The mesh with what a test answers itself; its clock stands at 50 s. */
export function flowMesh(answers: { wallet?: Partial<WalletPort>; shards?: Partial<ShardsPort> }): Mesh {
  const never = () => Promise.reject(new Error("not part of this test"));
  return {
    clock: manualClock(50_000),
    fingerprint: (text) => Buffer.from(text),
    mintId: () => "minted",
    known: new Map<string, KnownOrder>(),
    acknowledged: () => {},
    wallet: { reserve: never, reserveLeg: never, getReservation: never, ...answers.wallet },
    shards: {
      market: () => MARKET,
      shardOf: () => 3,
      shardsOf: () => [3],
      findMarket: () => MARKET,
      quote: () => undefined,
      checkOpen: () => {},
      checkRoom: () => {},
      heardMs: () => new Map([[3, SHARD_MS]]),
      submit: never,
      cancel: never,
      cancelUnseen: never,
      amend: never,
      cancelAll: never,
      setSwitch: never,
      getOrder: never,
      ...answers.shards,
    },
  };
}
