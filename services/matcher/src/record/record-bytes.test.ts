import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { EventBuffer } from "../core/event-buffer.js";
import { addBook, createShard, type Shard, userNumber } from "../core/shard.js";
import type { JournalRecord } from "../core/types.js";
import { ANY_SYMBOLS, ANY_USERS, anyRecord, ANY_SHARD as SHARD } from "../testing/any-record.js";
import { writeRow } from "../testing/event-rows.js";
import { market } from "../testing/orders.js";
import { slowRecordBytes } from "../testing/slow-record.js";
import { ByteReader } from "./byte-reader.js";
import { readCommand } from "./command-bytes.js";
import { RecordWriter } from "./record-bytes.js";
import { createRecordCodec } from "./record-codec.js";

/** A shard that has numbers for all users and markets. */
function numberedShard(rules: number): Shard {
  const shard = createShard(SHARD);
  shard.rules = rules;
  for (const symbol of ANY_SYMBOLS) addBook(shard, market({ symbol }));
  for (const user of ANY_USERS) userNumber(shard, user);
  return shard;
}

function rowsOf(shard: Shard, { events }: JournalRecord): EventBuffer {
  const rows = new EventBuffer();
  const numbers = {
    user: (text: string) => userNumber(shard, text),
    market: (symbol: string) => shard.bookOfSymbol.get(symbol)?.number ?? -1,
  };
  for (const event of events) writeRow(rows, event, numbers);
  return rows;
}

describe.each([1, 2])("records of rules %i", (rules) => {
  const shard = numberedShard(rules);

  test("have the bytes that the generated code gives them, every kind of command and event", () => {
    const kinds = new Set<string>();
    // Chunks so small that most records meet the end of one.
    const writer = new RecordWriter(SHARD, 1_500);
    const { decode } = createRecordCodec(SHARD);
    fc.assert(
      fc.property(anyRecord, (record) => {
        const { events, ...head } = record;
        const bytes = writer.encode(shard, head, rowsOf(shard, record));
        expect(bytes.toString("hex")).toBe(
          Buffer.from(slowRecordBytes(SHARD, record, rules)).toString("hex"),
        );
        const kept = Buffer.from(bytes);
        // What was taken stays as it is, whatever is written later.
        writer.encode(shard, head, rowsOf(shard, record));
        expect(bytes.equals(kept)).toBe(true);
        expect(decode(bytes)).toEqual(head);
        kinds.add(`command ${record.command.type}`);
        for (const { type } of events) kinds.add(type);
      }),
      { numRuns: 300 },
    );
    const { command, event } = kindsOfContract();
    expect([...kinds].sort()).toEqual([...command.map((kind) => `command ${kind}`), ...event].sort());
  });

  test("are told from others of the same length by any one byte of their events", () => {
    const writer = new RecordWriter(SHARD);
    fc.assert(
      fc.property(anyRecord, fc.nat(), fc.integer({ min: 1, max: 255 }), (record, place, flip) => {
        const rows = rowsOf(shard, record);
        const { events, ...head } = record;
        const bytes = Buffer.from(writer.encode(shard, head, rows));
        const [start, end] = commandIn(bytes);
        const command = { bytes, start, end };
        expect(writer.isEvents(shard, record.seq, rows, command, end, bytes.length)).toBe(true);
        expect(writer.isEvents(shard, record.seq, rows, command, end, bytes.length - 1)).toBe(false);
        if (events.length === 0) return;
        const at = end + (place % (bytes.length - end));
        // Beyond the command, which its events repeat.
        const other = Buffer.from(bytes);
        other.writeUInt8(other.readUInt8(at) ^ flip, at);
        expect(
          writer.isEvents(shard, record.seq, rows, { ...command, bytes: other }, end, bytes.length),
        ).toBe(false);
      }),
      { numRuns: 200 },
    );
  });
});

test("a record of twenty thousand trades has the right bytes", () => {
  const shard = numberedShard(2);
  const [maker, taker] = [ANY_USERS[1], ANY_USERS[2]].map((userId, index) => ({
    ...{ orderId: userId, userId, clientOrderId: `c${index}`, feePpm: 100 },
    ...{ receivedBefore: "9".repeat(30), createdAtMs: 1.7e12, remainingLots: 5 },
  }));
  if (maker === undefined || taker === undefined) throw new Error("two parties");
  const events = Array.from({ length: 20_000 }, (_, index) => ({
    ...({ type: "trade", symbol: ANY_SYMBOLS[0], takerSide: "buy", index } as const),
    ...{ priceTicks: 1e9, quantityLots: 1e6, maker, taker, buyerLimitTicks: 0 },
  }));
  const record = { seq: 2 ** 40, epoch: 2 ** 32 - 1, timeMs: 2 ** 52, traceparent: "", events };
  const whole: JournalRecord = { ...record, command: { type: "tick" } };
  const bytes = new RecordWriter(SHARD).encode(shard, whole, rowsOf(shard, whole));
  expect(bytes.equals(slowRecordBytes(SHARD, whole))).toBe(true);
});

test("a command with anything that is not known is not read", () => {
  const codec = createRecordCodec(SHARD);
  fc.assert(
    fc.property(anyRecord, ({ events, ...head }) => {
      const bytes = Buffer.from(slowRecordBytes(SHARD, { ...head, events: [] }));
      const [start, end] = commandIn(bytes);
      const longer = Buffer.concat([bytes.subarray(start, end), Buffer.from([0x9a, 0x06, 2, 8, 1])]);
      const read = () => readCommand(new ByteReader().over(longer, 0, longer.length), SHARD);
      expect(read).toThrow(/is not known|not as this version/);
      expect(codec.decode(bytes).command.type).toBe(head.command.type);
    }),
    { numRuns: 100 },
  );
});

/** Where the command stands in a record. */
function commandIn(bytes: Buffer): [number, number] {
  const reader = new ByteReader().over(bytes, 0, bytes.length);
  for (const tag of [8, 16, 24]) reader.whole(tag);
  reader.varint();
  const end = reader.extent();
  return [reader.at, end];
}

function kindsOfContract() {
  const [command, event] = [RecordSchema.field.command, RecordSchema.field.events].map((field) =>
    field.message?.oneofs[0]?.fields.map(({ localName }) => localName),
  );
  if (command === undefined || event === undefined) throw new Error("a record has commands and events");
  return { command, event };
}

test("numbers beyond what counts exactly are not read", () => {
  const bytes = Buffer.from(
    slowRecordBytes(SHARD, {
      ...{ seq: 1, epoch: 1, timeMs: 1, traceparent: "", events: [] },
      command: { type: "cancel", orderId: ANY_USERS[0] ?? "", userId: ANY_USERS[0] ?? "", operatorId: "" },
    }),
  );
  const wrong = Buffer.concat([
    Buffer.from([8, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
    bytes.subarray(2),
  ]);
  expect(() => createRecordCodec(SHARD).decode(wrong)).toThrow("a number is out of range");
  expect(fromBinary(RecordSchema, wrong).seq).toBe(2n ** 56n - 1n);
});
