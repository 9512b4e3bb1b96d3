// The whole state as bytes in one canonical order: two shards with the same bytes decide alike for ever. What is
// hashed for comparison, and what snapshots hold. Where a thing lies in memory is left out; its place in its
// queue is not.
import { assert } from "@bourse/shared/assert.js";
import { type Book, createBook, enqueue, enqueueStop, slotsIn } from "./book.js";
import {
  appendRecord,
  chunkWords,
  EndedCode,
  EndedColumn,
  endedPieces,
  UNIT_WORDS,
  wordsAt,
} from "./ended.js";
import { findId, insertEnded, insertFound } from "./memory.js";
import { NONE } from "./none.js";
import {
  type CancelAllDone,
  cancelAllKey,
  createShard,
  type Learned,
  type Shard,
  switchKey,
} from "./shard.js";
import {
  Code,
  EXTRA_NUMBERS,
  extraOf,
  SlotColumn,
  type Slots,
  setSlotWord,
  slotWord,
  takeSlot,
} from "./slots.js";
import { switchesInOrder } from "./timers.js";
import type { Market } from "./types.js";
import { userOfWords } from "./users.js";

/** First of the state's bytes; changes with their form. */
const FORM = "bourse-shard-state-2";

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
  "sessionEndMinutes",
  "feeTiers",
] as const satisfies readonly (keyof Market)[];

/** A market as one line: equal lines are equal markets. */
export function marketLine(market: Market): string {
  return JSON.stringify(MARKET_FIELDS.map((field) => market[field]));
}

/** What is small, as text. */
interface Head {
  readonly form: string;
  readonly number: number;
  readonly epoch: number;
  readonly rules: number;
  readonly seq: number;
  readonly timeMs: number;
  readonly users: number;
  readonly ended: number;
  readonly books: readonly BookHead[];
  readonly cancelAlls: readonly CancelAllDone[];
  readonly switches: readonly { user: number; market: number; dueMs: number }[];
  readonly learned: readonly Learned[];
}

type StoredMarket = Omit<Market, "feeTiers"> & Partial<Pick<Market, "feeTiers">>;

interface BookHead {
  readonly market: StoredMarket;
  readonly lastTradeTicks: number;
  readonly dayEndMs: number;
  readonly sweepMs: number;
}

const { PRICE, REMAINING, CREATED, SEQ, ID, USER, CODES, HASH, MAKER_FEE, TAKER_FEE, EXTRA } = SlotColumn;
const bothWords = (number: number) => [number * 2, number * 2 + 1];
/** Words of a live order in the state: those of its slot that say anything, and places of three that are its own. */
const LIVE_COLUMNS: readonly number[] = [
  ...[PRICE, REMAINING, CREATED, SEQ].flatMap(bothWords),
  ...[ID, ID + 1, ID + 2, ID + 3, USER, CODES, NONE, NONE, NONE, HASH, HASH + 1, MAKER_FEE, TAKER_FEE, NONE],
];
const LIVE_WORDS = LIVE_COLUMNS.length;
const LIVE_CODES = LIVE_COLUMNS.indexOf(CODES);
const LIVE_ID = LIVE_COLUMNS.indexOf(ID);
/** Length of the client order id; two words behind it are 0. */
const LIVE_TEXT = LIVE_CODES + 1;
/** 1 when extras of the order follow. */
const LIVE_EXTRA = LIVE_WORDS - 1;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** The state in pieces, each a section of its length (two words) and its bytes, zeros up to a multiple of 8. */
export function* stateBytes(shard: Shard): Generator<Uint8Array> {
  yield* section(encoder.encode(JSON.stringify(headOf(shard))));
  yield* section(bytesOf(shard.users.words.slice(0, shard.users.count * 4)));
  for (const book of shard.books) yield* bookBytes(shard.slots, book);
  yield* endedBytes(shard);
}

function* section(bytes: Uint8Array): Generator<Uint8Array> {
  yield bytesOf(new Float64Array([bytes.length]));
  yield bytes;
  const over = bytes.length % 8;
  if (over !== 0) yield new Uint8Array(8 - over);
}

