// The plainest correct shard: lists that are searched from end to end, bigint sums, no slots, no index. The
// reference that tests hold the fast core against; it shares nothing with it but the words.
import type { Moment } from "./shard.js";
import type {
  EndReason,
  FinalStatus,
  Market,
  MatcherEvent,
  OrderCommand,
  OrderTerms,
  TradeParty,
} from "./types.js";

interface SlowOrder {
  readonly terms: OrderTerms;
  readonly createdAtMs: number;
  readonly acceptedSeq: number;
  remaining: bigint;
  executed: bigint;
  notional: bigint;
  /** Received in each role so far: lots for a buyer, tick times lot for a seller. */
  asMaker: bigint;
  asTaker: bigint;
}

export interface SlowShard {
  readonly markets: Map<string, { readonly market: Market; lastTrade: bigint }>;
  /** Everything that rests, oldest first. */
  resting: SlowOrder[];
  /** Ids that were decided about. */
  readonly decided: Set<string>;
}

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);
const TRADES_MAX = 5000;

export function createSlowShard(markets: readonly Market[]): SlowShard {
  return {
    markets: new Map(markets.map((market) => [market.symbol, { market, lastTrade: 0n }])),
    resting: [],
    decided: new Set(),
  };
}

/** Events of a client's command that is in time; undefined when it has no effect. */
export function applySlow(
  shard: SlowShard,
  moment: Moment,
  command: OrderCommand,
): MatcherEvent[] | undefined {
  if (command.type === "submit") {
    const { terms } = command;
    if (shard.decided.has(terms.orderId) || !shard.markets.has(terms.symbol)) return undefined;
    shard.decided.add(terms.orderId);
    return place(shard, moment, terms);
  }
  const resting = shard.resting.find(({ terms }) => terms.orderId === command.orderId);
  const mayCancel = command.type === "cancel" || command.cancelIfOpen;
  if (resting?.terms.userId === command.userId && mayCancel) {
    shard.resting = shard.resting.filter((order) => order !== resting);
    return [endedEvent(resting, { status: "CANCELLED", reason: "USER", wasResting: true })];
  }
  if (command.type === "cancel" || shard.decided.has(command.orderId)) return undefined;
  shard.decided.add(command.orderId);
  return [
    {
      type: "ended",
      orderId: command.orderId,
      userId: command.userId,
      symbol: command.symbol,
      status: command.tombstoneStatus,
      reason: command.tombstoneReason,
      executedLots: 0,
      executedTickLots: "0",
      resting: undefined,
      remainingLots: 0,
      createdAtMs: moment.timeMs,
      acceptedSeq: moment.seq,
      terms: undefined,
      isTombstone: true,
    },
  ];
}

function place(shard: SlowShard, { seq, timeMs }: Moment, terms: OrderTerms): MatcherEvent[] {
  const order: SlowOrder = {
    terms,
    createdAtMs: timeMs,
    acceptedSeq: seq,
    remaining: BigInt(terms.quantityLots),
    executed: 0n,
    notional: 0n,
    asMaker: 0n,
    asTaker: 0n,
  };
  const rejected = refusal(shard, terms);
  if (rejected !== undefined) {
    return [endedEvent(order, { status: "REJECTED", reason: rejected, isRefused: true })];
  }
  const accepted: MatcherEvent = { type: "accepted", terms };
  if (terms.timeInForce !== "FOK") return [accepted, ...take(shard, order)];
  // All or nothing: tried on a copy, kept only when it ends as filled.
  const copy = copyOf(shard);
  const events = take(copy, order);
  const last = events.at(-1);
  if (last?.type === "ended" && last.status === "FILLED") {
    shard.resting = copy.resting;
    for (const [symbol, { lastTrade }] of copy.markets) marketOf(shard, symbol).lastTrade = lastTrade;
    return [accepted, ...events];
  }
  const untouched = { ...order, remaining: BigInt(terms.quantityLots), executed: 0n, notional: 0n };
  return [accepted, endedEvent(untouched, { status: "EXPIRED", reason: "FOK_NOT_FILLABLE" })];
}

