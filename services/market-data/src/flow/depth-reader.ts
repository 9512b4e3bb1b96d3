// What one subscriber of a book is sent next: pure, given the book and what it was sent before.
import { CHECKSUM_LEVELS, checksumText } from "../core/checksum.js";
import { bestLevels, type Changes, changesSince, isBeyond } from "../core/depth.js";
import type { Level, Side } from "../core/events.js";
import type { MarketView } from "../core/shard-view.js";

/** The book as of an update id. Quantities in lots, prices in ticks. */
export interface DepthSnapshot {
  readonly type: "snapshot";
  readonly lastUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly checksum: number;
}

/** What changed since the message before; a quantity of zero removes the level. */
export interface DepthDiff {
  readonly type: "diff";
  readonly prevUpdateId: number;
  readonly lastUpdateId: number;
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
  readonly checksum: number;
}

/** Nothing changed. */
export interface DepthHeartbeat {
  readonly type: "heartbeat";
  readonly lastUpdateId: number;
}

export type DepthMessage = DepthSnapshot | DepthDiff | DepthHeartbeat;

/** What all readers share. */
export interface DepthGround {
  readonly crc32: (text: string) => number;
  /** Last diff of each book, for the readers that are in step: most of them, most of the time. */
  readonly lastDiffs: WeakMap<MarketView, DepthDiff>;
}

/** What a subscriber knows. */
export interface DepthReader {
  readonly market: MarketView;
  /** Levels of each side that it asked for; infinite for all. */
  readonly levels: number;
  readonly ground: DepthGround;
  lastUpdateId: number;
  /** Price up to which it knows every level; undefined when it knows them all. */
  readonly edgeTicks: { buy: number | undefined; sell: number | undefined };
}

/** A reader of the best `levels` levels (0: all), and the snapshot that it starts from. */
export function openDepthReader(
  market: MarketView,
  levels: number,
  ground: DepthGround,
): { reader: DepthReader; snapshot: DepthSnapshot } {
  const reader: DepthReader = {
    market,
    levels: levels === 0 ? Number.POSITIVE_INFINITY : levels,
    ground,
    lastUpdateId: 0,
    edgeTicks: { buy: undefined, sell: undefined },
  };
  return { reader, snapshot: takeSnapshot(reader) };
}

/** What the reader needs to know the book as it is now; undefined when nothing changed. */
export function nextDiff(reader: DepthReader): DepthSnapshot | DepthDiff | undefined {
  const { market, lastUpdateId } = reader;
  const { lastDiffs } = reader.ground;
  if (market.depth.lastUpdateId === lastUpdateId) return undefined;
  const isWhole = reader.levels === Number.POSITIVE_INFINITY;
  const shared = isWhole ? lastDiffs.get(market) : undefined;
  if (shared?.prevUpdateId === lastUpdateId && shared.lastUpdateId === market.depth.lastUpdateId) {
    reader.lastUpdateId = shared.lastUpdateId;
    return shared;
  }
  const changes = changesSince(market.depth, lastUpdateId);
  if (changes === undefined) return takeSnapshot(reader);
  const diff = diffOf(reader, changes);
  if (isWhole) lastDiffs.set(market, diff);
  reader.lastUpdateId = diff.lastUpdateId;
  return diff;
}

/** Checksum of the book as it is now, over at most `levels` levels of each side. */
export function checksumOf(market: MarketView, levels: number, crc32: (text: string) => number): number {
  return crc32(checksumText(market.grid, market.depth, Math.min(levels, CHECKSUM_LEVELS)));
}

function takeSnapshot(reader: DepthReader): DepthSnapshot {
  const { market, levels, ground } = reader;
  const bids = bestLevels(market.depth, "buy", levels);
  const asks = bestLevels(market.depth, "sell", levels);
  reader.lastUpdateId = market.depth.lastUpdateId;
  reader.edgeTicks.buy = edgeOf(bids, levels);
  reader.edgeTicks.sell = edgeOf(asks, levels);
  const checksum = checksumOf(market, levels, ground.crc32);
  return { type: "snapshot", lastUpdateId: reader.lastUpdateId, bids, asks, checksum };
}

function diffOf(reader: DepthReader, changes: Changes): DepthDiff {
  const { market, levels, ground, lastUpdateId: prevUpdateId } = reader;
  return {
    type: "diff",
    prevUpdateId,
    lastUpdateId: market.depth.lastUpdateId,
    bids: [...changes.bids, ...uncovered(reader, "buy", changes.bids)],
    asks: [...changes.asks, ...uncovered(reader, "sell", changes.asks)],
    checksum: checksumOf(market, levels, ground.crc32),
  };
}

/**
 * Levels that came into a limited reader's range because better ones went: it was never sent them and
 * they did not change. Without them its best levels, and the checksum over them, would be wrong.
 */
function uncovered(reader: DepthReader, side: Side, changed: readonly Level[]): Level[] {
  const edge = reader.edgeTicks[side];
  if (edge === undefined) return [];
  const best = bestLevels(reader.market.depth, side, reader.levels);
  const last = best.at(-1);
  if (best.length < reader.levels) reader.edgeTicks[side] = undefined;
  else if (last !== undefined && isBeyond(side, last.priceTicks, edge)) {
    reader.edgeTicks[side] = last.priceTicks;
  }
  const sent = new Set(changed.map(({ priceTicks }) => priceTicks));
  return best.filter(({ priceTicks }) => isBeyond(side, priceTicks, edge) && !sent.has(priceTicks));
}

function edgeOf(levels: readonly Level[], max: number): number | undefined {
  return levels.length < max ? undefined : levels.at(-1)?.priceTicks;
}
