// Books as a trader reads them: bids left, asks right, best prices in the middle; several numbers on one
// price are several orders, oldest first.
import { slotsIn } from "../core/book.js";
import type { Levels } from "../core/levels.js";
import { bookOf, type Shard } from "../core/shard.js";
import { priceOf, remainingOf } from "../core/slots.js";
import type { Market, MatcherEvent } from "../core/types.js";
import { apply, market, numberOf, SYMBOL, shardOf, submit } from "./orders.js";

const HEADER = "bids | price | asks";

/** Number of the first order that a ladder places; the next ones count on. */
export const FIRST_LADDER_ORDER = 1000;

/** A shard whose book is the ladder: orders 1000, 1001, ... from top to bottom, each of a user of its own. */
export function shardOfLadder(ladder: string, changes: Partial<Market> = {}): Shard {
  const shard = shardOf(market(changes));
  let number = FIRST_LADDER_ORDER;
  for (const line of linesOf(ladder).slice(1)) {
    const [bids = "", price = "", asks = ""] = line.split("|");
    const rest = (side: "buy" | "sell", quantities: string) => {
      for (const quantity of quantities.trim().split(/\s+/).filter(Boolean)) {
        apply(shard, submit(number, { side, priceTicks: Number(price), quantityLots: Number(quantity) }));
        number += 1;
      }
    };
    rest("buy", bids);
    rest("sell", asks);
  }
  return shard;
}

/** The book as a ladder, to be compared with `ladderText`. */
export function show(shard: Shard, symbol = SYMBOL): string {
  const book = bookOf(shard, symbol);
  const rows = (levels: Levels) => {
    const byPrice = new Map<number, number[]>();
    for (const slot of slotsIn(shard.slots, levels)) {
      const price = priceOf(shard.slots, slot);
      byPrice.set(price, [...(byPrice.get(price) ?? []), remainingOf(shard.slots, slot)]);
    }
    return [...byPrice].map(([price, quantities]) => ({ price, text: quantities.join(" ") }));
  };
  const asks = rows(book.asks).reverse();
  const lines = [
    ...asks.map(({ price, text }) => `| ${price} | ${text}`),
    ...rows(book.bids).map(({ price, text }) => `${text} | ${price} |`),
  ];
  return [HEADER, ...lines].join("\n");
}

/** A ladder as text in the form of `show`. */
export function ladderText(ladder: string): string {
  return linesOf(ladder).join("\n");
}

/** Trades of a record as "quantity @ price < maker". */
export function trades(events: readonly MatcherEvent[]): string[] {
  return events.flatMap((event) =>
    event.type === "trade"
      ? [`${event.quantityLots} @ ${event.priceTicks} < ${numberOf(event.maker.orderId)}`]
      : [],
  );
}

/** Last word of a record: "RESTED", or status and reason of its last end. */
export function fate(events: readonly MatcherEvent[]): string {
  const last = events.at(-1);
  if (last?.type === "rested") return `RESTED ${last.remainingLots} @ ${last.priceTicks}`;
  if (last?.type !== "ended") return last?.type ?? "nothing";
  return last.reason === "" ? last.status : `${last.status} ${last.reason}`;
}

function linesOf(ladder: string): string[] {
  return ladder
    .split("\n")
    .map((line) => line.trim().replace(/\s+/g, " "))
    .filter((line) => line !== "");
}