function refusal(shard: SlowShard, terms: OrderTerms): EndReason | undefined {
  const { market, lastTrade } = marketOf(shard, terms.symbol);
  if (market.state === "HALTED") return "SYMBOL_HALTED";
  if (market.state === "CANCEL_ONLY") return "SYMBOL_CANCEL_ONLY";
  if (market.state === "DELISTED") return "SYMBOL_DELISTED";
  if (market.state === "POST_ONLY" && !terms.postOnly) return "SYMBOL_POST_ONLY";
  const price = BigInt(terms.priceTicks);
  const away = price > lastTrade ? price - lastTrade : lastTrade - price;
  const hasBand = terms.type === "LIMIT" && market.bandBps > 0 && lastTrade > 0n;
  if (hasBand && away * 10_000n > BigInt(market.bandBps) * lastTrade) return "PRICE_OUT_OF_BAND";
  const own = shard.resting.filter(
    (order) => order.terms.userId === terms.userId && order.terms.symbol === terms.symbol,
  );
  const isCapped = market.openOrdersMax > 0 && terms.timeInForce === "GTC";
  if (isCapped && own.length >= market.openOrdersMax) return "OPEN_ORDER_LIMIT";
  const [best] = makersOf(shard, terms);
  return terms.postOnly && best !== undefined && crosses(terms, best) ? "POST_ONLY_WOULD_TAKE" : undefined;
}

/** Takes what it can, one maker at a time, then says what becomes of the rest. */
function take(shard: SlowShard, taker: SlowOrder): MatcherEvent[] {
  const { terms } = taker;
  const state = marketOf(shard, terms.symbol);
  const protection = protectionOf(shard, terms);
  const events: MatcherEvent[] = [];
  for (let trades = 0; ; trades += 1) {
    const [maker] = makersOf(shard, terms);
    const done = endOfTaking(taker, { maker, protection, lastPrice: trades > 0 ? state.lastTrade : 0n });
    if (done !== undefined) return [...events, finish(shard, taker, done)];
    if (maker === undefined) throw new Error("an order without makers has ended");
    const lots = lotsToTrade(taker, maker);
    if (maker.terms.userId === terms.userId) {
      const prevented = {
        symbol: terms.symbol,
        takerOrderId: terms.orderId,
        makerOrderId: maker.terms.orderId,
      };
      const what = { priceTicks: maker.terms.priceTicks, quantityLots: Number(lots) };
      events.push({ type: "selfTradePrevented", ...prevented, ...what });
      return [...events, finish(shard, taker, { status: "EXPIRED", reason: "SELF_TRADE" })];
    }
    if (trades === TRADES_MAX) {
      const reason =
        terms.type === "LIMIT" && terms.timeInForce === "IOC" ? "IOC_REMAINDER" : "PRICE_PROTECTION";
      return [...events, finish(shard, taker, { status: "EXPIRED", reason })];
    }
    events.push(tradedEvent(taker, maker, lots, trades));
    state.lastTrade = BigInt(maker.terms.priceTicks);
    if (maker.remaining === 0n) {
      shard.resting = shard.resting.filter((order) => order !== maker);
      events.push(endedEvent(maker, { status: "FILLED", reason: "", wasResting: true }));
    }
  }
}

interface End {
  readonly status: FinalStatus | "rest";
  readonly reason: EndReason;
}

/** The end of an order by the list of SEMANTICS, first match; undefined when it may go on. */
function endOfTaking(
  taker: SlowOrder,
  at: { maker: SlowOrder | undefined; protection: bigint; lastPrice: bigint },
): End | undefined {
  const { terms } = taker;
  const left = BigInt(terms.budgetTickLots) - taker.notional;
  const hasTraded = at.lastPrice > 0n;
  const filled: End = { status: "FILLED", reason: "" };
  if (!terms.byQuoteBudget && taker.remaining === 0n) return filled;
  if (terms.byQuoteBudget && hasTraded && left < at.lastPrice) return filled;
  if (terms.type === "LIMIT") {
    if (at.maker !== undefined && crosses(terms, at.maker)) return undefined;
    return terms.timeInForce === "GTC"
      ? { status: "rest", reason: "" }
      : { status: "EXPIRED", reason: "IOC_REMAINDER" };
  }
  if (at.maker === undefined) return { status: "EXPIRED", reason: "INSUFFICIENT_LIQUIDITY" };
  const price = BigInt(at.maker.terms.priceTicks);
  const isOutside = terms.side === "buy" ? price > at.protection : price < at.protection;
  if (isOutside) return { status: "EXPIRED", reason: "PRICE_PROTECTION" };
  if (terms.budgetTickLots > 0 && left < price) {
    return terms.byQuoteBudget && hasTraded ? filled : { status: "EXPIRED", reason: "BUDGET_EXHAUSTED" };
  }
  return undefined;
}

function protectionOf(shard: SlowShard, terms: OrderTerms): bigint {
  const { market, lastTrade } = marketOf(shard, terms.symbol);
  const reference = lastTrade > 0n ? lastTrade : BigInt(makersOf(shard, terms)[0]?.terms.priceTicks ?? 0);
  const bps = BigInt(market.protectionBps);
  if (terms.side === "buy") {
    const limit = (reference * (10_000n + bps)) / 10_000n;
    return limit > SAFE_MAX ? SAFE_MAX : limit;
  }
  const limit = (reference * (10_000n - bps) + 9_999n) / 10_000n;
  return limit < 1n ? 1n : limit;
}

