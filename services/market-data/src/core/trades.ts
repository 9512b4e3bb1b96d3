// The latest trades of one market, in a ring of fixed size.
import type { Side } from "./events.js";

/** A trade without its parties. Price in ticks, quantity in lots. */
export interface Trade {
  readonly tradeId: string;
  readonly symbol: string;
  readonly priceTicks: number;
  readonly quantityLots: number;
  readonly takerSide: Side;
  /** Shard time of its record, milliseconds since 1970 UTC. */
  readonly executedAtMs: number;
  readonly seq: number;
  /** Place among the trades of its record, from 0. */
  readonly index: number;
}

/** Remembers the newest `capacity` trades. */
export interface TradeRing {
  readonly capacity: number;
  readonly slots: Trade[];
  /** Trades added so far; the next one goes to `added % capacity`. */
  added: number;
}

export function emptyTrades(capacity: number): TradeRing {
  return { capacity, slots: [], added: 0 };
}

export function addTrade(ring: TradeRing, trade: Trade): void {
  ring.slots[ring.added % ring.capacity] = trade;
  ring.added += 1;
}

/** Up to `max` latest trades, newest first. */
export function latestTrades(ring: TradeRing, max: number): Trade[] {
  const trades: Trade[] = [];
  const oldest = Math.max(0, ring.added - Math.min(max, ring.capacity));
  for (let number = ring.added - 1; number >= oldest; number -= 1) {
    trades.push(ring.slots[number % ring.capacity] as Trade);
  }
  return trades;
}
