// The market that can hold a set exactly: its grid, and the powers of ten between file and market.
import { decimalsNeeded, formatScaled, parseScaled } from "./decimal.js";
import type { BookRow, CommandRow, EventName, EventRow, RestingRow, SideLetter } from "./set.js";

/** Decimals of an amount at the exchange: one atom is 10^-8. */
const atomDecimals = 8;
/** Largest product of ticks and lots that one order may have: 2^53 - 1. */
const tickLotsMax = 2n ** 53n - 1n;
/** How far a MARKET order may go at most, in basis points: as far as a market can be opened. */
const protectionBpsMax = 1_000_000n;

/** A command in whole ticks and lots. */
export type Command =
  | {
      readonly op: "SEED" | "NEW";
      readonly n: number;
      readonly id: string;
      readonly side: SideLetter;
      readonly type: "LIMIT" | "IOC" | "MARKET";
      /** Undefined for MARKET. */
      readonly priceTicks: bigint | undefined;
      readonly quantityLots: bigint;
    }
  | { readonly op: "CANCEL"; readonly n: number; readonly id: string }
  | { readonly op: "REDUCE"; readonly n: number; readonly id: string; readonly quantityLots: bigint };

/** An event in whole ticks and lots; what does not apply is undefined or empty. */
export interface ReplayEvent {
  readonly n: number;
  readonly event: EventName;
  readonly makerId: string;
  readonly takerId: string;
  readonly priceTicks: bigint | undefined;
  readonly quantityLots: bigint | undefined;
}

/** A level in whole ticks and lots. */
export interface Level {
  readonly priceTicks: bigint;
  readonly quantityLots: bigint;
}

/** Best levels of both sides, best first. */
export interface Book {
  readonly bids: readonly Level[];
  readonly asks: readonly Level[];
}

/** An order left in the book with its place in the queue of its level, from 0. */
export interface RestingOrder {
  readonly side: SideLetter;
  readonly priceTicks: bigint;
  readonly position: number;
  readonly id: string;
  readonly leftLots: bigint;
}

/**
 * How the numbers of a set become numbers of a market. A file price p is the market price
 * p × 10^priceShift, which is a whole number of ticks; quantities likewise.
 */
export interface Scale {
  /** Decimals of file prices; one tick is 10^-priceDecimals of the file's unit. */
  readonly priceDecimals: number;
  readonly quantityDecimals: number;
  /** Powers of ten from the file's unit to the market's. */
  readonly priceShift: number;
  readonly quantityShift: number;
  /** The market's steps, decimal text. */
  readonly tickSize: string;
  readonly lotSize: string;
}

/**
 * The finest grid that the set uses, scaled by the smallest powers of ten that make the lot
 * expressible and tick × lot a whole number of atoms. Since a lot has at most 8 decimals, the price
 * shift is never more than the decimals that prices have.
 */
export function scaleOf(commands: readonly CommandRow[]): Scale {
  let priceDecimals = 0;
  let quantityDecimals = 0;
  for (const command of commands) {
    if (command.op === "CANCEL") continue;
    quantityDecimals = Math.max(quantityDecimals, decimalsNeeded(command.quantity));
    if (command.op === "REDUCE" || command.price === "") continue;
    priceDecimals = Math.max(priceDecimals, decimalsNeeded(command.price));
  }
  const quantityShift = Math.max(0, quantityDecimals - atomDecimals);
  const lotDecimals = quantityDecimals - quantityShift;
  const priceShift = Math.max(0, priceDecimals + lotDecimals - atomDecimals);
  return {
    priceDecimals,
    quantityDecimals,
    priceShift,
    quantityShift,
    tickSize: formatScaled(1n, priceDecimals - priceShift),
    lotSize: formatScaled(1n, lotDecimals),
  };
}

/** Market price text of a number of ticks. */
export function marketPrice(scale: Scale, ticks: bigint): string {
  return formatScaled(ticks, scale.priceDecimals - scale.priceShift);
}

