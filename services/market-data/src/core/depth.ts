// The levels of one market, built from the shard's events and from nothing else: absolute quantities
// in one sequence space with the trades, so a level can never be negative and the book never crossed.
import { assert } from "@bourse/shared/assert.js";
import type { Level, MarketEvent, ShardBook, Side } from "./events.js";

/** One side of the book. */
interface DepthSide {
  /** +1 for bids, -1 for asks: `sign × price` grows towards the best level. */
  readonly sign: 1 | -1;
  readonly quantities: Map<number, bigint>;
  /** `sign × price` of each level, ascending: the best is last, where most changes happen. */
  readonly keys: number[];
}

/** Prices that one applied batch changed; `updateId` is the seq of its last change. */
interface Change {
  readonly updateId: number;
  readonly bids: readonly number[];
  readonly asks: readonly number[];
}

/** The depth of one market, and a bounded memory of what changed lately. */
export interface Depth {
  readonly bids: DepthSide;
  readonly asks: DepthSide;
  /** Seq of the last change; 0 before the first. */
  lastUpdateId: number;
  readonly recent: Change[];
  /** Update id before the oldest remembered change. */
  forgottenUpdateId: number;
  recentPrices: number;
  readonly dirtyBids: Set<number>;
  readonly dirtyAsks: Set<number>;
}

