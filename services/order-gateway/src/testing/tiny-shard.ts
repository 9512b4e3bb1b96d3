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
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { orderIdOf } from "@bourse/shared/ids.js";
import { create } from "@bufbuild/protobuf";
import { type KnownOrder, TinyBook } from "./tiny-book.js";

export interface PlaceOptions {
  readonly user: string;
  readonly clientOrderId: string;
  readonly side: "buy" | "sell";
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly timeInForce?: TimeInForce;
  /** Makes it a STOP_LIMIT. */
  readonly stopPriceTicks?: number;
  readonly selfTradePrevention?: SelfTradePrevention;
}

export interface TinyShard {
  readonly shard: number;
  readonly market: Market;
  readonly orders: ReadonlyMap<string, KnownOrder>;
  /** Number of trades so far. */
  readonly trades: () => number;
  /** All records so far, from seq 1. */
  readonly records: readonly Record[];
  /** A limit order that trades what it can and then rests, or expires when it is IOC; or a stop that waits. */
  place(order: PlaceOptions): string;
  /** A MARKET BUY by quote budget, given in tick × lot. */
  buyFor(order: { user: string; clientOrderId: string; budgetTickLots: number }): string;
  /** An order that the shard refuses. */
  reject(order: PlaceOptions, reason: EndReason): string;
  cancel(orderId: string): void;
  /** Changes limit price and quantity of an open order. */
  amend(orderId: string, change: { priceTicks: number; quantityLots: number }): void;
  /** Ends all open orders of a user in one record. */
  cancelAll(user: string): void;
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

const { CANCEL_TAKER } = SelfTradePrevention;
const START_MS = Date.UTC(2026, 10, 20, 23, 59, 0);

export function tinyShard(shard = 0, market = testMarket(shard), rules: 1 | 2 = 2): TinyShard {
  return new Shard(shard, market, rules);
}

class Shard implements TinyShard {
  readonly records: Record[] = [];
  readonly #book: TinyBook;
  #timeMs = START_MS;
  #epoch = 1;

  constructor(
    readonly shard: number,
    readonly market: Market,
    readonly rules: 1 | 2,
  ) {
    this.#book = new TinyBook(shard, market.symbol);
    this.#write([{ case: "marketAdded", value: { market } as never }]);
  }

  get orders() {
    return this.#book.orders;
  }
  trades = () => this.#book.trades;
  tick = () => this.#write([]);
  pass(ms: number) {
    this.#timeMs += ms;
  }
  nextEpoch() {
    this.#epoch += 1;
    this.#write([]);
  }

  place(options: PlaceOptions): string {
    const order = this.#accept(this.#limitTerms(options));
    const events = [this.#accepted(order.terms)];
    if (options.stopPriceTicks === undefined) this.#book.enter(order, events);
    else this.#book.wait(order, events);
    this.#book.fireStops(events);
    this.#write(events, order.terms);
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
    const order = this.#accept(terms);
    const events = [this.#accepted(terms)];
    this.#book.enter(order, events);
    this.#book.fireStops(events);
    this.#write(events, terms);
    return terms.orderId;
  }

  reject(options: PlaceOptions, reason: EndReason): string {
    const order = this.#accept(this.#limitTerms(options));
    const events: Event["kind"][] = [];
    this.#book.end(order, events, OrderStatus.REJECTED, reason);
    const [ended] = events;
    if (ended?.case === "ended") ended.value.terms = order.terms;
    this.#write(events, order.terms);
    return order.terms.orderId;
  }

  cancel(orderId: string): void {
    const order = this.#book.openOrder(orderId);
    const events: Event["kind"][] = [];
    if (order !== undefined) this.#book.end(order, events, OrderStatus.CANCELLED, EndReason.USER);
    this.#write(events);
  }

  amend(orderId: string, change: { priceTicks: number; quantityLots: number }): void {
    const order = this.#book.openOrder(orderId);
    const events: Event["kind"][] = [];
    this.#begin();
    if (order === undefined) events.push({ case: "amendRefused", value: { orderId } as never });
    else this.#book.amend(order, events, change);
    this.#book.fireStops(events);
    this.#write(events);
  }

  cancelAll(user: string): void {
    const events: Event["kind"][] = [];
    for (const order of this.#book.openOrders()) {
      if (order.terms.userId !== user) continue;
      this.#book.end(order, events, OrderStatus.CANCELLED, EndReason.CANCEL_ALL);
    }
    this.#write(events);
  }

  tombstone(user: string, clientOrderId: string): string {
    const orderId = orderIdOf(user, clientOrderId);
    const word = { status: OrderStatus.REJECTED, reason: EndReason.NOT_SEQUENCED, isTombstone: true };
    const value = { orderId, userId: user, symbol: this.market.symbol, ...word, executedTickLots: "0" };
    const begin = { createdAtMs: BigInt(this.#nextMs()), acceptedSeq: BigInt(this.#nextSeq()) };
    this.#write([{ case: "ended", value: { ...value, ...begin } as never }]);
    return orderId;
  }

  #limitTerms(options: PlaceOptions): OrderTerms {
    const { stopPriceTicks, selfTradePrevention } = options;
    return this.#terms(options.user, options.clientOrderId, {
      side: options.side === "buy" ? Side.BUY : Side.SELL,
      type: stopPriceTicks === undefined ? OrderType.LIMIT : OrderType.STOP_LIMIT,
      timeInForce: options.timeInForce ?? TimeInForce.GTC,
      priceTicks: BigInt(options.priceTicks),
      stopPriceTicks: BigInt(stopPriceTicks ?? 0),
      quantityLots: BigInt(options.quantityLots),
      ...(this.rules === 1 ? {} : { selfTradePrevention: selfTradePrevention ?? CANCEL_TAKER }),
    });
  }

  #terms(userId: string, clientOrderId: string, rest: Partial<OrderTerms>): OrderTerms {
    const { symbol, makerFeePpm, takerFeePpm } = this.market;
    const ids = { orderId: orderIdOf(userId, clientOrderId), userId, clientOrderId };
    return create(OrderTermsSchema, { ...ids, symbol, makerFeePpm, takerFeePpm, ...rest } as never);
  }

  /** Since rules 2 the terms stand in the command only. */
  #accepted(terms: OrderTerms): Event["kind"] {
    return { case: "accepted", value: (this.rules === 1 ? { terms } : {}) as never };
  }

  #accept(terms: OrderTerms): KnownOrder {
    this.#begin();
    return this.#book.accept(terms, { createdAtMs: this.#nextMs(), acceptedSeq: this.#nextSeq() });
  }

  #begin(): void {
    this.#book.beginRecord(this.#nextSeq());
  }

  #nextSeq(): number {
    return this.records.length + 1;
  }

  /** Time of the record that is being made. */
  #nextMs(): number {
    return this.#timeMs + 1;
  }

  #write(kinds: readonly Event["kind"][], terms?: OrderTerms): void {
    this.#timeMs = this.#nextMs();
    const events = kinds.map((kind) => create(EventSchema, { kind } as never));
    const at = {
      seq: BigInt(this.#nextSeq()),
      epoch: BigInt(this.#epoch),
      timeMs: BigInt(this.#timeMs),
    };
    const command = terms === undefined ? {} : { command: { kind: { case: "submit", value: { terms } } } };
    this.records.push(create(RecordSchema, { ...at, ...command, events } as never));
  }
}
