// What the exchange did, put together from what it answered and what its public lists say.
import type { Command, ReplayEvent, RestingOrder, Scale } from "./scale.js";

/** The final word on one command, in ticks and lots. */
export type Answer =
  | {
      readonly type: "placed";
      readonly n: number;
      readonly status: "open" | "filled" | "expired";
      readonly leftLots: bigint;
      /** Undefined when the exchange refused it without giving it a place in its log. */
      readonly sequence: bigint | undefined;
    }
  | {
      readonly type: "cancelled";
      readonly n: number;
      readonly leftLots: bigint;
      /** Undefined when the answer repeats an earlier one, whose place in the log it does not tell. */
      readonly sequence: bigint | undefined;
    }
  | {
      readonly type: "reduced";
      readonly n: number;
      readonly takenLots: bigint;
      /** True when nothing was left of the order. */
      readonly isEnded: boolean;
      /** As of a cancel. */
      readonly sequence: bigint | undefined;
    }
  | { readonly type: "notFound"; readonly n: number };

/** One half of a trade, as the list of its owner shows it. */
export interface TradeHalf {
  readonly tradeId: string;
  readonly clientOrderId: string;
  readonly side: "buy" | "sell";
  readonly role: "maker" | "taker";
  readonly priceTicks: bigint;
  readonly quantityLots: bigint;
  readonly sequence: bigint;
  readonly index: number;
}

/** A whole trade. */
export interface Trade {
  readonly makerClientId: string;
  readonly takerClientId: string;
  readonly priceTicks: bigint;
  readonly quantityLots: bigint;
  readonly sequence: bigint;
  readonly index: number;
}

/** An order as the list of its owner shows it. */
export interface ListedOrder {
  readonly clientOrderId: string;
  readonly side: "B" | "S";
  readonly priceTicks: bigint | undefined;
  readonly quantityLots: bigint;
  readonly filledLots: bigint;
  readonly status: "open" | "filled" | "cancelled" | "expired" | "other";
  readonly sequence: bigint;
}

/**
 * Joins the halves that both users see by trade id, in order of the log. Each trade must have exactly
 * a buying and a selling half, a maker and a taker, and the same terms; what has not is a breach.
 */
export function joinTrades(halves: readonly TradeHalf[]): { trades: Trade[]; breaches: string[] } {
  const byId = new Map<string, TradeHalf[]>();
  for (const half of halves) byId.set(half.tradeId, [...(byId.get(half.tradeId) ?? []), half]);
  const trades: Trade[] = [];
  const breaches: string[] = [];
  for (const [tradeId, pair] of byId) {
    const trade = joinPair(pair);
    if (typeof trade === "string") breaches.push(`trade ${tradeId}: ${trade}`);
    else trades.push(trade);
  }
  trades.sort(byPosition);
  return { trades, breaches };
}

function joinPair(pair: readonly TradeHalf[]): Trade | string {
  const [a, b] = pair;
  if (a === undefined || b === undefined || pair.length !== 2) {
    return `${pair.length} halves instead of 2`;
  }
  if (a.side === b.side) return `both halves are ${a.side}`;
  if (a.role === b.role) return `both halves are ${a.role}`;
  const isSame =
    a.priceTicks === b.priceTicks &&
    a.quantityLots === b.quantityLots &&
    a.sequence === b.sequence &&
    a.index === b.index;
  if (!isSame) return "the halves differ";
  const [maker, taker] = a.role === "maker" ? [a, b] : [b, a];
  const { priceTicks, quantityLots, sequence, index } = a;
  return {
    makerClientId: maker.clientOrderId,
    takerClientId: taker.clientOrderId,
    priceTicks,
    quantityLots,
    sequence,
    index,
  };
}

/**
 * Every event in the order of the shard's log. Trades and first answers say where they stand; what
 * stands nowhere (not found, repeated answers) is put at its command's turn.
 */
