// The plainest book that plays a flow: what every core's totals are held against.
import type { Flow } from "./flow.js";

/** 0 limit that may rest, 1 cancel, 2 market, 3 limit IOC. */
export type Op = 0 | 1 | 2 | 3;

/** An order in the book; `lots` are those still open, 0 once it has ended. */
export interface Resting {
  readonly id: number;
  /** 0 buy, 1 sell. */
  readonly side: number;
  readonly price: number;
  lots: number;
}

/** What a core must come to with a flow. */
export interface Totals {
  readonly trades: number;
  /** Traded lots. */
  readonly volume: number;
  /** Sum of price times lots. */
  readonly notional: number;
  readonly resting: number;
  readonly restingLots: number;
  readonly levels: number;
  /** 0 for an empty side. */
  readonly bestBid: number;
  readonly bestAsk: number;
}

export class PlainBook {
  resting = 0;
  #trades = 0;
  #volume = 0;
  #notional = 0;
  readonly #byId = new Map<number, Resting>();
  /** Prices of each side, the best last. */
  readonly #prices: readonly [number[], number[]] = [[], []];
  readonly #queues: readonly [Map<number, Resting[]>, Map<number, Resting[]>] = [new Map(), new Map()];

  bestBid(): number | undefined {
    return this.#prices[0].at(-1);
  }

  bestAsk(): number | undefined {
    return this.#prices[1].at(-1);
  }

  /** Trades what crosses; the order when a rest of it stays. */
  place(op: Op, { id, side, price, lots }: Resting): Resting | undefined {
    const order = { id, side, price, lots };
    this.#take(order, op === 2);
    if (op !== 0 || order.lots === 0) return undefined;
    this.#queueAt(side, price).push(order);
    this.#byId.set(id, order);
    this.resting += 1;
    return order;
  }

  cancel(id: number): boolean {
    const order = this.#byId.get(id);
    if (order === undefined) return false;
    const queue = this.#queueAt(order.side, order.price);
    queue.splice(queue.indexOf(order), 1);
    this.#forget(order);
    if (queue.length === 0) this.#dropLevel(order.side, order.price);
    return true;
  }

  totals(): Totals {
    let restingLots = 0;
    for (const { lots } of this.#byId.values()) restingLots += lots;
    return {
      trades: this.#trades,
      volume: this.#volume,
      notional: this.#notional,
      resting: this.resting,
      restingLots,
      levels: this.#queues[0].size + this.#queues[1].size,
      bestBid: this.bestBid() ?? 0,
      bestAsk: this.bestAsk() ?? 0,
    };
  }

  #take(taker: Resting, isMarket: boolean): void {
    const other = taker.side === 0 ? 1 : 0;
    for (;;) {
      const best = this.#prices[other].at(-1);
      if (best === undefined || taker.lots === 0) return;
      if (!isMarket && (taker.side === 0 ? best > taker.price : best < taker.price)) return;
      const queue = this.#queueAt(other, best);
      while (taker.lots > 0 && queue.length > 0) {
        const maker = queue[0]!;
        const lots = Math.min(taker.lots, maker.lots);
        this.#trades += 1;
        this.#volume += lots;
        this.#notional += lots * best;
        taker.lots -= lots;
        maker.lots -= lots;
        if (maker.lots === 0) this.#forget(queue.shift()!);
      }
      if (queue.length === 0) this.#dropLevel(other, best);
    }
  }

  #forget(order: Resting): void {
    order.lots = 0;
    this.#byId.delete(order.id);
    this.resting -= 1;
  }

  #queueAt(side: number, price: number): Resting[] {
    const queues = this.#queues[side === 0 ? 0 : 1];
    const found = queues.get(price);
    if (found !== undefined) return found;
    const queue: Resting[] = [];
    queues.set(price, queue);
    const prices = this.#prices[side === 0 ? 0 : 1];
    prices.splice(placeOf(prices, price, side), 0, price);
    return queue;
  }

  #dropLevel(side: number, price: number): void {
    this.#queues[side === 0 ? 0 : 1].delete(price);
    const prices = this.#prices[side === 0 ? 0 : 1];
    prices.splice(placeOf(prices, price, side), 1);
  }
}

/** Totals of a whole flow. */
export function totalsOf({ count, ops, sides, prices, lots, ids }: Flow): Totals {
  const book = new PlainBook();
  for (let at = 0; at < count; at += 1) {
    const op = ops[at] as Op;
    const id = ids[at]!;
    if (op === 1) book.cancel(id);
    else book.place(op, { id, side: sides[at]!, price: prices[at]!, lots: lots[at]! });
  }
  return book.totals();
}

/** Place of a price among those of a side, bids ascending and asks descending: the best is last. */
function placeOf(prices: readonly number[], price: number, side: number): number {
  let low = 0;
  let high = prices.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const isBefore = side === 0 ? prices[middle]! < price : prices[middle]! > price;
    if (isBefore) low = middle + 1;
    else high = middle;
  }
  return low;
}
