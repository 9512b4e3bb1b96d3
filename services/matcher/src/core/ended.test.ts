import fc from "fast-check";
import { expect, test } from "vitest";
import {
  appendRecord,
  createEnded,
  dropOldest,
  type Ended,
  EndedCode,
  EndedColumn,
  endedPieces,
  endedWord,
  nextOf,
  setEndedWord,
  UNIT_WORDS,
} from "./ended.js";
import { NONE } from "./none.js";

/** Appends many records or drops many: chunks hold 4,096 units, so that runs pass their ends. */
const steps = fc.array(
  fc.oneof(
    fc.record({ append: fc.integer({ min: 1, max: 5_000 }), twoOf: fc.integer({ min: 1, max: 4 }) }),
    fc.record({ drop: fc.integer({ min: 1, max: 7_000 }) }),
  ),
  { maxLength: 12 },
);

test("what is appended is found in its order and leaves in it, whatever the chunks do", () => {
  fc.assert(
    fc.property(steps, (all) => {
      const ended = createEnded();
      const expected: number[] = [];
      const oldest: number[] = [];
      const dropped: number[] = [];
      let name = 0;
      for (const step of all) {
        if ("append" in step) {
          for (let count = 0; count < step.append; count += 1) {
            name += 1;
            expected.push(append(ended, name, name % 4 < step.twoOf ? 2 : 1));
          }
        } else {
          for (let count = 0; count < step.drop && expected.length > 0; count += 1) {
            oldest.push(ended.oldest);
            dropped.push(expected.shift() ?? 0);
            dropOldest(ended);
          }
        }
        expect(oldest).toEqual(dropped);
        expect(recordsIn(ended)).toEqual(expected);
        expect(ended.count).toBe(expected.length);
        expect(wordsIn(ended)).toBe(ended.units * UNIT_WORDS);
      }
    }),
    { numRuns: 20 },
  );
});

test("chunks that were forgotten whole are used again", () => {
  const ended = createEnded();
  for (let name = 1; name <= 100_000; name += 1) {
    append(ended, name, 1 + (name % 2));
    if (ended.count > 1_000) dropOldest(ended);
  }
  expect(ended.numbers.length).toBeLessThanOrEqual(3);
});

function append(ended: Ended, name: number, units: number): number {
  const record = appendRecord(ended, units);
  setEndedWord(ended, record, EndedColumn.ID, name);
  setEndedWord(ended, record, EndedColumn.CODES, units === 2 ? EndedCode.MORE : 0);
  return record;
}

function recordsIn(ended: Ended): number[] {
  const records: number[] = [];
  let name = 0;
  for (let record = ended.oldest; record !== NONE; record = nextOf(ended, record)) {
    const next = endedWord(ended, record, EndedColumn.ID);
    if (next <= name) throw new Error(`record ${next} stands behind ${name}`);
    name = next;
    records.push(record);
  }
  return records;
}

function wordsIn(ended: Ended): number {
  return [...endedPieces(ended)].reduce((sum, { length }) => sum + length, 0);
}
