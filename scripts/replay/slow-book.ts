// The plainest correct book: price-time priority, trade at the resting order's price. Sorted arrays,
// linear searches. It gives the verdict on the project's own sets and follows what an exchange said.
import type { Book, Command, Level, ReplayEvent, RestingOrder } from "./scale.js";
import type { SideLetter } from "./set.js";

/** An order in the book. */
interface SlowOrder {
  readonly id: string;
  readonly side: SideLetter;
  readonly priceTicks: bigint;
  leftLots: bigint;
}

/** The book: each side best first, oldest first at one price. */
export interface SlowBook {
  readonly bids: SlowOrder[];
  readonly asks: SlowOrder[];
}

/** A book with nothing in it. */
export function emptyBook(): SlowBook {
  return { bids: [], asks: [] };
}

/** Applies one command and returns what it led to, in order. */
export function applyCommand(book: SlowBook, command: Command): ReplayEvent[] {
  switch (command.op) {
    case "SEED":
    case "NEW":
      return placeOrder(book, command);
    case "CANCEL":
      return cancelOrder(book, command);
    case "REDUCE":
      return reduceOrder(book, command);
  }
}

/** Puts quantity at the end of the queue of its price. */
export function restOrder(book: SlowBook, order: SlowOrder): void {
  const side = order.side === "B" ? book.bids : book.asks;
  const behind = side.findIndex((other) =>
    order.side === "B" ? other.priceTicks < order.priceTicks : other.priceTicks > order.priceTicks,
  );
  side.splice(behind < 0 ? side.length : behind, 0, { ...order });
}

/**
 * Takes quantity off a resting order, all of it when `lots` is undefined; at zero it leaves. Returns
 * what was taken, undefined when the order does not rest.
 */
export function takeLots(book: SlowBook, id: string, lots: bigint | undefined): bigint | undefined {
  for (const side of [book.bids, book.asks]) {
    const at = side.findIndex((order) => order.id === id);
    const order = side[at];
    if (order === undefined) continue;
    const taken = lots === undefined ? order.leftLots : smaller(lots, order.leftLots);
    order.leftLots -= taken;
    if (order.leftLots === 0n) side.splice(at, 1);
    return taken;
  }
  return undefined;
}

/** The best levels of both sides, best first. */
export function depthOf(book: SlowBook, levelsMax: number): Book {
  return { bids: levelsOf(book.bids, levelsMax), asks: levelsOf(book.asks, levelsMax) };
}

/** Every resting order with its place in the queue: bids best first, then asks best first. */
export function restingOf(book: SlowBook): RestingOrder[] {
  return [book.bids, book.asks].flatMap((side) => {
    let position = 0;
    return side.map((order, index): RestingOrder => {
      position = side[index - 1]?.priceTicks === order.priceTicks ? position + 1 : 0;
      const { side: letter, priceTicks, id, leftLots } = order;
      return { side: letter, priceTicks, position, id, leftLots };
    });
  });
}

type PlaceCommand = Extract<Command, { op: "SEED" | "NEW" }>;

function placeOrder(book: SlowBook, command: PlaceCommand): ReplayEvent[] {
  const events: ReplayEvent[] = [];
  const makers = command.side === "B" ? book.asks : book.bids;
  let leftLots = command.quantityLots;
  while (leftLots > 0n) {
    const maker = makers[0];
    if (maker === undefined || !crosses(command, maker.priceTicks)) break;
    const lots = smaller(leftLots, maker.leftLots);
    leftLots -= lots;
    maker.leftLots -= lots;
    events.push({
      n: command.n,
      event: "TRADE",
      makerId: maker.id,
      takerId: command.id,
      priceTicks: maker.priceTicks,
      quantityLots: lots,
    });
    if (maker.leftLots === 0n) makers.shift();
  }
  if (leftLots === 0n) return events;
  if (command.type === "LIMIT" && command.priceTicks !== undefined) {
    const { id, side, priceTicks } = command;
    restOrder(book, { id, side, priceTicks, leftLots });
    return events;
  }
  return [...events, { ...emptyEvent(command.n, "EXPIRED"), takerId: command.id, quantityLots: leftLots }];
}

function smaller(a: bigint, b: bigint): bigint {
  if (a < b) return a;
  return b;
}

function crosses(taker: PlaceCommand, makerPriceTicks: bigint): boolean {
  if (taker.priceTicks === undefined) return true;
  if (taker.side === "B") return makerPriceTicks <= taker.priceTicks;
  return makerPriceTicks >= taker.priceTicks;
}

function cancelOrder(book: SlowBook, command: Extract<Command, { op: "CANCEL" }>): ReplayEvent[] {
  const lots = takeLots(book, command.id, undefined);
  if (lots === undefined) return [{ ...emptyEvent(command.n, "NOT_FOUND"), makerId: command.id }];
  return [{ ...emptyEvent(command.n, "CANCELLED"), makerId: command.id, quantityLots: lots }];
}

function reduceOrder(book: SlowBook, command: Extract<Command, { op: "REDUCE" }>): ReplayEvent[] {
  const lots = takeLots(book, command.id, command.quantityLots);
  if (lots === undefined) return [{ ...emptyEvent(command.n, "NOT_FOUND"), makerId: command.id }];
  return [{ ...emptyEvent(command.n, "REDUCED"), makerId: command.id, quantityLots: lots }];
}

function emptyEvent(n: number, event: ReplayEvent["event"]): ReplayEvent {
  return { n, event, makerId: "", takerId: "", priceTicks: undefined, quantityLots: undefined };
}

function levelsOf(side: readonly SlowOrder[], levelsMax: number): Level[] {
  const levels: { priceTicks: bigint; quantityLots: bigint }[] = [];
  for (const order of side) {
    const last = levels.at(-1);
    if (last?.priceTicks === order.priceTicks) {
      last.quantityLots += order.leftLots;
      continue;
    }
    if (levels.length === levelsMax) break;
    levels.push({ priceTicks: order.priceTicks, quantityLots: order.leftLots });
  }
  return levels;
}
