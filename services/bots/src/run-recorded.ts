// Follows a recording in its own time, over and over: its best levels as a maker's orders, refreshed
// once a second, its trades as immediate orders of takers.
import type { Grid } from "@bourse/shared/units/market.js";
import type { BotDesk } from "./bot-desk.js";
import { type Levels, onGrid, RecordedBook } from "./recorded-book.js";
import type { RecordedMessage } from "./recording.js";
import { botUsers } from "./users.js";

export interface RecordedRunOptions {
  readonly desk: Pick<BotDesk, "place" | "cancel" | "untilQuiet">;
  readonly grid: Grid;
  readonly minQuantityLots: number;
  /** The recording from its start, as often as asked for. */
  readonly messages: () => AsyncIterable<RecordedMessage>;
  readonly clock: { monotonicMs(): number; sleep(ms: number, signal: AbortSignal): Promise<void> };
  readonly signal: AbortSignal;
}

const levelsMax = 20;
const refreshMs = 1_000;
const unansweredMax = 512;

interface Quote {
  readonly quantityLots: number;
  readonly clientOrderId: string;
}

/** Runs until the signal aborts; at the end of the recording it starts again. */
export async function runRecorded(options: RecordedRunOptions): Promise<void> {
  const quotes = { bids: new Map<number, Quote>(), asks: new Map<number, Quote>() };
  while (!options.signal.aborted) await playOnce(options, quotes);
}

type Quotes = Record<"bids" | "asks", Map<number, Quote>>;

async function playOnce(options: RecordedRunOptions, quotes: Quotes): Promise<void> {
  const { clock, grid, messages, signal } = options;
  const book = new RecordedBook(grid);
  let snapshotId: number | undefined;
  let start: { recordedMs: number; hereMs: number } | undefined;
  let refreshAtMs = 0;
  for await (const message of messages()) {
    if (signal.aborted) return;
    if (message.type === "snapshot") {
      book.load(message.bids, message.asks);
      snapshotId = message.lastUpdateId;
      continue;
    }
    // What was sent before the snapshot is part of it.
    if (snapshotId === undefined) continue;
    start ??= { recordedMs: message.atMs, hereMs: clock.monotonicMs() };
    const waitMs = message.atMs - start.recordedMs - (clock.monotonicMs() - start.hereMs);
    if (waitMs > 0) await clock.sleep(waitMs, signal);
    if (signal.aborted) return;
    await options.desk.untilQuiet(unansweredMax);
    if (message.type === "trade") take(options, message);
    else if (message.lastUpdateId > snapshotId) book.apply(message.levels);
    if (message.atMs < refreshAtMs) continue;
    refreshAtMs = message.atMs + refreshMs;
    refresh(options, book, quotes);
  }
}

function take(
  { desk, grid, minQuantityLots }: RecordedRunOptions,
  trade: RecordedMessage & { type: "trade" },
): void {
  const at = onGrid(grid, trade.price, trade.quantity);
  if (at === undefined || at.quantityLots < minQuantityLots) return;
  const order = { ...at, userId: botUsers.takers[0], isBuy: trade.isBuy, isMaker: false };
  void desk.place(grid, order).rests.catch(toldByDesk);
}

// All cancels go before all orders: commands of one stream keep their order, so the maker never meets
// his own quotes of a second ago.
function refresh(options: RecordedRunOptions, book: RecordedBook, quotes: Quotes): void {
  const best = book.best(levelsMax, options.minQuantityLots);
  for (const side of ["bids", "asks"] as const) cancelStale(options, quotes[side], best[side]);
  for (const side of ["bids", "asks"] as const)
    placeMissing(options, quotes[side], best[side], side === "bids");
}

function cancelStale({ desk, grid }: RecordedRunOptions, quotes: Map<number, Quote>, wanted: Levels): void {
  for (const [priceTicks, quote] of quotes) {
    if (wanted.get(priceTicks) === quote.quantityLots) continue;
    quotes.delete(priceTicks);
    void desk.cancel(grid, botUsers.makers[0], quote.clientOrderId).catch(toldByDesk);
  }
}

function placeMissing(
  { desk, grid }: RecordedRunOptions,
  quotes: Map<number, Quote>,
  wanted: Levels,
  isBuy: boolean,
): void {
  for (const [priceTicks, quantityLots] of wanted) {
    if (quotes.has(priceTicks)) continue;
    const order = { userId: botUsers.makers[0], isBuy, priceTicks, quantityLots, isMaker: true };
    const { clientOrderId, rests } = desk.place(grid, order);
    void rests.catch(toldByDesk);
    quotes.set(priceTicks, { quantityLots, clientOrderId });
  }
}

// A desk that failed for good rejects everything, the next untilQuiet included: that one ends the run.
function toldByDesk(): void {}