export function observedEvents(
  commands: readonly Command[],
  answers: ReadonlyMap<number, Answer>,
  trades: readonly Trade[],
  idOf: (clientOrderId: string) => string,
): ReplayEvent[] {
  const nOfTaker = new Map<string, number>();
  for (const command of commands) {
    if (command.op === "SEED" || command.op === "NEW") nOfTaker.set(command.id, command.n);
  }
  const placed: Positioned[] = trades.map(({ makerClientId, takerClientId, ...trade }) => {
    const takerId = idOf(takerClientId);
    const { sequence, index, priceTicks, quantityLots } = trade;
    const n = nOfTaker.get(takerId) ?? 0;
    return {
      sequence,
      index,
      event: { n, event: "TRADE", makerId: idOf(makerClientId), takerId, priceTicks, quantityLots },
    };
  });
  const unplaced: ReplayEvent[] = [];
  for (const command of commands) {
    const told = toldEvent(command, answers.get(command.n));
    if (told === undefined) continue;
    if (told.sequence === undefined) unplaced.push(told.event);
    else placed.push({ sequence: told.sequence, index: Number.MAX_SAFE_INTEGER, event: told.event });
  }
  placed.sort(byPosition);
  return mergeByTurn(
    placed.map(({ event }) => event),
    unplaced,
  );
}

interface Positioned {
  readonly sequence: bigint;
  readonly index: number;
  readonly event: ReplayEvent;
}

function toldEvent(
  command: Command,
  answer: Answer | undefined,
): { event: ReplayEvent; sequence: bigint | undefined } | undefined {
  if (answer === undefined) return undefined;
  const base = { n: command.n, makerId: "", takerId: "", priceTicks: undefined, quantityLots: undefined };
  switch (answer.type) {
    case "placed": {
      if (answer.status !== "expired") return undefined;
      const event = {
        ...base,
        event: "EXPIRED",
        takerId: command.id,
        quantityLots: answer.leftLots,
      } as const;
      return { event, sequence: answer.sequence };
    }
    case "cancelled": {
      const event = {
        ...base,
        event: "CANCELLED",
        makerId: command.id,
        quantityLots: answer.leftLots,
      } as const;
      return { event, sequence: answer.sequence };
    }
    case "reduced": {
      const event = {
        ...base,
        event: "REDUCED",
        makerId: command.id,
        quantityLots: answer.takenLots,
      } as const;
      return { event, sequence: answer.sequence };
    }
    case "notFound":
      return { event: { ...base, event: "NOT_FOUND", makerId: command.id }, sequence: undefined };
  }
}

/** Puts events that stand nowhere before the first event of a later command. */
function mergeByTurn(placed: readonly ReplayEvent[], unplaced: readonly ReplayEvent[]): ReplayEvent[] {
  const events: ReplayEvent[] = [];
  let next = 0;
  for (const event of placed) {
    for (
      let waiting = unplaced[next];
      waiting !== undefined && waiting.n < event.n;
      waiting = unplaced[next]
    ) {
      events.push(waiting);
      next += 1;
    }
    events.push(event);
  }
  return [...events, ...unplaced.slice(next)];
}

/** The open orders with their queue positions: oldest first at each price, as the log accepted them. */
export function observedResting(
  orders: readonly ListedOrder[],
  idOf: (clientOrderId: string) => string,
): RestingOrder[] {
  const open = orders.filter((order) => order.status === "open" && order.priceTicks !== undefined);
  open.sort((a, b) => {
    if (a.side !== b.side) return a.side < b.side ? -1 : 1;
    if (a.priceTicks !== b.priceTicks) {
      return (a.priceTicks ?? 0n) < (b.priceTicks ?? 0n) === (a.side === "S") ? -1 : 1;
    }
    return a.sequence < b.sequence ? -1 : 1;
  });
  let position = 0;
  return open.map((order, index): RestingOrder => {
    const before = open[index - 1];
    position = before?.side === order.side && before.priceTicks === order.priceTicks ? position + 1 : 0;
    return {
      side: order.side,
      priceTicks: order.priceTicks ?? 0n,
      position,
      id: idOf(order.clientOrderId),
      leftLots: order.quantityLots - order.filledLots,
    };
  });
}

/**
 * Holds what the lists say against what was told and traded: each order once, filled by exactly its
 * trades, and in the state that the last answer about it implies.
 */
