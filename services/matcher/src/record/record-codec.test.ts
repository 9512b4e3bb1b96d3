import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { readEvents } from "../core/read-events.js";
import { createShard, type Shard } from "../core/shard.js";
import { stateBytes } from "../core/state-bytes.js";
import { ANY_SHARD } from "../testing/any-record.js";
import { flow, markets, playFlow } from "../testing/flow.js";
import { slowRecordBytes } from "../testing/slow-record.js";
import { createRecordCodec } from "./record-codec.js";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

const hexOf = (shard: Shard) => Buffer.concat([...stateBytes(shard)]).toString("hex");

describe("the records of a shard", () => {
  test("are those of the generated code, and replay gives the same bytes and the same state", () => {
    const kinds = new Set<string>();
    const codec = createRecordCodec(ANY_SHARD);
    fc.assert(
      fc.property(markets, flow, (made, steps) => {
        const shard = createShard(ANY_SHARD);
        const again = createShard(ANY_SHARD);
        playFlow(shard, made, steps, ({ seq, timeMs }, command, rows) => {
          const traceparent = seq % 3 === 0 ? TRACEPARENT : "";
          const head = { seq, epoch: shard.epoch, timeMs, command, traceparent };
          const events = readEvents(shard, command);
          const bytes = codec.encode(shard, head, rows);
          const slow = Buffer.from(slowRecordBytes(ANY_SHARD, { ...head, events }));
          expect(Buffer.from(bytes).toString("hex")).toBe(slow.toString("hex"));
          expect(codec.decode(bytes)).toEqual(head);
          // Not at the start of its buffer, as records lie in a file.
          const stored = Buffer.concat([Buffer.from("before"), bytes, Buffer.from("behind")]);
          expect(codec.replay(again, stored, 6, 6 + bytes.length)).toBe(true);
          kinds.add(`command ${command.type}`);
          for (const { type } of events) kinds.add(type);
        });
        expect(hexOf(again)).toBe(hexOf(shard));
      }),
      { numRuns: 80 },
    );
    const rare = ["sweepMarket"];
    expect([...kinds].filter((kind) => !rare.includes(kind)).sort()).toEqual(
      [
        ...["submit", "cancel", "resolve", "amend", "cancelAll", "setMarketState", "setSwitch", "addMarket"],
        ...["startEpoch", "tick", "endDay", "fireSwitch", "learnCursors", "forget"],
      ]
        .map((kind) => `command ${kind}`)
        .concat(["accepted", "rested", "trade", "selfTradePrevented", "ended", "stopPlaced", "stopTriggered"])
        .concat(["amended", "amendRefused", "marketAdded", "marketStateChanged", "switchSet"])
        .sort(),
    );
  });

  test("differ from what is decided when one byte of their events does", () => {
    const codec = createRecordCodec(ANY_SHARD);
    fc.assert(
      fc.property(markets, flow, fc.nat(), fc.nat(), (made, steps, which, place) => {
        const records: Buffer[] = [];
        const shard = createShard(ANY_SHARD);
        playFlow(shard, made, steps, ({ seq, timeMs }, command, rows) => {
          const head = { seq, epoch: shard.epoch, timeMs, command, traceparent: "" };
          records.push(Buffer.from(codec.encode(shard, head, rows)));
        });
        const again = createShard(ANY_SHARD);
        const index = which % records.length;
        for (const record of records.slice(0, index)) codec.replay(again, record, 0, record.length);
        const changed = Buffer.from(records[index] ?? []);
        const { command } = codec.decode(changed);
        const head = { seq: index + 1, epoch: 2, timeMs: 0, command, traceparent: "" };
        const bare = slowRecordBytes(ANY_SHARD, {
          ...head,
          timeMs: codec.decode(changed).timeMs,
          events: [],
        });
        if (bare.length === changed.length) return;
        const at = bare.length + (place % (changed.length - bare.length));
        changed.writeUInt8(changed.readUInt8(at) ^ 1, at);
        expect(codec.replay(again, changed, 0, changed.length)).toBe(false);
      }),
      { numRuns: 60 },
    );
  });
});
