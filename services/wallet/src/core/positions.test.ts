import { expect, test } from "vitest";
import { cursorRefusal, misfitOf, OPERATIONS_MAX, type Position } from "./positions.js";

const at = (seq: number, operations: number, epoch = 1): Position => ({ epoch, seq, operations });

const cases: [string, Position, Position, [number, number][], boolean][] = [
  ["nothing at all, to store an epoch", at(5, 2), at(5, 2), [], true],
  ["records without operations", at(5, 2), at(9, 0), [], true],
  [
    "the rest of a record",
    at(5, 2),
    at(5, 4),
    [
      [5, 2],
      [5, 3],
    ],
    true,
  ],
  [
    "two records",
    at(5, 2),
    at(7, 1),
    [
      [6, 0],
      [6, 1],
      [7, 0],
    ],
    true,
  ],
  ["a record, then one without operations", at(5, 2), at(8, 0), [[6, 0]], true],
  ["a gap within a record", at(5, 2), at(5, 4), [[5, 3]], false],
  ["the beginning of a record left out", at(5, 2), at(6, 2), [[6, 1]], false],
  [
    "an operation that is applied",
    at(5, 2),
    at(5, 3),
    [
      [5, 1],
      [5, 2],
    ],
    false,
  ],
  [
    "out of order",
    at(5, 2),
    at(7, 1),
    [
      [7, 0],
      [6, 0],
    ],
    false,
  ],
  [
    "an end before the last operation",
    at(5, 2),
    at(6, 1),
    [
      [6, 0],
      [6, 1],
    ],
    false,
  ],
  ["an end that claims more operations", at(5, 2), at(6, 3), [[6, 0]], false],
  ["operations claimed but not sent", at(5, 2), at(6, 1), [], false],
  ["an end before the beginning", at(5, 2), at(4, 9), [], false],
  ["an epoch that falls", at(5, 2, 3), at(6, 0, 2), [], false],
  ["an epoch above the server's", at(5, 2), at(6, 0, 9), [], false],
];

test.each(cases)("%s", (_, after, through, places, fits) => {
  const operations = places.map(([seq, index]) => ({ seq, index }));
  expect(misfitOf({ epoch: 4, after, through, operations }) === undefined).toBe(fits);
});

test("a call carries a bounded number of operations", () => {
  const operations = Array.from({ length: OPERATIONS_MAX + 1 }, (_, index) => ({ seq: 6, index }));
  const batch = { epoch: 4, after: at(5, 0), through: at(6, operations.length), operations };
  expect(misfitOf(batch)).toContain("more operations");
});

test("the cursor refuses a lower epoch before it looks at the place", () => {
  expect(cursorRefusal(at(5, 2), 4, { epoch: 3, after: at(5, 2) })).toBe("STALE_EPOCH");
  expect(cursorRefusal(at(5, 2), 4, { epoch: 4, after: at(5, 1) })).toBe("SEQ_GAP");
  expect(cursorRefusal(at(5, 2), 4, { epoch: 5, after: at(5, 2) })).toBeUndefined();
});
