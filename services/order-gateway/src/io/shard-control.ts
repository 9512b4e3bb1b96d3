// Calls to one shard that are about many orders or about a market: unary, repeated while they are safe to.

import { DomainError, type FailureReason } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure, toDomainError } from "@bourse/shared/errors/from-wire.js";
import type { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { type Market, MarketState, Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { retry } from "@bourse/shared/runtime/retry.js";
import type * as Order from "../core/order-types.js";

/** Which orders of a user end; "" for all markets or both sides, or when the owner is who ends them. */
export interface CancelAll {
  readonly userId: string;
  readonly operatorId: string;
  readonly requestId: string;
  readonly symbol: string;
  readonly side: Order.Side | "";
}

/** A user's dead-man switch in some markets of a shard; none named for all, timeout 0 disables. */
export interface Switch {
  readonly userId: string;
  readonly symbols: readonly string[];
  readonly timeoutMs: number;
}

/** What a market accepts from now on, and who says so why. */
export interface StateChange {
  readonly symbol: string;
  readonly state: Order.MarketState;
  readonly operatorId: string;
  readonly reason: string;
}

/** How such a call is made. */
export interface ControlCall {
  readonly deadlineMs: number;
  readonly traceparent: string;
}

export interface ControlOptions {
  readonly client: ServiceClient<typeof MatcherService>;
  readonly clock: Clock;
  readonly random: () => number;
}

const RETRYABLE: ReadonlySet<FailureReason> = new Set<FailureReason>([
  "TRANSPORT_FAILED",
  "SHARD_UNAVAILABLE",
]);
const ATTEMPTS = 3;
const BACKOFF = { baseMs: 50, capMs: 1_000 };

/**
 * Ends open orders of a user. A repeat under the same request id changes nothing, so what got no answer is
 * asked again; `expiresAtMs` is shard time.
 */
export async function cancelAllAt(
  options: ControlOptions,
  cancelAll: CancelAll,
  call: ControlCall & { readonly expiresAtMs: number },
): Promise<{ cancelled: number; seq: number }> {
  const side = cancelAll.side === "" ? Side.UNSPECIFIED : Side[cancelAll.side];
  const request = {
    cancelAll: { ...cancelAll, side, expiresAtMs: BigInt(call.expiresAtMs) },
    traceparent: call.traceparent,
  };
  const { cancelled, seq } = await asked(options, () => options.client.cancelAll(request, deadlineOf(call)));
  return { cancelled, seq: Number(seq) };
}

/** Sets a switch; returns the shard time at which it fires, 0 when it is disabled. */
export async function setSwitchAt(options: ControlOptions, set: Switch, call: ControlCall): Promise<number> {
  const setSwitch = { ...set, symbols: [...set.symbols], timeoutMs: BigInt(set.timeoutMs) };
  const request = { setSwitch, traceparent: call.traceparent };
  const { dueAtMs } = await asked(options, () => options.client.setSwitch(request, deadlineOf(call)));
  return Number(dueAtMs);
}

/** Changes what a market accepts; returns the market as it is then. */
export async function setMarketStateAt(
  options: ControlOptions,
  change: StateChange,
  call: ControlCall,
): Promise<Market> {
  const setMarketState = { ...change, state: MarketState[change.state] };
  const request = { setMarketState, traceparent: call.traceparent };
  const { market } = await asked(options, () => options.client.setMarketState(request, deadlineOf(call)));
  if (market === undefined) throw shardAway();
  return market;
}

/** A failure of the way to the shard as callers see it. */
export function shardAway(cause?: unknown): DomainError {
  return new DomainError("SHARD_UNAVAILABLE", { retry_after_ms: "500" }, { cause });
}

function deadlineOf({ deadlineMs }: ControlCall) {
  return { deadlineMs };
}

async function asked<T>({ clock, random }: ControlOptions, call: () => Promise<T>): Promise<T> {
  const isRetryable = (error: unknown) => RETRYABLE.has(toDomainError(error).reason);
  try {
    return await retry(call, { attempts: ATTEMPTS, ...BACKOFF, isRetryable, clock, random });
  } catch (error) {
    const failure = toDomainError(error);
    const isAway = isInfrastructureFailure(failure) && failure.reason !== "DEADLINE_EXCEEDED";
    throw isAway ? shardAway(failure) : failure;
  }
}
