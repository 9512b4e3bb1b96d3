// Does the reservation cover what the order may cost? The gateway and the wallet made it so; the shard is
// where money would be lost if it were not, so it looks too.
import { atomsOfNumeric, DECIMALS } from "@bourse/shared/units/atoms.js";
import { baseAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import type { AmendCommand, Market, OrderTerms, Side } from "../core/types.js";

export interface Admit {
  /** Field of the terms that does not cover the order; undefined when all is well. */
  order(market: Market, terms: OrderTerms): "reserved_asset" | "reserved_amount" | undefined;
  /** Field of an amend whose leg is not what it says it is. */
  leg(market: Market, side: Side, amend: AmendCommand): "leg_amount" | undefined;
}

/** A grid, and what one unit of a reservation is worth in atoms, as numbers where they are exact. */
interface Rates {
  readonly grid: Grid;
  /** One tick times one lot, in atoms of the quote asset. */
  readonly quotePerUnit: number;
  /** One lot, in atoms of the base asset. */
  readonly basePerUnit: number;
}

/** Checks terms and legs against their market's grid. */
export function createAdmit(): Admit {
  const known = new Map<string, Rates>();
  const ratesOf = (market: Market): Rates => {
    const before = known.get(market.symbol);
    if (before !== undefined) return before;
    const grid = gridOf(market);
    const quotePerUnit = Number(grid.quoteAtomsPerTickLot);
    const rates = { grid, quotePerUnit, basePerUnit: Number(grid.lotAtoms) };
    known.set(market.symbol, rates);
    return rates;
  };
  return {
    order(market, terms) {
      const rates = ratesOf(market);
      const { quoteAsset, baseAsset } = rates.grid;
      if (terms.reservedAsset !== (terms.side === "buy" ? quoteAsset : baseAsset)) return "reserved_asset";
      const units = neededUnits(terms);
      return covers(rates, terms.side, units, terms.reservedAmount) ? undefined : "reserved_amount";
    },
    leg(market, side, { legUnits, legAmount }) {
      if (legUnits === 0 || covers(ratesOf(market), side, legUnits, legAmount)) return undefined;
      return "leg_amount";
    },
  };
}

/** Whether decimal text is at least so many units. With numbers where they are exact, which is nearly always. */
function covers(
  { grid, quotePerUnit, basePerUnit }: Rates,
  side: Side,
  units: number,
  amount: string,
): boolean {
  const needed = units * (side === "buy" ? quotePerUnit : basePerUnit);
  const atoms = smallAtoms(amount);
  // A product that was rounded is not safe, whichever way it went.
  if (atoms !== -1 && Number.isSafeInteger(needed)) return atoms >= needed;
  const exact = side === "buy" ? quoteAtoms(grid, BigInt(units)) : baseAtoms(grid, units);
  return atomsOfNumeric(amount) >= exact;
}

/** Digits whose number is exact whatever they are. */
const DIGITS_MAX = 15;

/** Atoms of decimal text of few digits; -1 for all others. */
function smallAtoms(text: string): number {
  let atoms = 0;
  let decimals = -1;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === 46) decimals = 0;
    else {
      atoms = atoms * 10 + (code - 48);
      if (decimals >= 0) decimals += 1;
    }
  }
  const missing = DECIMALS - Math.max(0, decimals);
  if (text.length + missing > DIGITS_MAX || missing < 0) return -1;
  return atoms * 10 ** missing;
}

/** What an order must have reserved: tick times lot for a buyer, lots for a seller. */
function neededUnits({ side, type, priceTicks, quantityLots, budgetTickLots }: OrderTerms): number {
  if (side === "sell") return quantityLots;
  const isLimit = type === "LIMIT" || type === "STOP_LIMIT";
  return isLimit ? priceTicks * quantityLots : budgetTickLots;
}
