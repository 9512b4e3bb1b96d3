import { expect, test } from "vitest";
import { appendRecord, chunkWords, createEnded, dropOldest, EndedColumn, wordsAt } from "./ended.js";
import { createEndedIndex, findEnded, indexEnded, unindexOldest } from "./ended-index.js";
import { hashId } from "./ids.js";
import { NONE } from "./none.js";

/** Ids of the first generation. */
const FIRST = 1 << 10;

test("a generation that is full is forgotten whole, also with ids that its table does not know yet", () => {
  const ended = createEnded();
  const index = createEndedIndex();
  const id = new Int32Array(4);
  const hashOf = (number: number) => {
    id[0] = number;
    return hashId(id[0], id[1], id[2], id[3]);
  };
  const add = (number: number) => {
    const record = appendRecord(ended, 1);
    const hash = hashOf(number);
    chunkWords(ended, record).set(id, wordsAt(record) + EndedColumn.ID);
    chunkWords(ended, record)[wordsAt(record) + EndedColumn.CODES] = 2;
    indexEnded(index, hash, record);
    return record;
  };
  for (let number = 1; number <= FIRST; number += 1) {
    add(number);
    // A look-up puts what waits into the table, so that the last of a generation wait alone.
    if (number === 30) expect(findEnded(index, ended, hashOf(number), id)).not.toBe(NONE);
  }
  for (let number = 1; number <= FIRST; number += 1) {
    chunkWords(ended, ended.oldest)[wordsAt(ended.oldest) + EndedColumn.CODES] = 0;
    unindexOldest(index);
    dropOldest(ended);
  }
  expect(findEnded(index, ended, hashOf(FIRST), id)).toBe(NONE);
  const record = add(FIRST + 1);
  expect(findEnded(index, ended, hashOf(FIRST + 1), id)).toBe(record);
});
