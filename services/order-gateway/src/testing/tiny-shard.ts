// A shard small enough to be obviously right: it makes the records that a projector follows, and keeps
// its own account of every order and trade to compare the history with.

import {
  type Event,
  EventSchema,
  type OrderTerms,
  OrderTermsSchema,
  type Record,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  type Market,
  MarketSchema,
  MarketState,
  OrderStatus,
  OrderType,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { orderIdOf, tradeIdOf } from "@bourse/shared/ids.js";
import { create } from "@bufbuild/protobuf";

/** What the shard knows about an order; the history must come to the same. */
export interface KnownOrder {
  readonly terms: OrderTerms;
  readonly createdAtMs: number;
  readonly acceptedSeq: number;
  status: OrderStatus;
  reason: EndReason;
  remainingLots: number;
  executedLots: number;
  executedTickLots: bigint;
  /** Received as maker and as taker: lots for a buyer, tick × lot for a seller. */
  readonly received: { maker: bigint; taker: bigint };
}

export interface PlaceOptions {
  readonly user: string;
  readonly clientOrderId: string;
  readonly side: "buy" | "sell";
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly timeInForce?: TimeInForce;
}

export interface TinyShard {
  readonly shard: number;
  readonly market: Market;
  readonly orders: ReadonlyMap<string, KnownOrder>;
  /** Number of trades so far. */
  readonly trades: () => number;
  /** All records so far, from seq 1. */
  readonly records: readonly Record[];
  /** A limit order that trades what it can and then rests, or expires when it is IOC. */
  place(order: PlaceOptions): string;
  /** A MARKET BUY by quote budget, given in tick × lot. */
  buyFor(order: { user: string; clientOrderId: string; budgetTickLots: number }): string;
  /** An order that the shard refuses. */
  reject(order: PlaceOptions, reason: EndReason): string;
  cancel(orderId: string): void;
  /** The final word on an order that the shard never saw. */
  tombstone(user: string, clientOrderId: string): string;
  tick(): void;
  /** Time passes before the next record. */
  pass(ms: number): void;
  /** Records from here on are of the next epoch. */
  nextEpoch(): void;
}

/** BTC/USDT on which one tick is 0.01, one lot 0.00001, maker fee 0.1 % and taker fee 0.25 %. */
export function testMarket(shard: number, symbol = "BTC/USDT"): Market {
  const [baseAsset = "", quoteAsset = ""] = symbol.split("/");
  const grid = { symbol, baseAsset, quoteAsset, tickSize: "0.01", lotSize: "0.00001" };
  const limits = { minQuantity: "0.00001", maxQuantity: "0", minNotional: "0", protectionBps: 500 };
  const fees = { makerFeePpm: 1_000, takerFeePpm: 2_500, state: MarketState.TRADING };
  return create(MarketSchema, { ...grid, ...limits, ...fees, shard });
}

const START_MS = Date.UTC(2026, 10, 20, 23, 59, 0);

export function tinyShard(shard = 0, market = testMarket(shard)): TinyShard {
  return new Shard(shard, market);
}

class Shard implements TinyShard {
  readonly orders = new Map<string, KnownOrder>();
  readonly records: Record[] = [];
  #resting: KnownOrder[] = [];
  #timeMs = START_MS;
  #epoch = 1;
  #trades = 0;

  constructor(
    readonly shard: number,
    readonly market: Market,
  ) {
    this.#write([{ case: "marketAdded", value: { market } as never }]);
  }

  trades = () => this.#trades;
  tick = () => this.#write([]);
  pass(ms: number) {
    this.#timeMs += ms;
  }
  nextEpoch() {
    this.#epoch += 1;
    this.#write([]);
  }

  place(options: PlaceOptions): string {
    const order = this.#accept(this.#limitTerms(options), options.quantityLots);
    const events: Event["kind"][] = [{ case: "accepted", value: { terms: order.terms } as never }];
    this.#match(order, events, options.priceTicks);
    const isIoc = options.timeInForce === TimeInForce.IOC;
    if (order.remainingLots === 0) events.push(this.#end(order, OrderStatus.FILLED, 0));
    else if (isIoc) events.push(this.#end(order, OrderStatus.EXPIRED, EndReason.IOC_REMAINDER));
    else this.#resting.push(order);
    this.#write(events);
    return order.terms.orderId;
  }

  buyFor({
    user,
    clientOrderId,
    budgetTickLots,
  }: {
    user: string;
    clientOrderId: string;
    budgetTickLots: number;
  }) {
    const terms = this.#terms(user, clientOrderId, {
      side: Side.BUY,
      type: OrderType.MARKET,
      timeInForce: TimeInForce.IOC,
      budgetTickLots: BigInt(budgetTickLots),
      byQuoteBudget: true,
      // One tick × lot is 0.0000001 of the quote asset.
      quoteBudget: (budgetTickLots / 1e7).toFixed(7),
    });
    const order = this.#accept(terms, 0);
    const events: Event["kind"][] = [{ case: "accepted", value: { terms } as never }];
    this.#match(order, events, Number.MAX_SAFE_INTEGER, budgetTickLots);
    const traded = order.executedLots > 0;
    events.push(
      traded
        ? this.#end(order, OrderStatus.FILLED, 0)
        : this.#end(order, OrderStatus.EXPIRED, EndReason.INSUFFICIENT_LIQUIDITY),
    );
    this.#write(events);
    return terms.orderId;
  }

  reject(options: PlaceOptions, reason: EndReason): string {
    const order = this.#accept(this.#limitTerms(options), options.quantityLots);
    const ended = this.#end(order, OrderStatus.REJECTED, reason);
    if (ended.case === "ended") ended.value.terms = order.terms;
    this.#write([ended]);
    return order.terms.orderId;
  }

  cancel(orderId: string): void {
    const order = this.#resting.find(({ terms }) => terms.orderId === orderId);
    if (order === undefined) return this.#write([]);
    this.#write([this.#end(order, OrderStatus.CANCELLED, EndReason.USER)]);
    this.#resting = this.#resting.filter((other) => other !== order);
  }

  tombstone(user: string, clientOrderId: string): string {
    const orderId = orderIdOf(user, clientOrderId);
    const word = { status: OrderStatus.REJECTED, reason: EndReason.NOT_SEQUENCED, isTombstone: true };
    const value = { orderId, userId: user, symbol: this.market.symbol, ...word, executedTickLots: "0" };
    const begin = { createdAtMs: BigInt(this.#nextMs()), acceptedSeq: BigInt(this.records.length + 1) };
    this.#write([{ case: "ended", value: { ...value, ...begin } as never }]);
    return orderId;
  }

  #match(taker: KnownOrder, events: Event["kind"][], limitTicks: number, budgetTickLots?: number): void {
    const isBuy = taker.terms.side === Side.BUY;
    let budget = budgetTickLots ?? Number.POSITIVE_INFINITY;
    for (let index = 0; ; index += 1) {
      const maker = this.#best(taker, isBuy ? Side.SELL : Side.BUY, limitTicks);
      if (maker === undefined) return;
      const priceTicks = Number(maker.terms.priceTicks);
      const wanted = budgetTickLots === undefined ? taker.remainingLots : Math.floor(budget / priceTicks);
      const lots = Math.min(maker.remainingLots, wanted);
      if (lots === 0) return;
      budget -= lots * priceTicks;
      if (budgetTickLots === undefined) taker.remainingLots -= lots;
      maker.remainingLots -= lots;
      const parties = { maker: party(maker, "maker"), taker: party(taker, "taker") };
      for (const [order, role] of [
        [maker, "maker"],
        [taker, "taker"],
      ] as const) {
        const tickLots = BigInt(lots) * BigInt(priceTicks);
        order.executedLots += lots;
        order.executedTickLots += tickLots;
        order.received[role] += order.terms.side === Side.BUY ? BigInt(lots) : tickLots;
        order.status = OrderStatus.PARTIALLY_FILLED;
      }
      const at = {
        symbol: this.market.symbol,
        priceTicks: BigInt(priceTicks),
        quantityLots: BigInt(lots),
        index,
      };
      const tradeId = tradeIdOf(this.shard, this.records.length + 1, index);
      const value = { tradeId, ...at, takerSide: taker.terms.side, ...parties };
      events.push({ case: "trade", value: value as never });
      this.#trades += 1;
      if (maker.remainingLots > 0) continue;
      this.#resting = this.#resting.filter((other) => other !== maker);
      events.push(this.#end(maker, OrderStatus.FILLED, 0));
    }
  }

  /** The best order of the other side that belongs to somebody else. */
  #best(taker: KnownOrder, side: Side, limitTicks: number): KnownOrder | undefined {
    const price = ({ terms }: KnownOrder) => Number(terms.priceTicks);
    return this.#resting
      .filter(({ terms }) => terms.side === side && terms.userId !== taker.terms.userId)
      .filter((order) => (side === Side.SELL ? price(order) <= limitTicks : price(order) >= limitTicks))
      .sort((a, b) => (side === Side.SELL ? price(a) - price(b) : price(b) - price(a)))[0];
  }

  #limitTerms(options: PlaceOptions): OrderTerms {
    return this.#terms(options.user, options.clientOrderId, {
      side: options.side === "buy" ? Side.BUY : Side.SELL,
      type: OrderType.LIMIT,
      timeInForce: options.timeInForce ?? TimeInForce.GTC,
      priceTicks: BigInt(options.priceTicks),
      quantityLots: BigInt(options.quantityLots),
    });
  }

  #terms(userId: string, clientOrderId: string, rest: Partial<OrderTerms>): OrderTerms {
    const { symbol, makerFeePpm, takerFeePpm } = this.market;
    const ids = { orderId: orderIdOf(userId, clientOrderId), userId, clientOrderId };
    return create(OrderTermsSchema, { ...ids, symbol, makerFeePpm, takerFeePpm, ...rest } as never);
  }

  #accept(terms: OrderTerms, remainingLots: number): KnownOrder {
    const order: KnownOrder = {
      terms,
      createdAtMs: this.#nextMs(),
      acceptedSeq: this.records.length + 1,
      status: OrderStatus.OPEN,
      reason: EndReason.UNSPECIFIED,
      remainingLots,
      executedLots: 0,
      executedTickLots: 0n,
      received: { maker: 0n, taker: 0n },
    };
    this.orders.set(terms.orderId, order);
    return order;
  }

  #end(order: KnownOrder, status: OrderStatus, reason: EndReason): Event["kind"] {
    order.status = status;
    order.reason = reason;
    const { orderId, userId, symbol, side } = order.terms;
    const executed = {
      executedLots: BigInt(order.executedLots),
      executedTickLots: String(order.executedTickLots),
    };
    const value = { orderId, userId, symbol, side, status, reason, ...executed };
    const begin = { createdAtMs: BigInt(order.createdAtMs), acceptedSeq: BigInt(order.acceptedSeq) };
    return { case: "ended", value: { ...value, ...begin } as never };
  }

  /** Time of the record that is being made. */
  #nextMs(): number {
    return this.#timeMs + 1;
  }

  #write(kinds: readonly Event["kind"][]): void {
    this.#timeMs = this.#nextMs();
    const events = kinds.map((kind) => create(EventSchema, { kind } as never));
    const at = {
      seq: BigInt(this.records.length + 1),
      epoch: BigInt(this.#epoch),
      timeMs: BigInt(this.#timeMs),
    };
    this.records.push(create(RecordSchema, { ...at, events }));
  }
}

function party(order: KnownOrder, role: "maker" | "taker") {
  const { orderId, userId, clientOrderId, makerFeePpm, takerFeePpm } = order.terms;
  return {
    ...{ orderId, userId, clientOrderId },
    feePpm: role === "maker" ? makerFeePpm : takerFeePpm,
    receivedBefore: String(order.received[role]),
    createdAtMs: BigInt(order.createdAtMs),
    remainingLots: BigInt(order.remainingLots),
  };
}
