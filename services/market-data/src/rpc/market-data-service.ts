// MarketDataService on the wire. Decides nothing.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  GetOrderBookRequestSchema,
  ListRecentTradesRequestSchema,
  MarketDataService,
  StreamMarketStatusRequestSchema,
  StreamOrderBookRequestSchema,
  StreamTradesRequestSchema,
} from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { type Call, implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { validateRequest } from "@bourse/shared/rpc/validate.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { FanOut } from "../flow/fan-out.js";
import type { MarketReads } from "../flow/read-markets.js";
import { bookOf, createDepthWire, statusOf, tradeOf } from "./market-wire.js";

const LEVELS_DEFAULT = 100;
const LEVELS_MAX = 5_000;
const TRADES_DEFAULT = 100;
const TRADES_MAX = 1_000;
/** How long GetOrderBook waits for `min_sequence` when the call has no deadline. */
const WAIT_MS_DEFAULT = 5_000;

interface MarketDataDeps {
  readonly reads: MarketReads;
  readonly fanOut: Pick<FanOut, "depth" | "trades" | "statuses">;
  readonly clock: Clock;
}

/** Handlers of MarketDataService. */
export function marketDataService({ reads, fanOut, clock }: MarketDataDeps): ServiceEntry {
  const depthMessageOf = createDepthWire();
  return implement(MarketDataService, {
    listMarkets: async () => ({ markets: reads.list() }),

    async getOrderBook(request, call) {
      validateRequest(GetOrderBookRequestSchema, request);
      const view = await reads.book({
        symbol: request.symbol,
        levels: levelsWanted(request.levels),
        minSeq: Number(request.minSequence),
        timeoutMs: timeLeftMs(call, clock),
        signal: call.signal,
      });
      return bookOf(view);
    },

    async *streamOrderBook(request, call) {
      validateRequest(StreamOrderBookRequestSchema, request);
      const market = reads.find(request.symbol);
      for await (const message of fanOut.depth(market, request.levels, call.signal)) {
        yield depthMessageOf(market, message);
      }
    },

    async listRecentTrades(request) {
      validateRequest(ListRecentTradesRequestSchema, request);
      const { grid } = reads.find(request.symbol);
      const max = request.pageSize === 0 ? TRADES_DEFAULT : Math.min(request.pageSize, TRADES_MAX);
      return { trades: reads.recentTrades(request.symbol, max).map((trade) => tradeOf(grid, trade)) };
    },

    async *streamTrades(request, call) {
      validateRequest(StreamTradesRequestSchema, request);
      const market = reads.find(request.symbol);
      for await (const trade of fanOut.trades(market, call.signal))
        yield { trade: tradeOf(market.grid, trade) };
    },

    async *streamMarketStatus(request, call) {
      validateRequest(StreamMarketStatusRequestSchema, request);
      const market = reads.find(request.symbol);
      for await (const status of fanOut.statuses(market, call.signal)) yield statusOf(market.symbol, status);
    },
  });
}

function levelsWanted(levels: number): number {
  if (levels > LEVELS_MAX) throw new DomainError("INVALID_LEVELS", { field: "levels" });
  return levels === 0 ? LEVELS_DEFAULT : levels;
}

function timeLeftMs(call: Call, clock: Clock): number {
  return call.deadlineMs === undefined ? WAIT_MS_DEFAULT : Math.max(0, call.deadlineMs - clock.wallMs());
}
