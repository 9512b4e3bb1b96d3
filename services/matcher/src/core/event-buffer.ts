// The events of one record as numbers: written by the core without allocating, read by whoever makes bytes or
// objects of them. An event is one row of cells; which cells a kind uses stands beside it.

/** Kinds of events, in cell KIND. */
export const EventKind = {
  /** ORDER. The terms are the record's submit. */
  ACCEPTED: 1,
  /** MARKET ORDER SIDE PRICE LOTS (open). */
  RESTED: 2,
  /**
   * ORDER = maker, OTHER = taker; MARKET USER CREATED FEE RECEIVED REMAINING of both, SIDE = the taker's,
   * PRICE, LOTS = traded, BUYER_LIMIT, INDEX; texts: client order ids of both.
   */
  TRADE: 3,
  /** ORDER = maker, OTHER = taker; MARKET USER SIDE = the taker's, PRICE LOTS REASON = mode, REMAINING and RESERVED of both. */
  PREVENTED: 4,
  /**
   * MARKET (-1: only the command knows the symbol) ORDER USER SIDE PRICE STATUS REASON RECEIVED = executed tick
   * times lot, EXECUTED, LOTS = open quantity that ended, CREATED SEQ AMENDED_PRICE AMENDED_LOTS FLAGS.
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
  cells = new Float64Array(CELLS * 64);
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
  row(kind: number): number {
    const at = this.count * CELLS;
    if (at === this.cells.length) this.#grow();
    this.count += 1;
    this.cells[at] = kind;
    return at;
  }

  #grow(): void {
    const grown = new Float64Array(this.cells.length * 2);
    grown.set(this.cells);
    this.cells = grown;
  }
}
