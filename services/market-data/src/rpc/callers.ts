// Who may call market data: the edge, which passes on what everybody may ask.
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { callersOf } from "@bourse/shared/rpc/callers.js";
import type { MeshIdentity } from "@bourse/shared/rpc/mesh-tls.js";

const readers: readonly MeshIdentity[] = ["order-gateway"];

export const marketDataCallers = [
  callersOf(MarketDataService, {
    listMarkets: readers,
    getOrderBook: readers,
    streamOrderBook: readers,
    listRecentTrades: readers,
    streamTrades: readers,
    streamMarketStatus: readers,
  }),
];
