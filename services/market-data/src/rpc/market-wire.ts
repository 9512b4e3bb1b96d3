// Views to messages: ticks and lots become decimal text here, and only here.

import type {
  GetOrderBookResponseSchema,
  LevelSchema,
  PublicTradeSchema,
  StreamMarketStatusResponseSchema,
  StreamOrderBookResponseSchema,
} from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { Side } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { formatPrice, formatQuantity, type Grid } from "@bourse/shared/units/market.js";
import type { MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import type { Level } from "../core/events.js";
import type { MarketStatus, MarketView } from "../core/shard-view.js";
import type { Trade } from "../core/trades.js";
import type { DepthMessage } from "../flow/depth-reader.js";
import type { BookView } from "../flow/read-markets.js";

/**
 * Incarnation of the shards' journals, `epoch` on these messages: it changes only when a journal was
 * restored or data loss was accepted, never with the fencing epoch.
 */
const INCARNATION = 1n;

/** Levels as text; a quantity of zero is "0". */
export function levelsOf(grid: Grid, levels: readonly Level[]): MessageInitShape<typeof LevelSchema>[] {
  return levels.map(({ priceTicks, quantityLots }) => ({
    price: formatPrice(grid, priceTicks),
    quantity: formatQuantity(grid, quantityLots),
  }));
}

/** A book as GetOrderBook answers it. */
export function bookOf(view: BookView): MessageInitShape<typeof GetOrderBookResponseSchema> {
  const { market, bids, asks, checksum } = view;
  return {
    symbol: market.symbol,
    epoch: INCARNATION,
    lastUpdateId: BigInt(view.lastUpdateId),
    bids: levelsOf(market.grid, bids),
    asks: levelsOf(market.grid, asks),
    checksum,
    sequence: BigInt(view.seq),
  };
}

type StreamMessage = MessageInitShape<typeof StreamOrderBookResponseSchema>;

/** Messages of depth subscriptions. What several subscribers share is turned into text once. */
export function createDepthWire(): (market: MarketView, message: DepthMessage) => StreamMessage {
  const known = new WeakMap<DepthMessage, StreamMessage>();
  return ({ symbol, grid }, message) => {
    const wire = known.get(message) ?? { kind: depthKindOf(symbol, grid, message) };
    known.set(message, wire);
    return wire;
  };
}

function depthKindOf(symbol: string, grid: Grid, message: DepthMessage): NonNullable<StreamMessage["kind"]> {
  const epoch = INCARNATION;
  const lastUpdateId = BigInt(message.lastUpdateId);
  if (message.type === "heartbeat") return { case: "heartbeat", value: { epoch, lastUpdateId } };
  const { checksum } = message;
  const levels = { bids: levelsOf(grid, message.bids), asks: levelsOf(grid, message.asks) };
  if (message.type === "snapshot") {
    return { case: "snapshot", value: { symbol, epoch, lastUpdateId, ...levels, checksum } };
  }
  const prevUpdateId = BigInt(message.prevUpdateId);
  const ids = { firstUpdateId: prevUpdateId + 1n, lastUpdateId, prevUpdateId };
  return { case: "diff", value: { epoch, ...ids, ...levels, checksum } };
}

/** What a market accepts. */
export function statusOf(
  symbol: string,
  { state, reason, changedAtMs, seq }: MarketStatus,
): MessageInitShape<typeof StreamMarketStatusResponseSchema> {
  const changedTime = changedAtMs === undefined ? {} : { changedTime: timestampFromMs(changedAtMs) };
  return { symbol, state, reason, ...changedTime, sequence: BigInt(seq) };
}

/** A public trade. */
export function tradeOf(grid: Grid, trade: Trade): MessageInitShape<typeof PublicTradeSchema> {
  return {
    tradeId: trade.tradeId,
    symbol: trade.symbol,
    price: formatPrice(grid, trade.priceTicks),
    quantity: formatQuantity(grid, trade.quantityLots),
    takerSide: trade.takerSide === "buy" ? Side.BUY : Side.SELL,
    executedTime: timestampFromMs(trade.executedAtMs),
    sequence: BigInt(trade.seq),
    index: trade.index,
  };
}
