// The mesh as the flows need it. Other services come in as functions, so that a test can lose an answer.
import type { Tier } from "@bourse/shared/units/tiers.js";
import type { MarketRules, Quote } from "../core/market.js";
import type { Amend, OrderState, OrderTerms, Reservation } from "../core/order-types.js";
import type { ShardAnswer } from "../io/shard-answer.js";
import type { CancelAll, ControlCall, Switch } from "../io/shard-control.js";
import type { LaneState } from "../io/shard-link.js";
import type { OrderToEnd, ShardCall } from "../io/shards.js";
import type { LegInput, ReserveAnswer, ReserveInput } from "../io/wallet-client.js";

/** What of the wallet the flows use. Every call is idempotent by order id. */
export interface WalletPort {
  reserve(input: ReserveInput): Promise<ReserveAnswer>;
  /** Holds what an amend needs more, under the id of its leg. */
  reserveLeg(input: LegInput): Promise<ReserveAnswer>;
  getReservation(orderId: string, deadlineMs: number): Promise<Reservation | undefined>;
}

/** What of the shards the flows use. Every command is idempotent by order id. */
export interface ShardsPort {
  /** Where new orders of a symbol go. */
  market(symbol: string): MarketRules;
  /** Where orders of a symbol are, undefined when that is not certain. */
  shardOf(symbol: string): number | undefined;
  /** Shards that have a market, or all of them for "". */
  shardsOf(symbol: string): readonly number[];
  findMarket(symbol: string, shard: number): MarketRules | undefined;
  quote(symbol: string): Quote | undefined;
  /** Refuses with SHARD_UNAVAILABLE when the shard does not take commands now. */
  checkOpen(shard: number): void;
  /** Refuses with SHARD_READ_ONLY when the shard takes no new orders now. */
  checkRoom(shard: number): void;
  /** Shard times as heard so far, by shard; a copy that later words do not change. */
  heardMs(): ReadonlyMap<number, number>;
  submit(shard: number, terms: OrderTerms, call: ShardCall): Promise<ShardAnswer>;
  cancel(shard: number, order: OrderToEnd, call: ShardCall): Promise<ShardAnswer>;
  cancelUnseen(
    shard: number,
    order: OrderToEnd & { readonly symbol: string },
    call: ShardCall,
  ): Promise<ShardAnswer>;
  amend(shard: number, amend: Amend, call: ShardCall): Promise<ShardAnswer>;
  cancelAll(
    shard: number,
    cancelAll: CancelAll,
    call: ControlCall & { readonly expiresAtMs: number },
  ): Promise<{ cancelled: number; seq: number }>;
  setSwitch(shard: number, set: Switch, call: ControlCall): Promise<number>;
  getOrder(
    shard: number,
    orderId: string,
    userId: string,
    deadlineMs: number,
  ): Promise<OrderState | undefined>;
}

/** Where an order lives, and its terms as of the last word about it, sent or heard. */
export interface KnownOrder {
  readonly shard: number;
  readonly terms?: OrderTerms | undefined;
}

/** Everything that the order flows stand on. */
export interface Mesh {
  readonly wallet: WalletPort;
  readonly shards: ShardsPort;
  readonly clock: { wallMs(): number };
  readonly fingerprint: (canonicalText: string) => Uint8Array;
  /** A client order id, or a request id, for a client that named none. */
  readonly mintId: () => string;
  /** Orders that this process knows; a miss costs a look-up. */
  readonly known: {
    get(orderId: string): KnownOrder | undefined;
    set(orderId: string, known: KnownOrder): void;
  };
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
  /** UUID of the caller when it is an operator, who may end orders of others. */
  readonly operatorId?: string | undefined;
  /** Tier of the access token, also where it acts for another user. */
  readonly tier: Tier;
  /** Wall-clock milliseconds at which the caller stops waiting. */
  readonly deadlineMs: number;
  readonly signal?: AbortSignal;
  readonly traceparent: string;
  readonly turn?: Turn;
}
