// What a running shard and its market data say of themselves, each with the seq at which it is so.
import { MarketDataService } from "@bourse/shared/gen/bourse/market_data/v1/market_data_pb.js";
import { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import type { Market } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import type { AuditedShard } from "./exchange.js";

/** Levels by price text, as readers see them. */
export type BookText = {
  readonly bids: ReadonlyMap<string, string>;
  readonly asks: ReadonlyMap<string, string>;
};

/** A book at a seq of its shard. */
export interface BookAt {
  readonly source: "shard" | "GetOrderBook" | "StreamOrderBook";
  readonly symbol: string;
  readonly seq: bigint;
  /** Prices and quantities as text; the shard's own in ticks and lots. */
  readonly book: BookText;
  /** Messages that it was built from. */
  readonly diffs: number;
}

/** What a shard says of itself. */
export interface ShardView {
  readonly shard: number;
  readonly markets: readonly Market[];
  readonly state: {
    readonly epoch: bigint;
    readonly seq: bigint;
    readonly stateHash: string;
    readonly chain: string;
    readonly openOrders: bigint;
  };
  readonly followers: ReadonlyMap<string, bigint>;
  readonly books: readonly BookAt[];
  /** Pages of the open orders: each is so at its own seq. */
  readonly openOrders: readonly OpenOrdersPage[];
}

/** One page of the open orders of a shard. */
export interface OpenOrdersPage {
  readonly seq: bigint;
  readonly afterSeq: bigint;
  readonly hasMore: boolean;
  readonly orders: readonly {
    readonly orderId: string;
    readonly remainingLots: bigint;
    readonly acceptedSeq: bigint;
  }[];
}

const timeoutMs = 10_000;
const levelsMax = 5_000;
/** How long the diffs of a book are followed. */
const followMs = 500;
/** Streams at once: a connection carries a hundred. */
const streamsMax = 20;

/** Reads the shard at its own door and its markets' books at the public one. */
export async function readShard(reached: AuditedShard, edgeAddress: string): Promise<ShardView> {
  const { shard } = reached;
  const channel = reached.openChannel();
  const edge = openChannel(edgeAddress);
  try {
    const matcher = createClient(MatcherService, channel);
    const marketData = createClient(MarketDataService, edge);
    const { markets } = await marketData.listMarkets({}, { timeoutMs });
    const own = markets.filter((market) => market.shard === shard);
    const symbols = own.map(({ symbol }) => symbol);
    const books: BookAt[] = [];
    for (let at = 0; at < symbols.length; at += streamsMax) {
      const some = symbols.slice(at, at + streamsMax);
      books.push(...(await Promise.all(some.map((symbol) => followBook(marketData, symbol)))));
    }
    for (const symbol of symbols)
      books.push(await readBook(marketData, symbol), await readShardBook(matcher, symbol));
    const openOrders = await readOpenOrders(matcher);
    const {
      epoch,
      seq,
      stateHash,
      chain,
      openOrders: open,
      followers,
    } = await matcher.getShardState({}, { timeoutMs });
    return {
      shard,
      markets: own,
      state: { epoch, seq, stateHash, chain, openOrders: open },
      followers: new Map(Object.entries(followers)),
      books,
      openOrders,
    };
  } finally {
    channel.close();
    edge.close();
  }
}

type MarketData = ReturnType<typeof createClient<typeof MarketDataService>>;
type Matcher = ReturnType<typeof createClient<typeof MatcherService>>;
type Levels = readonly { readonly price: string; readonly quantity: string }[];

/** A snapshot and the diffs after it, applied as any reader would. */
async function followBook(marketData: MarketData, symbol: string): Promise<BookAt> {
  const signal = AbortSignal.timeout(followMs);
  const book = { bids: new Map<string, string>(), asks: new Map<string, string>() };
  let seq = 0n;
  let diffs = 0;
  const apply = (bids: Levels, asks: Levels) => {
    for (const [side, levels] of [
      [book.bids, bids],
      [book.asks, asks],
    ] as const) {
      for (const { price, quantity } of levels) {
        if (quantity === "0") side.delete(price);
        else side.set(price, quantity);
      }
    }
  };
  try {
    for await (const { kind } of marketData.streamOrderBook({ symbol }, { signal })) {
      if (kind.case === "snapshot") apply(kind.value.bids, kind.value.asks);
      if (kind.case === "diff") {
        if (kind.value.prevUpdateId !== seq)
          throw new Error(`${symbol}: the stream of its book has a gap after ${seq}`);
        apply(kind.value.bids, kind.value.asks);
        diffs += 1;
      }
      if (kind.case === "snapshot" || kind.case === "diff") seq = kind.value.lastUpdateId;
    }
  } catch (error) {
    if (!signal.aborted) throw error;
  }
  return { source: "StreamOrderBook", symbol, seq, book, diffs };
}

async function readBook(marketData: MarketData, symbol: string): Promise<BookAt> {
  const { bids, asks, sequence } = await marketData.getOrderBook(
    { symbol, levels: levelsMax },
    { timeoutMs },
  );
  const text = (levels: Levels) => new Map(levels.map(({ price, quantity }) => [price, quantity]));
  return {
    source: "GetOrderBook",
    symbol,
    seq: sequence,
    book: { bids: text(bids), asks: text(asks) },
    diffs: 0,
  };
}

async function readShardBook(matcher: Matcher, symbol: string): Promise<BookAt> {
  const { bids, asks, seq } = await matcher.getBook({ symbol }, { timeoutMs });
  const text = (levels: typeof bids) =>
    new Map(levels.map(({ priceTicks, quantityLots }) => [String(priceTicks), quantityLots]));
  return { source: "shard", symbol, seq, book: { bids: text(bids), asks: text(asks) }, diffs: 0 };
}

async function readOpenOrders(matcher: Matcher): Promise<OpenOrdersPage[]> {
  const pages: OpenOrdersPage[] = [];
  for (let afterSeq = 0n; ; ) {
    const { orders, seq, hasMore } = await matcher.listOpenOrders({ afterSeq }, { timeoutMs });
    pages.push({ seq, afterSeq, hasMore, orders });
    const last = orders.at(-1);
    if (!hasMore || last === undefined) return pages;
    afterSeq = last.acceptedSeq;
  }
}
