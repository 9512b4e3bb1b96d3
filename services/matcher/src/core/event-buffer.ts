// The events of one record as numbers: written by the core without allocating, read by whoever makes bytes or
// objects of them. An event is one row of cells; which cells a kind uses stands beside it.
//
// What an event says of an order that stays as it is until the next command is not copied by the core: the row names
// the order's slot, and complete-events.ts fills in the cells that stand below in brackets for who needs them.

import { NONE } from "./none.js";

/** Kinds of events, in cell KIND. */
export const EventKind = {
  /** No cells: the terms are the record's submit. */
  ACCEPTED: 1,
  /** LOTS (open) [MARKET ORDER SIDE PRICE]. */
  RESTED: 2,
  /**
   * ORDER = maker, OTHER = taker; PRICE, LOTS = traded, RECEIVED and REMAINING of both [MARKET USER CREATED FEE of
   * both, SIDE = the taker's, BUYER_LIMIT, INDEX; texts: client order ids of both].
   */
  TRADE: 3,
  /** ORDER = maker, OTHER = taker; MARKET USER SIDE = the taker's, PRICE LOTS REASON = mode, REMAINING and RESERVED of both. */
  PREVENTED: 4,
  /**
   * STATUS REASON FLAGS [MARKET (-1: only the command knows the symbol) ORDER USER SIDE PRICE RECEIVED = executed tick
   * times lot, EXECUTED, LOTS = open quantity that ended, CREATED SEQ AMENDED_PRICE AMENDED_LOTS].
   */
  ENDED: 5,
  /** MARKET ORDER SIDE PRICE = stop price, LOTS = open. */
  STOP_PLACED: 6,
  /** MARKET ORDER USER SIDE PRICE = stop price, LOTS = open. */
  STOP_TRIGGERED: 7,
  /** MARKET ORDER USER SIDE OTHER = leg, PRICE, LOTS = open now, OLD_PRICE OLD_LOTS QUANTITY RESERVED CREATED FLAGS. */
  AMENDED: 8,
  /** MARKET ORDER USER OTHER = leg, REASON = refusal. */
  AMEND_REFUSED: 9,
  /** The event stands whole in `objects`: what is rare need not be fast. */
  OBJECT: 10,
} as const;

/** Cells of an event. Ids take four, one for each 32-bit word. */
export const Cell = {
  KIND: 0,
  /** Number of the book in its shard. */
  MARKET: 1,
  ORDER: 2,
  /** Number of the user in its shard. */
  USER: 6,
  /** 0 buy, 1 sell. */
  SIDE: 7,
  PRICE: 8,
  LOTS: 9,
  /** Place in ORDER_STATUSES. */
  STATUS: 10,
  /** Place in END_REASONS, AMEND_REFUSALS or SELF_TRADE_MODES. */
  REASON: 11,
  CREATED: 12,
  SEQ: 13,
  OTHER: 14,
  OTHER_USER: 18,
  OTHER_CREATED: 19,
  FEE: 20,
  OTHER_FEE: 21,
  /** A sum in two numbers: high times 10^15 plus low. */
  RECEIVED_HIGH: 22,
  RECEIVED_LOW: 23,
  OTHER_RECEIVED_HIGH: 24,
  OTHER_RECEIVED_LOW: 25,
  REMAINING: 26,
  OTHER_REMAINING: 27,
  RESERVED: 28,
  OTHER_RESERVED: 29,
  BUYER_LIMIT: 30,
  INDEX: 31,
  // Cells with a second meaning in events that do not use the first.
  EXECUTED: 26,
  AMENDED_PRICE: 28,
  AMENDED_LOTS: 29,
  FLAGS: 30,
  OLD_PRICE: 18,
  OLD_LOTS: 19,
  QUANTITY: 20,
} as const;

/** Cells of one row. */
export const CELLS = 32;
/** Rows at most, as SLOT_MASK. */
const ROW_MASK = 0x1ff_ffff;
const ROWS_MIN = 64;

/** Bits of FLAGS. */
export const Flag = {
  /** ENDED, AMENDED: the order stood in the book. */
  WAS_RESTING: 1,
  /** ENDED: the shard never saw the order. */
  TOMBSTONE: 2,
  /** ENDED: refused, its terms (the record's submit) go with it. */
  WITH_TERMS: 4,
  /** AMENDED: the order keeps its place. */
  KEEPS_PLACE: 8,
} as const;

/** Rows of events. Reused for every record; grows to the largest. */
export class EventBuffer {
  cells = new Float64Array(CELLS * ROWS_MIN);
  /** Two for each row: slots of the order and of the other one, NONE where the row is complete without. */
  orders = new Int32Array(2 * ROWS_MIN);
  /** Client order ids of a trade: maker's at 2 × row, taker's behind it. */
  readonly texts: string[] = [];
  /** Rare events by row. */
  readonly objects: unknown[] = [];
  count = 0;

  clear(): void {
    this.count = 0;
    if (this.objects.length > 0) this.objects.length = 0;
  }

  /** Opens a row and returns the index of its first cell; cells hold what an earlier record left there. */
  row(kind: number, order: number = NONE, other: number = NONE): number {
    const row = this.count & ROW_MASK;
    if (row * 2 === this.orders.length) this.#grow();
    this.count = row + 1;
    this.orders[row * 2] = order;
    this.orders[row * 2 + 1] = other;
    this.cells[row * CELLS] = kind;
    return row * CELLS;
  }

  #grow(): void {
    const cells = new Float64Array(this.cells.length * 2);
    cells.set(this.cells);
    this.cells = cells;
    const orders = new Int32Array(this.orders.length * 2);
    orders.set(this.orders);
    this.orders = orders;
  }
}
