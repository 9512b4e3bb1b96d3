// The plainest matcher that can be: what the views are checked against. Orders in one list, searched.
import { type Grid, gridOf } from "@bourse/shared/units/market.js";
import type { ListedMarket, MarketEvent, ShardRecord, Side } from "../core/events.js";

/** A resting order. */
interface Resting {
  readonly id: number;
  readonly side: Side;
  readonly priceTicks: number;
  remainingLots: number;
}

export interface SimpleMatcher {
  readonly market: ListedMarket;
  /** Places a limit order that rests; returns the record. */
  place(order: { side: Side; priceTicks: number; quantityLots: number }): ShardRecord;
  /** Cancels the resting order at this place of the list, modulo its length. */
  cancel(place: number): ShardRecord;
  /** A record that changes nothing. */
  tick(): ShardRecord;
  /** Levels best first, from the list itself. */
  levels(side: Side): { priceTicks: number; quantityLots: bigint }[];
  readonly trades: { readonly seq: number; readonly index: number }[];
  readonly seq: number;
}

/** A market on which one tick is 0.01 and one lot 0.00001. */
export function testMarket(symbol = "BTC/USDT", shard = 0): ListedMarket {
  const [baseAsset = "", quoteAsset = ""] = symbol.split("/");
  const text = { symbol, baseAsset, quoteAsset, tickSize: "0.01", lotSize: "0.00001" };
  const grid: Grid = gridOf(text);
  const limits = {
    minQuantity: "0.0001",
    maxQuantity: "0",
    minNotional: "0",
    protectionBps: 500,
    bandBps: 0,
  };
  const rest = { shard, openOrdersMax: 0, makerFeePpm: 0, takerFeePpm: 0, state: 1 };
  return { grid, listing: { ...text, ...limits, ...rest } };
}

/** A matcher whose first record, already taken, added its market. */
export function simpleMatcher(market = testMarket()): SimpleMatcher {
  const { symbol } = market.grid;
  const trades: { seq: number; index: number }[] = [];
  let resting: Resting[] = [];
  let seq = 1;
  const record = (events: readonly MarketEvent[]): ShardRecord => {
    seq += 1;
    return { seq, epoch: 1, timeMs: 1_700_000_000_000 + seq, events };
  };
  const best = (side: Side, limitTicks: number): Resting | undefined =>
    resting
      .filter((order) => order.side === side)
      .filter(({ priceTicks }) => (side === "sell" ? priceTicks <= limitTicks : priceTicks >= limitTicks))
      .sort(
        (a, b) =>
          (side === "sell" ? a.priceTicks - b.priceTicks : b.priceTicks - a.priceTicks) || a.id - b.id,
      )[0];
  return {
    market,
    trades,
    get seq() {
      return seq;
    },
    tick: () => record([]),
    place({ side, priceTicks, quantityLots }) {
      const events: MarketEvent[] = [];
      let remainingLots = quantityLots;
      for (let index = 0; remainingLots > 0; index += 1) {
        const maker = best(side === "buy" ? "sell" : "buy", priceTicks);
        if (maker === undefined) break;
        const lots = Math.min(maker.remainingLots, remainingLots);
        maker.remainingLots -= lots;
        remainingLots -= lots;
        const at = { symbol, priceTicks: maker.priceTicks, quantityLots: lots };
        events.push({ type: "traded", tradeId: `trade-${seq + 1}-${index}`, takerSide: side, index, ...at });
        trades.push({ seq: seq + 1, index });
        if (maker.remainingLots > 0) continue;
        resting = resting.filter((order) => order !== maker);
        events.push({
          type: "left",
          symbol,
          side: maker.side,
          priceTicks: maker.priceTicks,
          quantityLots: 0,
        });
      }
      if (remainingLots > 0) {
        resting.push({ id: seq, side, priceTicks, remainingLots });
        events.push({ type: "rested", symbol, side, priceTicks, quantityLots: remainingLots });
      }
      return record(events);
    },
    cancel(place) {
      const order = resting[place % Math.max(1, resting.length)];
      if (order === undefined) return record([]);
      resting = resting.filter((other) => other !== order);
      const { side, priceTicks, remainingLots } = order;
      return record([{ type: "left", symbol, side, priceTicks, quantityLots: remainingLots }]);
    },
    levels: (side) => levelsOf(resting, side),
  };
}

function levelsOf(resting: readonly Resting[], side: Side): { priceTicks: number; quantityLots: bigint }[] {
  const sums = new Map<number, bigint>();
  for (const order of resting) {
    if (order.side !== side) continue;
    sums.set(order.priceTicks, (sums.get(order.priceTicks) ?? 0n) + BigInt(order.remainingLots));
  }
  const levels = Array.from(sums, ([priceTicks, quantityLots]) => ({ priceTicks, quantityLots }));
  return levels.sort((a, b) => (side === "buy" ? b.priceTicks - a.priceTicks : a.priceTicks - b.priceTicks));
}

/** The record that added the market: the first of every stream. */
export function marketRecord({ market }: Pick<SimpleMatcher, "market">): ShardRecord {
  return { seq: 1, epoch: 1, timeMs: 1_700_000_000_000, events: [{ type: "market_added", market }] };
}