export function reconcileOrders(
  commands: readonly Command[],
  answers: ReadonlyMap<number, Answer>,
  orders: readonly ListedOrder[],
  trades: readonly Trade[],
  idOf: (clientOrderId: string) => string,
): string[] {
  const tradedLots = new Map<string, bigint>();
  for (const { makerClientId, takerClientId, quantityLots } of trades) {
    for (const id of [makerClientId, takerClientId]) {
      tradedLots.set(id, (tradedLots.get(id) ?? 0n) + quantityLots);
    }
  }
  const ended = new Set<string>();
  const reducedLots = new Map<string, bigint>();
  for (const { n, id } of commands) {
    const answer = answers.get(n);
    if (answer?.type === "cancelled" || (answer?.type === "reduced" && answer.isEnded)) ended.add(id);
    if (answer?.type === "reduced") reducedLots.set(id, (reducedLots.get(id) ?? 0n) + answer.takenLots);
  }
  const listed = new Map(orders.map((order) => [idOf(order.clientOrderId), order]));
  const breaches: string[] = [];
  for (const command of commands) {
    if (command.op !== "SEED" && command.op !== "NEW") continue;
    const answer = answers.get(command.n);
    const order = listed.get(command.id);
    if (answer === undefined || answer.type !== "placed") {
      breaches.push(`order ${command.id}: never acknowledged`);
      continue;
    }
    // Refused without a place in the log: there is nothing to list.
    if (answer.sequence === undefined) continue;
    if (order === undefined) {
      breaches.push(`order ${command.id}: acknowledged, but its owner's list does not have it`);
      continue;
    }
    const filledLots = tradedLots.get(order.clientOrderId) ?? 0n;
    if (filledLots !== order.filledLots) {
      breaches.push(`order ${command.id}: listed as filled ${order.filledLots} lots, traded ${filledLots}`);
    }
    const wantedLots = command.quantityLots - (reducedLots.get(command.id) ?? 0n);
    const expected = expectedStatus(command.type, filledLots === wantedLots, ended.has(command.id));
    if (order.status !== expected) {
      breaches.push(`order ${command.id}: listed as ${order.status}, but it was told to be ${expected}`);
    }
  }
  return breaches;
}

function expectedStatus(
  type: "LIMIT" | "IOC" | "MARKET",
  isFilled: boolean,
  isEnded: boolean,
): ListedOrder["status"] {
  if (isEnded) return "cancelled";
  if (isFilled) return "filled";
  return type === "LIMIT" ? "open" : "expired";
}

/** Amounts in atoms of both assets. */
export interface Amounts {
  readonly base: bigint;
  readonly quote: bigint;
}

/** What a user must have of each asset once everything is settled. */
export interface Holding {
  readonly available: Amounts;
  readonly reserved: Amounts;
}

/**
 * The balances that follow from the trades and the open orders: the buyer paid, the seller delivered,
 * open orders hold what they may still cost. Fees are zero in a replay's market.
 */
export function expectedHoldings(
  deposits: { readonly buyer: Amounts; readonly seller: Amounts },
  trades: readonly Trade[],
  resting: readonly RestingOrder[],
  scale: Scale,
): { buyer: Holding; seller: Holding } {
  const atomsPerLot = 10n ** BigInt(8 - (scale.quantityDecimals - scale.quantityShift));
  const atomsPerTickLot = atomsPerLot / 10n ** BigInt(scale.priceDecimals - scale.priceShift);
  const sum = (values: readonly bigint[]) => values.reduce((total, value) => total + value, 0n);
  const baseTraded = atomsPerLot * sum(trades.map(({ quantityLots }) => quantityLots));
  const quoteTraded =
    atomsPerTickLot * sum(trades.map(({ priceTicks, quantityLots }) => priceTicks * quantityLots));
  const bids = resting.filter(({ side }) => side === "B");
  const asks = resting.filter(({ side }) => side === "S");
  const quoteHeld = atomsPerTickLot * sum(bids.map(({ priceTicks, leftLots }) => priceTicks * leftLots));
  const baseHeld = atomsPerLot * sum(asks.map(({ leftLots }) => leftLots));
  return {
    buyer: {
      available: {
        base: deposits.buyer.base + baseTraded,
        quote: deposits.buyer.quote - quoteTraded - quoteHeld,
      },
      reserved: { base: 0n, quote: quoteHeld },
    },
    seller: {
      available: {
        base: deposits.seller.base - baseTraded - baseHeld,
        quote: deposits.seller.quote + quoteTraded,
      },
      reserved: { base: baseHeld, quote: 0n },
    },
  };
}

function byPosition(a: { sequence: bigint; index: number }, b: { sequence: bigint; index: number }): number {
  if (a.sequence !== b.sequence) return a.sequence < b.sequence ? -1 : 1;
  return a.index - b.index;
}
