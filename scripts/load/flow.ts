// The orders that load places in one market: seeded, symmetric around a mid, so that the book stays as it
// is for hours. Half of them rest beside the mid; half reach over it, want a little more than what comes to
// rest, and leave nothing. Of what is old, some is cancelled, traded by then or not.
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
  /** Rests in the book; else it takes what it can at once. */
  readonly rests: boolean;
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
/** Orders that are remembered as resting; older ones have mostly traded. */
const restingMax = 100;
/** Of those that are older, every so many is cancelled. */
const cancelEvery = 4;
/** Orders have up to this many times the smallest quantity. */
const quantityTimesMax = { resting: 5, taking: 8 };
/** Where an empty market without a trade begins. */
const firstPriceUnits = 100n;
const firstTicksMin = 1_000n;

/** The flow of one market; it remembers what it left in the book. */
export class MarketFlow {
  readonly #settings: FlowSettings;
  readonly #resting: RestingOrder[] = [];
  readonly #leastLots: number;
  #old = 0;
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
    const rests = random() < 0.5;
    const away = rests ? 1 + Math.floor(random() * this.#awayMax) : this.#awayMax;
    const priceTicks = midTicks + (isBuy === rests ? -away : away);
    const timesMax = rests ? quantityTimesMax.resting : quantityTimesMax.taking;
    const quantityLots = this.#leastLots * (1 + Math.floor(random() * timesMax));
    return {
      userIndex: Math.floor(random() * users),
      isBuy,
      rests,
      price: formatPrice(grid, priceTicks),
      quantity: formatQuantity(grid, quantityLots),
    };
  }

  /** Notes an order that was in the book when it was acknowledged. */
  rested(order: RestingOrder): void {
    this.#resting.push(order);
  }

  /** The order to cancel now; undefined when none is due. */
  toCancel(): RestingOrder | undefined {
    if (this.#resting.length <= restingMax) return undefined;
    const oldest = this.#resting.shift();
    this.#old += 1;
    return this.#old % cancelEvery === 0 ? oldest : undefined;
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
