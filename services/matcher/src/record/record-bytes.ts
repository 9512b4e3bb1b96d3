// Records of the journal as bytes: bourse.matcher.v1.Record, written field by field from the command and the
// core's events as numbers.
//
// A start writes the events of every record again to compare them with what is stored, so this decides how long a
// shard is away. The bytes are those of the generated code (record-bytes.test.ts compares them): fields in the order
// of their numbers, nothing for a zero, lengths as short as they can be.

import { completeEvents } from "../core/complete-events.js";
import { SELF_TRADE_MODES } from "../core/content-hash.js";
import { CELLS, Cell, type EventBuffer, EventKind, Flag } from "../core/event-buffer.js";
import type { Shard } from "../core/shard.js";
import { AMEND_REFUSALS, END_REASONS, type MatcherEvent, ORDER_STATUSES } from "../core/types.js";
import type { RecordHead } from "../flow/log.js";
import { amendRefusals, reasons, selfTradeModes, sides, statuses } from "../rpc/matcher-words.js";
import { fieldOf } from "./byte-reader.js";
import { CommandWriter } from "./command-writer.js";
import { MessageWriter } from "./message-writer.js";
import { rareEventBytes } from "./rare-bytes.js";
import { TradeIds } from "./trade-id.js";

/** Bytes of one allocation that many records share. */
const CHUNK_BYTES = 256 * 1024;
/** More than any one event or the fields of any one command take, but for texts that say their own length. */
const EVENT_BYTES_MAX = 1_024;
/** Rules that repeated the terms of an accepted order in its event, and said less of a prevention. */
const FIRST_RULES = 1;

const BUY = sides.buy;
const STATUS_NUMBERS = ORDER_STATUSES.map((status) => statuses[status]);
const REASON_NUMBERS = END_REASONS.map((reason) => reasons[reason]);
const REFUSAL_NUMBERS = AMEND_REFUSALS.map((refusal) => (refusal === "" ? 0 : amendRefusals[refusal]));
const MODE_NUMBERS = SELF_TRADE_MODES.map((mode) => selfTradeModes[mode]);

/** Lengths of messages whose bytes are guessed: by what the last of the kind took. */
const Guess = {
  EVENT: 0,
  BODY: 16,
  MAKER: 32,
  TAKER: 33,
  COMMAND: 34,
} as const;

// Constants of other files are read through a cell at each use; those of this file cost nothing.
const {
  AMENDED_LOTS,
  AMENDED_PRICE,
  BUYER_LIMIT,
  CREATED,
  EXECUTED,
  FEE,
  FLAGS,
  INDEX,
  LOTS,
  MARKET,
  OLD_LOTS,
  OLD_PRICE,
  ORDER,
  OTHER,
  OTHER_CREATED,
  OTHER_FEE,
  OTHER_RECEIVED_HIGH,
  OTHER_RECEIVED_LOW,
  OTHER_REMAINING,
  OTHER_RESERVED,
  OTHER_USER,
  PRICE,
  QUANTITY,
  REASON,
  RECEIVED_HIGH,
  RECEIVED_LOW,
  REMAINING,
  RESERVED,
  SEQ,
  SIDE,
  STATUS,
  USER,
} = Cell;
const {
  ACCEPTED: KIND_ACCEPTED,
  AMENDED: KIND_AMENDED,
  AMEND_REFUSED: KIND_AMEND_REFUSED,
  ENDED: KIND_ENDED,
  OBJECT: KIND_OBJECT,
  PREVENTED: KIND_PREVENTED,
  RESTED: KIND_RESTED,
  STOP_PLACED: KIND_STOP_PLACED,
  STOP_TRIGGERED: KIND_STOP_TRIGGERED,
  TRADE: KIND_TRADE,
} = EventKind;
const { KEEPS_PLACE, TOMBSTONE, WAS_RESTING, WITH_TERMS } = Flag;

/** Where a command stands in the bytes of its record: what its events repeat of it is copied from there. */
export interface CommandPlace {
  bytes: Uint8Array;
  start: number;
  end: number;
}

