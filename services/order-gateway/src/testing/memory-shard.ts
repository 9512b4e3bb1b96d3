// A shard in memory behind real gRPC, for tests that lose its answers. It keeps every LIMIT order open
// and ends every MARKET order for lack of liquidity; a real book adds nothing to what is tested here.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Command, OrderTerms, ResolveCommand } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  type CommandResult,
  CommandResultSchema,
  type CommandStreamRequest,
  MatcherService,
  type OrderState,
  OrderStateSchema,
  type WatchShardResponse,
  WatchShardResponseSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import {
  EndReason,
  type Market,
  MarketSchema,
  MarketState,
  OrderStatus,
  OrderType,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { implement } from "@bourse/shared/rpc/call.js";
import type { GrpcServer } from "@bourse/shared/rpc/server.js";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { serve } from "./memory-wallet.js";

/** The market of most tests: ticks of 0.01, lots of 0.00001. */
export const BTC = create(MarketSchema, {
  symbol: "BTC/USDT",
  baseAsset: "BTC",
  quoteAsset: "USDT",
  tickSize: "0.01",
  lotSize: "0.00001",
  minQuantity: "0.0001",
  maxQuantity: "1000",
  minNotional: "1",
  protectionBps: 500,
  takerFeePpm: 2_000,
  makerFeePpm: 1_000,
  state: MarketState.TRADING,
});

/** Starts the shard; port 0 picks a free one. */
export async function startMemoryShard(markets: readonly Market[] = [BTC], port = 0): Promise<MemoryShard> {
  const shard = new MemoryShard(markets);
  await shard.listen(port);
  return shard;
}

export class MemoryShard {
  readonly orders = new Map<string, OrderState>();
  /** Client order ids in the order in which commands were first sequenced, "+" for submits, "-" for cancels. */
  readonly log: string[] = [];
  /** Streams of commands that came while the shard was closed. */
  streamsRefused = 0;
  readonly #watchers = new Set<(update: WatchShardResponse) => void>();
  #seq = 0;
  #lost = 0;
  #held: Promise<void> | undefined;
  #shown: WatchShardResponse;
  #grpc: GrpcServer | undefined;

  constructor(markets: readonly Market[]) {
    const shown = { epoch: 1n, timeMs: 1_000n, isOpen: true, markets: [...markets] };
    this.#shown = create(WatchShardResponseSchema, shown);
  }

  get port(): number {
    return this.#grpc?.port ?? 0;
  }

  async listen(port: number): Promise<void> {
    this.#grpc = await serve([this.#service()], port);
  }

  /** Changes what gateways see of the shard. */
  show(change: MessageInitShape<typeof WatchShardResponseSchema>): void {
    this.#shown = create(WatchShardResponseSchema, { ...this.#shown, ...change } as never);
    for (const watch of this.#watchers) watch(this.#shown);
  }

  /** The next batches of commands are sequenced, but their answers are lost: the stream breaks instead. */
  loseAnswers(count: number): void {
    this.#lost = count;
  }

  /** Commands are sequenced but not answered until `release` is called. */
  holdAnswers(): { release: () => void } {
    let open = () => {};
    this.#held = new Promise((resolve) => {
      open = resolve;
    });
    const release = () => {
      this.#held = undefined;
      open();
    };
    return { release };
  }

  async close(): Promise<void> {
    await this.#grpc?.close(200);
  }

  #service() {
    return implement(MatcherService, {
      commandStream: (requests) => this.#commandStream(requests),
      watchShard: (_, call) => this.#watch(call.signal),
      getOrder: async ({ orderId, userId }) => {
        const order = this.orders.get(orderId);
        if (order === undefined || order.userId !== userId) throw new DomainError("ORDER_NOT_FOUND");
        return { order, seq: BigInt(this.#seq) };
      },
      addMarket: async ({ market }) => {
        if (market === undefined) throw new DomainError("INVALID_MARKET");
        return { market };
      },
    });
  }

  async *#commandStream(requests: AsyncIterable<CommandStreamRequest>) {
    if (!this.#shown.isOpen) {
      this.streamsRefused += 1;
      throw new DomainError("SHARD_UNAVAILABLE");
    }
    for await (const { commands } of requests) {
      const results = commands.map((command) => this.#decide(command));
      await this.#held;
      if (this.#lost > 0) {
        this.#lost -= 1;
        throw new DomainError("TRANSPORT_FAILED");
      }
      yield { results };
    }
  }

  async *#watch(signal: AbortSignal) {
    const queue = [this.#shown];
    let wake = () => {};
    const watch = (update: WatchShardResponse) => {
      queue.push(update);
      wake();
    };
    this.#watchers.add(watch);
    signal.addEventListener("abort", () => wake());
    while (!signal.aborted) {
      for (const update of queue.splice(0)) yield update;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || signal.aborted) resolve();
      });
    }
    this.#watchers.delete(watch);
  }

  #decide({ kind }: Command): CommandResult {
    this.#seq += 1;
    switch (kind.case) {
      case "submit":
        return this.#submit(kind.value.terms);
      case "cancel":
        return this.#end(kind.value);
      case "resolve":
        return this.#end(kind.value, kind.value);
      default:
        return failure("UNIMPLEMENTED");
    }
  }

  #submit(terms: OrderTerms | undefined): CommandResult {
    if (terms === undefined) throw new DomainError("INTERNAL");
    const known = this.orders.get(terms.orderId);
    if (known !== undefined) return this.#answer(known, true);
    this.log.push(`+${terms.clientOrderId}`);
    const isMarket = terms.type === OrderType.MARKET;
    const { orderId, userId } = terms;
    const state = create(OrderStateSchema, {
      terms,
      orderId,
      userId,
      status: isMarket ? OrderStatus.EXPIRED : OrderStatus.OPEN,
      reason: isMarket ? EndReason.INSUFFICIENT_LIQUIDITY : EndReason.UNSPECIFIED,
      executedTickLots: "0",
      remainingLots: isMarket ? 0n : terms.quantityLots,
      createdAtMs: 1_000n,
      updatedAtMs: 1_000n,
      acceptedSeq: BigInt(this.#seq),
    });
    this.orders.set(orderId, state);
    return this.#answer(state, false);
  }

  #end({ orderId, userId }: { orderId: string; userId: string }, tombstone?: ResolveCommand): CommandResult {
    const found = this.orders.get(orderId);
    const known = found?.userId === userId ? found : undefined;
    if (known === undefined && tombstone === undefined) return failure("ORDER_NOT_FOUND");
    if (known !== undefined && known.status !== OrderStatus.OPEN) return this.#answer(known, true);
    this.log.push(`-${known?.terms?.clientOrderId ?? "tombstone"}`);
    const unseen = { orderId, userId, executedTickLots: "0", acceptedSeq: BigInt(this.#seq) };
    const ended = create(OrderStateSchema, {
      ...(known ?? unseen),
      status: tombstone?.tombstoneStatus ?? OrderStatus.CANCELLED,
      reason: tombstone?.tombstoneReason ?? EndReason.USER,
      remainingLots: 0n,
    });
    this.orders.set(orderId, ended);
    return this.#answer(ended, false);
  }

  #answer(order: OrderState, replayed: boolean): CommandResult {
    const outcome = { case: "order" as const, value: order };
    return create(CommandResultSchema, { outcome, seq: BigInt(this.#seq), replayed });
  }
}

function failure(reason: string): CommandResult {
  return create(CommandResultSchema, { outcome: { case: "failure", value: { reason } } });
}
