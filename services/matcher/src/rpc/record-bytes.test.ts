import { RecordSchema } from "@bourse/shared/gen/bourse/matcher/v1/events_pb.js";
import { fromBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { applyCommand } from "../core/apply.js";
import { decide } from "../core/decide.js";
import { createShard } from "../core/shard.js";
import type { Command, JournalRecord } from "../core/types.js";
import { flow, markets } from "../testing/flow.js";
import { market, submit } from "../testing/orders.js";
import { slowRecordBytes } from "../testing/slow-record.js";
import { createRecordCodec } from "./matcher-wire.js";
import { createRecordEncoder, readRecord } from "./record-bytes.js";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

/** Records of a shard that decides commands; those that it refuses or knows leave none. */
function recordsOf(commands: readonly Command[]): JournalRecord[] {
  const shard = createShard(3);
  const records: JournalRecord[] = [];
  for (const command of commands) {
    const seq = shard.seq + 1;
    const timeMs = seq;
    const isOrder = command.type === "submit" || command.type === "cancel" || command.type === "resolve";
    if (isOrder && decide(shard, timeMs, command).type !== "apply") continue;
    const events = applyCommand(shard, { seq, timeMs }, command);
    const traceparent = seq % 3 === 0 ? TRACEPARENT : "";
    records.push({ seq, epoch: shard.epoch, timeMs, command, traceparent, events });
  }
  return records;
}

test("a record has the same bytes as the generated code gives it, whatever the order flow", () => {
  const kinds = new Set<string>();
  const { encode, encodesAs } = createRecordEncoder(3);
  const { decode } = createRecordCodec(3);
  fc.assert(
    fc.property(markets, flow, (made, orders) => {
      const listed = made.map((each) => ({ type: "addMarket", market: { ...each, shard: 3 } }) as const);
      const commands: Command[] = [{ type: "startEpoch", epoch: 2 }, ...listed, { type: "tick" }, ...orders];
      for (const record of recordsOf(commands)) {
        const bytes = encode(record);
        expect(Buffer.compare(bytes, slowRecordBytes(3, record))).toBe(0);
        expect(encodesAs(record, bytes)).toBe(true);
        expect(encodesAs({ ...record, timeMs: record.timeMs + 1 }, bytes)).toBe(false);
        expect(encodesAs({ ...record, events: [] }, bytes)).toBe(record.events.length === 0);
        const { events, ...rest } = record;
        expect(decode(bytes)).toEqual(rest);
        kinds.add(record.command.type);
        for (const { type } of events) kinds.add(type);
      }
    }),
    { numRuns: 60 },
  );
  const all = ["addMarket", "cancel", "resolve", "startEpoch", "submit", "tick"];
  const facts = ["accepted", "ended", "marketAdded", "rested", "selfTradePrevented", "trade"];
  expect([...kinds].sort()).toEqual([...all, ...facts].sort());
});

test("numbers at the limits of safe integers and records of thousands of events keep their bytes", () => {
  const terms = { priceTicks: 1, quantityLots: Number.MAX_SAFE_INTEGER };
  const { timeMs, command } = { timeMs: 2 ** 52 + 127, command: submit(1, terms) };
  const resting = { side: "buy", priceTicks: 2 ** 31 } as const;
  const ended = {
    ...({
      type: "ended",
      orderId: "o",
      userId: "u",
      symbol: "BTC/USDT",
      status: "FILLED",
      reason: "",
    } as const),
    ...{ executedLots: 2 ** 32, executedTickLots: "9".repeat(40), remainingLots: 0, resting },
    ...{ createdAtMs: 128, acceptedSeq: 16_384, terms: undefined, isTombstone: true },
  };
  const events = Array.from({ length: 5_000 }, (_, index) => ({ ...ended, remainingLots: index }));
  const record = { seq: 2 ** 40, epoch: 2 ** 32 - 1, timeMs, command, traceparent: "", events };
  expect(Buffer.compare(createRecordEncoder(0).encode(record), slowRecordBytes(0, record))).toBe(0);
});

test("a record is taken apart whatever a newer version put beside what is known", () => {
  const { encode } = createRecordEncoder(0);
  const command = { type: "addMarket", market: market() } as const;
  const bytes = encode({ seq: 7, epoch: 2, timeMs: 9, command, traceparent: "", events: [] });
  const field99 = Buffer.from([0x9a, 0x06, 2, 8, 1]);
  const parts = readRecord(Buffer.concat([field99, bytes, field99]));
  expect(parts).toMatchObject({ seq: 7, epoch: 2, timeMs: 9 });
  expect(fromBinary(RecordSchema, bytes).command?.kind.case).toBe("addMarket");
});
