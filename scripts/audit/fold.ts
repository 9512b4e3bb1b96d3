// The state of a shard as its journal tells it: a plain fold over the events, no matching. Everything
// else that claims to know the shard is held against this.
import {
  EventSchema,
  type Record as JournalRecord,
  type MarketStateChanged,
  type OrderAmended,
  type OrderEnded,
  type OrderTerms,
  type SelfTradePrevented,
  type StopTriggered,
  type TradeExecuted,
  type TradeParty,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import {
  type Market,
  MarketState,
  OrderStatus,
  SelfTradePrevention,
  Side,
  TradeRole,
} from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { baseAtoms, feeAtoms, type Grid, gridOf, quoteAtoms } from "@bourse/shared/units/market.js";
import {
  causeContradictions,
  endContradictions,
  isAmendedFrom,
  positionContradictions,
} from "./fold-checks.js";
import {
  acceptedOrder,
  endedOrder,
  type FoldedBook,
  type FoldedLeg,
  type FoldedOrder,
  type FoldedTrade,
  isBuy,
  neededUnits,
} from "./folded.js";
import { operationsOf } from "./settled-operations.js";
import { WaitingStops } from "./waiting-stops.js";

/** A shard's state after the records that were applied. */
export class ShardFold {
  readonly orders = new Map<string, FoldedOrder>();
  /** Decided amends by the id of their leg. */
  readonly legs = new Map<string, FoldedLeg>();
  readonly trades = new Map<string, FoldedTrade>();
  readonly books = new Map<string, FoldedBook>();
  readonly grids = new Map<string, Grid>();
  readonly states = new Map<string, MarketState>();
  /** What a record cannot say without contradicting those before it. */
  readonly contradictions: string[] = [];
  /** Seq of the last record; before the first one that of the record before it. */
  seq = 0n;
  epoch = 0n;
  timeMs = 0n;
  records = 0;
  /** Resting orders and waiting stops. */
  openOrders = 0;
  /** Settlement operations of the last record: where a cursor behind it stands. */
  operations = 0;
  /** Records up to this seq are no longer retained: what they said is not known. 0 when all are there. */
  missingThroughSeq = 0n;
  readonly #stops = new WaitingStops();

  /**
   * Begins behind records that are no longer retained. Orders and books of before are then not known: what is
   * said of such orders is neither checked nor a contradiction. `markets` are those of the shard now.
   */
  beginAfter(seq: bigint, markets: readonly Market[]): void {
    this.seq = seq;
    this.missingThroughSeq = seq;
    for (const market of markets) this.grids.set(market.symbol, gridOf(market));
  }

  /** False when the journal no longer goes back to its first record. */
  get isWhole(): boolean {
    return this.missingThroughSeq === 0n;
  }

  /** Applies the next record. */
  apply(record: JournalRecord): void {
    this.contradictions.push(...positionContradictions(this, record));
    this.seq = record.seq;
    this.epoch = record.epoch;
    this.timeMs = record.timeMs;
    this.records += 1;
    this.operations = operationsOf(record);
    for (const event of record.events) this.#applyEvent(record, event);
    for (const { orderId } of this.#stops.endRecord())
      this.#contradict(`stop ${orderId} waits on although its price was traded`);
  }

  #applyEvent(record: JournalRecord, { kind }: JournalRecord["events"][number]): void {
    switch (kind.case) {
      case "accepted":
        return this.#accept(record, kind.value.terms);
      case "rested":
        return this.#rest(kind.value.orderId, kind.value.remainingLots);
      case "trade":
        return this.#trade(kind.value);
      case "ended":
        return this.#end(record, kind.value);
      case "stopPlaced":
        return this.#wait(kind.value.orderId);
      case "stopTriggered":
        return this.#trigger(kind.value);
      case "selfTradePrevented":
        return this.#prevent(kind.value);
      case "amended":
        return this.#amend(record, kind.value);
      case "amendRefused": {
        const { legId, orderId } = kind.value;
        return this.#closeLeg({ legId, orderId, isJoined: false, seq: record.seq });
      }
      case "marketAdded":
        return this.#addMarket(kind.value.market);
      case "marketStateChanged":
        return this.#changeState(kind.value);
      case "switchSet":
        return;
      case undefined:
        this.contradictions.push(`seq ${record.seq}: an event that ${EventSchema.typeName} does not name`);
    }
  }

  /** The grid of a market that orders of this shard name. */
  gridOf(symbol: string): Grid {
    const grid = this.grids.get(symbol);
    if (grid === undefined) throw new Error(`the journal has orders of ${symbol}, but never made the market`);
    return grid;
  }

  #contradict(text: string): void {
    this.contradictions.push(`seq ${this.seq}: ${text}`);
  }

  #addMarket(market: Market | undefined): void {
    if (market === undefined) return;
    this.grids.set(market.symbol, gridOf(market));
    this.states.set(market.symbol, market.state);
  }

  #changeState({ symbol, state, oldState }: MarketStateChanged): void {
    const known = this.states.get(symbol);
    if (known !== undefined && known !== oldState)
      this.#contradict(`${symbol} was ${MarketState[known]}, not ${MarketState[oldState]}`);
    if (oldState === MarketState.DELISTED) this.#contradict(`${symbol} was delisted for good`);
    this.states.set(symbol, state);
  }

  /** Records since rules 2 have the terms in their command alone. */
  #accept({ command }: JournalRecord, named: OrderTerms | undefined): void {
    const terms = named ?? (command?.kind.case === "submit" ? command.kind.value.terms : undefined);
    if (terms === undefined) return this.#contradict("an order is accepted without terms");
    if (this.orders.has(terms.orderId)) this.contradictions.push(`order ${terms.orderId} is accepted twice`);
    this.orders.set(terms.orderId, acceptedOrder(terms, this.seq, this.timeMs));
  }

  #rest(orderId: string, remainingLots: bigint): void {
    const order = this.#order(orderId);
    if (order?.terms === undefined) return;
    if (order.quantityLots - order.executedLots !== remainingLots || order.remainingLots !== remainingLots) {
      this.contradictions.push(`order ${orderId} rests with ${remainingLots} lots`);
    }
    order.isResting = true;
    this.openOrders += 1;
    this.#addToBook(order, remainingLots);
  }

  #wait(orderId: string): void {
    const order = this.#order(orderId);
    if (order === undefined) return;
    order.isWaiting = true;
    order.status = OrderStatus.PENDING;
    this.openOrders += 1;
    this.#stops.add(order);
  }

  #trigger({ orderId, stopPriceTicks }: StopTriggered): void {
    const order = this.#order(orderId);
    if (order === undefined) return;
    if (!order.isWaiting) this.#contradict(`order ${orderId} fires, and did not wait`);
    if (order.terms?.stopPriceTicks !== stopPriceTicks || !this.#stops.isReached(order))
      this.#contradict(`stop ${orderId} fires at ${stopPriceTicks}, which was not traded`);
    this.#endWait(order);
    order.status = OrderStatus.OPEN;
  }

  #endWait(order: FoldedOrder): void {
    if (!order.isWaiting) return;
    order.isWaiting = false;
    this.openOrders -= 1;
    this.#stops.remove(order);
  }

  #trade(trade: TradeExecuted): void {
    const { maker, taker, quantityLots, priceTicks, tradeId } = trade;
    if (maker === undefined || taker === undefined) return;
    if (this.trades.has(tradeId)) this.contradictions.push(`trade ${tradeId} happens twice`);
    if (maker.userId === taker.userId && maker.userId !== "")
      this.#contradict(`trade ${tradeId} is of one user with himself`);
    const state = this.states.get(trade.symbol) ?? MarketState.TRADING;
    if (state !== MarketState.TRADING && state !== MarketState.UNSPECIFIED)
      this.#contradict(`trade ${tradeId} while ${trade.symbol} is ${MarketState[state]}`);
    const grid = this.gridOf(trade.symbol);
    const tickLots = quantityLots * priceTicks;
    const fees = [maker, taker].map((party) => {
      const role = party === maker ? TradeRole.MAKER : TradeRole.TAKER;
      return this.#fill(party, trade, { role, tickLots, grid });
    });
    this.#stops.traded(trade);
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

  /** One order's half of a trade; returns its fee, which the event alone tells. */
  #fill(
    party: TradeParty,
    trade: TradeExecuted,
    { role, tickLots, grid }: { role: TradeRole; tickLots: bigint; grid: Grid },
  ): bigint {
    const isBuyer = (role === TradeRole.TAKER) === (trade.takerSide === Side.BUY);
    const before = BigInt(party.receivedBefore);
    const received = isBuyer ? baseAtoms(grid, trade.quantityLots) : quoteAtoms(grid, tickLots);
    const receivedBefore = isBuyer ? baseAtoms(grid, before) : quoteAtoms(grid, before);
    const fee = feeAtoms(party.feePpm, receivedBefore, received);
    const order = this.#order(party.orderId);
    if (order?.terms === undefined) return fee;
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
    order.feeAtoms += fee;
    return fee;
  }

  /** Only DECREMENT leaves an order with less: in the other modes their ends say all. */
  #prevent(prevented: SelfTradePrevented): void {
    if (prevented.mode !== SelfTradePrevention.DECREMENT) return;
    const { makerOrderId, takerOrderId, quantityLots } = prevented;
    const halves = [
      [makerOrderId, prevented.makerRemainingLots, prevented.makerReservedUnits],
      [takerOrderId, prevented.takerRemainingLots, prevented.takerReservedUnits],
    ] as const;
    for (const [orderId, remainingLots, reservedUnits] of halves) {
      const order = this.#order(orderId);
      // Of a MARKET BUY by quote budget only the budget is known.
      if (order?.terms === undefined || order.terms.quantityLots === 0n) continue;
      // All lots that a budget could pay may be fewer than were open: then none is left.
      const isEmptied = order.budgetTickLots > 0n && remainingLots === 0n;
      if (!isEmptied && order.remainingLots - quantityLots !== remainingLots)
        this.#contradict(`prevention leaves order ${orderId} with ${remainingLots} lots`);
      if (order.isResting) this.#addToBook(order, remainingLots - order.remainingLots);
      order.remainingLots = remainingLots;
      if (remainingLots === 0n) continue;
      order.quantityLots -= quantityLots;
      if (order.budgetTickLots === 0n) this.#checkNeed(order, reservedUnits);
    }
  }

  #checkNeed(order: FoldedOrder, units: bigint): void {
    const needed = neededUnits(order);
    if (needed !== units)
      this.#contradict(`order ${order.orderId} needs ${needed} units, the record says ${units}`);
  }

  #amend({ command }: JournalRecord, amended: OrderAmended): void {
    const { orderId, legId, keepsPlace, remainingLots } = amended;
    this.#closeLeg({ legId, orderId, isJoined: true, seq: this.seq });
    const order = this.#order(orderId);
    if (order?.terms === undefined) return;
    if (!isAmendedFrom(order, amended)) this.#contradict(`order ${orderId} is amended from what it was not`);
    const heldBefore = neededUnits(order);
    if (order.isResting)
      this.#addToBook(order, keepsPlace ? remainingLots - order.remainingLots : -order.remainingLots);
    if (order.isResting && !keepsPlace) {
      order.isResting = false;
      this.openOrders -= 1;
    }
    // The reserve price of a STOP BUY never changes: its budget grows and shrinks with what is open.
    if (order.remainingLots > 0n)
      order.budgetTickLots = (order.budgetTickLots / order.remainingLots) * remainingLots;
    order.priceTicks = amended.priceTicks;
    order.quantityLots = amended.quantityLots;
    order.remainingLots = remainingLots;
    this.#checkNeed(order, amended.reservedUnits);
    const legUnits = command?.kind.case === "amend" ? command.kind.value.legUnits : 0n;
    if (heldBefore + legUnits < amended.reservedUnits)
      this.#contradict(`the amend of order ${orderId} is not covered by its leg`);
  }

  #closeLeg(leg: FoldedLeg): void {
    if (this.legs.has(leg.legId)) this.contradictions.push(`amend ${leg.legId} is decided twice`);
    this.legs.set(leg.legId, leg);
  }

  #end(record: JournalRecord, ended: OrderEnded): void {
    const known = this.orders.get(ended.orderId);
    if (known !== undefined && known.endedSeq !== 0n) {
      this.contradictions.push(`order ${ended.orderId} ends twice`);
    }
    const order = known ?? endedOrder(ended, { seq: this.seq, isFromTheStart: this.isWhole });
    this.orders.set(order.orderId, order);
    if (order.isWhole) this.contradictions.push(...endContradictions(order, ended));
    for (const text of causeContradictions(record, ended)) this.#contradict(text);
    this.#endWait(order);
    if (order.isResting) {
      this.openOrders -= 1;
      this.#addToBook(order, -order.remainingLots);
    }
    order.isResting = false;
    order.status = ended.status;
    order.reason = ended.reason;
    order.endedSeq = this.seq;
  }

  #order(orderId: string): FoldedOrder | undefined {
    const order = this.orders.get(orderId);
    // Where records are missing it may be theirs.
    if (order === undefined && this.isWhole) this.contradictions.push(`order ${orderId} was never accepted`);
    return order;
  }

  #addToBook(order: FoldedOrder, lots: bigint): void {
    const { symbol, priceTicks } = order;
    const book = this.books.get(symbol) ?? { bids: new Map(), asks: new Map() };
    this.books.set(symbol, book);
    const side = isBuy(order) ? book.bids : book.asks;
    const total = (side.get(priceTicks) ?? 0n) + lots;
    if (total < 0n) this.contradictions.push(`${symbol}: less than nothing rests at ${priceTicks}`);
    if (total === 0n) side.delete(priceTicks);
    else side.set(priceTicks, total);
  }
}
