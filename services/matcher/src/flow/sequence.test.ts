import { seededRandom } from "@bourse/shared/testing/random.js";
import { describe, expect, test } from "vitest";
import { createShard } from "../core/shard.js";
import type { Command } from "../core/types.js";
import { JournalRefused } from "../io/segment.js";
import { createRecordCodec } from "../record/record-codec.js";
import { amend, cancel, cancelAll, market, SYMBOL, submit, userId } from "../testing/orders.js";
import { slowRecordBytes } from "../testing/slow-record.js";
import { storedRecords } from "../testing/stored-records.js";
import { fundedTerms } from "../testing/wire-orders.js";
import { createAdmit } from "./admit.js";
import { createEpochs } from "./epochs.js";
import type { LogEntry, Room, StoredEntry, StoredLog } from "./log.js";
import type { ReadOnly } from "./read-only.js";
import { recover } from "./recover.js";
import { createSequencer, type Sequencer } from "./sequence.js";
import { createTail, type Tail } from "./tail.js";

/** A log whose flushes end when the test says so. */
function heldLog() {
  const stored: StoredEntry[] = [];
  const flushes: { readonly entries: readonly LogEntry[]; readonly finish: () => void }[] = [];
  const room = { now: "enough" as Room };
  const log: StoredLog = {
    epoch: () => stored.at(-1)?.epoch ?? 0,
    oldestSeq: () => 1,
    room: () => room.now,
    append: (entries) =>
      new Promise((resolve) => {
        const finish = () => {
          stored.push(...entries.map((entry) => ({ ...entry, checksum: entry.seq })));
          resolve(new Uint32Array(entries.map(({ seq }) => seq)));
        };
        flushes.push({ entries, finish });
      }),
    async *read(afterSeq) {
      for (const entry of stored) if (entry.seq > afterSeq) yield entry;
    },
    async *snapshots() {},
    async *replay() {
      const payloads = stored.map(({ payload }) => payload);
      yield storedRecords(payloads, { file: "memory" });
    },
  };
  return { log, stored, flushes, room };
}

interface Changes {
  readonly waitingMax?: number;
  readonly timesMs?: number[];
  readonly whyReadOnly?: () => ReadOnly | undefined;
}

function sequencerOn(log: StoredLog, changes: Changes = {}) {
  const times = [...(changes.timesMs ?? [])];
  const clock = { nowMs: 1_000 };
  const failures: unknown[] = [];
  const tail: Tail = createTail(log, 0, 1_000_000);
  const shard = createShard(0);
  const sequencer = createSequencer({
    shard,
    epochs: createEpochs(),
    log,
    tail,
    codec: createRecordCodec(0),
    time: { now: () => times.shift() ?? clock.nowMs, offsetMs: () => 0 },
    admit: createAdmit(),
    meters: { matched: () => {}, traded: () => {}, flushed: () => {} },
    waitingMax: changes.waitingMax ?? 100,
    whyReadOnly: changes.whyReadOnly ?? (() => undefined),
    fail: (error) => {
      failures.push(error);
      throw error;
    },
  });
  return { sequencer, tail, failures, shard, clock };
}

/** A turn of the event loop: what can settle has settled. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const order = (number: number, changes: Parameters<typeof fundedTerms>[1] = {}) => ({
  command: { ...submit(number), terms: fundedTerms(number, changes) },
  traceparent: "",
});
const request = (command: ReturnType<typeof cancel> | ReturnType<typeof amend>) => ({
  command,
  traceparent: "",
});

/** Finishes flushes until what is asked for is there. */
async function flushed<T>(held: ReturnType<typeof heldLog>, asked: Promise<T>): Promise<T> {
  let isThere = false;
  void asked
    .finally(() => {
      isThere = true;
    })
    .catch(() => {});
  while (!isThere) {
    await turn();
    held.flushes.shift()?.finish();
  }
  return asked;
}

const opened = (held: ReturnType<typeof heldLog>, sequencer: Sequencer) =>
  flushed(held, Promise.all([sequencer.startEpoch(1), sequencer.addMarket(market())]));

const commandsIn = (stored: readonly StoredEntry[]): Command[] =>
  stored.map(({ payload }) => createRecordCodec(0).decode(payload).command);

