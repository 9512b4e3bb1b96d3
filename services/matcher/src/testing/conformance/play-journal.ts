// A workload through the journal: every command is decided, encoded and written, then a fresh shard decides the
// stored records again, and the reports come from those.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { applyCommand, cancelOrder } from "../../core/apply.js";
import { completeEvents } from "../../core/complete-events.js";
import { Cell, type EventBuffer } from "../../core/event-buffer.js";
import { idText } from "../../core/ids.js";
import type { OrderInput } from "../../core/order-input.js";
import { createShard, type Moment, type Shard } from "../../core/shard.js";
import { SLOT_WORDS, SlotColumn } from "../../core/slots.js";
import { stateBytes } from "../../core/state-bytes.js";
import type { Command, OrderTerms } from "../../core/types.js";
import type { RecordCodec, StoredRecords } from "../../flow/log.js";
import type { JournalEntry } from "../../io/batch-encoder.js";
import { sha256 } from "../../io/digest.js";
import { type Journal, openJournal } from "../../io/journal.js";
import { createRecordCodec } from "../../record/record-codec.js";
import { terms } from "../orders.js";
import { CONFORMANCE_START, tapeFor } from "./play-core.js";
import { type Engine, OWNERS, Player } from "./player.js";
import type { ReportTape } from "./reports.js";
import type { Workload } from "./workload.js";

const MIB = 1024 * 1024;
/** Messages from which on the journal has files of the usual size. */
const LARGE = 100_000;
const BATCH_RECORDS = 8_192;
/** Records of one message at most: a modify is a cancel and a new order. */
const RECORDS_PER_MESSAGE = 2;