function bytesOf(array: Int32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

function headOf(shard: Shard): Head {
  const { number, epoch, rules, seq, timeMs, users, memory, books } = shard;
  const cancelAlls = [...shard.cancelAlls].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, done]) => done);
  return {
    form: FORM,
    number,
    epoch,
    rules,
    seq,
    timeMs,
    users: users.count,
    ended: memory.ended.count,
    books: books.map(({ market, lastTradeTicks, dayCount, dayEndMs, sweepMs }) => ({
      market: storedMarket(market),
      lastTradeTicks,
      dayEndMs: dayCount > 0 ? dayEndMs : 0,
      sweepMs,
    })),
    cancelAlls,
    switches: switchesInOrder(shard),
    learned: shard.learned,
  };
}

/** Fields in their order. One that came later is left out where it says nothing, as it was before it came. */
function storedMarket(market: Market): StoredMarket {
  const fields = MARKET_FIELDS.filter((field) => field !== "feeTiers" || market.feeTiers.length > 0);
  return Object.fromEntries(fields.map((field) => [field, market[field]])) as unknown as StoredMarket;
}

/** Orders of a book by queue, in priority: records, then extras of those that have any, then client order ids. */
function* bookBytes(slots: Slots, book: Book): Generator<Uint8Array> {
  const records = new Int32Array(book.openCount * LIVE_WORDS);
  const extras: Float64Array[] = [];
  const texts: string[] = [];
  let at = 0;
  for (const levels of [book.bids, book.asks, book.buyStops, book.sellStops]) {
    for (const slot of slotsIn(slots, levels)) {
      for (const [word, column] of LIVE_COLUMNS.entries()) {
        records[at + word] = column === NONE ? 0 : slotWord(slots, slot, column);
      }
      const extra = extraNumbers(slots, slot);
      const text = slots.texts[slot];
      records[at + LIVE_TEXT] = text.length;
      records[at + LIVE_EXTRA] = extra === undefined ? 0 : 1;
      if (extra !== undefined) extras.push(extra);
      texts.push(text);
      at += LIVE_WORDS;
    }
  }
  const joined = new Float64Array(extras.length * EXTRA_NUMBERS);
  for (const [index, extra] of extras.entries()) joined.set(extra, index * EXTRA_NUMBERS);
  yield* section(bytesOf(records));
  yield* section(bytesOf(joined));
  yield* section(encoder.encode(texts.join("")));
}

/** Extras of a slot that say anything. */
function extraNumbers(slots: Slots, slot: number): Float64Array | undefined {
  const extra = slotWord(slots, slot, EXTRA);
  if (extra === NONE) return undefined;
  const first = extra * EXTRA_NUMBERS;
  const numbers = slots.extras.subarray(first, first + EXTRA_NUMBERS);
  return numbers.some((value) => value !== 0) ? numbers : undefined;
}

/** Ended ids in the order of their queue. */
function* endedBytes({ memory: { ended } }: Shard): Generator<Uint8Array> {
  yield bytesOf(new Float64Array([ended.units * UNIT_WORDS * 4]));
  for (const piece of endedPieces(ended)) yield bytesOf(piece).slice();
}

/** Takes sections apart. */
class Sections {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    // Sections are read as numbers, which lie at multiples of 8. A Buffer's slice would be no copy.
    this.#bytes = bytes.byteOffset % 8 === 0 ? bytes : new Uint8Array(bytes);
  }

  next(): Uint8Array {
    const { buffer, byteOffset } = this.#bytes;
    const [length] = new Float64Array(buffer, byteOffset + this.#at, 1);
    const first = this.#at + 8;
    assert(
      Number.isSafeInteger(length) && first + length <= this.#bytes.length,
      "a section lies in the state",
    );
    this.#at = first + Math.ceil(length / 8) * 8;
    return this.#bytes.subarray(first, first + length);
  }

  words(): Int32Array {
    const { buffer, byteOffset, length } = this.next();
    return new Int32Array(buffer, byteOffset, length / 4);
  }

  numbers(): Float64Array {
    const { buffer, byteOffset, length } = this.next();
    return new Float64Array(buffer, byteOffset, length / 8);
  }

  isAtEnd(): boolean {
    return this.#at === this.#bytes.length;
  }
}

