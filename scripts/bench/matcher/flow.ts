// Order flow for matching cores: one column of numbers per field, made from a seed and the same everywhere.
//
// Shape (what a liquid market of a crypto exchange looks like to its matcher): 53 % limit orders that may rest,
// 43 % cancels of orders that rest, 60 % of those among the 300 newest, 1.7 % market orders, 2.3 % limit
// orders IOC; 2.9 % of all commands are resting orders that cross. The distance from the touch and the size
// follow power laws (exponents 0.6 and 1.4), the middle of the market drifts.
//
// The generator runs the plain book beside it, so a cancel always names an order that rests.
import { seededRandom } from "@bourse/shared/testing/random.js";
import { type Op, PlainBook, type Resting } from "./plain-book.js";

/** What is asked of a core, by column. `id` of a cancel is that of the order. */
export interface Flow {
  readonly count: number;
  readonly ops: Uint8Array;
  /** 0 buy, 1 sell. */
  readonly sides: Uint8Array;
  readonly prices: Int32Array;
  readonly lots: Int32Array;
  readonly ids: Int32Array;
}

/** What a flow is made from. */
export interface FlowShape {
  readonly seed: number;
  readonly commands: number;
  /** Resting orders that cancels steer for; what rests in the end is somewhat less. */
  readonly restingAim: number;
}

/** About 4,100 resting orders on 540 levels. */
export const realistic: FlowShape = { seed: 7, commands: 1_200_000, restingAim: 4_900 };
/** About 42,000 resting orders on 2,050 levels. */
export const deep: FlowShape = { seed: 8, commands: 1_200_000, restingAim: 50_000 };

const LIMIT: Op = 0;
const CANCEL: Op = 1;
const MARKET: Op = 2;
const IOC: Op = 3;

const MIDDLE = 6_500_000;
const DISTANCE_MAX = 20_000;
const LOTS_MAX = 5_000;
const NEWEST = 300;

/** Makes a flow; the same shape gives the same commands. */
export function makeFlow({ seed, commands, restingAim }: FlowShape): Flow {
  const random = seededRandom(seed);
  const flow = emptyFlow(commands);
  const book = new PlainBook();
  const resting = new RestingOrders();
  let middle = MIDDLE;
  for (let at = 0, nextId = 1; at < commands; at += 1) {
    if (random() < 0.02) middle += random() < 0.5 ? -1 : 1;
    const cancelShare = clamp(0.47 + (0.25 * (resting.count - restingAim)) / restingAim, 0.2, 0.6);
    if (resting.count > 50 && random() < cancelShare) {
      const order = random() < 0.6 ? resting.oneOfNewest(random) : resting.any(random);
      put(flow, at, CANCEL, { side: order.side, price: order.price, lots: 0, id: order.id });
      book.cancel(order.id);
    } else {
      const op = opOf(random(), resting.count > restingAim / 2);
      const isSell = random() < 0.5;
      const lots = Math.min(LOTS_MAX, Math.floor(10 * powerLaw(random, 1.4)));
      const price = priceOf(op, { book, isSell, middle, distance: distanceOf(random) });
      const order = { side: isSell ? 1 : 0, price, lots, id: nextId };
      const isCrossing = op === "crossing" ? LIMIT : op;
      put(flow, at, isCrossing, order);
      const rested = book.place(isCrossing, order);
      if (rested !== undefined) resting.add(rested);
      nextId += 1;
    }
    resting.count = book.resting;
  }
  return flow;
}

export function emptyFlow(count: number): Flow {
  return {
    count,
    ops: new Uint8Array(count),
    sides: new Uint8Array(count),
    prices: new Int32Array(count),
    lots: new Int32Array(count),
    ids: new Int32Array(count),
  };
}

type Draw = Op | "crossing";

/** Kind of an order: takers come only once there is something to take. */
function opOf(draw: number, canTake: boolean): Draw {
  if (!canTake || draw >= 0.12) return LIMIT;
  if (draw < 0.03) return MARKET;
  return draw < 0.07 ? IOC : "crossing";
}

function priceOf(
  op: Draw,
  { book, isSell, middle, distance }: { book: PlainBook; isSell: boolean; middle: number; distance: number },
): number {
  if (op === MARKET) return 0;
  const opposite = isSell ? book.bestBid() : book.bestAsk();
  if (op === "crossing") return opposite ?? middle;
  if (op === IOC) return (opposite ?? middle) + (isSell ? -2 : 2);
  // Passive: never through the touch, never far inside of it while the middle wanders.
  if (isSell)
    return Math.max((opposite ?? middle) + 1, Math.min(book.bestAsk() ?? middle + 1, middle + 3)) + distance;
  return Math.min((opposite ?? middle + 1) - 1, Math.max(book.bestBid() ?? middle, middle - 3)) - distance;
}

function distanceOf(random: () => number): number {
  return Math.min(DISTANCE_MAX, Math.floor(powerLaw(random, 0.6)) - 1);
}

/** At least 1; above x with probability x ** -exponent. */
function powerLaw(random: () => number, exponent: number): number {
  return (1 - random()) ** (-1 / exponent);
}

function put(flow: Flow, at: number, op: Op, order: Resting): void {
  flow.ops[at] = op;
  flow.sides[at] = order.side;
  flow.prices[at] = order.price;
  flow.lots[at] = order.lots;
  flow.ids[at] = order.id;
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(high, Math.max(low, value));
}

/** Orders by age, with those that have ended in between until they are swept out. */
class RestingOrders {
  count = 0;
  #byAge: Resting[] = [];

  add(order: Resting): void {
    if (this.#byAge.length > 64 && this.#byAge.length > 2 * this.count) {
      this.#byAge = this.#byAge.filter(({ lots }) => lots > 0);
    }
    this.#byAge.push(order);
  }

  oneOfNewest(random: () => number): Resting {
    let skip = Math.floor(random() * Math.min(NEWEST, this.count));
    for (let at = this.#byAge.length - 1; ; at -= 1) {
      const order = this.#byAge[at]!;
      if (order.lots > 0 && skip-- === 0) return order;
    }
  }

  any(random: () => number): Resting {
    for (;;) {
      const order = this.#byAge[Math.floor(random() * this.#byAge.length)]!;
      if (order.lots > 0) return order;
    }
  }
}
