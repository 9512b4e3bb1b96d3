import { seededRandom } from "@bourse/shared/testing/random.js";
import { describe, expect, test } from "vitest";
import { createShard } from "../core/shard.js";
import { JournalRefused } from "../io/segment.js";
import { createRecordCodec } from "../rpc/matcher-wire.js";
import { cancel, market, SYMBOL, submit } from "../testing/orders.js";
import { fundedTerms } from "../testing/wire-orders.js";
import { createEpochs } from "./epochs.js";
import type { LogEntry, StoredEntry, StoredLog } from "./log.js";
import { recover } from "./recover.js";
import { createSequencer, type Sequencer } from "./sequence.js";
import { createTail, type Tail } from "./tail.js";

/** A log whose flushes end when the test says so. */
function heldLog() {
  const stored: StoredEntry[] = [];
  const flushes: { readonly entries: readonly LogEntry[]; readonly finish: () => void }[] = [];
  const log: StoredLog = {
    epoch: () => stored.at(-1)?.epoch ?? 0,
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
    async *replay() {
      for (const entry of stored) yield { ...entry, file: "memory", offset: entry.seq };
    },
  };
  return { log, stored, flushes };
}

function sequencerOn(log: StoredLog, changes: { waitingMax?: number; timesMs?: number[] } = {}) {
  const times = [...(changes.timesMs ?? [])];
  const failures: unknown[] = [];
  const tail: Tail = createTail(log, 0, 1_000_000);
  const sequencer = createSequencer({
    shard: createShard(0),
    epochs: createEpochs(),
    log,
    tail,
    codec: createRecordCodec(0),
    time: { now: () => times.shift() ?? 1_000, offsetMs: () => 0 },
    admit: () => undefined,
    meters: { matched: () => {}, traded: () => {}, flushed: () => {} },
    waitingMax: changes.waitingMax ?? 100,
    whyReadOnly: () => undefined,
    fail: (error) => {
      failures.push(error);
      throw error;
    },
  });
  return { sequencer, tail, failures };
}

/** A turn of the event loop: what can settle has settled. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

const order = (number: number) => ({
  command: { ...submit(number), terms: fundedTerms(number) },
  traceparent: "",
});

async function opened(log: ReturnType<typeof heldLog>, sequencer: Sequencer): Promise<void> {
  const starting = Promise.all([sequencer.startEpoch(1), sequencer.addMarket(market())]);
  await turn();
  log.flushes.shift()?.finish();
  await starting;
}

describe("nothing leaves before its flush", () => {
  test("answers, queries and readers wait for it", async () => {
    const held = heldLog();
    const { sequencer, tail } = sequencerOn(held.log);
    await opened(held, sequencer);
    const told: string[] = [];
    void sequencer.order([order(1)]).then(() => told.push("answer"));
    void sequencer.query(({ known }) => known.count).then(({ value }) => told.push(`query ${value}`));
    void sequencer.order([{ command: cancel(9), traceparent: "" }]).then(() => told.push("refusal"));
    void tail.changed(2, new AbortController().signal).then(() => told.push("reader"));
    await turn();
    await turn();
    expect(told).toEqual([]);
    expect(tail.seq()).toBe(2);
    held.flushes.shift()?.finish();
    await turn();
    expect(told.sort()).toEqual(["answer", "query 1", "reader", "refusal"]);
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
  const { sequencer } = sequencerOn(held.log, { timesMs: [5_000, 4_000, 4_500, 6_000] });
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
    held.stored[at] = { ...held.stored[at], payload: codec.encode({ ...record, events: [] }) };
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
      payload: codec.encode({ ...second, command: first.command, events: [] }),
    };
    await expect(recover(held.log, 0, codec)).rejects.toThrow("a journaled submit was unknown");
  });
});