describe("nothing leaves before its flush", () => {
  test("answers, queries and readers wait for it", async () => {
    const held = heldLog();
    const { sequencer, tail } = sequencerOn(held.log);
    await opened(held, sequencer);
    const told: string[] = [];
    void sequencer.order([order(1)]).then(() => told.push("answer"));
    void sequencer.query(({ seq }) => seq).then(({ value }) => told.push(`query ${value}`));
    void sequencer.order([{ command: cancel(9), traceparent: "" }]).then(() => told.push("refusal"));
    void tail.changed(2, new AbortController().signal).then(() => told.push("reader"));
    await turn();
    await turn();
    expect(told).toEqual([]);
    expect(tail.seq()).toBe(2);
    held.flushes.shift()?.finish();
    await turn();
    expect(told.sort()).toEqual(["answer", "query 3", "reader", "refusal"]);
  });

  test("what arrives while one flush runs goes out with the next, in one batch", async () => {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log);
    await opened(held, sequencer);
    const first = sequencer.order([order(1)]);
    await turn();
    const others = [2, 3, 4].map((number) => sequencer.order([order(number)]));
    await turn();
    expect(held.flushes.map(({ entries }) => entries.length)).toEqual([1]);
    held.flushes.shift()?.finish();
    await first;
    await turn();
    expect(held.flushes.map(({ entries }) => entries.length)).toEqual([3]);
    held.flushes.shift()?.finish();
    expect((await Promise.all(others)).flat().map(({ seq }) => seq)).toEqual([4, 5, 6]);
  });

  test("a repeat inside the same flush waits for it too", async () => {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log);
    await opened(held, sequencer);
    const both = sequencer.order([order(1), order(1)]);
    await turn();
    held.flushes.shift()?.finish();
    expect((await both).map((answer) => answer.type === "order" && answer.replayed)).toEqual([false, true]);
  });

  test("after a flush that never ends nothing is answered any more", async () => {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log);
    await opened(held, sequencer);
    const answered: number[] = [];
    for (let number = 1; number <= 5; number += 1) {
      void sequencer.order([order(number)]).then(() => answered.push(number));
      await turn();
    }
    void sequencer.query(() => 0).then(() => answered.push(0));
    await turn();
    expect(answered).toEqual([]);
    expect(held.flushes).toHaveLength(1);
  });

  test("callers wait for room instead of piling up", async () => {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log, { waitingMax: 2 });
    await opened(held, sequencer);
    const first = sequencer.order([order(1)]);
    await turn();
    const rest = sequencer.order([order(2), order(3)]);
    let hasRoom = false;
    void sequencer.room().then(() => {
      hasRoom = true;
    });
    await turn();
    expect(hasRoom).toBe(false);
    held.flushes.shift()?.finish();
    await first;
    await turn();
    expect(hasRoom).toBe(true);
    held.flushes.shift()?.finish();
    await rest;
  });
});

test("journaled time never runs backwards, whatever the clock says", async () => {
  const held = heldLog();
  const { sequencer } = sequencerOn(held.log, { timesMs: [5_000, 5_000, 4_000, 4_500, 6_000] });
  const running = Promise.all([
    sequencer.startEpoch(1),
    sequencer.tick(),
    sequencer.tick(),
    sequencer.tick(),
  ]);
  await turn();
  held.flushes.shift()?.finish();
  await running;
  const codec = createRecordCodec(0);
  expect(held.stored.map(({ payload }) => codec.decode(payload).timeMs)).toEqual([
    5_000, 5_000, 5_000, 6_000,
  ]);
});

