import { formatPrice, formatQuantity, type Grid } from "@bourse/shared/units/market.js";
import { bestLevels, type Depth } from "./depth.js";

/** Levels of each side that a checksum covers at most. */
export const CHECKSUM_LEVELS = 10;

/**
 * The text that a reader checks its copy of the book by: up to ten best bids, then up to ten best
 * asks, each `price:quantity` exactly as sent, joined by ",". Fewer levels subscribed: over those.
 */
export function checksumText(grid: Grid, depth: Depth, levels = CHECKSUM_LEVELS): string {
  const max = Math.min(levels, CHECKSUM_LEVELS);
  const both = [...bestLevels(depth, "buy", max), ...bestLevels(depth, "sell", max)];
  return both
    .map((level) => `${formatPrice(grid, level.priceTicks)}:${formatQuantity(grid, level.quantityLots)}`)
    .join(",");
}
