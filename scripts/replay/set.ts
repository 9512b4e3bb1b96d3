// A folder of order flow in the form of the data README: what to send, and what must come of it.
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { linesOf, parseCsv, readGzipText } from "./csv.js";

/** Side of an order as the files write it. */
export type SideLetter = "B" | "S";

/** One command, prices and quantities still as the text of the file. */
export type CommandRow =
  | {
      readonly op: "SEED" | "NEW";
      readonly n: number;
      readonly ts: string;
      readonly id: string;
      readonly side: SideLetter;
      readonly type: "LIMIT" | "IOC" | "MARKET";
      /** Empty for MARKET. */
      readonly price: string;
      readonly quantity: string;
    }
  | {
      readonly op: "CANCEL";
      readonly n: number;
      readonly ts: string;
      readonly id: string;
      /** Remainder that the real venue reported; empty where it is not known. */
      readonly recordedLeft: string;
    }
  | {
      readonly op: "REDUCE";
      readonly n: number;
      readonly ts: string;
      readonly id: string;
      readonly quantity: string;
    };

/** What a command led to, as `reference.csv` writes it; absent values are empty. */
export interface EventRow {
  readonly n: number;
  readonly event: EventName;
  readonly makerId: string;
  readonly takerId: string;
  readonly price: string;
  readonly quantity: string;
}

/** The events that a reference may hold. */
export type EventName = "TRADE" | "CANCELLED" | "REDUCED" | "NOT_FOUND" | "EXPIRED";

/** Best levels after a command, best first, as [price, quantity] texts. */
export interface BookRow {
  readonly afterN: number;
  /** Time of a recorded book; empty for a reference. */
  readonly ts: string;
  readonly bids: readonly LevelText[];
  readonly asks: readonly LevelText[];
}

/** Price and quantity of one level. */
export type LevelText = readonly [price: string, quantity: string];

/** One order left at the end with its place in the queue of its level, from 0. */
export interface RestingRow {
  readonly side: SideLetter;
  readonly price: string;
  readonly position: number;
  readonly id: string;
  readonly left: string;
}

/** What really happened at the venue. */
export interface RecordedTradeRow {
  readonly price: string;
  readonly quantity: string;
  readonly buyId: string;
  readonly sellId: string;
}

/** A whole set. `recorded` parts are empty when the folder has none. */
export interface ReplaySet {
  readonly folder: string;
  readonly name: string;
  readonly meta: Readonly<Record<string, unknown>>;
  readonly commands: readonly CommandRow[];
  readonly events: readonly EventRow[];
  readonly depth: readonly BookRow[];
  readonly resting: readonly RestingRow[];
  readonly recordedTrades: readonly RecordedTradeRow[];
  readonly recordedBooks: readonly BookRow[];
}

/** Reads a set; throws with file and line on anything that is not of the form. */
export function loadSet(folder: string): ReplaySet {
  const meta = readMeta(folder);
  const set = {
    folder,
    name: typeof meta.name === "string" ? meta.name : folder,
    meta,
    commands: readCommands(folder),
    events: readEvents(folder),
    depth: readBooks(folder, "reference_depth.jsonl.gz"),
    resting: readResting(folder),
    recordedTrades: readRecordedTrades(folder),
    recordedBooks: readOptional(folder, "recorded_books.jsonl.gz", (file) => readBooks(folder, file)),
  };
  checkOrder(set.commands);
  return set;
}

function readMeta(folder: string): Record<string, unknown> {
  const path = join(folder, "meta.json");
  if (!existsSync(path)) return {};
  return JSON.parse(readFileSync(path, "utf8")) as Record<string, unknown>;
}

function readCommands(folder: string): CommandRow[] {
  const name = "commands.csv.gz";
  const columns = ["n", "ts", "op", "id", "side", "type", "price", "qty", "recorded_left"] as const;
  const rows = parseCsv(name, readGzipText(join(folder, name)), columns);
  return rows.map((row): CommandRow => {
    const place = `${name}, command ${row.n}`;
    const base = { n: parseCount(place, row.n), ts: row.ts, id: parseId(place, row.id) };
    switch (row.op) {
      case "SEED":
      case "NEW":
        return { ...base, op: row.op, ...parseOrder(place, row) };
      case "CANCEL":
        return { ...base, op: row.op, recordedLeft: row.recorded_left };
      case "REDUCE":
        return { ...base, op: row.op, quantity: row.qty };
      default:
        throw new Error(`${place}: unknown op "${row.op}"`);
    }
  });
}

