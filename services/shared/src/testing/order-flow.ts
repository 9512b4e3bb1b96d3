// Realistic order flow from a seed: mostly limits near a drifting mid, with a heavy tail of distances
// and sizes, cancels of recent orders, some takers and some IOC and MARKET orders.
import { seededRandom } from "./random.js";

/** One command in whole ticks and lots. Ids are positive and rise. */
export type FlowCommand =
  | {
      readonly type: "place";
      readonly id: number;
      readonly side: "buy" | "sell";
      readonly kind: "LIMIT" | "IOC" | "MARKET";
      /** 0 for MARKET. */
      readonly priceTicks: number;
      readonly quantityLots: number;
    }
  | { readonly type: "cancel"; readonly id: number };

/** What the flow looks like; shares are of all commands, 0 to 1. */
export interface FlowShape {
  /** Where the mid starts, ticks. */
  readonly midTicks: number;
  /** Smallest usual quantity, lots; sizes follow a power law above it. */
  readonly quantityLotsMin: number;
  /** Orders that the book settles around. */
  readonly restingTarget: number;
  readonly marketShare: number;
  readonly iocShare: number;
  /** Limits priced at the other side. */
  readonly crossShare: number;
}

/** A quiet market of a few hundred orders. */
export const calmFlow: FlowShape = {
  midTicks: 100_000,
  quantityLotsMin: 10,
  restingTarget: 200,
  marketShare: 0.02,
  iocShare: 0.03,
  crossShare: 0.05,
};

/**
 * `length` commands that depend on `seed` and `shape` alone. The flow knows nothing of a matching
 * engine: it keeps its own guess of what rests, so some cancels name orders that are long filled, as
 * in real life. Quantities and prices are positive; quantities stay below 150,000 × the minimum.
 */
export function orderFlow(seed: number, length: number, shape: FlowShape = calmFlow): FlowCommand[] {
  const random = seededRandom(seed);
  const maybeResting: number[] = [];
  const commands: FlowCommand[] = [];
  let midTicks = shape.midTicks;
  for (let nextId = 1; commands.length < length; ) {
    if (random() < 0.02) midTicks = Math.max(1_000, midTicks + (random() < 0.5 ? -1 : 1));
    if (maybeResting.length > 5 && random() < cancelShare(maybeResting.length, shape.restingTarget)) {
      commands.push({ type: "cancel", id: takeRecent(maybeResting, random) });
      continue;
    }
    const command = placeCommand(nextId, midTicks, shape, random);
    nextId += 1;
    commands.push(command);
    if (command.kind === "LIMIT") maybeResting.push(command.id);
  }
  return commands;
}

function placeCommand(id: number, midTicks: number, shape: FlowShape, random: () => number) {
  const side = random() < 0.5 ? "buy" : "sell";
  const away = side === "buy" ? -1 : 1;
  const quantityLots =
    shape.quantityLotsMin * heavyTail(random, 0.38) + Math.floor(random() * shape.quantityLotsMin);
  const choice = random();
  const place = { type: "place", id, side, quantityLots } as const;
  if (choice < shape.marketShare) return { ...place, kind: "MARKET", priceTicks: 0 } as const;
  if (choice < shape.marketShare + shape.iocShare) {
    const reach = Math.floor(random() * 8);
    return { ...place, kind: "IOC", priceTicks: Math.max(1, midTicks - away * reach) } as const;
  }
  if (choice < shape.marketShare + shape.iocShare + shape.crossShare) {
    const reach = Math.floor(random() * 4);
    return { ...place, kind: "LIMIT", priceTicks: Math.max(1, midTicks - away * reach) } as const;
  }
  const distance = Math.min(Math.floor(midTicks / 4), heavyTail(random, 0.66));
  return { ...place, kind: "LIMIT", priceTicks: Math.max(1, midTicks + away * distance) } as const;
}

/** More cancels when more rests, so that the book settles around the target. */
function cancelShare(resting: number, target: number): number {
  return Math.min(0.6, Math.max(0.2, 0.45 + (0.25 * (resting - target)) / target));
}

/** Takes one out: mostly among the newest, where real cancels fall. */
function takeRecent(ids: number[], random: () => number): number {
  const reach = random() < 0.6 ? Math.min(ids.length, 40) : ids.length;
  const at = ids.length - 1 - Math.floor(random() * reach);
  return ids.splice(at, 1)[0] as number;
}

/**
 * A whole number ≥ 1 with a heavy tail: above 2^k with probability keep^k, at most 2^17. Doubling
 * instead of a power function, whose last bit may differ between engines.
 */
function heavyTail(random: () => number, keep: number): number {
  let scale = 1;
  while (scale < 65_536 && random() < keep) scale *= 2;
  return scale + Math.floor(random() * scale);
}
