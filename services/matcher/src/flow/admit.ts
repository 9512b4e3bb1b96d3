// Does the reservation cover what the order may cost? The gateway and the wallet made it so; the shard is
// where money would be lost if it were not, so it looks too.
import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import { baseAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import type { Market, OrderTerms } from "../core/types.js";

/** Field of the terms that does not cover the order; undefined when all is well. */
export type Admit = (market: Market, terms: OrderTerms) => "reserved_asset" | "reserved_amount" | undefined;

/** Checks terms against their market's grid. */
export function createAdmit(): Admit {
  const grids = new Map<string, Grid>();
  return (market, terms) => {
    const grid = grids.get(market.symbol) ?? gridOf(market);
    grids.set(market.symbol, grid);
    if (terms.reservedAsset !== (terms.side === "buy" ? grid.quoteAsset : grid.baseAsset))
      return "reserved_asset";
    return atomsOfNumeric(terms.reservedAmount) < neededAtoms(grid, terms) ? "reserved_amount" : undefined;
  };
}

function neededAtoms(grid: Grid, terms: OrderTerms): bigint {
  if (terms.side === "sell") return baseAtoms(grid, terms.quantityLots);
  const isLimit = terms.type === "LIMIT";
  const tickLots = isLimit
    ? BigInt(terms.priceTicks) * BigInt(terms.quantityLots)
    : BigInt(terms.budgetTickLots);
  return quoteAtoms(grid, tickLots);
}
