// A shard in memory behind real gRPC, for tests that lose its answers. It keeps every LIMIT order open, lets
// every stop wait and ends every MARKET order for lack of liquidity; a real book adds nothing to what is tested.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  type AmendCommand,
  AmendRefusal,
  type CancelAllCommand,
  type Command,
  type OrderTerms,
  type ResolveCommand,
  type SetMarketStateCommand,
  type SetSwitchCommand,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
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
  Side,
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
  /** Amends as they came, by leg id, with what became of them. */
  readonly amends = new Map<string, { amend: AmendCommand; refusal: AmendRefusal }>();
  /** Switches as they were set, the newest last. */
  readonly switches: SetSwitchCommand[] = [];
  /** Answer of the next amends; undefined lets them through. */
  refusal: AmendRefusal | undefined;
  /** Failure of the next unary command, after it was carried out. */
  failure: DomainError | undefined;
  readonly #cancelAlls = new Map<string, { command: CancelAllCommand; cancelled: number }>();
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
      cancelAll: async ({ cancelAll }) => this.#failing(this.#cancelAll(cancelAll as CancelAllCommand)),
      setSwitch: async ({ setSwitch }) => this.#failing(this.#setSwitch(setSwitch as SetSwitchCommand)),
      setMarketState: async ({ setMarketState }) =>
        this.#failing(this.#setMarketState(setMarketState as SetMarketStateCommand)),
    });
  }

  #failing<T>(answer: T): T {
    const { failure } = this;
    this.failure = undefined;
    if (failure !== undefined) throw failure;
    return answer;
  }

  #cancelAll(command: CancelAllCommand) {
    const { userId, requestId, symbol, side, operatorId } = command;
    const key = `${userId} ${requestId}`;
    const known = this.#cancelAlls.get(key);
    if (known !== undefined) {
      const { command: before } = known;
      const isSame = before.symbol === symbol && before.side === side && before.operatorId === operatorId;
      if (!isSame) throw new DomainError("REQUEST_ID_REUSED");
      return { cancelled: known.cancelled, seq: BigInt(this.#seq), replayed: true };
    }
    const ended = [...this.orders.values()].filter(
      (order) =>
        order.userId === userId &&
        isOpen(order) &&
        (symbol === "" || order.terms?.symbol === symbol) &&
        (side === Side.UNSPECIFIED || order.terms?.side === side),
    );
    this.#seq += 1;
    const reason = operatorId === "" ? EndReason.CANCEL_ALL : EndReason.OPERATOR;
    const end = { status: OrderStatus.CANCELLED, reason, remainingLots: 0n };
    for (const order of ended) this.orders.set(order.orderId, { ...order, ...end });
    this.#cancelAlls.set(key, { command, cancelled: ended.length });
    return { cancelled: ended.length, seq: BigInt(this.#seq) };
  }

  #setSwitch(command: SetSwitchCommand) {
    this.switches.push(command);
    const timeMs = this.#shown.timeMs;
    return { dueAtMs: command.timeoutMs === 0n ? 0n : timeMs + command.timeoutMs, timeMs };
  }

  #setMarketState({ symbol, state }: SetMarketStateCommand) {
    const market = this.#shown.markets.find((each) => each.symbol === symbol);
    if (market === undefined) throw new DomainError("SYMBOL_NOT_FOUND");
    if (market.state === MarketState.DELISTED && state !== MarketState.DELISTED)
      throw new DomainError("SYMBOL_DELISTED");
    const changed = { ...market, state };
    this.show({ markets: this.#shown.markets.map((each) => (each === market ? changed : each)) });
    return { market: changed };
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
      case "amend":
        return this.#amend(kind.value);
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
    const isStop = terms.stopPriceTicks > 0n;
    const { orderId, userId } = terms;
    const state = create(OrderStateSchema, {
      terms,
      orderId,
      userId,
      status: isMarket ? OrderStatus.EXPIRED : isStop ? OrderStatus.PENDING : OrderStatus.OPEN,
      priceTicks: terms.priceTicks,
      quantityLots: terms.quantityLots,
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

  #end(
    { orderId, userId, operatorId = "" }: { orderId: string; userId: string; operatorId?: string },
    tombstone?: ResolveCommand,
  ): CommandResult {
    const found = this.orders.get(orderId);
    const known = found?.userId === userId ? found : undefined;
    if (known === undefined && tombstone === undefined) return failure("ORDER_NOT_FOUND");
    if (known !== undefined && !isOpen(known)) return this.#answer(known, true);
    this.log.push(`-${known?.terms?.clientOrderId ?? "tombstone"}`);
    const unseen = { orderId, userId, executedTickLots: "0", acceptedSeq: BigInt(this.#seq) };
    const ended = create(OrderStateSchema, {
      ...(known ?? unseen),
      status: tombstone?.tombstoneStatus ?? OrderStatus.CANCELLED,
      reason: tombstone?.tombstoneReason ?? (operatorId === "" ? EndReason.USER : EndReason.OPERATOR),
      remainingLots: 0n,
    });
    this.orders.set(orderId, ended);
    return this.#answer(ended, false);
  }

  /** Decides once, by leg id. */
  #amend(amend: AmendCommand): CommandResult {
    const { orderId, userId, legId, priceTicks, quantityLots } = amend;
    const order = this.orders.get(orderId);
    const decided = this.amends.get(legId);
    if (order === undefined || order.userId !== userId) return failure("ORDER_NOT_FOUND");
    if (decided !== undefined) {
      const { amend: first } = decided;
      if (first.priceTicks !== priceTicks) return failure("REQUEST_ID_REUSED", { field: "price" });
      if (first.quantityLots !== quantityLots) return failure("REQUEST_ID_REUSED", { field: "quantity" });
      return this.#answer(order, true, decided.refusal);
    }
    const refusal = isOpen(order) ? (this.refusal ?? AmendRefusal.UNSPECIFIED) : AmendRefusal.ORDER_NOT_OPEN;
    this.amends.set(legId, { amend, refusal });
    if (refusal !== AmendRefusal.UNSPECIFIED) return this.#answer(order, false, refusal);
    this.log.push(`~${order.terms?.clientOrderId ?? ""}`);
    const now = {
      priceTicks: priceTicks || order.priceTicks,
      quantityLots: quantityLots || order.quantityLots,
    };
    const { terms } = order;
    const changed = { ...order, ...now, terms: terms === undefined ? undefined : { ...terms, ...now } };
    const amended = create(OrderStateSchema, changed as typeof order);
    this.orders.set(orderId, amended);
    return this.#answer(amended, false);
  }

  #answer(order: OrderState, replayed: boolean, amendRefusal = AmendRefusal.UNSPECIFIED): CommandResult {
    const outcome = { case: "order" as const, value: order };
    return create(CommandResultSchema, { outcome, seq: BigInt(this.#seq), replayed, amendRefusal });
  }
}

function isOpen({ status }: OrderState): boolean {
  return status === OrderStatus.OPEN || status === OrderStatus.PENDING;
}

function failure(reason: string, facts: Record<string, string> = {}): CommandResult {
  return create(CommandResultSchema, { outcome: { case: "failure", value: { reason, facts } } });
}
