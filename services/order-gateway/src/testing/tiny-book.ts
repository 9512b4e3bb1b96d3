// The orders of a tiny shard: who rests, who waits, who meets whom. Plain lists, searched.
import type { Event, OrderTerms } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  EndReason,
  OrderStatus,
  SelfTradePrevention,
  Side,
  TimeInForce,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { tradeIdOf } from "@bourse/shared/ids.js";

/** What the shard knows about an order; the history must come to the same. */
export interface KnownOrder {
  readonly terms: OrderTerms;
  readonly createdAtMs: number;
  readonly acceptedSeq: number;
  status: OrderStatus;
  reason: EndReason;
  /** As amended last. */
  priceTicks: number;
  /** As amended last, less what prevention took; 0 for an order by quote budget. */
  quantityLots: number;
  isTriggered: boolean;
  remainingLots: number;
  executedLots: number;
  executedTickLots: bigint;
  /** Received as maker and as taker: lots for a buyer, tick × lot for a seller. */
  readonly received: { maker: bigint; taker: bigint };
}

type Kind = Event["kind"];
type Kinds = Kind[];

export class TinyBook {
  readonly orders = new Map<string, KnownOrder>();
  /** Number of trades so far. */
  trades = 0;
  #resting: KnownOrder[] = [];
  #waiting: KnownOrder[] = [];
  #seq = 0;
  /** Prices at which the record traded. */
  #prices: number[] = [];

  constructor(
    readonly shard: number,
    readonly symbol: string,
  ) {}

  beginRecord(seq: number): void {
    this.#seq = seq;
    this.#prices = [];
  }

  accept(terms: OrderTerms, begin: { createdAtMs: number; acceptedSeq: number }): KnownOrder {
    const order: KnownOrder = {
      ...{ terms, ...begin, status: OrderStatus.OPEN, reason: EndReason.UNSPECIFIED, isTriggered: false },
      priceTicks: Number(terms.priceTicks),
      quantityLots: Number(terms.quantityLots),
      remainingLots: Number(terms.quantityLots),
      ...{ executedLots: 0, executedTickLots: 0n, received: { maker: 0n, taker: 0n } },
    };
    this.orders.set(terms.orderId, order);
    return order;
  }

