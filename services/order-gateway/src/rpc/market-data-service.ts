// MarketDataService at the edge: passed on as it is, unary calls and streams.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure } from "@bourse/shared/errors/from-wire.js";
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { type Call, implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";

/** How long a read may take when its caller names no deadline. */
const TIMEOUT_MS = 5_000;

/** Binds the handlers to the service. */
export function marketDataService(client: ServiceClient<typeof MarketDataService>): ServiceEntry {
  return implement(MarketDataService, {
    listMarkets: (request, call) => passOn(() => client.listMarkets(request, optionsOf(call))),
    getOrderBook: (request, call) => passOn(() => client.getOrderBook(request, optionsOf(call))),
    listRecentTrades: (request, call) => passOn(() => client.listRecentTrades(request, optionsOf(call))),
    streamOrderBook: (request, call) =>
      pourOn(() => client.streamOrderBook(request, { signal: call.signal })),
    streamTrades: (request, call) => pourOn(() => client.streamTrades(request, { signal: call.signal })),
    streamMarketStatus: (request, call) =>
      pourOn(() => client.streamMarketStatus(request, { signal: call.signal })),
  });
}

function optionsOf({ deadlineMs, signal }: Call) {
  return deadlineMs === undefined ? { timeoutMs: TIMEOUT_MS, signal } : { deadlineMs, signal };
}

async function passOn<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw asUnavailable(error);
  }
}

async function* pourOn<T>(run: () => AsyncIterable<T>): AsyncGenerator<T> {
  try {
    yield* run();
  } catch (error) {
    throw asUnavailable(error);
  }
}

function asUnavailable(error: unknown): unknown {
  if (!(error instanceof DomainError) || !isInfrastructureFailure(error)) return error;
  if (error.reason === "DEADLINE_EXCEEDED" || error.reason === "CANCELLED") return error;
  return new DomainError("MARKET_DATA_UNAVAILABLE", { retry_after_ms: "1000" }, { cause: error });
}
