// Plays a flow into nodejs-order-book, in a process of its own. Trades are counted from what its calls return.
import { createRequire } from "node:module";
import { percentilesOf, serveLines } from "@bourse/shared/testing/line-server.js";
import type { Flow } from "./flow.js";
import { readFlow } from "./flow-file.js";
import type { Totals } from "./plain-book.js";

interface Done {
  readonly size: number;
  readonly price: number;
}

interface Answer {
  readonly done: readonly Done[];
  readonly partial: Done | null;
  readonly partialQuantityProcessed: number;
  readonly quantityLeft: number;
}

interface PeerBook {
  limit(order: { id: string; side: string; size: number; price: number; timeInForce: string }): Answer;
  market(order: { side: string; size: number }): Answer;
  cancel(id: string): unknown;
  depth(): [asks: [number, number][], bids: [number, number][]];
  snapshot(): Record<"asks" | "bids", readonly { readonly orders: readonly Done[] }[]>;
}

// The package names a file with its types that is not there.
const { OrderBook } = createRequire(import.meta.url)("nodejs-order-book") as {
  readonly OrderBook: new () => PeerBook;
};

/** One replay: the book, and what it said. */
class Play {
  readonly book = new OrderBook();
  #trades = 0;
  #volume = 0;
  #notional = 0;

  constructor(
    private readonly flow: Flow,
    private readonly ids: readonly string[],
  ) {}

  apply(at: number): void {
    const { ops, sides, lots, prices } = this.flow;
    const op = ops[at]!;
    const id = this.ids[at]!;
    if (op === 1) {
      this.book.cancel(id);
      return;
    }
    const side = sides[at] === 0 ? "buy" : "sell";
    const size = lots[at]!;
    if (op === 2) return this.#count(this.book.market({ side, size }), false);
    const timeInForce = op === 3 ? "IOC" : "GTC";
    const answer = this.book.limit({ id, side, size, price: prices[at]!, timeInForce });
    // A limit order that is filled stands behind its makers; one that is not is the partial one itself.
    this.#count(answer, true);
  }

  totals(): Totals {
    const [asks, bids] = this.book.depth();
    const { asks: askLevels, bids: bidLevels } = this.book.snapshot();
    const orders = [...askLevels, ...bidLevels].flatMap((level) => level.orders);
    return {
      trades: this.#trades,
      volume: this.#volume,
      notional: this.#notional,
      resting: orders.length,
      restingLots: orders.reduce((sum, { size }) => sum + size, 0),
      levels: asks.length + bids.length,
      bestBid: Math.max(0, ...bids.map(([price]) => price)),
      bestAsk: asks.length === 0 ? 0 : Math.min(...asks.map(([price]) => price)),
    };
  }

  #count({ done, partial, partialQuantityProcessed, quantityLeft }: Answer, isLimit: boolean): void {
    const makers = isLimit && quantityLeft === 0 ? done.length - 1 : done.length;
    for (let index = 0; index < makers; index += 1) this.#trade(done[index]!.price, done[index]!.size);
    if (partial !== null && (!isLimit || quantityLeft === 0))
      this.#trade(partial.price, partialQuantityProcessed);
  }

  #trade(price: number, lots: number): void {
    this.#trades += 1;
    this.#volume += lots;
    this.#notional += price * lots;
  }
}

const flow = readFlow(process.argv[2] ?? "");
// Its ids are text, and text comes as it is.
const ids = Array.from(flow.ids, String);

await serveLines({
  play() {
    const play = new Play(flow, ids);
    const startedAt = process.hrtime.bigint();
    for (let at = 0; at < flow.count; at += 1) play.apply(at);
    const nanoseconds = Number(process.hrtime.bigint() - startedAt);
    return { nanoseconds, totals: play.totals() };
  },
  latency() {
    const play = new Play(flow, ids);
    const took = new Float64Array(flow.count);
    for (let at = 0; at < flow.count; at += 1) {
      const startedAt = performance.now();
      play.apply(at);
      took[at] = (performance.now() - startedAt) * 1e6;
    }
    return { ...percentilesOf(took), totals: play.totals() };
  },
});
