// All shards as functions: where each market lives, what it costs, and the way to its matcher.

import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { isInfrastructureFailure, toDomainError } from "@bourse/shared/errors/from-wire.js";
import {
  type MarketQuote,
  MatcherService,
  type WatchShardResponse,
} from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import {
  EndReason,
  type Market,
  type MarketSchema,
  OrderStatus,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { connected, createClient, openChannel, type ServiceClient } from "@bourse/shared/rpc/client.js";
import type { MeshTls } from "@bourse/shared/rpc/mesh-tls.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import { backoffMs } from "@bourse/shared/runtime/retry.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import type { MarketRules, Quote } from "../core/market.js";
import type { Amend, OrderState, OrderTerms } from "../core/order-types.js";
import { amendToWire, rulesOfMarket, stateOfWire, termsToWire } from "./messages.js";
import { answerOf, type ShardAnswer } from "./shard-answer.js";
import {
  type CancelAll,
  type ControlCall,
  cancelAllAt,
  type StateChange,
  type Switch,
  setMarketStateAt,
  setSwitchAt,
  shardAway,
} from "./shard-control.js";
import { type CommandMessage, type CommandOptions, ShardLink } from "./shard-link.js";

export interface ShardCall extends CommandOptions {
  /** Shard time after which an unknown order is not taken. */
  readonly expiresAtMs: number;
  readonly traceparent: string;
}

/** An open order, its owner, and the operator who ends it; "" when its owner does. */
export interface OrderToEnd {
  readonly orderId: string;
  readonly userId: string;
  readonly operatorId: string;
}

interface Shard {
  readonly number: number;
  readonly client: ServiceClient<typeof MatcherService>;
  readonly link: ShardLink;
  readonly close: () => void;
  /** Shard time last heard, milliseconds; 0 before the first word. */
  timeMs: number;
  isOpen: boolean;
  /** True while it takes no new orders for want of disk space. */
  isReadOnly: boolean;
  wasHeard: boolean;
}

/** Where a shard is, and the name in its certificate if that is another. */
export interface ShardAddress {
  readonly shard: number;
  readonly address: string;
  readonly serverName?: string | undefined;
}

export interface ShardsOptions {
  readonly tls?: MeshTls | undefined;
  readonly shards: readonly ShardAddress[];
  readonly clock: Clock;
  readonly random: () => number;
  readonly log: Logger;
  readonly connectMs: number;
  /** How long a start waits for all shards. */
  readonly patienceMs: number;
  /** Called whenever a shard opens, closes or is heard for the first time. */
  readonly onChange?: () => void;
  /** Called with all symbols that more than one shard names, whenever there is one more. */
  readonly onDoubled?: (symbols: readonly string[]) => void;
}

const WATCH_BACKOFF = { baseMs: 100, capMs: 1_000 };

/** The gateway's view of the shards; kept fresh by `watch`. */
export class Shards {
  readonly #shards: ReadonlyMap<number, Shard>;
  readonly #options: ShardsOptions;
  /** By symbol: the market as each shard that names it describes it, nearly always one. */
  readonly #markets = new Map<string, MarketRules[]>();
  readonly #quotes = new Map<string, Quote>();
  readonly #startedMs: number;
  #wereAllOpen = false;

  constructor(options: ShardsOptions) {
    this.#options = options;
    this.#startedMs = options.clock.monotonicMs();
    this.#shards = new Map(options.shards.map((shard) => [shard.shard, openShard(options, shard)]));
  }

  /** Follows one shard until the signal aborts: markets, quotes, time, open or not. */
  async watch(number: number, signal: AbortSignal): Promise<void> {
    const shard = this.#at(number);
    for (let attempt = 1; !signal.aborted; attempt += 1) {
      try {
        // Heard as soon as the shard listens again, not at the end of a backoff.
        for await (const update of shard.client.watchShard({}, { signal, waitForReady: true })) {
          attempt = 1;
          this.#learn(shard, update);
        }
      } catch (error) {
        // A shard that restarts is no news; one that refuses this gateway is.
        const isAway = isInfrastructureFailure(error) && toDomainError(error).reason !== "FORBIDDEN";
        const level = isAway ? "debug" : "error";
        this.#options.log[level]({ shard: number, err: error }, "shard not heard");
      }
      // What is in flight when the drain begins is still carried out.
      if (signal.aborted) return;
      this.#setOpen(shard, false);
      const { clock, random } = this.#options;
      await clock.sleep(backoffMs(attempt, { ...WATCH_BACKOFF, random }), signal);
    }
  }

  /**
   * Market by symbol, where its new orders go. Refuses with SYMBOL_NOT_FOUND, or SHARD_UNAVAILABLE while some
   * shard was never heard or two shards name the symbol: which of them gateways hear first is chance, and two
   * books under one name would break price and time. Their orders live on where their reservations say.
   */
  market(symbol: string): MarketRules {
    const [market, other] = this.#markets.get(symbol) ?? [];
    if (market === undefined) throw this.#absent("SYMBOL_NOT_FOUND", "symbol");
    if (other !== undefined) throw shardAway();
    return market;
  }

  /** Shard of a symbol, undefined when two name it. Refuses as `market` does when none does. */
  shardOf(symbol: string): number | undefined {
    const markets = this.#markets.get(symbol) ?? [];
    if (markets.length === 0) throw this.#absent("SYMBOL_NOT_FOUND", "symbol");
    return markets.length === 1 ? markets[0]?.shard : undefined;
  }

  /** Shards that have the market, or all of them for "". Refuses as `market` does when none has it. */
  shardsOf(symbol: string): number[] {
    if (symbol === "") return [...this.#shards.keys()];
    const markets = this.#markets.get(symbol) ?? [];
    if (markets.length === 0) throw this.#absent("SYMBOL_NOT_FOUND", "symbol");
    return markets.map(({ shard }) => shard);
  }

  /** Market by symbol as its shard describes it, if that is known. */
  findMarket(symbol: string, shard: number): MarketRules | undefined {
    return this.#markets.get(symbol)?.find((market) => market.shard === shard);
  }

  /** Refuses with ASSET_NOT_FOUND when no market trades the asset. */
  checkAsset(asset: string): void {
    for (const [market] of this.#markets.values()) {
      if (asset === market?.baseAsset || asset === market?.quoteAsset) return;
    }
    throw this.#absent("ASSET_NOT_FOUND", "asset");
  }

  quote(symbol: string): Quote | undefined {
    return this.#quotes.get(symbol);
  }

  /** Refuses with SHARD_UNAVAILABLE when the shard does not take commands now. */
  checkOpen(number: number): void {
    if (!this.#at(number).isOpen) throw shardAway();
  }

  /** Refuses with SHARD_READ_ONLY when the shard takes no new orders now. */
  checkRoom(number: number): void {
    if (this.#at(number).isReadOnly) throw new DomainError("SHARD_READ_ONLY", { retry_after_ms: "1000" });
  }

  /** Shard times as heard so far, by shard. */
  heardMs(): ReadonlyMap<number, number> {
    return new Map([...this.#shards.values()].map(({ number, timeMs }) => [number, timeMs]));
  }

  /** Shards that do not take commands now. */
  closed(): number[] {
    return [...this.#shards.values()].filter((shard) => !shard.isOpen).map((shard) => shard.number);
  }

  /** True when commands are taken: of all shards at first, then, or after some patience, of any. */
  areServing(): boolean {
    const closed = this.closed().length;
    this.#wereAllOpen ||= closed === 0;
    const isPatient = this.#options.clock.monotonicMs() - this.#startedMs < this.#options.patienceMs;
    return this.#wereAllOpen || !isPatient ? closed < this.#shards.size : closed === 0;
  }

  submit(number: number, terms: OrderTerms, call: ShardCall): Promise<ShardAnswer> {
    const submit = { terms: termsToWire(terms), expiresAtMs: BigInt(call.expiresAtMs) };
    return this.#execute(number, { kind: { case: "submit", value: submit } }, call);
  }

  cancel(number: number, order: OrderToEnd, call: ShardCall): Promise<ShardAnswer> {
    return this.#execute(number, { kind: { case: "cancel", value: order } }, call);
  }

  /** A cancel of an order that its shard may never have seen. */
  cancelUnseen(
    number: number,
    { operatorId, ...order }: OrderToEnd & { readonly symbol: string },
    call: ShardCall,
  ): Promise<ShardAnswer> {
    const value = {
      ...order,
      tombstoneStatus: OrderStatus.CANCELLED,
      tombstoneReason: operatorId === "" ? EndReason.USER : EndReason.OPERATOR,
      expiresAtMs: BigInt(call.expiresAtMs),
      cancelIfOpen: true,
    };
    return this.#execute(number, { kind: { case: "resolve", value } }, call);
  }

  amend(number: number, amend: Amend, call: ShardCall): Promise<ShardAnswer> {
    const value = amendToWire(amend, call.expiresAtMs);
    return this.#execute(number, { kind: { case: "amend", value } }, call);
  }

  /** The order as its shard knows it now, undefined when it does not. */
  async getOrder(
    number: number,
    orderId: string,
    userId: string,
    deadlineMs: number,
  ): Promise<OrderState | undefined> {
    try {
      const { order } = await this.#at(number).client.getOrder({ orderId, userId }, { deadlineMs });
      return order === undefined ? undefined : stateOfWire(order);
    } catch (error) {
      const failure = toDomainError(error);
      if (failure.reason === "ORDER_NOT_FOUND") return undefined;
      throw isInfrastructureFailure(failure) && failure.reason !== "DEADLINE_EXCEEDED"
        ? shardAway(failure)
        : failure;
    }
  }

  /** Makes a market on the shard that it names. */
  async addMarket(market: MessageInitShape<typeof MarketSchema>, deadlineMs: number): Promise<Market> {
    const shard = this.#shards.get(market.shard ?? 0);
    if (shard === undefined) throw new DomainError("INVALID_MARKET", { field: "market.shard" });
    const existing = this.#markets.get(market.symbol ?? "") ?? [];
    if (existing.some((known) => known.shard !== shard.number)) {
      throw new DomainError("MARKET_DIFFERS", { field: "market.shard" });
    }
    try {
      const { market: made } = await shard.client.addMarket({ market }, { deadlineMs });
      if (made === undefined) throw shardAway();
      this.#note(shard, made);
      return made;
    } catch (error) {
      const failure = toDomainError(error);
      throw isInfrastructureFailure(failure) ? shardAway(failure) : failure;
    }
  }

  /** Ends open orders of a user at one shard; `expiresAtMs` is its time. */
  cancelAll(number: number, cancelAll: CancelAll, call: ControlCall & { readonly expiresAtMs: number }) {
    return cancelAllAt(this.#control(number), cancelAll, call);
  }

  /** Sets a user's switch at one shard; returns the shard time at which it fires. */
  setSwitch(number: number, set: Switch, call: ControlCall): Promise<number> {
    return setSwitchAt(this.#control(number), set, call);
  }

  /** Changes what a market accepts, at the one shard that has it. */
  async setMarketState(change: StateChange, call: ControlCall): Promise<Market> {
    const { shard } = this.market(change.symbol);
    const market = await setMarketStateAt(this.#control(shard), change, call);
    this.#note(this.#at(shard), market);
    return market;
  }

  close(): void {
    for (const shard of this.#shards.values()) shard.close();
  }

  async #execute(number: number, message: CommandMessage, call: ShardCall): Promise<ShardAnswer> {
    const { lane, deadlineMs, traceparent } = call;
    return answerOf(await this.#at(number).link.execute({ ...message, traceparent }, { lane, deadlineMs }));
  }

  #control(number: number) {
    const { clock, random } = this.#options;
    return { client: this.#at(number).client, clock, random };
  }

  #at(number: number): Shard {
    const shard = this.#shards.get(number);
    // A reservation may name a shard that this gateway's settings do not know (yet).
    if (shard === undefined) throw shardAway();
    return shard;
  }

  #absent(reason: "SYMBOL_NOT_FOUND" | "ASSET_NOT_FOUND", field: string): DomainError {
    const wereAllHeard = [...this.#shards.values()].every((shard) => shard.wasHeard);
    return wereAllHeard ? new DomainError(reason, { field }) : shardAway();
  }

  #learn(shard: Shard, update: WatchShardResponse): void {
    for (const market of update.markets) this.#note(shard, market);
    for (const quote of update.quotes) this.#quotes.set(quote.symbol, quoteOf(quote));
    // Time never runs backwards, also when an older update comes late.
    shard.timeMs = Math.max(shard.timeMs, Number(update.timeMs));
    shard.wasHeard = true;
    shard.isReadOnly = update.isReadOnly;
    this.#setOpen(shard, update.isOpen);
  }

  #note({ number }: Shard, market: Market): void {
    const { symbol } = market;
    const known = this.#markets.get(symbol) ?? [];
    const others = known.filter(({ shard }) => shard !== number);
    const wasDoubled = known.length > 1;
    this.#markets.set(symbol, [...others, { ...rulesOfMarket(market), shard: number }]);
    if (others.length === 0 || wasDoubled) return;
    const shards = [...others.map(({ shard }) => shard), number];
    this.#options.log.error(
      { symbol, shards },
      "two shards have the same market: no new order of it is taken, cancels go on",
    );
    const doubled = [...this.#markets].filter(([, markets]) => markets.length > 1);
    this.#options.onDoubled?.(doubled.map(([each]) => each));
  }

  #setOpen(shard: Shard, isOpen: boolean): void {
    if (shard.isOpen === isOpen) return;
    shard.isOpen = isOpen;
    this.#options.log.info({ shard: shard.number, isOpen }, "shard changed");
    this.#options.onChange?.();
  }
}

function openShard(options: ShardsOptions, { shard: number, address, serverName }: ShardAddress): Shard {
  const channel = openChannel(address, { tls: options.tls, serverName });
  const client = createClient(MatcherService, channel);
  const { clock, random } = options;
  const link = new ShardLink({
    client,
    clock,
    random,
    connected: () => connected(channel, options.connectMs),
  });
  const close = () => {
    link.close();
    channel.close();
  };
  return { number, client, link, close, timeMs: 0, isOpen: false, isReadOnly: false, wasHeard: false };
}

function quoteOf({ lastTradeTicks, bestBidTicks, bestAskTicks }: MarketQuote): Quote {
  return {
    lastTradeTicks: Number(lastTradeTicks),
    bestBidTicks: Number(bestBidTicks),
    bestAskTicks: Number(bestAskTicks),
  };
}