  openOrders(): KnownOrder[] {
    return [...this.#resting, ...this.#waiting];
  }

  openOrder(orderId: string): KnownOrder | undefined {
    return this.openOrders().find(({ terms }) => terms.orderId === orderId);
  }

  /** A stop waits. */
  wait(order: KnownOrder, events: Kinds): void {
    order.status = OrderStatus.PENDING;
    this.#waiting.push(order);
    events.push({ case: "stopPlaced", value: { orderId: order.terms.orderId } as never });
  }

  /** Trades what it can; then it rests, or ends when it cannot. */
  enter(order: KnownOrder, events: Kinds): void {
    this.#match(order, events);
    if (order.reason !== EndReason.UNSPECIFIED) return;
    const { byQuoteBudget, timeInForce } = order.terms;
    const isFilled = byQuoteBudget ? order.executedLots > 0 : order.remainingLots === 0;
    if (isFilled) this.end(order, events, OrderStatus.FILLED, EndReason.UNSPECIFIED);
    else if (byQuoteBudget) this.end(order, events, OrderStatus.EXPIRED, EndReason.INSUFFICIENT_LIQUIDITY);
    else if (timeInForce === TimeInForce.IOC)
      this.end(order, events, OrderStatus.EXPIRED, EndReason.IOC_REMAINDER);
    else this.#resting.push(order);
  }

  /** Fires, one by one, the stops that a trade of this record reached. */
  fireStops(events: Kinds): void {
    for (;;) {
      const fired = this.#waiting.find(({ terms }) =>
        this.#prices.some((price) =>
          terms.side === Side.BUY
            ? price >= Number(terms.stopPriceTicks)
            : price <= Number(terms.stopPriceTicks),
        ),
      );
      if (fired === undefined) return;
      this.#waiting = this.#waiting.filter((other) => other !== fired);
      const { orderId, userId } = fired.terms;
      events.push({ case: "stopTriggered", value: { orderId, userId, symbol: this.symbol } as never });
      fired.isTriggered = true;
      fired.status = OrderStatus.OPEN;
      this.enter(fired, events);
    }
  }

  amend(order: KnownOrder, events: Kinds, change: { priceTicks: number; quantityLots: number }): void {
    const isWaiting = this.#waiting.includes(order);
    // No more than was executed: the rest is cancelled, and the price is as it was.
    const isOver = change.quantityLots <= order.executedLots;
    const priceTicks = isOver ? order.priceTicks : change.priceTicks;
    const keepsPlace = priceTicks === order.priceTicks && change.quantityLots <= order.quantityLots;
    order.priceTicks = priceTicks;
    order.quantityLots = isOver ? order.executedLots : change.quantityLots;
    order.remainingLots = order.quantityLots - order.executedLots;
    const { orderId, userId } = order.terms;
    const now = {
      priceTicks: BigInt(order.priceTicks),
      quantityLots: BigInt(order.quantityLots),
      remainingLots: BigInt(order.remainingLots),
      createdAtMs: BigInt(order.createdAtMs),
    };
    events.push({ case: "amended", value: { orderId, userId, symbol: this.symbol, ...now } as never });
    if (order.remainingLots === 0) this.end(order, events, OrderStatus.CANCELLED, EndReason.AMENDED);
    else if (!keepsPlace && !isWaiting) {
      this.#leave(order);
      this.enter(order, events);
    }
  }

  end(order: KnownOrder, events: Kinds, status: OrderStatus, reason: EndReason): void {
    this.#leave(order);
    order.status = status;
    order.reason = reason;
    const { orderId, userId, side, terms } = { ...order.terms, terms: order.terms };
    const executed = {
      executedLots: BigInt(order.executedLots),
      executedTickLots: String(order.executedTickLots),
      // Said when an amend or prevention changed them.
      amendedPriceTicks: order.priceTicks === Number(terms.priceTicks) ? 0n : BigInt(order.priceTicks),
      amendedQuantityLots:
        order.quantityLots === Number(terms.quantityLots) ? 0n : BigInt(order.quantityLots),
    };
    const begin = { createdAtMs: BigInt(order.createdAtMs), acceptedSeq: BigInt(order.acceptedSeq) };
    const value = { orderId, userId, symbol: this.symbol, side, status, reason, ...executed, ...begin };
    events.push({ case: "ended", value: value as never });
  }

  #leave(order: KnownOrder): void {
    this.#resting = this.#resting.filter((other) => other !== order);
    this.#waiting = this.#waiting.filter((other) => other !== order);
  }

  #match(taker: KnownOrder, events: Kinds): void {
    const { byQuoteBudget, budgetTickLots } = taker.terms;
    let budget = Number(budgetTickLots);
    for (;;) {
      const maker = this.#best(taker);
      if (maker === undefined) return;
      const wanted = byQuoteBudget ? Math.floor(budget / maker.priceTicks) : taker.remainingLots;
      const lots = Math.min(maker.remainingLots, wanted);
      if (lots === 0) return;
      if (maker.terms.userId === taker.terms.userId) {
        this.#prevent(maker, taker, lots, events);
        if (taker.reason !== EndReason.UNSPECIFIED) return;
        continue;
      }
      budget -= lots * maker.priceTicks;
      this.#trade(maker, taker, lots, events);
      if (maker.remainingLots === 0) this.end(maker, events, OrderStatus.FILLED, EndReason.UNSPECIFIED);
    }
  }

  #trade(maker: KnownOrder, taker: KnownOrder, lots: number, events: Kinds): void {
    const { priceTicks } = maker;
    maker.remainingLots -= lots;
    if (!taker.terms.byQuoteBudget) taker.remainingLots -= lots;
    const parties = { maker: party(maker, "maker"), taker: party(taker, "taker") };
    const tickLots = BigInt(lots) * BigInt(priceTicks);
    for (const [order, role] of [
      [maker, "maker"],
      [taker, "taker"],
    ] as const) {
      order.executedLots += lots;
      order.executedTickLots += tickLots;
      order.received[role] += order.terms.side === Side.BUY ? BigInt(lots) : tickLots;
      order.status = OrderStatus.PARTIALLY_FILLED;
    }
    const index = this.#prices.length;
    const at = { symbol: this.symbol, priceTicks: BigInt(priceTicks), quantityLots: BigInt(lots), index };
    const tradeId = tradeIdOf(this.shard, this.#seq, index);
    const value = { tradeId, ...at, takerSide: taker.terms.side, ...parties };
    events.push({ case: "trade", value: value as never });
    this.#prices.push(priceTicks);
    this.trades += 1;
  }

  #prevent(maker: KnownOrder, taker: KnownOrder, lots: number, events: Kinds): void {
    const mode = taker.terms.selfTradePrevention;
    const { DECREMENT, CANCEL_MAKER, CANCEL_BOTH } = SelfTradePrevention;
    if (mode === DECREMENT) {
      for (const order of [maker, taker]) {
        order.remainingLots -= lots;
        if (order.remainingLots > 0) order.quantityLots -= lots;
      }
    }
    const value = {
      ...{ symbol: this.symbol, mode, userId: taker.terms.userId, quantityLots: BigInt(lots) },
      ...{ takerOrderId: taker.terms.orderId, makerOrderId: maker.terms.orderId },
      takerRemainingLots: BigInt(taker.terms.byQuoteBudget ? 0 : taker.remainingLots),
      makerRemainingLots: BigInt(maker.remainingLots),
    };
    events.push({ case: "selfTradePrevented", value: value as never });
    const endsMaker =
      mode === DECREMENT ? maker.remainingLots === 0 : mode === CANCEL_MAKER || mode === CANCEL_BOTH;
    const endsTaker = mode === DECREMENT ? taker.remainingLots === 0 : mode !== CANCEL_MAKER;
    if (endsMaker) this.end(maker, events, OrderStatus.EXPIRED, EndReason.SELF_TRADE);
    if (endsTaker) this.end(taker, events, OrderStatus.EXPIRED, EndReason.SELF_TRADE);
  }

  /** The best order of the other side that the taker's limit reaches. */
  #best({ terms, priceTicks }: KnownOrder): KnownOrder | undefined {
    const isBuy = terms.side === Side.BUY;
    const limit = terms.byQuoteBudget ? Number.MAX_SAFE_INTEGER : priceTicks;
    return this.#resting
      .filter((maker) => maker.terms.side !== terms.side)
      .filter((maker) => (isBuy ? maker.priceTicks <= limit : maker.priceTicks >= limit))
      .sort((a, b) => (isBuy ? a.priceTicks - b.priceTicks : b.priceTicks - a.priceTicks))[0];
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
