// The plainest shard that can be: what the views are checked against. Orders in one list, searched; records as the
// matcher sends them.
import {
  type Event,
  EventSchema,
  type Record,
  RecordSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { type BookSnapshot, BookSnapshotSchema } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import {
  type Market,
  MarketSchema,
  MarketState,
  OrderStatus,
  SelfTradePrevention,
  Side as WireSide,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { create } from "@bufbuild/protobuf";
import type { Side } from "../core/events.js";

/** An order that rests, or waits for its trigger. */
interface OpenOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly side: Side;
  readonly mode: SelfTradePrevention;
  /** Price that a trade must reach first; 0 once the order is in the book. */
  stopTicks: number;
  priceTicks: number;
  remainingLots: number;
}

export interface PlaceOrder {
  readonly side: Side;
  readonly priceTicks: number;
  readonly quantityLots: number;
  /** Somebody else for each order unless named. */
  readonly userId?: string;
  readonly mode?: SelfTradePrevention;
  /** Makes it a stop. */
  readonly stopTicks?: number;
}

type Kinds = Event["kind"][];

/** A market on which one tick is 0.01 and one lot 0.00001. */
export function testMarket(symbol = "BTC/USDT", shard = 0): Market {
  const [baseAsset = "", quoteAsset = ""] = symbol.split("/");
  const text = { symbol, baseAsset, quoteAsset, tickSize: "0.01", lotSize: "0.00001" };
  const limits = { minQuantity: "0.0001", maxQuantity: "0", minNotional: "0", protectionBps: 500 };
  return create(MarketSchema, {
    ...text,
    ...limits,
    shard,
    state: MarketState.TRADING,
    sessionEndMinutes: 60,
  });
}

/** A matcher whose first record, already taken, added its market. */
export function simpleMatcher(market = testMarket()): SimpleMatcher {
  return new SimpleMatcher(market);
}

/** The record that added the market: the first of every stream. */
export function marketRecord({ market }: Pick<SimpleMatcher, "market">): Record {
  return recordOf(1, [{ case: "marketAdded", value: { market } as never }]);
}

export class SimpleMatcher {
  readonly trades: { readonly seq: number; readonly index: number }[] = [];
  seq = 1;
  #open: OpenOrder[] = [];
  #prices: number[] = [];

  constructor(readonly market: Market) {}

  /** A record that changes nothing. */
  tick(): Record {
    return this.#record([]);
  }

  /** Places a limit order that trades what it can and rests, or a stop that waits. */
  place({ side, priceTicks, quantityLots, userId, mode = 0, stopTicks = 0 }: PlaceOrder): Record {
    const orderId = `order-${this.seq}`;
    const order: OpenOrder = {
      ...{ orderId, userId: userId ?? `owner of ${orderId}`, side, mode, stopTicks, priceTicks },
      remainingLots: quantityLots,
    };
    const kinds: Kinds = [{ case: "accepted", value: {} as never }];
    if (stopTicks === 0) this.#enter(order, kinds);
    else {
      this.#open.push(order);
      kinds.push({ case: "stopPlaced", value: this.#named(order) as never });
    }
    return this.#record(kinds);
  }

  /** Cancels the open order at this place of the list, modulo its length. */
  cancel(place: number): Record {
    const order = this.#open[place % Math.max(1, this.#open.length)];
    const kinds: Kinds = [];
    if (order !== undefined) this.#end(order, kinds, OrderStatus.CANCELLED);
    return this.#record(kinds);
  }

  /** Ends all orders of a user in one record. */
  cancelAll(userId: string): Record {
    const kinds: Kinds = [];
    for (const order of this.#open.filter((each) => each.userId === userId))
      this.#end(order, kinds, OrderStatus.CANCELLED);
    return this.#record(kinds);
  }

  /** Gives the open order at this place another price and open quantity; 0 ends it. */
  amend(place: number, to: { priceTicks: number; openLots: number }): Record {
    const order = this.#open[place % Math.max(1, this.#open.length)];
    if (order === undefined) return this.#record([{ case: "amendRefused", value: {} as never }]);
    const wasResting = order.stopTicks === 0;
    const priceTicks = to.openLots === 0 ? order.priceTicks : to.priceTicks;
    const keepsPlace = priceTicks === order.priceTicks && to.openLots <= order.remainingLots;
    const value = {
      ...{ ...this.#named(order), keepsPlace, wasResting, priceTicks: BigInt(priceTicks) },
      oldPriceTicks: BigInt(order.priceTicks),
      oldRemainingLots: BigInt(order.remainingLots),
      remainingLots: BigInt(to.openLots),
    };
    const kinds: Kinds = [{ case: "amended", value: value as never }];
    order.priceTicks = priceTicks;
    order.remainingLots = to.openLots;
    if (to.openLots === 0) this.#end(order, kinds, OrderStatus.CANCELLED);
    else if (wasResting && !keepsPlace) {
      this.#leave(order);
      this.#enter(order, kinds);
    }
    return this.#record(kinds);
  }

  /** An operator changes what the market accepts. */
  setState(state: MarketState, reason: string): Record {
    const value = { symbol: this.market.symbol, state, reason };
    return this.#record([{ case: "marketStateChanged", value: value as never }]);
  }

  /** Levels best first: the sums of the orders that rest. */
  levels(side: Side): { priceTicks: number; quantityLots: bigint }[] {
    const sums = new Map<number, bigint>();
    for (const order of this.#open) {
      if (order.side !== side || order.stopTicks > 0) continue;
      sums.set(order.priceTicks, (sums.get(order.priceTicks) ?? 0n) + BigInt(order.remainingLots));
    }
    const levels = Array.from(sums, ([priceTicks, quantityLots]) => ({ priceTicks, quantityLots }));
    return levels.sort((a, b) =>
      side === "buy" ? b.priceTicks - a.priceTicks : a.priceTicks - b.priceTicks,
    );
  }

  /** The book as a reader without history gets it. */
  book(state = MarketState.TRADING): BookSnapshot {
    const levels = (side: Side) =>
      this.levels(side).map(({ priceTicks, quantityLots }) => ({
        priceTicks: BigInt(priceTicks),
        quantityLots: String(quantityLots),
      }));
    const market = { ...this.market, state };
    return create(BookSnapshotSchema, { market, bids: levels("buy"), asks: levels("sell") });
  }

  #enter(order: OpenOrder, kinds: Kinds): void {
    while (order.remainingLots > 0) {
      const maker = this.#best(order);
      if (maker === undefined) break;
      if (maker.userId !== order.userId) this.#trade(maker, order, kinds);
      else if (this.#prevent(maker, order, kinds)) return this.#end(order, kinds, OrderStatus.EXPIRED);
    }
    if (order.remainingLots === 0) return this.#end(order, kinds, OrderStatus.FILLED);
    this.#open.push(order);
    kinds.push({
      case: "rested",
      value: { ...this.#named(order), priceTicks: BigInt(order.priceTicks) } as never,
    });
  }

  #trade(maker: OpenOrder, taker: OpenOrder, kinds: Kinds): void {
    const { priceTicks } = maker;
    const lots = Math.min(maker.remainingLots, taker.remainingLots);
    const place = { seq: this.seq + 1, index: this.#prices.length };
    maker.remainingLots -= lots;
    taker.remainingLots -= lots;
    this.trades.push(place);
    this.#prices.push(priceTicks);
    const value = {
      ...{ symbol: this.market.symbol, tradeId: `trade-${place.seq}-${place.index}`, index: place.index },
      ...{ takerSide: wireSide(taker.side), priceTicks: BigInt(priceTicks), quantityLots: BigInt(lots) },
    };
    kinds.push({ case: "trade", value: value as never });
    if (maker.remainingLots === 0) this.#end(maker, kinds, OrderStatus.FILLED);
  }

  /** True when the taker ends by it. */
  #prevent(maker: OpenOrder, taker: OpenOrder, kinds: Kinds): boolean {
    const { DECREMENT, CANCEL_MAKER, CANCEL_BOTH } = SelfTradePrevention;
    const { mode } = taker;
    const lots = Math.min(maker.remainingLots, taker.remainingLots);
    const value = {
      ...{ symbol: this.market.symbol, mode, takerSide: wireSide(taker.side) },
      ...{ priceTicks: BigInt(maker.priceTicks), quantityLots: BigInt(lots) },
    };
    kinds.push({ case: "selfTradePrevented", value: value as never });
    if (mode === DECREMENT) for (const order of [maker, taker]) order.remainingLots -= lots;
    const isMakerLost = mode === CANCEL_MAKER || mode === CANCEL_BOTH || maker.remainingLots === 0;
    if (isMakerLost) this.#end(maker, kinds, OrderStatus.EXPIRED);
    return mode === DECREMENT ? taker.remainingLots === 0 : mode !== CANCEL_MAKER;
  }

  #best({ side, priceTicks: limit }: OpenOrder): OpenOrder | undefined {
    const isBuy = side === "buy";
    return this.#open
      .filter((maker) => maker.side !== side && maker.stopTicks === 0)
      .filter(({ priceTicks }) => (isBuy ? priceTicks <= limit : priceTicks >= limit))
      .sort((a, b) => (isBuy ? a.priceTicks - b.priceTicks : b.priceTicks - a.priceTicks))[0];
  }

  #end(order: OpenOrder, kinds: Kinds, status: OrderStatus): void {
    const wasResting = this.#open.includes(order) && order.stopTicks === 0;
    this.#leave(order);
    const value = { ...this.#named(order), status, wasResting, priceTicks: BigInt(order.priceTicks) };
    kinds.push({ case: "ended", value: { ...value, executedTickLots: "0" } as never });
  }

  #leave(order: OpenOrder): void {
    this.#open = this.#open.filter((other) => other !== order);
  }

  #named({ orderId, userId, side, remainingLots }: OpenOrder) {
    const ids = { orderId, userId, symbol: this.market.symbol };
    return { ...ids, side: wireSide(side), remainingLots: BigInt(remainingLots) };
  }

  /** Fires, one by one, the stops that a trade of the record reached. */
  #fireStops(kinds: Kinds): void {
    for (;;) {
      const fired = this.#open.find(
        ({ side, stopTicks }) =>
          stopTicks > 0 &&
          this.#prices.some((price) => (side === "buy" ? price >= stopTicks : price <= stopTicks)),
      );
      if (fired === undefined) return;
      this.#leave(fired);
      fired.stopTicks = 0;
      kinds.push({ case: "stopTriggered", value: this.#named(fired) as never });
      this.#enter(fired, kinds);
    }
  }

  #record(kinds: Kinds): Record {
    this.#fireStops(kinds);
    this.#prices = [];
    this.seq += 1;
    return recordOf(this.seq, kinds);
  }
}

function recordOf(seq: number, kinds: Kinds): Record {
  const events = kinds.map((kind) => create(EventSchema, { kind } as never));
  return create(RecordSchema, { seq: BigInt(seq), epoch: 1n, timeMs: BigInt(timeOf(seq)), events });
}

/** Time of a record, milliseconds since 1970 UTC. */
export function timeOf(seq: number): number {
  return 1_700_000_000_000 + seq;
}

function wireSide(side: Side): WireSide {
  return side === "buy" ? WireSide.BUY : WireSide.SELL;
}
