// A flow as the numbers that the core takes: what the codec reads out of a record's bytes, made ready before the
// clock runs. Full semantics: 128-bit ids, users, fees, band, protection, cap, prevention; events are read.
import { applyCommand, cancelOrder, placeOrder } from "../../core/apply.js";
import { CELLS, Cell, type EventBuffer, EventKind } from "../../core/event-buffer.js";
import { OrderInput } from "../../core/order-input.js";
import { createShard, openCountOf, type Shard, userNumber } from "../../core/shard.js";
import { SLOT_WORDS, SlotColumn } from "../../core/slots.js";
import { dueTimer } from "../../core/timers.js";
import { levelsOf } from "../../core/view.js";
import {
  BENCH_MARKET,
  budgetOf,
  FIELD,
  FIELDS,
  type FlowRows,
  idWords,
  OP,
  USERS_PER_SIDE,
  userIdOf,
  userOf,
} from "./flow-rows.js";

/** When the shard begins, and how fast the flow comes: 5,000 commands a second. */
const START_MS = 1_700_000_000_000;
const MS_PER_COMMAND = 1 / 5;
/** Longer than ids are remembered. */
const FORGET_AFTER_MS = 601_000;
/** Rules that decide now. */
const RULES = 2;

// Constants of other files are read through a cell at each use; those of this file cost nothing.
const ROW = FIELDS;
const { OP: F_OP, SIDE: F_SIDE, PRICE: F_PRICE, LOTS: F_LOTS } = FIELD;
const { LIMIT, CANCEL, MARKET } = OP;
const { KIND, LOTS, PRICE } = Cell;
const { TRADE } = EventKind;
const EVENT_ROW = CELLS;
const SLOT_ROW = SLOT_WORDS;
const SLOT_ID = SlotColumn.ID;

/** A shard with the market of the flow and its users. */
export function benchShard(): Shard {
  const shard = createShard(0);
  const moment = () => ({ seq: shard.seq + 1, timeMs: Math.max(shard.timeMs, START_MS) });
  applyCommand(shard, moment(), { type: "startEpoch", epoch: 1, rules: RULES });
  applyCommand(shard, moment(), { type: "addMarket", market: BENCH_MARKET });
  for (let user = 0; user < 2 * USERS_PER_SIDE; user += 1) userNumber(shard, userIdOf(user));
  return shard;
}

/** Plays a flow on a shard, command by command. */
export class CorePlay {
  readonly shard: Shard;
  /** Folded from every event, so that nothing is computed for nobody. */
  checksum = 0;
  trades = 0;
  volume = 0;
  notional = 0;
  readonly #rows: Int32Array;
  readonly #ids: Int32Array;
  readonly #users: Int32Array;
  readonly #texts: readonly string[];
  readonly #input = new OrderInput();
  readonly #moment = { seq: 0, timeMs: 0 };
  readonly #startMs: number;

  constructor(shard: Shard, { rows }: FlowRows, { ids, users, texts }: PreparedIds) {
    this.shard = shard;
    this.#startMs = shard.timeMs;
    this.#rows = rows;
    this.#ids = ids;
    this.#users = users;
    this.#texts = texts;
    this.#input.book = 0;
    this.#input.makerFeePpm = BENCH_MARKET.makerFeePpm;
    this.#input.takerFeePpm = BENCH_MARKET.takerFeePpm;
  }

  /** Applies command `index` and reads its events. */
  step(index: number): void {
    const { shard } = this;
    const ids = this.#ids;
    const at = index * 4;
    const moment = this.#moment;
    moment.seq = shard.seq + 1;
    moment.timeMs = this.#startMs + Math.floor(index * MS_PER_COMMAND);
    const isCancel = this.#rows[index * ROW + F_OP] === CANCEL;
    const events = isCancel
      ? cancelOrder(shard, moment, ids[at], ids[at + 1], ids[at + 2], ids[at + 3])
      : placeOrder(shard, moment, this.#fill(index));
    this.#read(events);
  }

  #fill(index: number): OrderInput {
    const rows = this.#rows;
    const ids = this.#ids;
    const input = this.#input;
    const at = index * ROW;
    const op = rows[at + F_OP];
    const side = rows[at + F_SIDE];
    const lots = rows[at + F_LOTS];
    const isMarket = op === MARKET;
    input.id0 = ids[index * 4];
    input.id1 = ids[index * 4 + 1];
    input.id2 = ids[index * 4 + 2];
    input.id3 = ids[index * 4 + 3];
    input.user = this.#users[index];
    input.isSell = side === 1;
    input.type = isMarket ? 1 : 0;
    input.timeInForce = op === LIMIT ? 0 : 1;
    input.priceTicks = isMarket ? 0 : rows[at + F_PRICE];
    input.quantityLots = lots;
    input.budgetTickLots = isMarket && side === 0 ? budgetOf(lots) : 0;
    input.hash0 = ids[index * 4] ^ lots;
    input.hash1 = ids[index * 4 + 3];
    input.clientOrderId = this.#texts[index];
    return input;
  }

