// The markets that load uses: those that trade now, and those that come while it runs.
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { MarketState } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { gridOf, parsePriceTicks } from "@bourse/shared/units/market.js";
import { firstMidTicks, MarketFlow } from "./flow.js";
import { fund, type LoadUsers } from "./users.js";

export interface LoadMarket {
  readonly symbol: string;
  readonly shard: number;
  readonly flow: MarketFlow;
}

/** Markets in use; grows while the load runs. */
export class LoadMarkets {
  readonly #users: LoadUsers;
  readonly #symbols: readonly string[];
  readonly #random: () => number;
  readonly #funded = new Set<string>();
  readonly list: LoadMarket[] = [];

  constructor(options: { users: LoadUsers; symbols: readonly string[]; random: () => number }) {
    this.#users = options.users;
    this.#symbols = options.symbols;
    this.#random = options.random;
  }

  /** Takes in every market that is new, with money for it first; returns their symbols. */
  async refresh(): Promise<string[]> {
    const { markets } = await this.#users.operator.marketData.listMarkets({});
    const fresh = markets.filter((market) => this.#isWanted(market));
    for (const market of fresh) {
      for (const asset of [market.baseAsset, market.quoteAsset]) await this.#fundOnce(asset);
      this.list.push(await this.#open(market));
    }
    return fresh.map(({ symbol }) => symbol);
  }

  #isWanted({ symbol, state }: Market): boolean {
    if (state !== MarketState.TRADING || this.list.some((known) => known.symbol === symbol)) return false;
    return this.#symbols.length === 0 || this.#symbols.includes(symbol);
  }

  async #fundOnce(asset: string): Promise<void> {
    if (this.#funded.has(asset)) return;
    await fund(this.#users, asset);
    this.#funded.add(asset);
  }

  async #open(market: Market): Promise<LoadMarket> {
    const { symbol, shard } = market;
    const grid = gridOf(market);
    const { marketData } = this.#users.operator;
    const [{ trades }, { asks, bids }] = await Promise.all([
      marketData.listRecentTrades({ symbol, pageSize: 1 }),
      marketData.getOrderBook({ symbol, levels: 1 }),
    ]);
    // A price band counts from the last trade, so that comes first.
    const price = trades[0]?.price ?? bids[0]?.price ?? asks[0]?.price;
    const midTicks = price === undefined ? firstMidTicks(grid) : parsePriceTicks(grid, "price", price);
    const settings = { grid, limits: market, midTicks, users: this.#users.all.length, random: this.#random };
    return { symbol, shard, flow: new MarketFlow(settings) };
  }
}