/** Absolute quantities of all levels that changed after an update id. */
export interface Changes {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** A reader that lags behind more changes than this gets a snapshot instead of a diff. */
const CHANGES_MAX = 1024;
const CHANGED_PRICES_MAX = 16_384;

export function emptyDepth(): Depth {
  return {
    bids: { sign: 1, quantities: new Map(), keys: [] },
    asks: { sign: -1, quantities: new Map(), keys: [] },
    lastUpdateId: 0,
    recent: [],
    forgottenUpdateId: 0,
    recentPrices: 0,
    dirtyBids: new Set(),
    dirtyAsks: new Set(),
  };
}

/** The depth of a book that was read whole at `updateId`. Whoever knew an earlier one needs a snapshot. */
export function depthOfBook({ bids, asks }: ShardBook, updateId: number): Depth {
  const depth = emptyDepth();
  fillSide(depth.bids, bids);
  fillSide(depth.asks, asks);
  assertNotCrossed(depth);
  depth.lastUpdateId = updateId;
  depth.forgottenUpdateId = updateId;
  return depth;
}

function fillSide(side: DepthSide, bestFirst: readonly Level[]): void {
  for (const { priceTicks, quantityLots } of bestFirst.toReversed()) {
    const key = side.sign * priceTicks;
    assert(quantityLots > 0n && (side.keys.at(-1) ?? -Infinity) < key, "levels are in order, none is empty");
    side.quantities.set(priceTicks, quantityLots);
    side.keys.push(key);
  }
}

/** Applies one event of the record `seq`. Only the events of this market may come here. */
export function applyToDepth(depth: Depth, seq: number, event: MarketEvent): void {
  switch (event.type) {
    case "rested":
      return change(depth, seq, event, BigInt(event.quantityLots));
    case "traded": {
      const side = event.takerSide === "buy" ? "sell" : "buy";
      return change(depth, seq, { side, priceTicks: event.priceTicks }, -BigInt(event.quantityLots));
    }
    case "left":
      if (event.quantityLots > 0) change(depth, seq, event, -BigInt(event.quantityLots));
      return;
    case "state_changed":
    case "market_added":
      return;
  }
}

/** States what holds after every record: the best bid is below the best ask. */
export function assertNotCrossed(depth: Depth): void {
  const bid = depth.bids.keys.at(-1);
  const ask = depth.asks.keys.at(-1);
  assert(bid === undefined || ask === undefined || bid < -ask, "the book is not crossed");
}

/** Closes a batch: what it changed becomes one diff for readers. */
export function closeBatch(depth: Depth): void {
  const { dirtyBids, dirtyAsks, recent } = depth;
  if (dirtyBids.size + dirtyAsks.size === 0) return;
  recent.push({ updateId: depth.lastUpdateId, bids: [...dirtyBids], asks: [...dirtyAsks] });
  depth.recentPrices += dirtyBids.size + dirtyAsks.size;
  dirtyBids.clear();
  dirtyAsks.clear();
  while (recent.length > CHANGES_MAX || depth.recentPrices > CHANGED_PRICES_MAX) {
    const oldest = recent.shift();
    assert(oldest !== undefined, "remembered prices belong to a remembered change");
    depth.recentPrices -= oldest.bids.length + oldest.asks.length;
    depth.forgottenUpdateId = oldest.updateId;
  }
}

/** Up to `max` best levels of a side, best first. */
export function bestLevels(depth: Depth, side: Side, max = Number.POSITIVE_INFINITY): Level[] {
  const { keys, sign, quantities } = sideOf(depth, side);
  const levels: Level[] = [];
  for (let index = keys.length - 1; index >= 0 && levels.length < max; index -= 1) {
    const priceTicks = sign * (keys[index] as number);
    levels.push({ priceTicks, quantityLots: quantities.get(priceTicks) as bigint });
  }
  return levels;
}

/** Number of levels of a side. */
export function levelCount(depth: Depth, side: Side): number {
  return sideOf(depth, side).keys.length;
}

/** True when `priceTicks` is farther from the best level than `edgeTicks`. */
export function isBeyond(side: Side, priceTicks: number, edgeTicks: number): boolean {
  return side === "buy" ? priceTicks < edgeTicks : priceTicks > edgeTicks;
}

/**
 * Levels that changed after `updateId`, an update id at which a batch ended, each with its quantity
 * now. Undefined when that is longer ago than is remembered.
 */
export function changesSince(depth: Depth, updateId: number): Changes | undefined {
  if (updateId < depth.forgottenUpdateId) return undefined;
  const bids = new Set<number>();
  const asks = new Set<number>();
  for (let index = depth.recent.length - 1; index >= 0; index -= 1) {
    const change = depth.recent[index] as Change;
    if (change.updateId <= updateId) break;
    for (const price of change.bids) bids.add(price);
    for (const price of change.asks) asks.add(price);
  }
  return { bids: levelsAt(depth.bids, bids), asks: levelsAt(depth.asks, asks) };
}

function levelsAt(side: DepthSide, prices: Iterable<number>): Level[] {
  const levels = Array.from(prices, (priceTicks) => ({
    priceTicks,
    quantityLots: side.quantities.get(priceTicks) ?? 0n,
  }));
  return levels.sort((a, b) => side.sign * (b.priceTicks - a.priceTicks));
}

function change(depth: Depth, seq: number, at: { side: Side; priceTicks: number }, lots: bigint): void {
  const side = sideOf(depth, at.side);
  const before = side.quantities.get(at.priceTicks) ?? 0n;
  const after = before + lots;
  assert(after >= 0n, "a level is not negative");
  if (after === 0n) {
    side.quantities.delete(at.priceTicks);
    side.keys.splice(placeOf(side, at.priceTicks), 1);
  } else {
    if (before === 0n) side.keys.splice(placeOf(side, at.priceTicks), 0, side.sign * at.priceTicks);
    side.quantities.set(at.priceTicks, after);
  }
  (at.side === "buy" ? depth.dirtyBids : depth.dirtyAsks).add(at.priceTicks);
  depth.lastUpdateId = seq;
}

/** Index of the level, or where it belongs. Splicing there moves little: the best level is last. */
function placeOf(side: DepthSide, priceTicks: number): number {
  const key = side.sign * priceTicks;
  let low = 0;
  let high = side.keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((side.keys[middle] as number) < key) low = middle + 1;
    else high = middle;
  }
  return low;
}

function sideOf(depth: Depth, side: Side): DepthSide {
  return side === "buy" ? depth.bids : depth.asks;
}