  #read({ cells, orders, count }: EventBuffer): void {
    const { words } = this.shard.slots;
    let sum = this.checksum;
    for (let row = 0; row < count; row += 1) {
      const at = row * EVENT_ROW;
      const id = words[orders[row * 2] * SLOT_ROW + SLOT_ID];
      sum = (Math.imul(sum, 31) + cells[at + KIND] + id + cells[at + LOTS]) | 0;
      if (cells[at + KIND] !== TRADE) continue;
      const lots = cells[at + LOTS];
      this.trades += 1;
      this.volume += lots;
      this.notional += lots * cells[at + PRICE];
    }
    this.checksum = sum;
  }

  /** What every core must come to. */
  totals() {
    const [book] = this.shard.books;
    const bids = levelsOf(this.shard, book.bids);
    const asks = levelsOf(this.shard, book.asks);
    return {
      trades: this.trades,
      volume: this.volume,
      notional: this.notional,
      resting: openCountOf(this.shard),
      restingLots: [...bids, ...asks].reduce((sum, { quantityLots }) => sum + Number(quantityLots), 0),
      levels: bids.length + asks.length,
      bestBid: bids[0]?.priceTicks ?? 0,
      bestAsk: asks[0]?.priceTicks ?? 0,
    };
  }
}

export interface PreparedIds {
  /** Four words a command. */
  readonly ids: Int32Array;
  /** Numbers of the users. */
  readonly users: Int32Array;
  /** Client order ids. */
  readonly texts: readonly string[];
}

/** Ids of a flow's commands; another round gives ids that no earlier round had. */
export function prepareIds({ rows, count }: FlowRows, round = 0): PreparedIds {
  const words = new Uint32Array(count * 4);
  const users = new Int32Array(count);
  const texts: string[] = new Array(count);
  for (let index = 0; index < count; index += 1) {
    const id = rows[index * FIELDS + FIELD.ID];
    idWords(id + round * count, words, index * 4);
    users[index] = userOf(rows[index * FIELDS + FIELD.SIDE], id);
    texts[index] = rows[index * FIELDS + FIELD.OP] === OP.CANCEL ? "" : `c-${id}`;
  }
  return { ids: new Int32Array(words.buffer), users, texts };
}

/** Ends what rests after a round and forgets its ids, as the shard does ten minutes after its followers. */
export function emptyShard(shard: Shard, round: number): void {
  endAll(shard, round);
  forgetEnded(shard);
}

/** The next round finds an empty book, as the flow expects. */
function endAll(shard: Shard, round: number): void {
  for (let user = 0; user < 2 * USERS_PER_SIDE; user += 1) {
    applyCommand(
      shard,
      { seq: shard.seq + 1, timeMs: shard.timeMs },
      {
        type: "cancelAll",
        userId: userIdOf(user),
        requestId: `end-${round}`,
        symbol: "",
        side: "",
        operatorId: "",
        expiresAtMs: shard.timeMs + 1_000,
      },
    );
  }
}

/** As the shard does: followers have passed everything, ten minutes go by, the ended ids are forgotten. */
function forgetEnded(shard: Shard): void {
  const untilMs = shard.timeMs + FORGET_AFTER_MS;
  applyCommand(
    shard,
    { seq: shard.seq + 1, timeMs: shard.timeMs },
    { type: "learnCursors", throughSeq: shard.seq },
  );
  for (;;) {
    const due = dueTimer(shard, untilMs);
    if (due === undefined) return;
    applyCommand(shard, { seq: shard.seq + 1, timeMs: Math.max(due.dueMs, shard.timeMs) }, due.command);
  }
}
