// Many orders end by one command: markets by symbol; in each bids from the best, asks from the best, stops by the
// seq by which they stand in line. What does not fit one record waits for the next.
import { type Book, openOf, slotsIn } from "./book.js";
import { CANCELLED, endOrder } from "./end-order.js";
import { ROOM, type Shard } from "./shard.js";
import { Code, codesOf, DAY, ExtraColumn, extraNumber, userOf } from "./slots.js";

/** Which orders end; undefined and "" are all. */
export interface EndFilter {
  readonly user?: number;
  readonly side?: "buy" | "sell" | "";
  readonly isDay?: boolean;
}

export interface MassEnd {
  readonly status: number;
  readonly reason: number;
}

export const cancelled = (reason: number): MassEnd => ({ status: CANCELLED, reason });

/** Ends up to `max` orders of a market, in order. Returns how many. */
export function endMany(
  shard: Shard,
  book: Book,
  filter: EndFilter,
  { status, reason, max = ROOM }: MassEnd & { readonly max?: number },
): number {
  const chosen = choose(shard, book, filter, max);
  for (const slot of chosen) endOrder(shard, book, slot, status, reason);
  return chosen.length;
}

function choose({ slots }: Shard, book: Book, filter: EndFilter, max: number): number[] {
  const { user, side = "", isDay = false } = filter;
  let left = Math.min(max, book.openCount);
  if (user !== undefined) left = Math.min(left, openOf(book, user));
  if (isDay) left = Math.min(left, book.dayCount);
  const chosen: number[] = [];
  const isChosen = (slot: number) =>
    (user === undefined || userOf(slots, slot) === user) &&
    (!isDay || ((codesOf(slots, slot) >> Code.TIME_SHIFT) & Code.TIME_MASK) === DAY);
  const fromQueues = side === "buy" ? [book.bids] : side === "sell" ? [book.asks] : [book.bids, book.asks];
  for (const levels of fromQueues) {
    for (const slot of slotsIn(slots, levels)) {
      if (chosen.length >= left) return chosen;
      if (isChosen(slot)) chosen.push(slot);
    }
  }
  for (const slot of stopsBySeq(book, slots, side)) {
    if (chosen.length >= left) return chosen;
    if (isChosen(slot)) chosen.push(slot);
  }
  return chosen;
}

/** Waiting stops in the order of the seq by which they stand in line. */
function stopsBySeq(book: Book, slots: Shard["slots"], side: "buy" | "sell" | ""): number[] {
  const stops: { slot: number; place: number }[] = [];
  for (const levels of side === "buy"
    ? [book.buyStops]
    : side === "sell"
      ? [book.sellStops]
      : [book.buyStops, book.sellStops]) {
    for (const slot of slotsIn(slots, levels)) {
      stops.push({ slot, place: extraNumber(slots, slot, ExtraColumn.PLACE) });
    }
  }
  return stops.sort((a, b) => a.place - b.place).map(({ slot }) => slot);
}