function parseOrder(place: string, row: { side: string; type: string; price: string; qty: string }) {
  const type = row.type;
  if (type !== "LIMIT" && type !== "IOC" && type !== "MARKET") {
    throw new Error(`${place}: unknown type "${type}"`);
  }
  if ((type === "MARKET") !== (row.price === "")) {
    throw new Error(`${place}: a price belongs to LIMIT and IOC, and only there`);
  }
  return { side: parseSide(place, row.side), type, price: row.price, quantity: row.qty } as const;
}

function readEvents(folder: string): EventRow[] {
  const name = "reference.csv.gz";
  const columns = ["n", "event", "maker_id", "taker_id", "price", "qty"] as const;
  return parseCsv(name, readGzipText(join(folder, name)), columns).map((row) => ({
    n: parseCount(name, row.n),
    event: parseEventName(name, row.event),
    makerId: row.maker_id,
    takerId: row.taker_id,
    price: row.price,
    quantity: row.qty,
  }));
}

function readResting(folder: string): RestingRow[] {
  const name = "reference_resting.csv.gz";
  const columns = ["side", "price", "position", "id", "left"] as const;
  return parseCsv(name, readGzipText(join(folder, name)), columns).map((row) => ({
    side: parseSide(name, row.side),
    price: row.price,
    position: parseCount(name, row.position),
    id: row.id,
    left: row.left,
  }));
}

function readRecordedTrades(folder: string): RecordedTradeRow[] {
  return readOptional(folder, "recorded_trades.csv.gz", (name) => {
    const columns = ["price", "qty", "buy_id", "sell_id"] as const;
    const rows = parseCsv(name, readGzipText(join(folder, name)), columns);
    return rows.map((row) => ({
      price: row.price,
      quantity: row.qty,
      buyId: row.buy_id,
      sellId: row.sell_id,
    }));
  });
}

function readBooks(folder: string, name: string): BookRow[] {
  return linesOf(readGzipText(join(folder, name))).map((line) => {
    const book = JSON.parse(line) as { after_n: number; ts?: unknown; bids: LevelText[]; asks: LevelText[] };
    const isWhole =
      Number.isSafeInteger(book.after_n) && Array.isArray(book.bids) && Array.isArray(book.asks);
    if (!isWhole) throw new Error(`${name}: a line without after_n, bids and asks`);
    return { afterN: book.after_n, ts: String(book.ts ?? ""), bids: book.bids, asks: book.asks };
  });
}

function readOptional<T>(folder: string, name: string, read: (name: string) => T[]): T[] {
  return existsSync(join(folder, name)) ? read(name) : [];
}

/** Numbers rise, seeds come first: what the replay relies on when it sets barriers by number. */
function checkOrder(commands: readonly CommandRow[]): void {
  let last: CommandRow | undefined;
  for (const command of commands) {
    if (last !== undefined && command.n <= last.n) {
      throw new Error(`command ${command.n} comes after command ${last.n}`);
    }
    if (command.op === "SEED" && last !== undefined && last.op !== "SEED") {
      throw new Error(`command ${command.n} is a seed but comes after the first real command`);
    }
    last = command;
  }
}

function parseCount(place: string, text: string): number {
  if (!/^(0|[1-9][0-9]{0,14})$/.test(text)) throw new Error(`${place}: not a count: "${text}"`);
  return Number(text);
}

function parseId(place: string, text: string): string {
  if (!/^[A-Za-z0-9._:-]{1,48}$/.test(text)) throw new Error(`${place}: not an id: "${text}"`);
  return text;
}

function parseSide(place: string, text: string): SideLetter {
  if (text !== "B" && text !== "S") throw new Error(`${place}: side is neither B nor S: "${text}"`);
  return text;
}

function parseEventName(place: string, text: string): EventName {
  switch (text) {
    case "TRADE":
    case "CANCELLED":
    case "REDUCED":
    case "NOT_FOUND":
    case "EXPIRED":
      return text;
    default:
      throw new Error(`${place}: unknown event "${text}"`);
  }
}
