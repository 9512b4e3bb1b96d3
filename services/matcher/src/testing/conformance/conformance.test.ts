// The named cases of the public benchmark, and a workload of our own, on the core, on the plain model and
// through the journal. The published workloads are run by `npm run conformance`.
import { fileURLToPath } from "node:url";
import { describe, expect, test } from "vitest";
import { makeMessages } from "./make-workload.js";
import { namedCases } from "./named-cases.js";
import { playCore, tapeFor } from "./play-core.js";
import { playJournal } from "./play-journal.js";
import { expectedOf } from "./published.js";
import { hashLines, reportLines } from "./reports.js";
import { slowReports } from "./slow-play.js";
import { UsedIds } from "./used-ids.js";
import { parseWorkload, readWorkload, type Workload, workloadBytes } from "./workload.js";

function coreReports(workload: Workload): string[] {
  const tape = tapeFor(workload);
  playCore(workload, tape);
  return [...reportLines(tape)];
}

async function journalReports(workload: Workload): Promise<string[]> {
  const tape = tapeFor(workload);
  await playJournal(workload, tape);
  return [...reportLines(tape)];
}

describe("named cases of the benchmark", () => {
  test.each(namedCases)("$name", async ({ name, messages, reports }) => {
    const workload = parseWorkload(workloadBytes(messages), name);
    expect(slowReports(workload)).toEqual(reports);
    expect(coreReports(workload)).toEqual(reports);
    expect(await journalReports(workload)).toEqual(reports);
  });
});

describe("the seeded workload of 20,000 messages", () => {
  const path = fileURLToPath(new URL("seeded-20000.bin.br", import.meta.url));
  const workload = readWorkload(path);
  const { hash, reports } = expectedOf(path) ?? { hash: "", reports: 0 };

  test("is what the generator makes", () => {
    const again = parseWorkload(workloadBytes(makeMessages(23, 20_000)), "again");
    expect(Buffer.from(workload.words.buffer).equals(Buffer.from(again.words.buffer))).toBe(true);
  });

  test("its hash is what the plain model gives", () => {
    const lines = slowReports(workload);
    expect([hashLines(lines), lines.length]).toEqual([hash, reports]);
  });

  test("the core gives its hash", () => {
    expect(hashLines(coreReports(workload))).toBe(hash);
  });

  test("the core gives its hash when a journal is replayed", async () => {
    expect(hashLines(await journalReports(workload))).toBe(hash);
  });
});

test("an id is counted however often it is used and however large it is", () => {
  const uses = new UsedIds();
  for (const [low, high] of [
    [7, 0],
    [7, 9],
    [2 ** 31, 0],
  ]) {
    expect(uses.of(low, high)).toBe(0);
    for (let use = 1; use <= 300; use += 1) expect(uses.next(low, high)).toBe(use);
    expect(uses.of(low, high)).toBe(300);
  }
});

describe("files that are no workload", () => {
  const bytes = workloadBytes(namedCases[0].messages);
  const broken = (change: (copy: Buffer) => void) => {
    const copy = Buffer.from(bytes);
    change(copy);
    return () => parseWorkload(copy, "file");
  };

  test("are refused by name", () => {
    expect(() => parseWorkload(Buffer.alloc(7), "file")).toThrow("file: not a workload file");
    expect(broken((copy) => copy.writeUInt8(0, 3))).toThrow("file: not a workload file");
    expect(broken((copy) => copy.writeUInt32LE(2, 8))).toThrow("file: version 2 is not known");
    expect(broken((copy) => copy.writeUInt32LE(9, 12))).toThrow("do not hold 9 messages");
    expect(broken((copy) => copy.writeUInt8(3, 16))).toThrow("file: message 0 is malformed");
  });
});
