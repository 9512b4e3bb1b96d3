// The whole state as bytes in one canonical order: two shards with the same bytes decide alike for ever.
// What is hashed for comparison, and what snapshots will hold.
import { type Book, type Levels, slotsOf } from "./book.js";
import { knownBytes } from "./known-orders.js";
import { type Shard, termsLine } from "./shard.js";
import type { Market } from "./types.js";

const encoder = new TextEncoder();
const bytesOf = (text: string) => encoder.encode(text);

/** First of the state's bytes; changes with their form. */
const FORM = "bourse-shard-state-1";

const MARKET_FIELDS = [
  "symbol",
  "baseAsset",
  "quoteAsset",
  "tickSize",
  "lotSize",
  "minQuantity",
  "maxQuantity",
  "minNotional",
  "shard",
  "protectionBps",
  "bandBps",
  "openOrdersMax",
  "makerFeePpm",
  "takerFeePpm",
  "state",
] as const satisfies readonly (keyof Market)[];

/**
 * The state in pieces. Slots and levels are left out: where an order lies in memory decides nothing, its
 * place in its queue does. The memory of ids goes as it lies, so that a million orders take milliseconds.
 */
export function* stateBytes(shard: Shard): Generator<Uint8Array> {
  const { number, epoch, seq, timeMs, known } = shard;
  yield bytesOf(`${FORM}\n${[number, epoch, seq, timeMs, known.count, known.openCount].join("|")}\n`);
  yield bytesOf(`users ${shard.users.length}\n${shard.users.join("\n")}\n`);
  for (const book of shard.books) {
    yield bytesOf(`market ${marketLine(book.market)}|${book.lastTradeTicks}\n`);
    for (const levels of [book.bids, book.asks]) yield* sideBytes(book, levels);
  }
  yield* knownBytes(known);
}

/** A market as one line: equal lines are equal markets. */
export function marketLine(market: Market): string {
  return MARKET_FIELDS.map((field) => market[field]).join("|");
}

function* sideBytes(book: Book, levels: Levels): Generator<Uint8Array> {
  const { slots } = book;
  yield bytesOf(`${levels.side}\n`);
  for (const slot of slotsOf(book, levels)) {
    const terms = slots.terms[slot];
    const made = [slots.makerLots[slot], slots.makerHigh[slot], slots.makerLow[slot]].join("|");
    yield bytesOf(
      `${slots.entry[slot]}|${slots.remainingLots[slot]}|${made}|${terms === undefined ? "" : termsLine(terms)}\n`,
    );
  }
}
