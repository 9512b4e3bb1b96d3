// Records of a shard as bytes of bourse.matcher.v1.Record, and what replay asks of them.
import { applyCommand, cancelOrder, placeOrder } from "../core/apply.js";
import { ContentHash } from "../core/content-hash.js";
import type { EventBuffer } from "../core/event-buffer.js";
import { OrderInput } from "../core/order-input.js";
import type { Shard } from "../core/shard.js";
import type { RecordCodec } from "../flow/log.js";
import { ByteReader } from "./byte-reader.js";
import { CommandTag, readCommand } from "./command-bytes.js";
import { newerIn } from "./newer-record.js";
import { OrderReader } from "./order-bytes.js";
import { type CommandPlace, RecordWriter } from "./record-bytes.js";

/** Tags of a record's fields: number times eight plus wire type. */
const SEQ = 8;
const EPOCH = 16;
const TIME = 24;
const COMMAND = 34;
/** Of a submit. */
const TERMS = 10;
const EXPIRES_AT = 16;
/** Of a cancel. */
const ORDER_ID = 10;
const USER_ID = 18;
const OPERATOR_ID = 26;

/** What stands before the events of a record; read anew for each. */
interface Place extends CommandPlace {
  bytes: Buffer;
  seq: number;
  epoch: number;
  timeMs: number;
}

/** Makes the codec of a shard's records. */
export function createRecordCodec(shard: number): RecordCodec {
  const writer = new RecordWriter(shard);
  const replayer = new Replayer(shard, writer);
  const reader = new ByteReader();
  return {
    encode: (state, head, events) => writer.encode(state, head, events),
    replay: (state, bytes, start, end) => replayer.replay(state, bufferOf(bytes), start, end),
    decode(payload) {
      const { seq, epoch, timeMs, bytes, start, end } = readPlace(reader, placeOf(payload));
      return { seq, epoch, timeMs, ...readCommand(reader.over(bytes, start, end), shard) };
    },
    newerIn,
  };
}

/** Decides stored records again. What it needs on the way is made once. */
class Replayer {
  readonly #shard: number;
  readonly #writer: RecordWriter;
  readonly #reader = new ByteReader();
  readonly #orders = new OrderReader(new ContentHash());
  readonly #input = new OrderInput();
  readonly #place: Place = placeOf(new Uint8Array(0));

  constructor(shard: number, writer: RecordWriter) {
    this.#shard = shard;
    this.#writer = writer;
  }

  /** Applies a record; true when epoch and events are byte for byte what is stored. */
  replay(state: Shard, bytes: Buffer, start: number, end: number): boolean {
    const place = this.#place;
    place.bytes = bytes;
    place.start = start;
    place.end = end;
    readPlace(this.#reader, place);
    const events = this.#apply(state);
    return (
      state.epoch === place.epoch && this.#writer.isEvents(state, place.seq, events, place, place.end, end)
    );
  }

  #apply(state: Shard): EventBuffer {
    const place = this.#place;
    const from = this.#reader.over(place.bytes, place.start, place.end);
    const tag = place.bytes[place.start];
    if (tag === CommandTag.SUBMIT) return this.#placeOrder(state, from);
    if (tag === CommandTag.CANCEL) return this.#cancel(state, from);
    return applyCommand(state, place, readCommand(from, this.#shard).command);
  }

  #placeOrder(state: Shard, from: ByteReader): EventBuffer {
    const end = from.enter(CommandTag.SUBMIT);
    const submitEnd = from.enter(TERMS);
    this.#orders.readTerms(from, state, this.#input);
    from.leave(submitEnd);
    from.whole(EXPIRES_AT);
    endCommand(from, end);
    return placeOrder(state, this.#place, this.#input);
  }

  #cancel(state: Shard, from: ByteReader): EventBuffer {
    const { words } = this.#orders;
    const end = from.enter(CommandTag.CANCEL);
    from.id(ORDER_ID, words, 0);
    from.id(USER_ID, words, 4);
    from.range(OPERATOR_ID);
    const isByOperator = from.to > from.from;
    endCommand(from, end);
    return cancelOrder(state, this.#place, words[0], words[1], words[2], words[3], isByOperator);
  }
}

/** Nothing that is not known may follow: neither in the message that ends here, nor behind it in the command. */
function endCommand(from: ByteReader, end: number): void {
  from.leave(end);
  from.range(CommandTag.TRACEPARENT);
  from.leave(end);
}

/** Reads up to the events; from then on `start` and `end` are those of the command. */
function readPlace(reader: ByteReader, place: Place): Place {
  reader.over(place.bytes, place.start, place.end);
  place.seq = reader.whole(SEQ);
  place.epoch = reader.whole(EPOCH);
  place.timeMs = reader.whole(TIME);
  reader.enter(COMMAND);
  place.start = reader.at;
  place.end = reader.end;
  return place;
}

function placeOf(payload: Uint8Array): Place {
  return { bytes: bufferOf(payload), start: 0, end: payload.length, seq: 0, epoch: 0, timeMs: 0 };
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
