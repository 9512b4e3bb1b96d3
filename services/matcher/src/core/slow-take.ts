// The plain model: what an incoming order takes, what is prevented, and what becomes of the rest.
import {
  hasLimit,
  SLOW_ROOM,
  type SlowOrder,
  type SlowRecord,
  type SlowShard,
  slowBest,
  slowEnd,
  slowMarket,
  slowWait,
} from "./slow-shard.js";
import type { EndReason, FinalStatus, TradeParty } from "./types.js";

const SAFE_MAX = BigInt(Number.MAX_SAFE_INTEGER);

interface End {
  readonly status: FinalStatus | "rest";
  readonly reason: EndReason;
}

const FILLED: End = { status: "FILLED", reason: "" };
const SELF_TRADE = { status: "EXPIRED", reason: "SELF_TRADE" } as const;

/** The taker phase of an accepted, amended or triggered order, up to its rest or end. */
export function slowTaker(shard: SlowShard, record: SlowRecord, order: SlowOrder): void {
  if (order.terms.timeInForce === "FOK" && !wouldFill(shard, record, order)) {
    return slowEnd(shard, record, order, { status: "EXPIRED", reason: "FOK_NOT_FILLABLE" });
  }
  const { status, reason } = take(shard, record, order);
  if (status !== "rest") return slowEnd(shard, record, order, { status, reason });
  slowWait(shard, order, "book");
  const { orderId, symbol, side } = order.terms;
  const priceTicks = Number(order.price);
  record.events.push({
    type: "rested",
    orderId,
    symbol,
    side,
    priceTicks,
    remainingLots: Number(order.remaining),
  });
}

/** Tries a fill-or-kill on a copy: it must end as filled, and no own order may stop it. */
function wouldFill(shard: SlowShard, record: SlowRecord, order: SlowOrder): boolean {
  const copy: SlowShard = {
    ...shard,
    markets: shard.markets.map((market) => ({ ...market })),
    orders: shard.orders.map((each) => ({ ...each })),
  };
  const events: SlowRecord["events"] = [];
  const end = take(copy, { ...record, events }, { ...order });
  const isStopped = events.some(
    (event) => event.type === "selfTradePrevented" && event.mode !== "CANCEL_MAKER",
  );
  return end.status === "FILLED" && !isStopped;
}

/** Takes what it can, one maker at a time. */
function take(shard: SlowShard, record: SlowRecord, taker: SlowOrder): End {
  const { terms } = taker;
  const state = slowMarket(shard, terms.symbol);
  const protection = protectionOf(shard, taker);
  let lastPrice = 0n;
  for (;;) {
    const maker = slowBest(shard, terms.symbol, terms.side);
    const done = endOfTaking(taker, { maker, protection, lastPrice });
    if (done !== undefined) return done;
    if (maker === undefined) throw new Error("an order without makers has ended");
    if (record.trades + record.preventions === SLOW_ROOM) {
      const isIoc = hasLimit(taker) && terms.timeInForce === "IOC";
      return { status: "EXPIRED", reason: isIoc ? "IOC_REMAINDER" : "PRICE_PROTECTION" };
    }
    if (maker.terms.userId === terms.userId) {
      if (prevent(shard, record, taker, maker) === "taker ends") return SELF_TRADE;
      continue;
    }
    trade(record, taker, maker);
    lastPrice = maker.price;
    state.lastTrade = maker.price;
    if (maker.price > record.highest) record.highest = maker.price;
    if (maker.price < record.lowest || record.lowest === 0n) record.lowest = maker.price;
    if (maker.remaining === 0n) slowEnd(shard, record, maker, { status: "FILLED", reason: "" });
  }
}

/** The end of an order, first match; undefined when the next maker may trade with it. */
function endOfTaking(
  taker: SlowOrder,
  at: { readonly maker: SlowOrder | undefined; readonly protection: bigint; readonly lastPrice: bigint },
): End | undefined {
  const { terms } = taker;
  const hasTraded = at.lastPrice > 0n;
  if (!terms.byQuoteBudget && taker.remaining === 0n) return FILLED;
  if (terms.byQuoteBudget && hasTraded && taker.budgetLeft < at.lastPrice) return FILLED;
  if (hasLimit(taker)) {
    if (at.maker !== undefined && slowCrosses(taker, at.maker)) return undefined;
    const mayRest = terms.timeInForce === "GTC" || terms.timeInForce === "DAY";
    return mayRest ? { status: "rest", reason: "" } : { status: "EXPIRED", reason: "IOC_REMAINDER" };
  }
  if (at.maker === undefined) return { status: "EXPIRED", reason: "INSUFFICIENT_LIQUIDITY" };
  const { price } = at.maker;
  const isOutside = terms.side === "buy" ? price > at.protection : price < at.protection;
  if (isOutside) return { status: "EXPIRED", reason: "PRICE_PROTECTION" };
  if (terms.side === "buy" && taker.budgetLeft < price) {
    return terms.byQuoteBudget && hasTraded ? FILLED : { status: "EXPIRED", reason: "BUDGET_EXHAUSTED" };
  }
  return undefined;
}

/** True when the maker's price is within the limit of an order that has one. */
export function slowCrosses(taker: SlowOrder, maker: SlowOrder): boolean {
  return taker.terms.side === "buy" ? maker.price <= taker.price : maker.price >= taker.price;
}

