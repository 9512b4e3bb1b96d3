// Records of a version that is to come: refused in words, never with a stack, never skipped.
import {
  CommandSchema,
  EventSchema,
  OrderRestedSchema,
  RecordSchema,
  ResolveCommandSchema,
} from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { EventBuffer } from "../core/event-buffer.js";
import { createShard } from "../core/shard.js";
import { createRecordCodec } from "../record/record-codec.js";
import { storedRecords } from "../testing/stored-records.js";
import { createEpochs } from "./epochs.js";
import { replayRecords } from "./recover.js";

const codec = createRecordCodec(0);
/** An unknown field: number, wire type 2 (bytes), and a length before its two bytes. */
const field = (no: number) => ({ no, wireType: 2, data: new Uint8Array([2, 8, 1]) });

function epochRecord() {
  const command = { type: "startEpoch", epoch: 1, rules: 2 } as const;
  const head = { seq: 1, epoch: 1, timeMs: 1, command, traceparent: "" };
  return fromBinary(RecordSchema, codec.encode(createShard(0), head, new EventBuffer()));
}

function replay(payload: Uint8Array): () => void {
  return () => replayRecords(createShard(0), storedRecords([payload]), codec, createEpochs());
}

const tooNew = (what: string) =>
  `the journal is refused: the record holds ${what}, which this version does not know (file a.log, offset 64, ` +
  "seq 1). Nothing was changed. Start the newer version again, or restore a backup from before the upgrade.";

test("a command of an unknown kind is refused as one of a newer version", () => {
  const record = epochRecord();
  record.command = create(CommandSchema, {});
  record.command.$unknown = [field(99)];
  expect(replay(toBinary(RecordSchema, record))).toThrow(tooNew("field 99 of bourse.matcher.v1.Command"));
});

test("an event of an unknown kind is refused as one of a newer version", () => {
  const record = epochRecord();
  const event = create(EventSchema, {});
  event.$unknown = [field(77)];
  record.events = [event];
  expect(replay(toBinary(RecordSchema, record))).toThrow(tooNew("field 77 of bourse.matcher.v1.Event"));
});

test("an unknown word is refused as one of a newer version", () => {
  const record = epochRecord();
  const value = create(ResolveCommandSchema, { symbol: "BTC/USDT", tombstoneStatus: 99 as never });
  record.command = create(CommandSchema, { kind: { case: "resolve", value } });
  expect(replay(toBinary(RecordSchema, record))).toThrow(tooNew("value 99 of bourse.types.v1.OrderStatus"));
});

test("what is merely decided otherwise is not taken for newer", () => {
  const record = epochRecord();
  const value = create(OrderRestedSchema, {});
  record.events = [create(EventSchema, { kind: { case: "rested", value } })];
  expect(replay(toBinary(RecordSchema, record))).toThrow("replay decides otherwise than the journal says");
});