/** Runs a workload into a journal in a folder of its own and out of it again, on the tape. Returns seconds of both. */
export async function playJournal(
  workload: Workload,
  tape: ReportTape,
): Promise<{ readonly writeSeconds: number; readonly replaySeconds: number }> {
  const directory = await mkdtemp(join(tmpdir(), "bourse-conformance-"));
  try {
    const startedAt = performance.now();
    const written = await write(workload, directory);
    const writtenAt = performance.now();
    const replayed = await replay(workload, directory, tape);
    if (replayed !== written) throw new Error("the replayed state is not the one that was written");
    return {
      writeSeconds: (writtenAt - startedAt) / 1_000,
      replaySeconds: (performance.now() - writtenAt) / 1_000,
    };
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

function open(directory: string, { count }: Workload): Promise<Journal> {
  return openJournal({
    directory,
    shard: 0,
    segmentBytes: count < LARGE ? MIB : 64 * MIB,
    wallMs: () => 0,
    onFlush: () => {},
    onFailure: (error) => {
      throw error;
    },
  });
}

/** Decides, encodes and writes; returns the hash of the state. */
async function write(workload: Workload, directory: string): Promise<string> {
  const journal = await open(directory, workload);
  for await (const _ of journal.replay()) throw new Error("a fresh journal is empty");
  const shard = createShard(0);
  const engine = new WritingEngine(shard, createRecordCodec(0));
  for (const command of CONFORMANCE_START) engine.apply(command);
  const player = new Player(shard, engine, tapeFor({ ...workload, count: 0 }));
  for (let message = 0; message < workload.count; message += 1) {
    player.play(workload.words, message);
    if (engine.entries.length >= BATCH_RECORDS) await journal.append(engine.entries.splice(0));
  }
  if (engine.entries.length > 0) await journal.append(engine.entries.splice(0));
  await journal.close();
  return sha256(stateBytes(shard));
}

/** Decides with the core and encodes each record. */
class WritingEngine implements Engine {
  readonly entries: JournalEntry[] = [];
  readonly #shard: Shard;
  readonly #codec: RecordCodec;
  readonly #id = new Int32Array(4);

  constructor(shard: Shard, codec: RecordCodec) {
    this.#shard = shard;
    this.#codec = codec;
  }

  apply(command: Command): void {
    const { seq, timeMs } = this.#shard;
    this.#encode(command, applyCommand(this.#shard, { seq: seq + 1, timeMs }, command));
  }

  place(moment: Moment, input: OrderInput): EventBuffer {
    const made: OrderTerms = terms(0, {
      orderId: this.#idOf(input.id0, input.id1, input.id2),
      userId: OWNERS[input.isSell ? 1 : 0],
      side: input.isSell ? "sell" : "buy",
      timeInForce: input.timeInForce === 0 ? "GTC" : "IOC",
      priceTicks: input.priceTicks,
      quantityLots: input.quantityLots,
      reservedAsset: input.isSell ? "BTC" : "USDT",
    });
    const command: Command = { type: "submit", terms: made, expiresAtMs: moment.timeMs };
    return this.#encode(command, applyCommand(this.#shard, moment, command));
  }

  cancel(moment: Moment, first: number, second: number, third: number): EventBuffer {
    const events = cancelOrder(this.#shard, moment, first, second, third, 0);
    completeEvents(this.#shard, events);
    const side = events.cells[Cell.SIDE];
    const command: Command = {
      type: "cancel",
      orderId: this.#idOf(first, second, third),
      userId: OWNERS[side],
      operatorId: "",
    };
    return this.#encode(command, events);
  }

  #idOf(first: number, second: number, third: number): string {
    this.#id.set([first, second, third, 0]);
    return idText(this.#id, 0);
  }

  #encode(command: Command, events: EventBuffer): EventBuffer {
    const { seq, epoch, timeMs } = this.#shard;
    const payload = this.#codec.encode(this.#shard, { seq, epoch, timeMs, command, traceparent: "" }, events);
    this.entries.push({ seq, epoch, payload });
    return events;
  }
}

/** Decides the stored records again; returns the hash of the state. */
async function replay(workload: Workload, directory: string, tape: ReportTape): Promise<string> {
  const journal = await open(directory, workload);
  const shard = createShard(0);
  const records = new StoredQueue(journal.replay());
  const engine = new ReplayEngine(shard, createRecordCodec(0), records);
  await records.fill(CONFORMANCE_START.length);
  for (const _ of CONFORMANCE_START) engine.next();
  const player = new Player(shard, engine, tape);
  for (let message = 0; message < workload.count; message += 1) {
    if (records.count < RECORDS_PER_MESSAGE) await records.fill(RECORDS_PER_MESSAGE);
    player.play(workload.words, message);
  }
  await records.fill(1);
  if (records.count > 0) throw new Error("the journal holds more records than the workload leads to");
  await journal.close();
  return sha256(stateBytes(shard));
}

/** Takes each event from the next stored record, which must be the command that the message asks for. */
class ReplayEngine implements Engine {
  readonly #shard: Shard;
  readonly #codec: RecordCodec;
  readonly #records: StoredQueue;

  constructor(shard: Shard, codec: RecordCodec, records: StoredQueue) {
    this.#shard = shard;
    this.#codec = codec;
    this.#records = records;
  }

  next(): EventBuffer {
    const { bytes, start, end } = this.#records.take();
    if (!this.#codec.replay(this.#shard, bytes, start, end)) throw new Error("a record decides otherwise");
    return this.#shard.events;
  }

  place(_moment: Moment, input: OrderInput): EventBuffer {
    return this.#of(this.next(), input.id0, input.id1, input.id2);
  }

  cancel(_moment: Moment, first: number, second: number, third: number): EventBuffer {
    return this.#of(this.next(), first, second, third);
  }

  #of(events: EventBuffer, first: number, second: number, third: number): EventBuffer {
    const { words } = this.#shard.slots;
    const at = events.orders[0] * SLOT_WORDS + SlotColumn.ID;
    const isSame =
      events.count > 0 && words[at] === first && words[at + 1] === second && words[at + 2] === third;
    if (!isSame) throw new Error("the next record is about another order");
    return events;
  }
}

/** Stored records one by one. Their bytes are valid until the next batch is asked for, so a rest is copied. */
class StoredQueue {
  count = 0;
  readonly #batches: AsyncIterator<StoredRecords>;
  readonly #kept: { bytes: Buffer; start: number; end: number }[] = [];
  #batch: StoredRecords | undefined;
  #next = 0;

  constructor(batches: AsyncIterable<StoredRecords>) {
    this.#batches = batches[Symbol.asyncIterator]();
  }

  /** Makes so many records ready, or all that are left. */
  async fill(wanted: number): Promise<void> {
    while (this.count < wanted) {
      this.#keepRest();
      const { value, done } = await this.#batches.next();
      if (done === true) return;
      this.#batch = value;
      this.#next = 0;
      this.count += value.count;
    }
  }

  take(): { readonly bytes: Buffer; readonly start: number; readonly end: number } {
    if (this.count === 0) throw new Error("the journal holds fewer records than the workload leads to");
    this.count -= 1;
    const kept = this.#kept.shift();
    if (kept !== undefined) return kept;
    const batch = this.#batch;
    if (batch === undefined) throw new Error("a record that is counted is there");
    const index = this.#next;
    this.#next += 1;
    return { bytes: batch.bytes, start: batch.starts[index], end: batch.ends[index] };
  }

  #keepRest(): void {
    const batch = this.#batch;
    for (; batch !== undefined && this.#next < batch.count; this.#next += 1) {
      const bytes = Buffer.from(batch.bytes.subarray(batch.starts[this.#next], batch.ends[this.#next]));
      this.#kept.push({ bytes, start: 0, end: bytes.length });
    }
    this.#batch = undefined;
  }
}
