// The adapter between the benchmark and the core: fresh ids for ids that are used again, modify as cancel and
// new order, events as reports. Numbers in, numbers out.
import { CELLS, Cell, type EventBuffer, EventKind } from "../../core/event-buffer.js";
import { findId, isEndedRef } from "../../core/memory.js";
import { OrderInput } from "../../core/order-input.js";
import { type Moment, type Shard, userNumber } from "../../core/shard.js";
import { Code, codesOf, priceOf, SLOT_WORDS, SlotColumn, type Slots } from "../../core/slots.js";
import { END_REASONS, ORDER_STATUSES } from "../../core/types.js";
import { userId } from "../orders.js";
import { Report, ReportCell, type ReportTape } from "./reports.js";
import { UsedIds } from "./used-ids.js";
import { CANCEL, NEW, priceAt, wordsOf } from "./workload.js";

const IOC_REMAINDER = END_REASONS.indexOf("IOC_REMAINDER");
const REJECTED = ORDER_STATUSES.indexOf("REJECTED");
const { KIND, PRICE, LOTS, REASON, STATUS } = Cell;
const ORDER_ID = SlotColumn.ID;
const { TRADE, ENDED } = EventKind;
const { ID, OTHER_ID } = ReportCell;
/** Places in TIMES_IN_FORCE. */
const GTC = 0;
const IOC = 1;

/** Owner of all buys and of all sells: nobody meets himself. */
export const OWNERS = [userId(1), userId(2)] as const;

/** Who decides: the core alone, or with a journal beside it. The last word of every id is 0. */
export interface Engine {
  place(moment: Moment, input: OrderInput): EventBuffer;
  cancel(moment: Moment, first: number, second: number, third: number): EventBuffer;
}

/** Plays message after message and writes what they lead to on a tape. Nothing is allocated on the way. */
export class Player {
  readonly #shard: Shard;
  readonly #engine: Engine;
  readonly #tape: ReportTape;
  readonly #uses = new UsedIds();
  readonly #input = new OrderInput();
  readonly #moment: { seq: number; timeMs: number };
  readonly #owners: readonly number[];

  constructor(shard: Shard, engine: Engine, tape: ReportTape) {
    this.#shard = shard;
    this.#engine = engine;
    this.#tape = tape;
    this.#moment = { seq: shard.seq, timeMs: shard.timeMs };
    this.#owners = OWNERS.map((owner) => userNumber(shard, owner));
    this.#input.book = 0;
  }

  play(words: Uint32Array, message: number): void {
    const at = wordsOf(message);
    const type = words[at] & 0xff;
    const low = words[at + 4];
    const high = words[at + 5];
    if (type === NEW) {
      const side = (words[at] >>> 8) & 0xff;
      this.#report(Report.NEW, message, side, words, at);
      this.#place(words, message, side, (words[at] >>> 16) & 0xff);
      return;
    }
    const use = this.#uses.of(low, high);
    if (!this.#isResting(low, high, use)) {
      const row = this.#tape.row(type === CANCEL ? Report.CANCEL_REJECTED : Report.MODIFY_REJECTED, message);
      this.#tape.cells[row + ID] = low;
      this.#tape.cells[row + ID + 1] = high;
      return;
    }
    this.#moment.seq += 1;
    const { orders } = this.#engine.cancel(this.#moment, low | 0, high | 0, use);
    const { slots } = this.#shard;
    const side = codesOf(slots, orders[0]) & Code.SELL;
    if (type === CANCEL) this.#cancelled(message, side, priceOf(slots, orders[0]), low, high);
    else {
      this.#report(Report.MODIFIED, message, side, words, at);
      this.#place(words, message, side, 0);
    }
  }

  #isResting(low: number, high: number, use: number): boolean {
    if (use === 0) return false;
    const { id, memory, slots } = this.#shard;
    id[0] = low;
    id[1] = high;
    id[2] = use;
    id[3] = 0;
    const ref = findId(memory, slots, id);
    return ref >= 0 && !isEndedRef(ref);
  }

  /** Places the order of a message under a fresh id and reports its trades and its cut rest. */
  #place(words: Uint32Array, message: number, side: number, isIoc: number): void {
    const at = wordsOf(message);
    const low = words[at + 4];
    const high = words[at + 5];
    const input = this.#input;
    input.id0 = low | 0;
    input.id1 = high | 0;
    input.id2 = this.#uses.next(low, high);
    input.user = this.#owners[side];
    input.isSell = side === 1;
    input.timeInForce = isIoc === 0 ? GTC : IOC;
    input.priceTicks = priceAt(words, at);
    input.quantityLots = words[at + 1];
    this.#moment.seq += 1;
    const events = this.#engine.place(this.#moment, input);
    reportTrades(events, this.#shard.slots, this.#tape, message);
    const last = (events.count - 1) * CELLS;
    if (events.cells[last + KIND] !== ENDED) return;
    if (events.cells[last + STATUS] === REJECTED) throw new Error(`message ${message} was refused`);
    if (events.cells[last + REASON] !== IOC_REMAINDER) return;
    this.#cancelled(message, side, input.priceTicks, low, high);
  }

  #report(kind: number, message: number, side: number, words: Uint32Array, at: number): void {
    const row = this.#tape.row(kind, message);
    const { cells } = this.#tape;
    cells[row + ReportCell.SIDE] = side;
    cells[row + ReportCell.PRICE] = priceAt(words, at);
    cells[row + ReportCell.QUANTITY] = words[at + 1];
    cells[row + ID] = words[at + 4];
    cells[row + ID + 1] = words[at + 5];
  }

  #cancelled(message: number, side: number, price: number, low: number, high: number): void {
    const row = this.#tape.row(Report.CANCELLED, message);
    const { cells } = this.#tape;
    cells[row + ReportCell.SIDE] = side;
    cells[row + ReportCell.PRICE] = price;
    cells[row + ID] = low;
    cells[row + ID + 1] = high;
  }
}

/** Reports the trades among the events of a record. */
function reportTrades(events: EventBuffer, { words }: Slots, tape: ReportTape, message: number): void {
  const { cells, orders, count } = events;
  for (let event = 0; event < count; event += 1) {
    const from = event * CELLS;
    if (cells[from] !== TRADE) continue;
    const row = tape.row(Report.TRADE, message);
    const to = tape.cells;
    to[row + ReportCell.PRICE] = cells[from + PRICE];
    to[row + ReportCell.QUANTITY] = cells[from + LOTS];
    const maker = orders[event * 2] * SLOT_WORDS + ORDER_ID;
    const taker = orders[event * 2 + 1] * SLOT_WORDS + ORDER_ID;
    to[row + ID] = words[maker] >>> 0;
    to[row + ID + 1] = words[maker + 1] >>> 0;
    to[row + OTHER_ID] = words[taker] >>> 0;
    to[row + OTHER_ID + 1] = words[taker + 1] >>> 0;
  }
}
