// Orders and trades of a user from the history, which follows the shards: reads wait until it includes
// what this gateway acknowledged to the user before.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { ListOrdersQuery, listOrders } from "../io/orders-table.js";
import type { RouteCache } from "../io/route-cache.js";
import type { ListTradesQuery, listTrades } from "../io/trades-table.js";

/** What was acknowledged to one user: shard to seq. */
export type AckedSeqs = Map<number, number>;

/** The history as this flow needs it. */
export interface HistoryDeps {
  readonly orders: (query: ListOrdersQuery) => ReturnType<typeof listOrders>;
  readonly trades: (query: ListTradesQuery) => ReturnType<typeof listTrades>;
  readonly projectedSeq: (shard: number) => Promise<number>;
  readonly acked: RouteCache<AckedSeqs>;
  readonly clock: Clock;
}

/** How long a read waits for the history; after that it answers with what there is. */
const WAIT_MS_MAX = 1_000;
const POLL_MS = 10;

/** Notes that a user was told of a seq. */
export function noteAcked(acked: RouteCache<AckedSeqs>, userId: string, shard: number, seq: number): void {
  const seqs = acked.get(userId) ?? new Map<number, number>();
  if (seq <= (seqs.get(shard) ?? 0)) return;
  seqs.set(shard, seq);
  acked.set(userId, seqs);
}

/** A page of a user's orders. */
export function listOrderHistory(deps: HistoryDeps, query: ListOrdersQuery): ReturnType<typeof listOrders> {
  return reading(deps, query.userId, () => deps.orders(query));
}

/** A page of a user's trades. */
export function listTradeHistory(deps: HistoryDeps, query: ListTradesQuery): ReturnType<typeof listTrades> {
  return reading(deps, query.userId, () => deps.trades(query));
}

async function reading<T>(deps: HistoryDeps, userId: string, read: () => Promise<T>): Promise<T> {
  try {
    await untilProjected(deps, userId);
    return await read();
  } catch (cause) {
    throw new DomainError("HISTORY_UNAVAILABLE", { retry_after_ms: "1000" }, { cause });
  }
}

async function untilProjected({ acked, projectedSeq, clock }: HistoryDeps, userId: string): Promise<void> {
  const seqs = acked.get(userId);
  if (seqs === undefined) return;
  const untilMs = clock.monotonicMs() + WAIT_MS_MAX;
  for (const [shard, seq] of seqs) {
    while ((await projectedSeq(shard)) < seq) {
      if (clock.monotonicMs() >= untilMs) return;
      await clock.sleep(POLL_MS);
    }
    // The history never goes back, so this need not be looked up again.
    if (seqs.get(shard) === seq) seqs.delete(shard);
  }
}
