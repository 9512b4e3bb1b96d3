// The orders that load places in one market: seeded, symmetric around a mid, so that the book stays as it
// is for hours. Half of them rest beside the mid, half reach over it and trade; what rests too long is
// cancelled, oldest first.
import { ATOMS_PER_UNIT, atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import { formatPrice, formatQuantity, type Grid, parseQuantityLots } from "@bourse/shared/units/market.js";

/** What the flow must know of a market; decimals as text, "0" is no limit. */
export interface MarketLimits {
  readonly minQuantity: string;
  readonly minNotional: string;
}

/** An order to place. */
export interface FlowOrder {
  readonly userIndex: number;
  readonly isBuy: boolean;
  readonly price: string;
  readonly quantity: string;
}

/** An order that was left in the book. */
export interface RestingOrder {
  readonly userIndex: number;
  readonly clientOrderId: string;
}

export interface FlowSettings {
  readonly grid: Grid;
  readonly limits: MarketLimits;
  /** Price around which orders lie, in ticks. */
  readonly midTicks: number;
  readonly users: number;
  readonly random: () => number;
}

const ticksAwayMax = 20;
/** Orders of the load that may rest in a market at once. */
const restingMax = 100;
/** Orders have up to this many times the smallest quantity. */
const quantityTimesMax = 5;
/** Where an empty market without a trade begins. */
const firstPriceUnits = 100n;
const firstTicksMin = 1_000n;

/** The flow of one market; it remembers what it left in the book. */
export class MarketFlow {
  readonly #settings: FlowSettings;
  readonly #resting: RestingOrder[] = [];
  readonly #leastLots: number;
  /** Fewer where a tick is much of the price: everything stays above zero and inside a band. */
  readonly #awayMax: number;

  constructor(settings: FlowSettings) {
    this.#settings = settings;
    this.#awayMax = Math.max(1, Math.min(ticksAwayMax, Math.floor(settings.midTicks / 5)));
    this.#leastLots = leastLots(settings, this.#awayMax);
  }

  /** The next order. */
  next(): FlowOrder {
    const { grid, midTicks, random, users } = this.#settings;
    const isBuy = random() < 0.5;
    const away = 1 + Math.floor(random() * this.#awayMax);
    const reachesOver = random() < 0.5;
    const priceTicks = midTicks + (isBuy === reachesOver ? away : -away);
    const quantityLots = this.#leastLots * (1 + Math.floor(random() * quantityTimesMax));
    return {
      userIndex: Math.floor(random() * users),
      isBuy,
      price: formatPrice(grid, priceTicks),
      quantity: formatQuantity(grid, quantityLots),
    };
  }

  /** Notes an order that was in the book when it was acknowledged. */
  rested(order: RestingOrder): void {
    this.#resting.push(order);
  }

  /** The order to cancel now; undefined while few enough rest. */
  tooMany(): RestingOrder | undefined {
    return this.#resting.length > restingMax ? this.#resting.shift() : undefined;
  }

  /** Everything that may still rest, for the end of the run; forgotten here. */
  takeAll(): RestingOrder[] {
    return this.#resting.splice(0);
  }
}

/** Where orders of an empty market lie, in ticks: far enough from zero for both sides. */
export function firstMidTicks(grid: Grid): number {
  const ticks = (firstPriceUnits * ATOMS_PER_UNIT) / grid.tickAtoms;
  return Number(ticks > firstTicksMin ? ticks : firstTicksMin);
}

/** Fewest lots that every order of the flow may have, notional counted at its lowest price. */
function leastLots({ grid, limits, midTicks }: FlowSettings, awayMax: number): number {
  const least = limits.minQuantity === "0" ? 1 : parseQuantityLots(grid, "minQuantity", limits.minQuantity);
  const atomsPerLot = BigInt(Math.max(1, midTicks - awayMax)) * grid.quoteAtomsPerTickLot;
  const forNotional = atomsOfNumeric(limits.minNotional) / atomsPerLot + 1n;
  return Math.max(least, Number(forNotional));
}
