// How near the replay comes to what really happened at the venue. A sanity measure with a known
// ceiling, not a pass line: that is the reference.
import { decimalsNeeded, formatPercent, parseScaled } from "./decimal.js";
import { type Command, type ReplayEvent, type Scale, scaleBook } from "./scale.js";
import type { BookRow, RecordedTradeRow, ReplaySet } from "./set.js";
import { depthOf, emptyBook, restOrder, type SlowBook, takeLots } from "./slow-book.js";

/** One figure: how many of how many. */
export interface Figure {
  readonly name: string;
  readonly met: number;
  readonly of: number;
}

/** Depths at which recorded books are compared. */
const bookDepths = [1, 5, 10, 20] as const;
const deepest = 20;

/** Every figure that the set's recorded parts allow; none when it has no such parts. */
export function historyFigures(
  set: ReplaySet,
  scale: Scale,
  commands: readonly Command[],
  events: readonly ReplayEvent[],
): Figure[] {
  return [
    ...(set.recordedTrades.length === 0 ? [] : tradeFigures(set.recordedTrades, scale, commands, events)),
    ...cancelFigures(set, scale, events),
    ...(set.recordedBooks.length === 0 ? [] : bookFigures(set, scale, commands, events)),
  ];
}

/** A figure as one line. */
export function showFigure({ name, met, of }: Figure): string {
  return `${name} ${met} of ${of} (${formatPercent(met, of)})`;
}

/**
 * Each recorded trade is hit when the replay has a trade of its price and quantity, counted as often
 * as both have it; and by ids when buyer and seller are the same orders too, where the record knows them.
 */
function tradeFigures(
  recorded: readonly RecordedTradeRow[],
  scale: Scale,
  commands: readonly Command[],
  events: readonly ReplayEvent[],
): Figure[] {
  const buyers = new Set<string>();
  for (const command of commands) {
    if ((command.op === "NEW" || command.op === "SEED") && command.side === "B") buyers.add(command.id);
  }
  const trades = events.filter(({ event }) => event === "TRADE");
  const terms = (event: ReplayEvent) => `${event.priceTicks} ${event.quantityLots}`;
  const parties = ({ makerId, takerId }: ReplayEvent) =>
    buyers.has(takerId) ? `${takerId} ${makerId}` : `${makerId} ${takerId}`;
  const known = recorded.filter(({ buyId, sellId }) => buyId !== "" && sellId !== "");
  const recordedTerms = ({ price, quantity }: RecordedTradeRow) =>
    `${stepsOf(price, scale.priceDecimals)} ${stepsOf(quantity, scale.quantityDecimals)}`;
  return [
    {
      name: "recorded trades hit, price and quantity",
      met: matches(trades.map(terms), recorded.map(recordedTerms)),
      of: recorded.length,
    },
    {
      name: "and both order ids, where known",
      met: matches(
        trades.map((trade) => `${terms(trade)} ${parties(trade)}`),
        known.map((trade) => `${recordedTerms(trade)} ${trade.buyId} ${trade.sellId}`),
      ),
      of: known.length,
    },
  ];
}

function cancelFigures(set: ReplaySet, scale: Scale, events: readonly ReplayEvent[]): Figure[] {
  const cancelled = new Map<number, bigint | undefined>();
  for (const event of events) {
    if (event.event === "CANCELLED") cancelled.set(event.n, event.quantityLots);
  }
  let met = 0;
  let of = 0;
  for (const command of set.commands) {
    if (command.op !== "CANCEL" || command.recordedLeft === "") continue;
    of += 1;
    if (cancelled.get(command.n) === stepsOf(command.recordedLeft, scale.quantityDecimals)) met += 1;
  }
  return of === 0 ? [] : [{ name: "remainder at recorded cancels", met, of }];
}