function lotsToTrade(taker: SlowOrder, maker: SlowOrder): bigint {
  const { terms } = taker;
  const limits = [maker.remaining];
  if (!terms.byQuoteBudget) limits.push(taker.remaining);
  if (terms.budgetTickLots > 0) {
    limits.push((BigInt(terms.budgetTickLots) - taker.notional) / BigInt(maker.terms.priceTicks));
  }
  // Sorted, since Math.min knows no bigint.
  return limits.sort((a, b) => (a < b ? -1 : 1))[0];
}

function tradedEvent(taker: SlowOrder, maker: SlowOrder, lots: bigint, index: number): MatcherEvent {
  const notional = lots * BigInt(maker.terms.priceTicks);
  const before = { maker: maker.asMaker, taker: taker.asTaker };
  for (const order of [taker, maker]) {
    order.executed += lots;
    order.notional += notional;
    if (!order.terms.byQuoteBudget) order.remaining -= lots;
  }
  maker.asMaker += maker.terms.side === "buy" ? lots : notional;
  taker.asTaker += taker.terms.side === "buy" ? lots : notional;
  const buyer = taker.terms.side === "buy" ? taker : maker;
  return {
    type: "trade",
    symbol: taker.terms.symbol,
    priceTicks: maker.terms.priceTicks,
    quantityLots: Number(lots),
    takerSide: taker.terms.side,
    maker: party(maker, maker.terms.makerFeePpm, before.maker),
    taker: party(taker, taker.terms.takerFeePpm, before.taker),
    buyerLimitTicks: buyer.terms.type === "LIMIT" ? buyer.terms.priceTicks : 0,
    index,
  };
}

function party(order: SlowOrder, feePpm: number, receivedBefore: bigint): TradeParty {
  const { orderId, userId, clientOrderId } = order.terms;
  const { createdAtMs } = order;
  const remainingLots = Number(order.remaining);
  return {
    orderId,
    userId,
    clientOrderId,
    feePpm,
    receivedBefore: `${receivedBefore}`,
    createdAtMs,
    remainingLots,
  };
}

function finish(shard: SlowShard, order: SlowOrder, { status, reason }: End): MatcherEvent {
  if (status !== "rest") return endedEvent(order, { status, reason });
  shard.resting.push(order);
  const { orderId, symbol, side, priceTicks } = order.terms;
  return { type: "rested", orderId, symbol, side, priceTicks, remainingLots: Number(order.remaining) };
}

function endedEvent(
  order: SlowOrder,
  end: { status: FinalStatus; reason: EndReason; wasResting?: boolean; isRefused?: boolean },
): MatcherEvent {
  const { orderId, userId, symbol, side, priceTicks } = order.terms;
  return {
    type: "ended",
    orderId,
    userId,
    symbol,
    status: end.status,
    reason: end.reason,
    executedLots: Number(order.executed),
    executedTickLots: `${order.notional}`,
    resting: end.wasResting === true ? { side, priceTicks } : undefined,
    remainingLots: Number(order.remaining),
    createdAtMs: order.createdAtMs,
    acceptedSeq: order.acceptedSeq,
    terms: end.isRefused === true ? order.terms : undefined,
    isTombstone: false,
  };
}

/** Orders that one of these terms would meet, in price-time priority. */
function makersOf(shard: SlowShard, { symbol, side }: OrderTerms): SlowOrder[] {
  const better = side === "buy" ? 1 : -1;
  // A stable sort keeps the oldest first at one price.
  return shard.resting
    .filter(({ terms }) => terms.symbol === symbol && terms.side !== side)
    .sort((a, b) => better * (a.terms.priceTicks - b.terms.priceTicks));
}

function crosses(terms: OrderTerms, maker: SlowOrder): boolean {
  return terms.side === "buy"
    ? maker.terms.priceTicks <= terms.priceTicks
    : maker.terms.priceTicks >= terms.priceTicks;
}

function marketOf(shard: SlowShard, symbol: string): { readonly market: Market; lastTrade: bigint } {
  const state = shard.markets.get(symbol);
  if (state === undefined) throw new Error(`no market ${symbol}`);
  return state;
}

function copyOf(shard: SlowShard): SlowShard {
  return {
    markets: new Map([...shard.markets].map(([symbol, state]) => [symbol, { ...state }])),
    resting: shard.resting.map((order) => ({ ...order })),
    decided: shard.decided,
  };
}