/** Writes the records of one shard. */
export class RecordWriter {
  readonly #to: MessageWriter;
  readonly #commands: CommandWriter;
  readonly #tradeIds: TradeIds;
  readonly #guesses = new Uint8Array(40).fill(1);
  readonly #place: CommandPlace = { bytes: new Uint8Array(0), start: 0, end: 0 };

  constructor(shard: number, chunkBytes = CHUNK_BYTES) {
    this.#to = new MessageWriter(chunkBytes);
    this.#commands = new CommandWriter(this.#to);
    this.#tradeIds = new TradeIds(shard);
  }

  /** Bytes of a whole record; theirs for good. */
  encode(shard: Shard, head: RecordHead, events: EventBuffer): Buffer {
    const to = this.#to;
    to.begin();
    to.room(EVENT_BYTES_MAX);
    to.whole(1, head.seq);
    to.whole(2, head.epoch);
    to.whole(3, head.timeMs);
    this.#command(head);
    this.#events(shard, head.seq, events, this.#place);
    return to.take();
  }

  /** Whether the bytes from `start` to `end` are these events: all that follows the command in its record. */
  isEvents(
    shard: Shard,
    seq: number,
    events: EventBuffer,
    command: CommandPlace,
    start: number,
    end: number,
  ): boolean {
    this.#to.begin();
    this.#events(shard, seq, events, command);
    return this.#to.equals(command.bytes, start, end);
  }

