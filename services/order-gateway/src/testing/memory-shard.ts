// A shard in memory behind real gRPC, for tests that lose its answers. It keeps every LIMIT order open
// and ends every MARKET order for lack of liquidity; a real book adds nothing to what is tested here.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Command, OrderTerms } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
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
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { serve } from "./memory-wallet.js";

export interface MemoryShard {
  readonly port: number;
  readonly orders: ReadonlyMap<string, OrderState>;
  /** Ids in the order in which commands were sequenced for the first time, "+" for submits, "-" for cancels. */
  readonly log: readonly string[];
  /** Changes what gateways see of the shard. */
  show(change: MessageInitShape<typeof WatchShardResponseSchema>): void;
  /** The next batches of commands are sequenced, but their answers are lost: the stream breaks instead. */
  loseAnswers(count: number): void;
  /** Commands are sequenced but not answered until `release` is called. */
  holdAnswers(): { release: () => void };
  close(): Promise<void>;
}

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
  const orders = new Map<string, OrderState>();
  const log: string[] = [];
  const watchers = new Set<(update: WatchShardResponse) => void>();
  let seq = 0;
  let lost = 0;
  let held: Promise<void> | undefined;
  let shown = create(WatchShardResponseSchema, {
    epoch: 1n,
    timeMs: 1_000n,
    isOpen: true,
    markets: [...markets],
  });

  const decide = (command: Command): CommandResult => {
    seq += 1;
    const { kind } = command;
    if (kind.case === "submit") return submit(kind.value.terms);
    if (kind.case === "cancel" || kind.case === "resolve") {
      const tombstone = kind.case === "resolve" ? kind.value : undefined;
      return end(kind.value.orderId, kind.value.userId, tombstone);
    }
    return create(CommandResultSchema, { outcome: { case: "failure", value: { reason: "UNIMPLEMENTED" } } });
  };
  const submit = (terms: OrderTerms | undefined): CommandResult => {
    if (terms === undefined) throw new DomainError("INTERNAL");
    const known = orders.get(terms.orderId);
    if (known !== undefined) return answer(known, true);
    log.push(`+${terms.clientOrderId}`);
    const isMarket = terms.type === OrderType.MARKET;
    const state = create(OrderStateSchema, {
      terms,
      orderId: terms.orderId,
      userId: terms.userId,
      status: isMarket ? OrderStatus.EXPIRED : OrderStatus.OPEN,
      reason: isMarket ? EndReason.INSUFFICIENT_LIQUIDITY : EndReason.UNSPECIFIED,
      executedTickLots: "0",
      remainingLots: isMarket ? 0n : terms.quantityLots,
      createdAtMs: 1_000n,
      updatedAtMs: 1_000n,
      acceptedSeq: BigInt(seq),
    });
    orders.set(terms.orderId, state);
    return answer(state, false);
  };
  const end = (
    orderId: string,
    userId: string,
    tombstone?: { tombstoneStatus: OrderStatus; tombstoneReason: EndReason },
  ): CommandResult => {
    const found = orders.get(orderId);
    const known = found?.userId === userId ? found : undefined;
    if (known === undefined && tombstone === undefined) {
      return create(CommandResultSchema, {
        outcome: { case: "failure", value: { reason: "ORDER_NOT_FOUND" } },
      });
    }
    if (known !== undefined && known.status !== OrderStatus.OPEN) return answer(known, true);
    log.push(`-${known?.terms?.clientOrderId ?? "tombstone"}`);
    const ended = create(OrderStateSchema, {
      ...(known ?? { orderId, userId, executedTickLots: "0", acceptedSeq: BigInt(seq) }),
      status: tombstone?.tombstoneStatus ?? OrderStatus.CANCELLED,
      reason: tombstone?.tombstoneReason ?? EndReason.USER,
      remainingLots: 0n,
    });
    orders.set(orderId, ended);
    return answer(ended, false);
  };
  const answer = (order: OrderState, replayed: boolean) =>
    create(CommandResultSchema, { outcome: { case: "order", value: order }, seq: BigInt(seq), replayed });

  async function* commandStream(requests: AsyncIterable<CommandStreamRequest>) {
    if (!shown.isOpen) throw new DomainError("SHARD_UNAVAILABLE");
    for await (const { commands } of requests) {
      const results = commands.map(decide);
      await held;
      if (lost > 0) {
        lost -= 1;
        throw new DomainError("TRANSPORT_FAILED");
      }
      yield { results };
    }
  }

  async function* watchShard(signal: AbortSignal) {
    const queue = [shown];
    let wake = () => {};
    const watch = (update: WatchShardResponse) => {
      queue.push(update);
      wake();
    };
    watchers.add(watch);
    signal.addEventListener("abort", () => wake());
    while (!signal.aborted) {
      for (const update of queue.splice(0)) yield update;
      await new Promise<void>((resolve) => {
        wake = resolve;
        if (queue.length > 0 || signal.aborted) resolve();
      });
    }
    watchers.delete(watch);
  }

  const service = implement(MatcherService, {
    commandStream,
    watchShard: (_, call) => watchShard(call.signal),
    async getOrder({ orderId, userId }) {
      const order = orders.get(orderId);
      if (order === undefined || order.userId !== userId) throw new DomainError("ORDER_NOT_FOUND");
      return { order, seq: BigInt(seq) };
    },
    async addMarket({ market }) {
      if (market === undefined) throw new DomainError("INVALID_MARKET");
      return { market };
    },
  });
  const grpc = await serve([service], port);
  return {
    port: grpc.port,
    orders,
    log,
    show(change) {
      shown = create(WatchShardResponseSchema, { ...shown, ...change } as never);
      for (const watch of watchers) watch(shown);
    },
    loseAnswers: (count) => {
      lost = count;
    },
    holdAnswers() {
      let release = () => {};
      held = new Promise((resolve) => {
        release = () => {
          held = undefined;
          resolve();
        };
      });
      return { release };
    },
    close: () => grpc.close(200),
  };
}
