// Commands about all orders of a user: each shard carries out its part.
import { DomainError, withFacts } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure } from "@bourse/shared/errors/from-wire.js";
import type { Side } from "../core/order-types.js";
import { checkWaiting, expiryAfter, hear } from "./expiry.js";
import type { CallContext, Mesh } from "./mesh.js";
import { whoseOrders } from "./whose-orders.js";

/**
 * Which orders end; "" for the caller's, for all markets or both sides, or to let the gateway make the request
 * id. A user is named by operators.
 */
export interface CancelAllRequest {
  readonly userId: string;
  readonly symbol: string;
  readonly side: Side | "";
  readonly requestId: string;
}

/** How many ended, and the key under which a repeat ends nothing new. */
export interface CancelAllAnswer {
  readonly cancelled: number;
  readonly requestId: string;
}

/**
 * Ends a user's open orders at each shard concerned, side by side. When one of them fails the call does,
 * and the same call again ends the rest.
 */
export async function cancelAllOrders(
  mesh: Mesh,
  request: CancelAllRequest,
  context: CallContext,
): Promise<CancelAllAnswer> {
  const whose = whoseOrders(request.userId, context);
  const requestId = request.requestId === "" ? mesh.mintId() : request.requestId;
  const { deadlineMs, traceparent } = context;
  const heard = hear(mesh);
  const counts = await atShards(mesh, context, () => mesh.shards.shardsOf(request.symbol), {
    facts: { request_id: requestId },
    run: async (shard) => {
      const command = { ...whose, requestId, symbol: request.symbol, side: request.side };
      const expiresAtMs = expiryAfter(heard, shard, context);
      const answer = await mesh.shards.cancelAll(shard, command, { deadlineMs, traceparent, expiresAtMs });
      mesh.acknowledged(whose.userId, shard, answer.seq);
      return answer.cancelled;
    },
  });
  return { cancelled: counts.reduce((sum, count) => sum + count, 0), requestId };
}

/** The caller's dead-man switch: no symbols are all markets, timeout 0 disables. */
export interface SwitchRequest {
  readonly symbols: readonly string[];
  readonly timeoutMs: number;
}

/** Sets the switch at each shard concerned; returns when the first of them fires, undefined when disabled. */
export async function cancelAllAfter(
  mesh: Mesh,
  { symbols, timeoutMs }: SwitchRequest,
  context: CallContext,
): Promise<number | undefined> {
  const { userId, deadlineMs, traceparent } = context;
  const named = new Set(symbols);
  const symbolsAt = (shard: number) =>
    [...named].filter((symbol) => mesh.shards.shardsOf(symbol).includes(shard));
  const markets = named.size === 0 ? [""] : [...named];
  const concerned = () => [...new Set(markets.flatMap((symbol) => mesh.shards.shardsOf(symbol)))];
  const due = await atShards(mesh, context, concerned, {
    facts: {},
    run: (shard) =>
      mesh.shards.setSwitch(
        shard,
        { userId, symbols: symbolsAt(shard), timeoutMs },
        { deadlineMs, traceparent },
      ),
  });
  const times = due.filter((dueMs) => dueMs > 0);
  return times.length === 0 ? undefined : Math.min(...times);
}

interface ShardWork<T> {
  /** Facts of every failure. */
  readonly facts: Readonly<Record<string, string>>;
  readonly run: (shard: number) => Promise<T>;
}

/** Runs the work at all shards; a failure says NOT_ATTEMPTED only when no shard can have done its part. */
async function atShards<T>(
  mesh: Mesh,
  context: CallContext,
  concerned: () => readonly number[],
  { facts, run }: ShardWork<T>,
): Promise<T[]> {
  const shards = refused(facts, () => {
    checkWaiting(mesh, context);
    const numbers = concerned();
    for (const shard of numbers) mesh.shards.checkOpen(shard);
    return numbers;
  });
  const results = await Promise.allSettled(shards.map(run));
  const failed = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  const [first] = failed;
  if (first === undefined)
    return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  if (!(first instanceof DomainError)) throw first;
  const wasNothingDone = failed.length === shards.length && !failed.some(isInfrastructureFailure);
  throw withFacts(first, { outcome: wasNothingDone ? "NOT_ATTEMPTED" : "UNKNOWN", ...facts });
}

function refused<T>(facts: Readonly<Record<string, string>>, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof DomainError ? withFacts(error, { outcome: "NOT_ATTEMPTED", ...facts }) : error;
  }
}
