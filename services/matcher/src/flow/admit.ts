// Does the reservation cover what the order may cost? The gateway and the wallet made it so; the shard is
// where money would be lost if it were not, so it looks too.
import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import { baseAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import type { AmendCommand, Market, OrderTerms, Side } from "../core/types.js";

export interface Admit {
  /** Field of the terms that does not cover the order; undefined when all is well. */
  order(market: Market, terms: OrderTerms): "reserved_asset" | "reserved_amount" | undefined;
  /** Field of an amend whose leg is not what it says it is. */
  leg(market: Market, side: Side, amend: AmendCommand): "leg_amount" | undefined;
}

/** Checks terms and legs against their market's grid. */
export function createAdmit(): Admit {
  const grids = new Map<string, Grid>();
  const gridFor = (market: Market): Grid => {
    const known = grids.get(market.symbol);
    if (known !== undefined) return known;
    const grid = gridOf(market);
    grids.set(market.symbol, grid);
    return grid;
  };
  return {
    order(market, terms) {
      const grid = gridFor(market);
      if (terms.reservedAsset !== (terms.side === "buy" ? grid.quoteAsset : grid.baseAsset))
        return "reserved_asset";
      const needed = unitsAtoms(grid, terms.side, neededUnits(terms));
      return atomsOfNumeric(terms.reservedAmount) < needed ? "reserved_amount" : undefined;
    },
    leg(market, side, { legUnits, legAmount }) {
      if (legUnits === 0) return undefined;
      const needed = unitsAtoms(gridFor(market), side, legUnits);
      return atomsOfNumeric(legAmount) < needed ? "leg_amount" : undefined;
    },
  };
}

/** What an order must have reserved: tick times lot for a buyer, lots for a seller. */
function neededUnits({ side, type, priceTicks, quantityLots, budgetTickLots }: OrderTerms): number {
  if (side === "sell") return quantityLots;
  const isLimit = type === "LIMIT" || type === "STOP_LIMIT";
  return isLimit ? priceTicks * quantityLots : budgetTickLots;
}

function unitsAtoms(grid: Grid, side: Side, units: number): bigint {
  return side === "buy" ? quoteAtoms(grid, BigInt(units)) : baseAtoms(grid, units);
}