/** Market quantity text of a number of lots. */
export function marketQuantity(scale: Scale, lots: bigint): string {
  return formatScaled(lots, scale.quantityDecimals - scale.quantityShift);
}

/** Ticks of a market price text; throws when it is not on the grid. */
export function ticksOf(scale: Scale, price: string): bigint {
  return parseScaled(price, scale.priceDecimals - scale.priceShift);
}

/** Lots of a market quantity text; throws when it is not on the grid. */
export function lotsOf(scale: Scale, quantity: string): bigint {
  return parseScaled(quantity, scale.quantityDecimals - scale.quantityShift);
}

/** The commands in ticks and lots; throws when an order is larger than any market can hold. */
export function scaleCommands(rows: readonly CommandRow[], scale: Scale): Command[] {
  return rows.map((row): Command => {
    if (row.op === "CANCEL") return { op: row.op, n: row.n, id: row.id };
    const quantityLots = parseScaled(row.quantity, scale.quantityDecimals);
    if (row.op === "REDUCE") return { op: row.op, n: row.n, id: row.id, quantityLots };
    const priceTicks = row.price === "" ? undefined : parseScaled(row.price, scale.priceDecimals);
    if ((priceTicks ?? 1n) * quantityLots > tickLotsMax) {
      throw new Error(`command ${row.n}: price × quantity is more than 2^53 - 1 tick × lots`);
    }
    return { op: row.op, n: row.n, id: row.id, side: row.side, type: row.type, priceTicks, quantityLots };
  });
}

/**
 * The widest price protection under which every MARKET BUY of the set can still be funded: its
 * budget is quantity × reference × (1 + protection), at most 2^53 - 1 tick × lots. The reference is
 * a trade's price, so the highest trade of the set bounds it.
 */
export function protectionBpsOf(commands: readonly Command[], events: readonly ReplayEvent[]): number {
  let priceMax = 1n;
  for (const { event, priceTicks } of events) {
    if (event === "TRADE" && priceTicks !== undefined && priceTicks > priceMax) priceMax = priceTicks;
  }
  let quantityMax = 0n;
  for (const command of commands) {
    if (command.op !== "NEW" || command.type !== "MARKET" || command.side !== "B") continue;
    if (command.quantityLots > quantityMax) quantityMax = command.quantityLots;
  }
  if (quantityMax === 0n) return Number(protectionBpsMax);
  const bps = (tickLotsMax * 10_000n) / (quantityMax * priceMax) - 10_000n;
  if (bps < 1n) throw new Error("a MARKET BUY of this set is larger than any market can hold");
  return Number(bps < protectionBpsMax ? bps : protectionBpsMax);
}

/** Reference events in ticks and lots. */
export function scaleEvents(rows: readonly EventRow[], scale: Scale): ReplayEvent[] {
  return rows.map((row) => ({
    n: row.n,
    event: row.event,
    makerId: row.makerId,
    takerId: row.takerId,
    priceTicks: row.price === "" ? undefined : parseScaled(row.price, scale.priceDecimals),
    quantityLots: row.quantity === "" ? undefined : parseScaled(row.quantity, scale.quantityDecimals),
  }));
}

/** A book of the files in ticks and lots. */
export function scaleBook(row: Pick<BookRow, "bids" | "asks">, scale: Scale): Book {
  const levels = (side: BookRow["bids"]): Level[] =>
    side.map(([price, quantity]) => ({
      priceTicks: parseScaled(price, scale.priceDecimals),
      quantityLots: parseScaled(quantity, scale.quantityDecimals),
    }));
  return { bids: levels(row.bids), asks: levels(row.asks) };
}

/** Orders left at the end in ticks and lots. */
export function scaleResting(rows: readonly RestingRow[], scale: Scale): RestingOrder[] {
  return rows.map((row) => ({
    side: row.side,
    priceTicks: parseScaled(row.price, scale.priceDecimals),
    position: row.position,
    id: row.id,
    leftLots: parseScaled(row.left, scale.quantityDecimals),
  }));
}
