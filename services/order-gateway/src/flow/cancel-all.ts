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
 * and the same call again ends the rest. Each shard checks the key against what it has seen under it itself, so
 * that a cancel-all of one market stands on its shard alone: when some refuse a key that others take, the
 * failure says in `cancelled` how many orders the others have ended under it.
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
    factsOf: (done) => ({ cancelled: String(total(done)) }),
  });
  return { cancelled: total(counts), requestId };
}

const total = (counts: readonly number[]) => counts.reduce((sum, count) => sum + count, 0);

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
  const shardsOf = (symbol: string) => withField(`symbols[${symbols.indexOf(symbol)}]`, mesh, symbol);
  const concerned = () => [...new Set(markets.flatMap(shardsOf))];
  const due = await atShards(mesh, context, concerned, {
    facts: {},
    factsOf: () => ({}),
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

/** Shards of a market that a list names; who is not there is named by its place in the list. */
function withField(field: string, mesh: Mesh, symbol: string): readonly number[] {
  try {
    return mesh.shards.shardsOf(symbol);
  } catch (error) {
    const isUnknown = error instanceof DomainError && error.reason === "SYMBOL_NOT_FOUND";
    throw isUnknown ? new DomainError(error.reason, { ...error.facts, field }) : error;
  }
}

interface ShardWork<T> {
  /** Facts of every failure. */
  readonly facts: Readonly<Record<string, string>>;
  readonly run: (shard: number) => Promise<T>;
  /** What a failure says about the shards that did their part. */
  readonly factsOf: (done: readonly T[]) => Readonly<Record<string, string>>;
}

/** Runs the work at all shards; a failure says what is certain of the whole, and by `factsOf` what was done. */
async function atShards<T>(
  mesh: Mesh,
  context: CallContext,
  concerned: () => readonly number[],
  { facts, run, factsOf }: ShardWork<T>,
): Promise<T[]> {
  const shards = refused(facts, () => {
    checkWaiting(mesh, context);
    const numbers = concerned();
    for (const shard of numbers) mesh.shards.checkOpen(shard);
    return numbers;
  });
  const results = await Promise.allSettled(shards.map(run));
  const done = results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
  const failed = results.flatMap((result) =>
    result.status === "rejected" ? [result.reason as unknown] : [],
  );
  // What is in doubt can be asked again; a repeat then meets the refusals.
  const failure = failed.find(isInfrastructureFailure) ?? failed[0];
  if (failure === undefined) return done;
  if (!(failure instanceof DomainError)) throw failure;
  // What differs is the shard's to say; a key alone names itself.
  const named = failure.reason === "REQUEST_ID_REUSED" ? { field: "request_id" } : {};
  throw withFacts(failure, { outcome: outcomeOf(failure, done), ...named, ...facts, ...factsOf(done) });
}

/**
 * NOT_ATTEMPTED when no shard did anything, UNKNOWN when a repeat of the call may do more. NOT_ACCEPTED when
 * some did their part and the others have refused theirs: no repeat under this key changes that.
 */
function outcomeOf(failure: DomainError, done: readonly unknown[]): string {
  if (isInfrastructureFailure(failure)) return "UNKNOWN";
  return done.length === 0 ? "NOT_ATTEMPTED" : "NOT_ACCEPTED";
}

function refused<T>(facts: Readonly<Record<string, string>>, check: () => T): T {
  try {
    return check();
  } catch (error) {
    throw error instanceof DomainError ? withFacts(error, { outcome: "NOT_ATTEMPTED", ...facts }) : error;
  }
}