describe("timers", () => {
  const kindsIn = (stored: readonly StoredEntry[]) => commandsIn(stored).map(({ type }) => type);

  test("are journaled, each with its own time, before the first command after they fell due", async () => {
    const held = heldLog();
    const { sequencer, clock, shard } = sequencerOn(held.log);
    await opened(held, sequencer);
    const setSwitch = (user: number, timeoutMs: number) =>
      flushed(held, sequencer.setSwitch({ type: "setSwitch", userId: userId(user), symbols: [], timeoutMs }));
    await flushed(held, sequencer.order([order(1), order(2)]));
    await setSwitch(2, 300);
    expect(await setSwitch(1, 500)).toMatchObject({ dueAtMs: 1_500, timeMs: 1_000 });
    expect(sequencer.nextDueMs()).toBe(1_300);
    clock.nowMs = 9_000;
    await flushed(held, sequencer.order([order(3, { quantityLots: 2 })]));
    const codec = createRecordCodec(0);
    const last = held.stored.slice(-3).map(({ payload }) => codec.decode(payload));
    expect(last.map(({ timeMs, command }) => [timeMs, command.type])).toEqual([
      [1_300, "fireSwitch"],
      [1_500, "fireSwitch"],
      [9_000, "submit"],
    ]);
    expect(shard.timeMs).toBe(9_000);
  });

  test("come after the new epoch's record and before all else when they fell due while nobody was there", async () => {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log);
    await opened(held, sequencer);
    const command = { type: "setSwitch", userId: userId(1), symbols: [], timeoutMs: 500 } as const;
    await flushed(held, sequencer.setSwitch(command));
    const { shard } = await recover(held.log, 0, createRecordCodec(0));
    const tail = createTail(held.log, shard.seq, 1_000);
    const again = createSequencer({
      ...{ shard, epochs: createEpochs(), log: held.log, tail, codec: createRecordCodec(0) },
      ...{ time: { now: () => 60_000, offsetMs: () => 0 }, admit: createAdmit(), waitingMax: 10 },
      meters: { matched: () => {}, traded: () => {}, flushed: () => {} },
      whyReadOnly: () => undefined,
      fail: (error) => {
        throw error;
      },
    });
    await flushed(held, again.startEpoch(2));
    await flushed(held, again.tick());
    const codec = createRecordCodec(0);
    const last = held.stored.slice(-3).map(({ payload }) => codec.decode(payload));
    expect(last.map(({ timeMs, command: { type } }) => [timeMs, type])).toEqual([
      [1_000, "startEpoch"],
      [1_500, "fireSwitch"],
      [60_000, "tick"],
    ]);
  });

  test("tell whoever sleeps when one becomes due sooner than all before", async () => {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log);
    await opened(held, sequencer);
    const told: number[] = [];
    sequencer.whenSooner(() => told.push(sequencer.nextDueMs()));
    for (const timeoutMs of [5_000, 9_000, 400]) {
      const command = { type: "setSwitch", userId: userId(timeoutMs), symbols: [], timeoutMs } as const;
      await flushed(held, sequencer.setSwitch(command));
    }
    expect(told).toEqual([6_000, 1_400]);
  });

  test("tell of one that is due sooner than the next, after one that was put off came to nothing", async () => {
    const held = heldLog();
    const { sequencer, clock } = sequencerOn(held.log);
    await opened(held, sequencer);
    const setSwitch = (user: number, timeoutMs: number) =>
      flushed(held, sequencer.setSwitch({ type: "setSwitch", userId: userId(user), symbols: [], timeoutMs }));
    await setSwitch(1, 400);
    await setSwitch(1, 9_000);
    clock.nowMs = 1_500;
    await sequencer.runTimers();
    expect(sequencer.nextDueMs()).toBe(10_000);
    const told: number[] = [];
    sequencer.whenSooner(() => told.push(sequencer.nextDueMs()));
    await setSwitch(2, 3_000);
    expect(told).toEqual([4_500]);
  });

  test("without any room for records nothing is journaled, timers included", async () => {
    const held = heldLog();
    const { sequencer, clock } = sequencerOn(held.log, {
      whyReadOnly: () => ({ reason: "SHARD_READ_ONLY", facts: { disk: "none" } }),
    });
    await opened(held, sequencer);
    const command = { type: "setSwitch", userId: userId(1), symbols: [], timeoutMs: 5 } as const;
    await flushed(held, sequencer.setSwitch(command));
    held.room.now = "none";
    clock.nowMs = 2_000;
    const before = kindsIn(held.stored);
    await flushed(held, sequencer.tick());
    await flushed(held, sequencer.runTimers());
    await flushed(held, sequencer.learnCursors(1));
    await expect(flushed(held, sequencer.setSwitch(command))).rejects.toMatchObject({
      reason: "SHARD_READ_ONLY",
    });
    expect(kindsIn(held.stored)).toEqual(before);
    held.room.now = "enough";
    await flushed(held, sequencer.tick());
    expect(kindsIn(held.stored).slice(-2)).toEqual(["fireSwitch", "tick"]);
  });
});

