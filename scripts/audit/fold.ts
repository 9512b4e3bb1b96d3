// The state of a shard as its journal tells it: a plain fold over the events, no matching. Everything
// else that claims to know the shard is held against this.
import {
  EventSchema,
  type Record as JournalRecord,
  type OrderEnded,
  type OrderTerms,
  type TradeExecuted,
  type TradeParty,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { OrderStatus, Side, TradeRole } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { baseAtoms, feeAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";

/** An order as the journal tells it. */
export interface FoldedOrder {
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
  /** Undefined for a tombstone. */
  readonly terms: OrderTerms | undefined;
  status: OrderStatus;
  reason: number;
  executedLots: bigint;
  executedTickLots: bigint;
  remainingLots: bigint;
  isResting: boolean;
  trades: number;
  /** Fee so far in atoms of what the order receives. */
  feeAtoms: bigint;
  readonly acceptedSeq: bigint;
  /** Seq of the record that ended it; 0 while open. */
  endedSeq: bigint;
}

/** A trade as the journal tells it. */
export interface FoldedTrade {
  readonly tradeId: string;
  readonly seq: bigint;
  readonly symbol: string;
  readonly baseAtoms: bigint;
  readonly quoteAtoms: bigint;
  readonly buyOrderId: string;
  readonly sellOrderId: string;
  readonly buyerFeeAtoms: bigint;
  readonly sellerFeeAtoms: bigint;
}

/** A market's book: lots by price in ticks. */
export interface FoldedBook {
  readonly bids: Map<bigint, bigint>;
  readonly asks: Map<bigint, bigint>;
}

/** A shard's state after the records that were applied. */
export class ShardFold {
  readonly orders = new Map<string, FoldedOrder>();
  readonly trades = new Map<string, FoldedTrade>();
  readonly books = new Map<string, FoldedBook>();
  readonly grids = new Map<string, Grid>();
  /** What a record cannot say without contradicting those before it. */
  readonly contradictions: string[] = [];
  seq = 0n;
  epoch = 0n;
  timeMs = 0n;
  records = 0;
  openOrders = 0;
  /** Settlement operations of the last record: where a cursor behind it stands. */
  operations = 0;

  /** Applies the next record. */
  apply(record: JournalRecord): void {
    this.#checkPosition(record);
    this.seq = record.seq;
    this.epoch = record.epoch;
    this.timeMs = record.timeMs;
    this.records += 1;
    this.operations = operationsOf(record);
    for (const { kind } of record.events) {
      switch (kind.case) {
        case "accepted":
          if (kind.value.terms !== undefined) this.#accept(kind.value.terms);
          break;
        case "rested":
          this.#rest(kind.value.orderId, kind.value.remainingLots);
          break;
        case "trade":
          this.#trade(kind.value);
          break;
        case "ended":
          this.#end(kind.value);
          break;
        case "marketAdded": {
          const { market } = kind.value;
          if (market !== undefined) this.grids.set(market.symbol, gridOf(market));
          break;
        }
        case "selfTradePrevented":
          break;
        case undefined:
          this.contradictions.push(`seq ${record.seq}: an event that ${EventSchema.typeName} does not name`);
      }
    }
  }

  /** The grid of a market that orders of this shard name. */
  gridOf(symbol: string): Grid {
    const grid = this.grids.get(symbol);
    if (grid === undefined) throw new Error(`the journal has orders of ${symbol}, but never made the market`);
    return grid;
  }

  #checkPosition({ seq, epoch, timeMs }: JournalRecord): void {
    if (seq !== this.seq + 1n) this.contradictions.push(`seq ${seq} follows ${this.seq}`);
    if (epoch < this.epoch)
      this.contradictions.push(`seq ${seq}: epoch falls from ${this.epoch} to ${epoch}`);
    if (timeMs < this.timeMs) this.contradictions.push(`seq ${seq}: time falls`);
  }

  #accept(terms: OrderTerms): void {
    if (this.orders.has(terms.orderId)) this.contradictions.push(`order ${terms.orderId} is accepted twice`);
    this.orders.set(terms.orderId, {
      orderId: terms.orderId,
      userId: terms.userId,
      symbol: terms.symbol,
      terms,
      status: OrderStatus.OPEN,
      reason: 0,
      executedLots: 0n,
      executedTickLots: 0n,
      remainingLots: terms.quantityLots,
      isResting: false,
      trades: 0,
      feeAtoms: 0n,
      acceptedSeq: this.seq,
      endedSeq: 0n,
    });
  }

  #rest(orderId: string, remainingLots: bigint): void {
    const order = this.#order(orderId);
    if (order?.terms === undefined) return;
    if (order.terms.quantityLots - order.executedLots !== remainingLots) {
      this.contradictions.push(`order ${orderId} rests with ${remainingLots} lots`);
    }
    order.isResting = true;
    this.openOrders += 1;
    this.#addToBook(order, remainingLots);
  }

  #trade(trade: TradeExecuted): void {
    const { maker, taker, quantityLots, priceTicks, tradeId } = trade;
    if (maker === undefined || taker === undefined) return;
    if (this.trades.has(tradeId)) this.contradictions.push(`trade ${tradeId} happens twice`);
    const grid = this.gridOf(trade.symbol);
    const tickLots = quantityLots * priceTicks;
    const fees = [maker, taker].map((party) => {
      const role = party === maker ? TradeRole.MAKER : TradeRole.TAKER;
      return this.#fill(party, trade, { role, tickLots, grid });
    });
    const isTakerBuy = trade.takerSide === Side.BUY;
    const [makerFee = 0n, takerFee = 0n] = fees;
    this.trades.set(tradeId, {
      tradeId,
      seq: this.seq,
      symbol: trade.symbol,
      baseAtoms: baseAtoms(grid, quantityLots),
      quoteAtoms: quoteAtoms(grid, tickLots),
      buyOrderId: isTakerBuy ? taker.orderId : maker.orderId,
      sellOrderId: isTakerBuy ? maker.orderId : taker.orderId,
      buyerFeeAtoms: isTakerBuy ? takerFee : makerFee,
      sellerFeeAtoms: isTakerBuy ? makerFee : takerFee,
    });
  }

  /** One order's half of a trade; returns its fee. */
  #fill(
    party: TradeParty,
    trade: TradeExecuted,
    { role, tickLots, grid }: { role: TradeRole; tickLots: bigint; grid: Grid },
  ): bigint {
    const order = this.#order(party.orderId);
    if (order?.terms === undefined) return 0n;
    if (order.isResting !== (role === TradeRole.MAKER)) {
      this.contradictions.push(`trade ${trade.tradeId}: order ${party.orderId} is in the wrong role`);
    }
    order.executedLots += trade.quantityLots;
    order.executedTickLots += tickLots;
    // A MARKET BUY by budget has no quantity that could remain.
    if (order.terms.quantityLots > 0n) order.remainingLots -= trade.quantityLots;
    order.status = OrderStatus.PARTIALLY_FILLED;
    order.trades += 1;
    if (order.isResting) this.#addToBook(order, -trade.quantityLots);
    const isBuy = order.terms.side === Side.BUY;
    const before = BigInt(party.receivedBefore);
    const received = isBuy ? baseAtoms(grid, trade.quantityLots) : quoteAtoms(grid, tickLots);
    const receivedBefore = isBuy ? baseAtoms(grid, before) : quoteAtoms(grid, before);
    const fee = feeAtoms(party.feePpm, receivedBefore, received);
    order.feeAtoms += fee;
    return fee;
  }

  #end(ended: OrderEnded): void {
    const known = this.orders.get(ended.orderId);
    if (known !== undefined && known.endedSeq !== 0n) {
      this.contradictions.push(`order ${ended.orderId} ends twice`);
    }
    const order = known ?? this.#neverEntered(ended);
    if (
      order.executedLots !== ended.executedLots ||
      order.executedTickLots !== BigInt(ended.executedTickLots || 0)
    ) {
      this.contradictions.push(`order ${ended.orderId} ends with other amounts than it traded`);
    }
    if (order.isResting !== ended.wasResting) {
      this.contradictions.push(
        `order ${ended.orderId} ends, and was${ended.wasResting ? " not" : ""} resting`,
      );
    }
    if (order.isResting) {
      this.openOrders -= 1;
      this.#addToBook(order, -order.remainingLots);
    }
    order.isResting = false;
    order.status = ended.status;
    order.reason = ended.reason;
    order.endedSeq = this.seq;
  }

  /** An order that was refused, or a tombstone: it exists by its end alone. */
  #neverEntered(ended: OrderEnded): FoldedOrder {
    const order: FoldedOrder = {
      orderId: ended.orderId,
      userId: ended.userId,
      symbol: ended.symbol,
      terms: ended.terms,
      status: ended.status,
      reason: ended.reason,
      executedLots: 0n,
      executedTickLots: 0n,
      remainingLots: 0n,
      isResting: false,
      trades: 0,
      feeAtoms: 0n,
      acceptedSeq: this.seq,
      endedSeq: 0n,
    };
    this.orders.set(order.orderId, order);
    return order;
  }

  #order(orderId: string): FoldedOrder | undefined {
    const order = this.orders.get(orderId);
    if (order === undefined) this.contradictions.push(`order ${orderId} was never accepted`);
    return order;
  }

  #addToBook(order: FoldedOrder, lots: bigint): void {
    const { symbol, terms } = order;
    if (terms === undefined) return;
    const book = this.books.get(symbol) ?? { bids: new Map(), asks: new Map() };
    this.books.set(symbol, book);
    const side = terms.side === Side.BUY ? book.bids : book.asks;
    const total = (side.get(terms.priceTicks) ?? 0n) + lots;
    if (total < 0n) this.contradictions.push(`${symbol}: less than nothing rests at ${terms.priceTicks}`);
    if (total === 0n) side.delete(terms.priceTicks);
    else side.set(terms.priceTicks, total);
  }
}

/** Settlement operations of a record: a mark for what stays open, each trade, each end. */
function operationsOf({ events }: JournalRecord): number {
  const endedIds = new Set(events.flatMap(({ kind }) => (kind.case === "ended" ? [kind.value.orderId] : [])));
  return events.filter(({ kind }) => {
    if (kind.case === "accepted") return !endedIds.has(kind.value.terms?.orderId ?? "");
    return kind.case === "trade" || kind.case === "ended";
  }).length;
}
