// Comparisons of what others say with the fold of the journal, each at the seq at which it was said.
import { OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import { atomsOfNumeric, formatAtoms } from "@bourse/shared/units/atoms.js";
import { baseAtoms, formatPrice, formatQuantity, quoteAtoms } from "@bourse/shared/units/market.js";
import type { ShardFold } from "./fold.js";
import { type FoldedLeg, type FoldedOrder, isBuy, neededUnits } from "./folded.js";
import type { BookAt, OpenOrdersPage } from "./shard-view.js";
import type { HistoryOrderRow, ReservationRow, SettledTradeRow } from "./snapshot.js";

/** Something that was said at a seq, to be held against the fold when it is there. */
export interface Cut {
  readonly seq: bigint;
  readonly compare: (fold: ShardFold) => void;
}

/** Puts the cuts of a shard in order of seq. */
export function sortCuts(cuts: readonly Cut[]): Cut[] {
  return [...cuts].sort((a, b) => (a.seq < b.seq ? -1 : Number(a.seq > b.seq)));
}

/** Hears of each thing that cannot be checked, since the records about it are no longer retained. */
export type OnUnchecked = (what: string) => void;

const ignore: OnUnchecked = () => {};

/** I6: the settled trades of a shard are exactly those up to its cursor, with exactly their amounts. */
export function compareSettled(
  fold: ShardFold,
  settled: readonly SettledTradeRow[],
  onUnchecked: OnUnchecked = ignore,
): string[] {
  const breaches: string[] = [];
  const seen = new Set<string>();
  for (const row of settled) {
    seen.add(row.trade_id);
    if (BigInt(row.seq) <= fold.missingThroughSeq) {
      onUnchecked("settled trades");
      continue;
    }
    const trade = fold.trades.get(row.trade_id);
    if (trade === undefined) {
      breaches.push(`trade ${row.trade_id} is settled, but the journal has none up to seq ${fold.seq}`);
      continue;
    }
    const isSame =
      BigInt(row.seq) === trade.seq &&
      row.buy_order_id === trade.buyOrderId &&
      row.sell_order_id === trade.sellOrderId &&
      atomsOfNumeric(row.base_amount) === trade.baseAtoms &&
      atomsOfNumeric(row.quote_amount) === trade.quoteAtoms &&
      atomsOfNumeric(row.buyer_fee) === trade.buyerFeeAtoms &&
      atomsOfNumeric(row.seller_fee) === trade.sellerFeeAtoms;
    if (!isSame) breaches.push(`trade ${row.trade_id} is settled on other terms than the journal's`);
  }
  for (const [tradeId, { seq }] of fold.trades) {
    if (!seen.has(tradeId)) breaches.push(`trade ${tradeId} of seq ${seq} is not settled`);
  }
  return breaches;
}

/**
 * I11: an open order holds exactly what it may still cost, an ended one is closed with its final word, a
 * decided amend has closed its leg, and nothing is closed that has not ended. At the wallet's cursor.
 */
export function compareReservations(
  fold: ShardFold,
  reservations: ReadonlyMap<string, ReservationRow>,
  onUnchecked: OnUnchecked = ignore,
): string[] {
  const breaches: string[] = [];
  for (const order of fold.orders.values()) {
    const row = reservations.get(order.orderId);
    if (row === undefined) breaches.push(`order ${order.orderId} has no reservation`);
    else breaches.push(...reservationBreaches(fold, order, row));
  }
  for (const leg of fold.legs.values()) breaches.push(...legBreaches(leg, reservations.get(leg.legId)));
  for (const row of reservations.values()) {
    if (fold.orders.has(row.order_id) || fold.legs.has(row.order_id)) continue;
    const isOfBefore = BigInt(row.ended_seq ?? 0) <= fold.missingThroughSeq;
    if (!fold.isWhole && row.state !== "REFUSED" && isOfBefore) onUnchecked("reservations");
    else if (row.state === "CLOSED") {
      breaches.push(
        `reservation ${row.order_id} is closed, but the journal knows no such order up to the cursor`,
      );
    }
  }
  return breaches;
}

/** A leg that was refused never held anything, whatever became of its amend. */
function legBreaches(leg: FoldedLeg, row: ReservationRow | undefined): string[] {
  const { legId, orderId, isJoined, seq } = leg;
  if (row === undefined) return [`leg ${legId} of seq ${seq} has no reservation`];
  if (row.state === "REFUSED") return [];
  if (row.state !== "CLOSED")
    return [`leg ${legId} was decided at seq ${seq}, its reservation is ${row.state}`];
  const expected = isJoined ? "CANCELLED" : "REJECTED";
  const isSame =
    row.final_status === expected &&
    row.leg_of === orderId &&
    BigInt(row.ended_seq ?? -1) === seq &&
    atomsOfNumeric(row.moved) === (isJoined ? atomsOfNumeric(row.amount) : 0n);
  return isSame ? [] : [`leg ${legId} is closed otherwise than the journal says: ${JSON.stringify(row)}`];
}

function reservationBreaches(fold: ShardFold, order: FoldedOrder, row: ReservationRow): string[] {
  const { orderId } = order;
  if (order.endedSeq === 0n) {
    const expected = heldAtoms(fold, order);
    if (row.state !== "ACTIVE") return [`order ${orderId} is open, its reservation ${row.state}`];
    if (atomsOfNumeric(row.remaining) === expected) return [];
    return [`order ${orderId} holds ${row.remaining} instead of ${formatAtoms(expected)}`];
  }
  if (row.state !== "CLOSED")
    return [`order ${orderId} ended at seq ${order.endedSeq}, its reservation is ${row.state}`];
  const isSame =
    row.final_status === OrderStatus[order.status] &&
    BigInt(row.executed_lots ?? -1) === order.executedLots &&
    BigInt(row.executed_tick_lots ?? -1) === order.executedTickLots &&
    BigInt(row.ended_seq ?? -1) === order.endedSeq;
  return isSame
    ? []
    : [`order ${orderId} is closed with another word than the journal's: ${JSON.stringify(row)}`];
}

/** What an open order must still hold: limits and waiting stops are ever open. */
function heldAtoms(fold: ShardFold, order: FoldedOrder): bigint {
  const grid = fold.gridOf(order.symbol);
  const units = neededUnits(order);
  return isBuy(order) ? quoteAtoms(grid, units) : baseAtoms(grid, units);
}

/**
 * I12: no money is held for longer than a minute for an order, or the leg of an amend, that the shard does not
 * know. Where records are missing, what the shard lists as open counts as known.
 */
export function findForgotten(
  fold: ShardFold,
  reservations: ReadonlyMap<string, ReservationRow>,
  options: { readonly ageMsMax: number; readonly openOrders: readonly OpenOrdersPage[] },
): string[] {
  const open = new Set(options.openOrders.flatMap(({ orders }) => orders.map(({ orderId }) => orderId)));
  const isKnown = (id: string) => fold.orders.has(id) || fold.legs.has(id) || (!fold.isWhole && open.has(id));
  return [...reservations.values()]
    .filter(
      (row) => row.state === "ACTIVE" && Number(row.age_ms) > options.ageMsMax && !isKnown(row.order_id),
    )
    .map(
      (row) =>
        `${row.leg_of === null ? "order" : "leg"} ${row.order_id} holds ${row.remaining} ${row.asset} for ${row.age_ms} ms, unknown to its shard`,
    );
}

/** I12: no money is held for an order of a shard that the exchange does not have: nobody could ever free it. */
export function findOfNoShard(rows: readonly ReservationRow[], shards: readonly number[]): string[] {
  return rows
    .filter(({ state, shard }) => state === "ACTIVE" && shard !== null && !shards.includes(shard))
    .map(
      (row) =>
        `order ${row.order_id} holds ${row.remaining} ${row.asset} of shard ${row.shard}, which is none`,
    );
}

/** I13: whatever the history says was acknowledged is in the journal, and its cancels are final there. */
export function compareAcknowledged(
  fold: ShardFold,
  history: readonly HistoryOrderRow[],
  onUnchecked: OnUnchecked = ignore,
): string[] {
  return history.flatMap((row) => {
    const order = fold.orders.get(row.order_id);
    if (order === undefined && isOfBefore(fold, row)) {
      onUnchecked("orders");
      return [];
    }
    if (order === undefined) return [`order ${row.order_id} is in the history, but not in the journal`];
    const isCancelled = row.status === OrderStatus.CANCELLED;
    if (isCancelled && order.status !== OrderStatus.CANCELLED) {
      return [
        `order ${row.order_id} is cancelled in the history, ${OrderStatus[order.status]} in the journal`,
      ];
    }
    return [];
  });
}

/** From when on the history is kept: orders by when they were created, trades by when they were executed. */
export interface KeptHistory {
  readonly ordersFromMs: bigint;
  readonly tradesFromMs: bigint;
}

const EVERYTHING: KeptHistory = { ordersFromMs: 0n, tradesFromMs: 0n };

/** I15: the history is the fold of the journal, order by order. At the history's cursor. */
export function compareHistory(
  fold: ShardFold,
  history: readonly HistoryOrderRow[],
  onUnchecked: OnUnchecked = ignore,
  kept: KeptHistory = EVERYTHING,
): string[] {
  const breaches: string[] = [];
  const seen = new Set<string>();
  for (const row of history) {
    seen.add(row.order_id);
    const order = fold.orders.get(row.order_id);
    if (order === undefined && isOfBefore(fold, row)) onUnchecked("orders");
    else if (order === undefined)
      breaches.push(`order ${row.order_id} is not in the journal up to the history's cursor`);
    else breaches.push(...historyBreaches(fold, order, row, kept));
  }
  for (const order of fold.orders.values()) {
    // A tombstone is no order that anybody placed: it has no terms to show.
    if (order.terms === undefined || seen.has(order.orderId)) continue;
    if (order.createdAtMs < kept.ordersFromMs) onUnchecked("orders");
    else {
      breaches.push(`order ${order.orderId} of seq ${order.acceptedSeq} is missing in the history`);
    }
  }
  return breaches;
}

/** The order began in records that are no longer retained. */
function isOfBefore(fold: ShardFold, row: HistoryOrderRow): boolean {
  return BigInt(row.accepted_seq) <= fold.missingThroughSeq;
}

function historyBreaches(
  fold: ShardFold,
  order: FoldedOrder,
  row: HistoryOrderRow,
  kept: KeptHistory,
): string[] {
  const grid = fold.gridOf(order.symbol);
  const facts: [string, bigint, bigint][] = [
    ["status", BigInt(row.status), BigInt(order.status)],
    ["reason", BigInt(row.reason), BigInt(order.reason)],
    ["filled quantity", atomsOfNumeric(row.filled_quantity), baseAtoms(grid, order.executedLots)],
    ["executed quote", atomsOfNumeric(row.executed_quote), quoteAtoms(grid, order.executedTickLots)],
    ["sequence", BigInt(row.accepted_seq), order.acceptedSeq],
  ];
  // Its end says what an order executed, not how; of one that is older than the trades that are kept, some are gone.
  if (order.isWhole && order.createdAtMs >= kept.tradesFromMs)
    facts.push(
      ["fee", atomsOfNumeric(row.fee), order.feeAtoms],
      ["number of trades", BigInt(row.trades), BigInt(order.trades)],
    );
  return facts
    .filter(([, said, expected]) => said !== expected)
    .map(([name, said, expected]) => `order ${order.orderId}: ${name} ${said} instead of ${expected}`);
}

/** I29: a book as readers see it is the shard's book at the same seq. */
export function compareBookAt(fold: ShardFold, at: BookAt, onUnchecked: OnUnchecked = ignore): string[] {
  const { symbol, source, seq } = at;
  // What rests since before is unknown, so no level is known whole.
  if (!fold.isWhole) {
    onUnchecked("books");
    return [];
  }
  const folded = fold.books.get(symbol);
  return (["bids", "asks"] as const).flatMap((side) => {
    const expected = new Map<string, string>();
    for (const [ticks, lots] of folded?.[side] ?? []) {
      const grid = fold.gridOf(symbol);
      const isInside = source === "shard";
      expected.set(
        isInside ? String(ticks) : formatPrice(grid, ticks),
        isInside ? String(lots) : formatQuantity(grid, lots),
      );
    }
    const said = at.book[side];
    const differing = [...new Set([...expected.keys(), ...said.keys()])].filter(
      (price) => expected.get(price) !== said.get(price),
    );
    return differing.map(
      (price) =>
        `${symbol} ${side} at ${price}, seq ${seq}: ${source} says ${said.get(price) ?? "nothing"}, ` +
        `the journal ${expected.get(price) ?? "nothing"}`,
    );
  });
}

/** A page of the shard's open orders, waiting stops too, is what the journal has open between its bounds. */
export function compareOpenOrders(
  fold: ShardFold,
  page: OpenOrdersPage,
  onUnchecked: OnUnchecked = ignore,
): string[] {
  const lastSeq = page.hasMore ? page.orders.at(-1)?.acceptedSeq : undefined;
  const said = new Map(page.orders.map(({ orderId, remainingLots }) => [orderId, remainingLots]));
  const breaches: string[] = [];
  for (const order of fold.orders.values()) {
    const isInside =
      order.acceptedSeq > page.afterSeq && (lastSeq === undefined || order.acceptedSeq <= lastSeq);
    if (!(order.isResting || order.isWaiting) || !isInside) continue;
    if (said.get(order.orderId) !== order.remainingLots) {
      breaches.push(
        `order ${order.orderId}: the shard lists ${said.get(order.orderId) ?? "nothing"} open lots, the journal ${order.remainingLots}`,
      );
    }
    said.delete(order.orderId);
  }
  for (const { orderId, acceptedSeq } of page.orders) {
    if (!said.has(orderId)) continue;
    if (acceptedSeq <= fold.missingThroughSeq && !fold.orders.has(orderId)) onUnchecked("open orders");
    else breaches.push(`order ${orderId} is listed as open, but it is not`);
  }
  return breaches;
}