/** A shard with this state: the same bytes, the same future. */
export function readState(bytes: Uint8Array): Shard {
  const sections = new Sections(bytes);
  const head = JSON.parse(decoder.decode(sections.next())) as Head;
  assert(head.form === FORM, "the state has the form that this version reads");
  const shard = createShard(head.number);
  shard.epoch = head.epoch;
  shard.rules = head.rules;
  shard.seq = head.seq;
  shard.timeMs = head.timeMs;
  const users = sections.words();
  for (let at = 0; at < head.users * 4; at += 4) {
    userOfWords(shard.users, users[at], users[at + 1], users[at + 2], users[at + 3]);
  }
  for (const book of head.books) readBook(shard, book, sections);
  readEnded(shard, sections.words());
  for (const done of head.cancelAlls) shard.cancelAlls.set(cancelAllKey(done.user, done.requestId), done);
  for (const each of head.switches) shard.switches.set(switchKey(each.user, each.market), each);
  shard.learned = [...head.learned];
  // Not known until asked.
  shard.nextDueMs = Number.NEGATIVE_INFINITY;
  assert(sections.isAtEnd(), "nothing stands behind the state");
  return shard;
}

function readBook(shard: Shard, head: BookHead, sections: Sections): void {
  const book = createBook({ feeTiers: [], ...head.market }, shard.books.length);
  shard.books.push(book);
  shard.bookOfSymbol.set(head.market.symbol, book);
  const records = sections.words();
  const extras = sections.numbers();
  const texts = sections.next();
  let extraAt = 0;
  let textAt = 0;
  for (let at = 0; at < records.length; at += LIVE_WORDS) {
    const slot = readSlot(shard, records.subarray(at, at + LIVE_WORDS));
    if (records[at + LIVE_EXTRA] === 1) {
      const extra = extraOf(shard.slots, slot);
      const numbers = extras.subarray(extraAt, extraAt + EXTRA_NUMBERS);
      shard.slots.extras.set(numbers, extra * EXTRA_NUMBERS);
      extraAt += EXTRA_NUMBERS;
    }
    const length = records[at + LIVE_TEXT];
    shard.slots.texts[slot] = decoder.decode(texts.subarray(textAt, textAt + length));
    textAt += length;
    if ((records[at + LIVE_CODES] & Code.WAITING) !== 0) enqueueStop(book, shard.slots, slot);
    else enqueue(book, shard.slots, slot);
  }
  book.lastTradeTicks = head.lastTradeTicks;
  book.dayEndMs = head.dayEndMs;
  book.sweepMs = head.sweepMs;
}

function readSlot(shard: Shard, record: Int32Array): number {
  const { slots, memory, id } = shard;
  id.set(record.subarray(LIVE_ID, LIVE_ID + 4));
  assert(findId(memory, slots, id) === NONE, "an id stands in a state once");
  const slot = takeSlot(slots);
  insertFound(memory, slots, slot);
  for (const [word, column] of LIVE_COLUMNS.entries()) {
    if (column !== NONE) setSlotWord(slots, slot, column, record[word]);
  }
  setSlotWord(slots, slot, EXTRA, NONE);
  return slot;
}

function readEnded(shard: Shard, records: Int32Array): void {
  const { memory, slots, id } = shard;
  const { ID, CODES: CODE } = EndedColumn;
  for (let at = 0; at < records.length; ) {
    const units = (records[at + CODE] & EndedCode.MORE) === 0 ? 1 : 2;
    const end = at + units * UNIT_WORDS;
    assert(end <= records.length, "an ended id lies in its section");
    for (let word = 0; word < 4; word += 1) id[word] = records[at + ID + word];
    assert(findId(memory, slots, id) === NONE, "an id stands in a state once");
    const record = appendRecord(memory.ended, units);
    insertEnded(memory, record);
    const words = chunkWords(memory.ended, record);
    const first = wordsAt(record) - at;
    for (; at < end; at += 1) words[first + at] = records[at];
  }
}
