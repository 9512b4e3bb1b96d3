// Stops that wait, and whether what fires, and only that, had its price traded in the record.
import type { TradeExecuted } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { type FoldedOrder, isBuy } from "./folded.js";

interface Traded {
  high: bigint;
  low: bigint;
}

/** Waiting stops of a shard by market, and the prices that the present record has traded. */
export class WaitingStops {
  readonly #waiting = new Map<string, Map<string, FoldedOrder>>();
  readonly #traded = new Map<string, Traded>();

  add(order: FoldedOrder): void {
    const orders = this.#waiting.get(order.symbol) ?? new Map<string, FoldedOrder>();
    this.#waiting.set(order.symbol, orders.set(order.orderId, order));
  }

  remove({ symbol, orderId }: FoldedOrder): void {
    this.#waiting.get(symbol)?.delete(orderId);
  }

  traded({ symbol, priceTicks }: TradeExecuted): void {
    const range = this.#traded.get(symbol);
    if (range === undefined) {
      this.#traded.set(symbol, { high: priceTicks, low: priceTicks });
      return;
    }
    if (priceTicks > range.high) range.high = priceTicks;
    if (priceTicks < range.low) range.low = priceTicks;
  }

  /** True when a trade of the record so far was at or through the order's stop price. */
  isReached(order: FoldedOrder): boolean {
    const range = this.#traded.get(order.symbol);
    const stop = order.terms?.stopPriceTicks;
    if (range === undefined || stop === undefined) return false;
    return isBuy(order) ? range.high >= stop : range.low <= stop;
  }

  /** Ends the record; returns stops that still wait although it traded their price. */
  endRecord(): FoldedOrder[] {
    const overdue = [...this.#traded.keys()].flatMap((symbol) =>
      [...(this.#waiting.get(symbol)?.values() ?? [])].filter((order) => this.isReached(order)),
    );
    this.#traded.clear();
    return overdue;
  }
}