describe("a shard that takes no new orders", () => {
  const readOnly = { reason: "SHARD_READ_ONLY", facts: { disk: "low" } } as const;

  test("lets everything else go on: cancels, amends that only lower, cancel-all, switches", async () => {
    const held = heldLog();
    const state: { why: ReadOnly | undefined } = { why: undefined };
    const { sequencer } = sequencerOn(held.log, { whyReadOnly: () => state.why });
    await opened(held, sequencer);
    const changes = { quantityLots: 9, priceTicks: 50 };
    await flushed(held, sequencer.order([order(1, changes), order(2, changes), order(3, changes)]));
    state.why = readOnly;
    const more = { priceTicks: 51, legUnits: 9, legAmount: "1" };
    const answers = await flushed(
      held,
      sequencer.order([
        order(4),
        request(amend(1, 1, { quantityLots: 10, legUnits: 50, legAmount: "1" })),
        request(amend(2, 1, more)),
        request(amend(3, 1, { quantityLots: 5 })),
        request(amend(4, 1, { quantityLots: 5, priceTicks: 50 })),
        request(cancel(2)),
        order(1, changes),
      ]),
    );
    const told = answers.map((each) => (each.type === "failure" ? each.reason : each.order.status));
    expect(told).toEqual([
      ...["SHARD_READ_ONLY", "SHARD_READ_ONLY", "SHARD_READ_ONLY", "OPEN", "OPEN", "CANCELLED"],
      // Known already: its answer rests on what is stored.
      "OPEN",
    ]);
    expect(await flushed(held, sequencer.cancelAll(cancelAll(3)))).toMatchObject({ cancelled: 1 });
  });
});

describe("recovery", () => {
  /** A log of a few trades, flushed at once. */
  async function tradedLog() {
    const held = heldLog();
    const { sequencer } = sequencerOn(held.log);
    await opened(held, sequencer);
    const random = seededRandom(3);
    const requests = Array.from({ length: 40 }, (_, index) => {
      const side = random() < 0.5 ? ("buy" as const) : ("sell" as const);
      const terms = fundedTerms(index + 1, {
        side,
        priceTicks: 98 + Math.floor(random() * 5),
        quantityLots: 3,
      });
      return { command: { ...submit(index + 1), terms }, traceparent: "" };
    });
    const answers = sequencer.order(requests);
    await turn();
    held.flushes.shift()?.finish();
    await answers;
    return held;
  }

  test("reproduces every record byte for byte", async () => {
    const held = await tradedLog();
    const { shard } = await recover(held.log, 0, createRecordCodec(0));
    expect(shard.seq).toBe(42);
    expect(shard.bookOfSymbol.has(SYMBOL)).toBe(true);
  });

  test("refuses a record that is decided otherwise now, with its place", async () => {
    const held = await tradedLog();
    const codec = createRecordCodec(0);
    const at = 20;
    const record = codec.decode(held.stored[at].payload);
    // What older rules might have decided: nothing.
    held.stored[at] = { ...held.stored[at], payload: slowRecordBytes(0, { ...record, events: [] }) };
    const refused = recover(held.log, 0, codec);
    await expect(refused).rejects.toThrow(JournalRefused);
    await expect(refused).rejects.toMatchObject({ file: "memory", seq: at + 1 });
    await expect(refused).rejects.toThrow("replay decides otherwise than the journal says");
  });

  test("refuses a record that cannot be applied: an order that is in the journal twice", async () => {
    const held = await tradedLog();
    const codec = createRecordCodec(0);
    const first = codec.decode(held.stored[5].payload);
    const second = codec.decode(held.stored[6].payload);
    held.stored[6] = {
      ...held.stored[6],
      payload: slowRecordBytes(0, { ...second, command: first.command, events: [] }),
    };
    await expect(recover(held.log, 0, codec)).rejects.toThrow("an order is placed once");
  });
});
