// The mesh as the flows need it. Other services come in as functions, so that a test can lose an answer.
import type { MarketRules, Quote } from "../core/market.js";
import type { OrderState, OrderTerms, Reservation } from "../core/order-types.js";
import type { LaneState } from "../io/shard-link.js";
import type { ShardAnswer, ShardCall } from "../io/shards.js";
import type { ReserveAnswer, ReserveInput } from "../io/wallet-client.js";

/** What of the wallet the flows use. Every call is idempotent by order id. */
export interface WalletPort {
  reserve(input: ReserveInput): Promise<ReserveAnswer>;
  getReservation(orderId: string, deadlineMs: number): Promise<Reservation | undefined>;
}

/** What of the shards the flows use. Every command is idempotent by order id. */
export interface ShardsPort {
  /** Where new orders of a symbol go. */
  market(symbol: string): MarketRules;
  /** Where orders of a symbol are, undefined when that is not certain. */
  shardOf(symbol: string): number | undefined;
  findMarket(symbol: string, shard: number): MarketRules | undefined;
  quote(symbol: string): Quote | undefined;
  /** Refuses with SHARD_UNAVAILABLE when the shard does not take commands now. */
  checkOpen(shard: number): void;
  /** Shard times as heard so far, by shard; a copy that later words do not change. */
  heardMs(): ReadonlyMap<number, number>;
  submit(shard: number, terms: OrderTerms, call: ShardCall): Promise<ShardAnswer>;
  cancel(shard: number, order: { orderId: string; userId: string }, call: ShardCall): Promise<ShardAnswer>;
  cancelUnseen(
    shard: number,
    order: { orderId: string; userId: string; symbol: string },
    call: ShardCall,
  ): Promise<ShardAnswer>;
  getOrder(
    shard: number,
    orderId: string,
    userId: string,
    deadlineMs: number,
  ): Promise<OrderState | undefined>;
}

/** Everything that the order flows stand on. */
export interface Mesh {
  readonly wallet: WalletPort;
  readonly shards: ShardsPort;
  readonly clock: { wallMs(): number };
  readonly fingerprint: (canonicalText: string) => Uint8Array;
  readonly mintClientOrderId: () => string;
  /** Where an order is known to live; a miss costs a look-up. */
  readonly routes: { get(orderId: string): number | undefined; set(orderId: string, shard: number): void };
  /** Notes that the user was told of this seq, so that later reads of its history include it. */
  readonly acknowledged: (userId: string, shard: number, seq: number) => void;
}

/** Turn-taking of commands that share a stream; see order-entry. */
export interface Turn {
  readonly lane: LaneState;
  /** Resolves when every earlier command has gone to its shard; rejects when this one must not go. */
  enter(): Promise<void>;
  /** The command has gone to its shard: the next may. */
  leave(): void;
}

/** What a flow knows about its call. */
export interface CallContext {
  readonly userId: string;
  /** Wall-clock milliseconds at which the caller stops waiting. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly traceparent: string;
  readonly turn?: Turn;
}
