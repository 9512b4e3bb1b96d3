import fc from "fast-check";
import { expect, test } from "vitest";
import { nextBatch, readingFrom, type SettleRecord } from "./next-batch.js";
import type { Operation } from "./operation.js";
import { beginning, misfitOf, type Position } from "./positions.js";

function recordsOf(sizes: readonly number[]): SettleRecord[] {
  return sizes.map((size, number) => {
    const seq = number + 1;
    const operations = Array.from({ length: size }, (_, index): Operation => {
      return { seq, index, timeMs: seq, effect: { type: "mark", orderId: `${seq}-${index}` } };
    });
    return { epoch: 1, seq, operations };
  });
}

const at = (seq: number, operations: number): Position => ({ epoch: 1, seq, operations });

test("whole records go together while they fit, and the end is that of the last", () => {
  const batch = nextBatch(beginning, recordsOf([2, 0, 1, 2]), 4);
  expect(batch).toMatchObject({ through: at(3, 1), recordsDone: 3 });
  expect(batch.operations).toHaveLength(3);
});

test("a record larger than a batch goes in parts, alone", () => {
  const records = recordsOf([1, 5]);
  expect(nextBatch(beginning, records, 2)).toMatchObject({
    through: at(1, 1),
    recordsDone: 1,
    isWhole: true,
  });
  const part = nextBatch(at(1, 1), records.slice(1), 2);
  expect(part).toMatchObject({ through: at(2, 2), recordsDone: 0, isWhole: false });
  const rest = nextBatch(at(2, 4), records.slice(1), 2);
  expect(rest).toMatchObject({ through: at(2, 5), recordsDone: 1, isWhole: true });
});

test("what is applied of the cursor's own record is passed over", () => {
  const { operations } = nextBatch(at(1, 2), recordsOf([3]));
  expect(operations.map(({ index }) => index)).toEqual([2]);
  expect(nextBatch(at(1, 3), recordsOf([3]))).toMatchObject({
    through: at(1, 3),
    operations: [],
    recordsDone: 1,
    isWhole: true,
  });
});

test("a record that has lost effects since they were settled is refused", () => {
  expect(() => nextBatch(at(1, 3), recordsOf([2]))).toThrowError(
    expect.objectContaining({ reason: "SETTLEMENT_IMPOSSIBLE" }),
  );
});

test("a cursor within a record reads that record again", () => {
  expect(readingFrom(at(7, 0))).toEqual({ epoch: 1, seq: 7 });
  expect(readingFrom(at(7, 2))).toEqual({ epoch: 1, seq: 6 });
  expect(readingFrom(at(1, 1))).toEqual({ epoch: 0, seq: 0 });
  expect(readingFrom(at(7, 2), 7)).toEqual({ epoch: 1, seq: 6 });
});

test("a record that its shard no longer retains was applied whole", () => {
  expect(readingFrom(at(7, 2), 8)).toEqual({ epoch: 1, seq: 7 });
});

test("however records arrive and whenever the follower restarts, each operation is settled once, in order", () => {
  const sizes = fc.array(fc.integer({ min: 0, max: 9 }), { maxLength: 30 });
  fc.assert(
    fc.property(
      sizes,
      fc.integer({ min: 1, max: 4 }),
      fc.infiniteStream(fc.boolean()),
      (lengths, limit, restarts) => {
        const all = recordsOf(lengths);
        let cursor = beginning;
        let queue = all;
        const settled: Operation[] = [];
        const total = all.reduce((sum, { operations }) => sum + operations.length, 0);
        for (const restart of restarts) {
          if (restart) queue = all.filter(({ seq }) => seq > readingFrom(cursor).seq);
          if (queue.length === 0 || settled.length === total) break;
          const { through, operations, recordsDone } = nextBatch(cursor, queue, limit);
          expect(misfitOf({ epoch: 1, after: cursor, through, operations })).toBeUndefined();
          settled.push(...operations);
          cursor = through;
          queue = queue.slice(recordsDone);
        }
        expect(settled).toEqual(all.flatMap(({ operations }) => operations));
      },
    ),
  );
});