  #command(head: RecordHead): void {
    const to = this.#to;
    const opened = this.#open(4, Guess.COMMAND);
    this.#commands.write(head);
    this.#close(opened, Guess.COMMAND);
    this.#place.bytes = to.bytes;
    this.#place.end = to.at;
    this.#place.start = to.at - to.lengthClosed;
  }

  #events(shard: Shard, seq: number, events: EventBuffer, command: CommandPlace): void {
    const to = this.#to;
    const { cells, count } = events;
    completeEvents(shard, events);
    for (let row = 0; row < count; row += 1) {
      const at = row * CELLS;
      const kind = cells[at];
      to.room(EVENT_BYTES_MAX);
      if (kind === KIND_OBJECT) {
        const bytes = rareEventBytes(events.objects[row] as MatcherEvent);
        to.room(EVENT_BYTES_MAX + bytes.length);
        to.copy(5, bytes, 0, bytes.length);
        continue;
      }
      const event = this.#open(5, Guess.EVENT + kind);
      // Kinds of rows are the numbers of the contract, in their order, but for these.
      const body = this.#open(FIELD_OF_KIND[kind], Guess.BODY + kind);
      switch (kind) {
        case KIND_ACCEPTED:
          if (shard.rules === FIRST_RULES) this.#termsOf(1, command);
          break;
        case KIND_RESTED:
          this.#id(1, cells, at + ORDER);
          to.text(2, symbolAt(shard, cells, at));
          to.whole(3, BUY + cells[at + SIDE]);
          to.whole(4, cells[at + PRICE]);
          to.whole(5, cells[at + LOTS]);
          break;
        case KIND_TRADE:
          this.#trade(shard, seq, events, row);
          break;
        case KIND_PREVENTED:
          this.#prevented(shard, cells, at);
          break;
        case KIND_ENDED:
          this.#ended(shard, cells, at, command);
          break;
        case KIND_STOP_PLACED:
          this.#id(1, cells, at + ORDER);
          to.text(2, symbolAt(shard, cells, at));
          to.whole(3, BUY + cells[at + SIDE]);
          to.whole(4, cells[at + PRICE]);
          to.whole(5, cells[at + LOTS]);
          break;
        case KIND_STOP_TRIGGERED:
          this.#id(1, cells, at + ORDER);
          this.#user(2, shard, cells[at + USER]);
          to.text(3, symbolAt(shard, cells, at));
          to.whole(4, BUY + cells[at + SIDE]);
          to.whole(5, cells[at + PRICE]);
          to.whole(6, cells[at + LOTS]);
          break;
        case KIND_AMENDED:
          this.#amended(shard, cells, at);
          break;
        case KIND_AMEND_REFUSED:
          this.#id(1, cells, at + ORDER);
          this.#user(2, shard, cells[at + USER]);
          this.#id(3, cells, at + OTHER);
          if (cells[at + MARKET] >= 0) to.text(4, symbolAt(shard, cells, at));
          else this.#symbolOf(4, SYMBOL_OF_AMEND, command);
          to.whole(5, REFUSAL_NUMBERS[cells[at + REASON]]);
          break;
        default:
          throw new Error(`no such kind of event: ${kind}`);
      }
      this.#close(body, Guess.BODY + kind);
      this.#close(event, Guess.EVENT + kind);
    }
  }

  #trade(shard: Shard, seq: number, { cells, texts }: EventBuffer, row: number): void {
    const to = this.#to;
    const ids = this.#tradeIds;
    const at = row * CELLS;
    ids.derive(seq, cells[at + INDEX]);
    to.id(1, ids.w0, ids.w1, ids.w2, ids.w3);
    to.text(2, symbolAt(shard, cells, at));
    to.whole(3, cells[at + PRICE]);
    to.whole(4, cells[at + LOTS]);
    to.whole(5, BUY + cells[at + SIDE]);

    const maker = this.#open(6, Guess.MAKER);
    this.#id(1, cells, at + ORDER);
    this.#user(2, shard, cells[at + USER]);
    to.text(3, texts[row * 2]);
    to.whole(4, cells[at + FEE]);
    to.sum(5, cells[at + RECEIVED_HIGH], cells[at + RECEIVED_LOW]);
    to.whole(6, cells[at + CREATED]);
    to.whole(7, cells[at + REMAINING]);
    this.#close(maker, Guess.MAKER);

    const taker = this.#open(7, Guess.TAKER);
    this.#id(1, cells, at + OTHER);
    this.#user(2, shard, cells[at + OTHER_USER]);
    to.text(3, texts[row * 2 + 1]);
    to.whole(4, cells[at + OTHER_FEE]);
    to.sum(5, cells[at + OTHER_RECEIVED_HIGH], cells[at + OTHER_RECEIVED_LOW]);
    to.whole(6, cells[at + OTHER_CREATED]);
    to.whole(7, cells[at + OTHER_REMAINING]);
    this.#close(taker, Guess.TAKER);

    to.whole(8, cells[at + BUYER_LIMIT]);
    to.whole(9, cells[at + INDEX]);
  }

  #prevented(shard: Shard, cells: Float64Array, at: number): void {
    const to = this.#to;
    to.text(1, symbolAt(shard, cells, at));
    this.#id(2, cells, at + OTHER);
    this.#id(3, cells, at + ORDER);
    to.whole(4, cells[at + PRICE]);
    to.whole(5, cells[at + LOTS]);
    if (shard.rules === FIRST_RULES) return;
    to.whole(6, MODE_NUMBERS[cells[at + REASON]]);
    this.#user(7, shard, cells[at + USER]);
    to.whole(8, BUY + cells[at + SIDE]);
    to.whole(9, cells[at + OTHER_REMAINING]);
    to.whole(10, cells[at + OTHER_RESERVED]);
    to.whole(11, cells[at + REMAINING]);
    to.whole(12, cells[at + RESERVED]);
  }

  #ended(shard: Shard, cells: Float64Array, at: number, command: CommandPlace): void {
    const to = this.#to;
    const flags = cells[at + FLAGS];
    this.#id(1, cells, at + ORDER);
    this.#user(2, shard, cells[at + USER]);
    if (cells[at + MARKET] >= 0) to.text(3, symbolAt(shard, cells, at));
    else this.#symbolOf(3, SYMBOL_OF_RESOLVE, command);
    to.whole(4, STATUS_NUMBERS[cells[at + STATUS]]);
    to.whole(5, REASON_NUMBERS[cells[at + REASON]]);
    to.whole(6, cells[at + EXECUTED]);
    to.sum(7, cells[at + RECEIVED_HIGH], cells[at + RECEIVED_LOW]);
    if ((flags & WAS_RESTING) !== 0) {
      to.flag(8, true);
      to.whole(9, BUY + cells[at + SIDE]);
      to.whole(10, cells[at + PRICE]);
    }
    to.whole(11, cells[at + LOTS]);
    to.whole(12, cells[at + CREATED]);
    if ((flags & WITH_TERMS) !== 0) this.#termsOf(13, command);
    to.flag(14, (flags & TOMBSTONE) !== 0);
    to.whole(15, cells[at + SEQ]);
    to.whole(16, cells[at + AMENDED_PRICE]);
    to.whole(17, cells[at + AMENDED_LOTS]);
  }

  #amended(shard: Shard, cells: Float64Array, at: number): void {
    const to = this.#to;
    const flags = cells[at + FLAGS];
    this.#id(1, cells, at + ORDER);
    this.#user(2, shard, cells[at + USER]);
    this.#id(3, cells, at + OTHER);
    to.text(4, symbolAt(shard, cells, at));
    to.whole(5, BUY + cells[at + SIDE]);
    to.flag(6, (flags & KEEPS_PLACE) !== 0);
    to.flag(7, (flags & WAS_RESTING) !== 0);
    to.whole(8, cells[at + OLD_PRICE]);
    to.whole(9, cells[at + OLD_LOTS]);
    to.whole(10, cells[at + PRICE]);
    to.whole(11, cells[at + LOTS]);
    to.whole(12, cells[at + QUANTITY]);
    to.whole(13, cells[at + RESERVED]);
    to.whole(14, cells[at + CREATED]);
  }

  /** The terms of the record's submit, as they stand there. */
  #termsOf(no: number, { bytes, start, end }: CommandPlace): void {
    const submit = fieldOf(bytes, start, end, 1);
    const terms = submit && fieldOf(bytes, submit.start, submit.end, 1);
    if (terms === undefined) throw new Error("an order that was placed has terms");
    this.#to.room(EVENT_BYTES_MAX + terms.end - terms.start);
    this.#to.copy(no, bytes, terms.start, terms.end);
  }

  /** The symbol that the record's command names: of a market that the event's order does not know. */
  #symbolOf(
    no: number,
    from: { readonly kind: number; readonly field: number },
    command: CommandPlace,
  ): void {
    const { bytes, start, end } = command;
    const message = fieldOf(bytes, start, end, from.kind);
    const symbol = message && fieldOf(bytes, message.start, message.end, from.field);
    if (symbol === undefined) throw new Error("what has no market of its own names one");
    this.#to.copy(no, bytes, symbol.start, symbol.end);
  }

  #id(no: number, cells: Float64Array, at: number): void {
    this.#to.id(no, cells[at], cells[at + 1], cells[at + 2], cells[at + 3]);
  }

  #user(no: number, { users: { words } }: Shard, user: number): void {
    const at = user * 4;
    this.#to.id(no, words[at], words[at + 1], words[at + 2], words[at + 3]);
  }

  #open(no: number, guess: number): number {
    return this.#to.open(no, this.#guesses[guess]);
  }

  #close(opened: number, guess: number): void {
    this.#guesses[guess] = this.#to.close(opened, this.#guesses[guess]);
  }
}

/** Where commands name a market: the field of the command, and in it the symbol's. */
const SYMBOL_OF_RESOLVE = { kind: 3, field: 3 };
const SYMBOL_OF_AMEND = { kind: 7, field: 4 };

/** Numbers of the contract's events by kind of row; OBJECT rows bring their own. */
const FIELD_OF_KIND: readonly number[] = [0, 1, 2, 3, 4, 5, 7, 8, 9, 10];

function symbolAt(shard: Shard, cells: Float64Array, at: number): string {
  return shard.books[cells[at + MARKET]].market.symbol;
}