function bookFigures(
  set: ReplaySet,
  scale: Scale,
  commands: readonly Command[],
  events: readonly ReplayEvent[],
): Figure[] {
  const booksByN = new Map<number, BookRow[]>();
  for (const book of set.recordedBooks) {
    booksByN.set(book.afterN, [...(booksByN.get(book.afterN) ?? []), book]);
  }
  const met = new Map<number, number>(bookDepths.map((depth) => [depth, 0]));
  const of = new Map<number, number>(bookDepths.map((depth) => [depth, 0]));
  const missed: BookRow[] = [];
  followEvents(commands, events, (n, book) => {
    for (const row of booksByN.get(n) ?? []) {
      for (const depth of bookDepths.filter((each) => each <= levelsOf(row))) {
        of.set(depth, (of.get(depth) ?? 0) + 1);
        if (hasSameTop(book, row, scale, depth)) met.set(depth, (met.get(depth) ?? 0) + 1);
        else if (depth === deepest) missed.push(row);
      }
    }
  });
  const figures = bookDepths.map((depth) => ({
    name: `recorded books, ${depth === 1 ? "best level" : `top ${depth}`}`,
    met: met.get(depth) ?? 0,
    of: of.get(depth) ?? 0,
  }));
  const lagMs = set.meta.snapshot_lag;
  if (typeof lagMs === "number") {
    const late = countLate(set, scale, { commands, events, missed, lagMs });
    const [hit, all] = [met.get(deepest) ?? 0, of.get(deepest) ?? 0];
    figures.push({ name: `and allowing ${lagMs / 1_000} s of channel lag`, met: hit + late, of: all });
  }
  return figures.filter((figure) => figure.of > 0);
}

/** Of the books that were not met, those that were so within `lagMs` before the venue published them. */
function countLate(
  set: ReplaySet,
  scale: Scale,
  run: {
    readonly commands: readonly Command[];
    readonly events: readonly ReplayEvent[];
    readonly missed: readonly BookRow[];
    readonly lagMs: number;
  },
): number {
  const times = new Map(set.commands.map(({ n, ts }) => [n, Number(ts)]));
  const late = new Set<BookRow>();
  followEvents(run.commands, run.events, (n, book) => {
    const timeMs = times.get(n) ?? 0;
    for (const row of run.missed) {
      const isBefore = n <= row.afterN && timeMs >= Number(row.ts) - run.lagMs;
      if (isBefore && !late.has(row) && hasSameTop(book, row, scale, deepest)) late.add(row);
    }
  });
  return late.size;
}

function levelsOf(row: BookRow): number {
  return Math.max(row.bids.length, row.asks.length);
}

/**
 * Follows what the exchange said, command by command, without matching anything: trades take from
 * the makers, what an order did not trade rests, cancels take the rest out.
 */
export function followEvents(
  commands: readonly Command[],
  events: readonly ReplayEvent[],
  onCommand: (n: number, book: SlowBook) => void,
): void {
  const book = emptyBook();
  const eventsByN = new Map<number, ReplayEvent[]>();
  for (const event of events) {
    const list = eventsByN.get(event.n);
    if (list === undefined) eventsByN.set(event.n, [event]);
    else list.push(event);
  }
  for (const command of commands) {
    let takenLots = 0n;
    for (const event of eventsByN.get(command.n) ?? []) {
      if (event.makerId !== "") takeLots(book, event.makerId, event.quantityLots);
      if (event.takerId !== "") takenLots += event.quantityLots ?? 0n;
    }
    const isOrder = command.op === "SEED" || command.op === "NEW";
    if (isOrder && command.priceTicks !== undefined && takenLots < command.quantityLots) {
      const { id, side, priceTicks } = command;
      restOrder(book, { id, side, priceTicks, leftLots: command.quantityLots - takenLots });
    }
    onCommand(command.n, book);
  }
}

function hasSameTop(book: SlowBook, row: BookRow, scale: Scale, depth: number): boolean {
  const top = depthOf(book, depth);
  const recorded = scaleBook({ bids: row.bids.slice(0, depth), asks: row.asks.slice(0, depth) }, scale);
  return (["bids", "asks"] as const).every(
    (side) =>
      top[side].length === recorded[side].length &&
      top[side].every(({ priceTicks, quantityLots }, index) => {
        const level = recorded[side][index];
        return level?.priceTicks === priceTicks && level.quantityLots === quantityLots;
      }),
  );
}

/** Number of pairs that two lists have in common, each element used once. */
function matches(ours: readonly string[], theirs: readonly string[]): number {
  const counts = new Map<string, number>();
  for (const key of ours) counts.set(key, (counts.get(key) ?? 0) + 1);
  return theirs.filter((key) => {
    const count = counts.get(key) ?? 0;
    counts.set(key, count - 1);
    return count > 0;
  }).length;
}

/** Steps of a recorded number; undefined when it is finer than the grid, so that nothing equals it. */
function stepsOf(text: string, decimals: number): bigint | undefined {
  return decimalsNeeded(text) > decimals ? undefined : parseScaled(text, decimals);
}
