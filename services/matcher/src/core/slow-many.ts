// The plain model: what ends many orders at once, what changes markets, and what is due.
import {
  SLOW_ROOM,
  type SlowOrder,
  type SlowRecord,
  type SlowShard,
  slowEnd,
  slowMarket,
  slowSide,
} from "./slow-shard.js";
import type {
  CancelAllCommand,
  EndReason,
  FinalStatus,
  Market,
  SetMarketStateCommand,
  SetSwitchCommand,
  TimerCommand,
} from "./types.js";

const DAY_MS = 86_400_000;
const FORGET_AFTER_MS = 600_000;

/** Ends the open orders that match, in the one order in which many end, as many as a record has room for. */
function endMany(
  shard: SlowShard,
  record: SlowRecord,
  matches: (order: SlowOrder) => boolean,
  end: { readonly status: FinalStatus; readonly reason: EndReason },
): void {
  const symbols = shard.markets.map(({ market }) => market.symbol).sort();
  const all = symbols.flatMap((symbol) => [
    ...slowSide(shard, symbol, "buy"),
    ...slowSide(shard, symbol, "sell"),
    ...shard.orders
      .filter((order) => order.where === "stops" && order.terms.symbol === symbol)
      .sort((a, b) => a.place - b.place),
  ]);
  for (const order of all.filter(matches).slice(0, SLOW_ROOM)) slowEnd(shard, record, order, end);
}

export function slowCancelAll(shard: SlowShard, record: SlowRecord, command: CancelAllCommand): void {
  const { userId, requestId, symbol, side, expiresAtMs, operatorId } = command;
  shard.cancelAlls.push({ userId, requestId, symbol, side, expiresAtMs, operatorId });
  const matches = ({ terms }: SlowOrder) =>
    terms.userId === userId &&
    (symbol === "" || terms.symbol === symbol) &&
    (side === "" || terms.side === side);
  endMany(shard, record, matches, {
    status: "CANCELLED",
    reason: operatorId === "" ? "CANCEL_ALL" : "OPERATOR",
  });
}

export function slowSetState(shard: SlowShard, record: SlowRecord, command: SetMarketStateCommand): void {
  const { symbol, state, operatorId, reason } = command;
  const target = slowMarket(shard, symbol);
  const oldState = target.state;
  target.state = state;
  record.events.push({ type: "marketStateChanged", symbol, state, oldState, operatorId, reason });
  if (state !== "DELISTED") return;
  target.delistedAtMs = record.timeMs;
  sweep(shard, record, symbol);
}

function sweep(shard: SlowShard, record: SlowRecord, symbol: string): void {
  const matches = ({ terms }: SlowOrder) => terms.symbol === symbol;
  endMany(shard, record, matches, { status: "CANCELLED", reason: "DELISTED" });
}

export function slowSetSwitch(shard: SlowShard, record: SlowRecord, command: SetSwitchCommand): void {
  const { userId, timeoutMs } = command;
  const all = shard.markets.map(({ market }) => market.symbol).sort();
  const symbols = command.symbols.length === 0 ? all : command.symbols;
  const dueAtMs = timeoutMs === 0 ? 0 : record.timeMs + timeoutMs;
  for (const symbol of symbols) {
    removeSwitch(shard, userId, symbol);
    if (timeoutMs > 0) shard.switches.push({ userId, symbol, dueMs: dueAtMs });
  }
  record.events.push({ type: "switchSet", userId, symbols, dueAtMs });
}

function removeSwitch(shard: SlowShard, userId: string, symbol: string): void {
  shard.switches = shard.switches.filter((each) => each.userId !== userId || each.symbol !== symbol);
}

/** What a timer does when its time came. */
export function slowTimer(shard: SlowShard, record: SlowRecord, command: TimerCommand): void {
  switch (command.type) {
    case "endDay": {
      const matches = ({ terms }: SlowOrder) =>
        terms.symbol === command.symbol && terms.timeInForce === "DAY";
      return endMany(shard, record, matches, { status: "EXPIRED", reason: "DAY_END" });
    }
    case "fireSwitch": {
      const { userId, symbol } = command;
      const matches = ({ terms }: SlowOrder) => terms.userId === userId && terms.symbol === symbol;
      endMany(shard, record, matches, { status: "CANCELLED", reason: "DEAD_MAN" });
      if (!shard.orders.some(matches)) removeSwitch(shard, userId, symbol);
      return;
    }
    case "sweepMarket":
      return sweep(shard, record, command.symbol);
    case "forget":
      return forget(shard, command.throughSeq);
  }
}

export function slowLearn(shard: SlowShard, timeMs: number, throughSeq: number): void {
  shard.learned.push({ throughSeq, dueMs: timeMs + FORGET_AFTER_MS });
}

/** Ended ids go, and then the legs whose order is gone. */
function forget(shard: SlowShard, throughSeq: number): void {
  shard.learned = shard.learned.filter((each) => each.throughSeq > throughSeq);
  shard.forgotten = throughSeq;
  for (const [id, known] of [...shard.known]) {
    const endedSeq =
      known.type === "order" ? known.order.endedSeq : known.type === "leg" ? 0 : known.endedSeq;
    if (endedSeq > 0 && endedSeq <= throughSeq) shard.known.delete(id);
  }
  for (const [id, known] of [...shard.known]) {
    if (known.type === "leg" && known.seq <= throughSeq && !shard.known.has(known.orderId)) {
      shard.known.delete(id);
    }
  }
}

export interface SlowDue {
  readonly dueMs: number;
  readonly command: TimerCommand;
}

/** The timer that is due first at or before a time. */
export function slowDue(shard: SlowShard, untilMs: number): SlowDue | undefined {
  const bySymbol = [...shard.markets].sort((a, b) => (a.market.symbol < b.market.symbol ? -1 : 1));
  const days = bySymbol.flatMap(({ market }): SlowDue[] => {
    const { symbol } = market;
    const ends = shard.orders
      .filter(({ terms }) => terms.symbol === symbol && terms.timeInForce === "DAY")
      .map(({ createdAtMs }) => sessionEndAfter(market, createdAtMs));
    return ends.length === 0 ? [] : [{ dueMs: Math.min(...ends), command: { type: "endDay", symbol } }];
  });
  const switches = [...shard.switches]
    .sort((a, b) => compare(a.symbol, b.symbol) || compare(a.userId, b.userId))
    .map(
      ({ userId, symbol, dueMs }): SlowDue => ({ dueMs, command: { type: "fireSwitch", userId, symbol } }),
    );
  const sweeps = bySymbol
    .filter(
      ({ market, state }) =>
        state === "DELISTED" && shard.orders.some(({ terms }) => terms.symbol === market.symbol),
    )
    .map(({ market, delistedAtMs }): SlowDue => {
      return { dueMs: delistedAtMs, command: { type: "sweepMarket", symbol: market.symbol } };
    });
  const forgets = shard.learned.map(({ throughSeq, dueMs }): SlowDue => {
    return { dueMs, command: { type: "forget", throughSeq } };
  });
  // A stable sort: what is due at one time keeps the order in which it stands here.
  const [first] = [...days, ...switches, ...sweeps, ...forgets].sort((a, b) => a.dueMs - b.dueMs);
  return first !== undefined && first.dueMs <= untilMs ? first : undefined;
}

const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

/** First session end after a time. */
function sessionEndAfter({ sessionEndMinutes }: Market, timeMs: number): number {
  const midnight = timeMs - (timeMs % DAY_MS);
  const end = midnight + sessionEndMinutes * 60_000;
  return end > timeMs ? end : end + DAY_MS;
}