function protectionOf(shard: SlowShard, { terms }: SlowOrder): bigint {
  const { market, lastTrade } = slowMarket(shard, terms.symbol);
  const reference = lastTrade > 0n ? lastTrade : (slowBest(shard, terms.symbol, terms.side)?.price ?? 0n);
  const bps = BigInt(market.protectionBps);
  if (terms.side === "buy") {
    const limit = (reference * (10_000n + bps)) / 10_000n;
    return limit > SAFE_MAX ? SAFE_MAX : limit;
  }
  const limit = (reference * (10_000n - bps) + 9_999n) / 10_000n;
  return limit < 1n ? 1n : limit;
}

/** Lots that the taker itself could still trade at a price. */
function lotsOfTaker(taker: SlowOrder, price: bigint): bigint {
  const isBudget = !hasLimit(taker) && taker.terms.side === "buy";
  if (!isBudget) return taker.remaining;
  const affordable = taker.budgetLeft / price;
  return taker.terms.byQuoteBudget ? affordable : least(affordable, taker.remaining);
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);

/** Prevents one self-trade by the taker's word. */
function prevent(
  shard: SlowShard,
  record: SlowRecord,
  taker: SlowOrder,
  maker: SlowOrder,
): "taker ends" | "taker goes on" {
  const mode = taker.terms.selfTradePrevention;
  const takerLots = lotsOfTaker(taker, maker.price);
  const lots = least(takerLots, maker.remaining);
  const takerEnds = mode === "DECREMENT" ? lots === takerLots : mode !== "CANCEL_MAKER";
  const makerEnds = mode === "DECREMENT" ? lots === maker.remaining : mode !== "CANCEL_TAKER";
  if (mode === "DECREMENT") {
    lower(taker, lots, { ends: takerEnds, price: maker.price });
    lower(maker, lots, { ends: makerEnds, price: maker.price });
  }
  record.preventions += 1;
  record.events.push({
    type: "selfTradePrevented",
    symbol: taker.terms.symbol,
    takerOrderId: taker.terms.orderId,
    makerOrderId: maker.terms.orderId,
    userId: taker.terms.userId,
    takerSide: taker.terms.side,
    priceTicks: Number(maker.price),
    quantityLots: Number(lots),
    mode,
    takerRemainingLots: Number(taker.remaining),
    takerReservedUnits: Number(reservedOf(taker)),
    makerRemainingLots: Number(maker.remaining),
    makerReservedUnits: Number(reservedOf(maker)),
  });
  if (mode === "DECREMENT") maker.updatedAtMs = record.timeMs;
  if (makerEnds) slowEnd(shard, record, maker, SELF_TRADE);
  return takerEnds ? "taker ends" : "taker goes on";
}

/** What both lose by DECREMENT; who has none left ends with nothing open, a survivor's quantity is lowered for good. */
function lower(order: SlowOrder, lots: bigint, { ends, price }: { ends: boolean; price: bigint }): void {
  if (order.budgetLeft > 0n) order.budgetLeft -= lots * price;
  if (order.terms.byQuoteBudget) return;
  order.remaining = ends ? 0n : order.remaining - lots;
  if (!ends) order.quantity -= lots;
}

/** What an order needs reserved: tick times lot for a buyer, lots for a seller. */
export function reservedOf(order: SlowOrder): bigint {
  if (order.terms.side === "sell") return order.remaining;
  return hasLimit(order) ? order.price * order.remaining : order.budgetLeft;
}

function trade(record: SlowRecord, taker: SlowOrder, maker: SlowOrder): void {
  const lots = least(lotsOfTaker(taker, maker.price), maker.remaining);
  const notional = lots * maker.price;
  const before = { maker: maker.asMaker, taker: taker.asTaker };
  for (const order of [taker, maker]) {
    order.executed += lots;
    order.notional += notional;
    if (!order.terms.byQuoteBudget) order.remaining -= lots;
    order.updatedAtMs = record.timeMs;
  }
  if (!hasLimit(taker) && taker.terms.side === "buy") taker.budgetLeft -= notional;
  maker.status = "PARTIALLY_FILLED";
  maker.asMaker += maker.terms.side === "buy" ? lots : notional;
  taker.asTaker += taker.terms.side === "buy" ? lots : notional;
  const buyer = taker.terms.side === "buy" ? taker : maker;
  record.events.push({
    type: "trade",
    symbol: taker.terms.symbol,
    priceTicks: Number(maker.price),
    quantityLots: Number(lots),
    takerSide: taker.terms.side,
    maker: party(maker, maker.terms.makerFeePpm, before.maker),
    taker: party(taker, taker.terms.takerFeePpm, before.taker),
    buyerLimitTicks: Number(buyer.price),
    index: record.trades,
  });
  record.trades += 1;
}

function party(order: SlowOrder, feePpm: number, receivedBefore: bigint): TradeParty {
  const { orderId, userId, clientOrderId } = order.terms;
  return {
    orderId,
    userId,
    clientOrderId,
    feePpm,
    receivedBefore: `${receivedBefore}`,
    createdAtMs: order.createdAtMs,
    remainingLots: Number(order.remaining),
  };
}
