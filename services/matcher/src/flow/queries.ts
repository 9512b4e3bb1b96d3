// Reads of the state; each resolves when all that it shows is durable.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Book } from "../core/book.js";
import { ownEntry } from "../core/decide.js";
import { openCountOf, type Shard } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import type { Market, OrderView } from "../core/types.js";
import { type LevelView, levelsOf, openOrdersAfter, viewOf } from "../core/view.js";
import { type CompleteDeps, withTerms } from "./answer.js";
import type { Sequencer } from "./sequence.js";

export interface Queries {
  order(owner: { orderId: string; userId: string }): Promise<{ order: OrderView; seq: number }>;
  book(symbol: string): Promise<BookLevels & { epoch: number; seq: number }>;
  state(): Promise<{ epoch: number; seq: number; stateHash: string; checksum: number; openOrders: number }>;
  openOrders(page: {
    afterSeq: number;
    max: number;
  }): Promise<{ orders: OrderView[]; seq: number; hasMore: boolean }>;
  header(): Promise<StreamHead>;
  /** All books at the head's end. */
  books(): Promise<StreamHead & { books: readonly BookView[] }>;
}

/** Where an event stream begins. */
export interface StreamHead {
  readonly epoch: number;
  readonly endSeq: number;
  readonly markets: readonly Market[];
}

export interface BookLevels {
  readonly bids: readonly LevelView[];
  readonly asks: readonly LevelView[];
}

/** The book of a market for a reader that keeps no history. */
export interface BookView extends BookLevels {
  readonly market: Market;
  /** 0 when there was none. */
  readonly lastTradeTicks: number;
}

export interface QueriesDeps extends CompleteDeps {
  readonly sequencer: Pick<Sequencer, "query">;
  readonly hash: (pieces: Iterable<Uint8Array>) => string;
}

export function createQueries(deps: QueriesDeps): Queries {
  const { sequencer, tail, hash } = deps;
  return {
    async order({ orderId, userId }) {
      const { value: order, seq } = await sequencer.query((shard) => {
        const entry = ownEntry(shard, orderId, userId);
        return entry === -1 ? undefined : viewOf(shard, entry);
      });
      if (order === undefined) throw new DomainError("ORDER_NOT_FOUND", { order_id: orderId });
      return { order: await withTerms(deps, order), seq };
    },
    async book(symbol) {
      const { value, seq } = await sequencer.query((shard) => {
        const book = shard.bookOfSymbol.get(symbol);
        return book && { epoch: shard.epoch, ...levelsIn(shard, book) };
      });
      if (value === undefined) throw new DomainError("SYMBOL_NOT_FOUND", { symbol });
      return { ...value, seq };
    },
    async state() {
      const { value, seq } = await sequencer.query((shard) => ({
        epoch: shard.epoch,
        stateHash: hash(stateBytes(shard)),
        openOrders: openCountOf(shard),
      }));
      const stored = await tail.record(seq);
      return { ...value, seq, checksum: stored?.checksum ?? 0 };
    },
    async openOrders({ afterSeq, max }) {
      const { value, seq } = await sequencer.query((shard) => openOrdersAfter(shard, afterSeq, max));
      return { ...value, seq };
    },
    async header() {
      const { value, seq } = await sequencer.query(headOf);
      return { ...value, endSeq: seq };
    },
    async books() {
      const { value, seq } = await sequencer.query((shard) => ({
        ...headOf(shard),
        books: shard.books.map((book): BookView => {
          const { market, lastTradeTicks } = book;
          return { market, lastTradeTicks, ...levelsIn(shard, book) };
        }),
      }));
      return { ...value, endSeq: seq };
    },
  };
}

function headOf({ epoch, books }: Shard) {
  return { epoch, markets: books.map(({ market }) => market) };
}

function levelsIn(shard: Shard, { bids, asks }: Book): BookLevels {
  return { bids: levelsOf(shard, bids), asks: levelsOf(shard, asks) };
}
