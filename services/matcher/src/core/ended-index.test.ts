import { expect, test } from "vitest";
import { appendRecord, chunkWords, createEnded, dropOldest, EndedColumn, wordsAt } from "./ended.js";
import { countEnded, createEndedIndex, findEnded, indexEnded, unindexOldest } from "./ended-index.js";
import { hashId } from "./ids.js";
import { NONE } from "./none.js";

/** Ids of the first generation. */
const FIRST = 1 << 10;

function indexOf() {
  const ended = createEnded();
  const index = createEndedIndex();
  const id = new Int32Array(4);
  const hashOf = (number: number) => {
    id[0] = number;
    return hashId(id[0], id[1], id[2], id[3]);
  };
  return {
    find: (number: number) => findEnded(index, ended, hashOf(number), id),
    add(number: number): number {
      const record = appendRecord(ended, 1);
      const hash = hashOf(number);
      chunkWords(ended, record).set(id, wordsAt(record) + EndedColumn.ID);
      chunkWords(ended, record)[wordsAt(record) + EndedColumn.CODES] = 2;
      indexEnded(index, hash, record);
      return record;
    },
    forgetOldest() {
      chunkWords(ended, ended.oldest)[wordsAt(ended.oldest) + EndedColumn.CODES] = 0;
      unindexOldest(index);
      dropOldest(ended);
    },
    count: () => countEnded(index),
  };
}

test("a generation that is full is forgotten whole", () => {
  const index = indexOf();
  for (let number = 1; number <= FIRST; number += 1) index.add(number);
  for (let number = 1; number <= FIRST; number += 1) index.forgetOldest();
  expect(index.find(FIRST)).toBe(NONE);
  const record = index.add(FIRST + 1);
  expect(index.find(FIRST + 1)).toBe(record);
});

test("ids are found through several generations while the oldest are forgotten", () => {
  const index = indexOf();
  const records: number[] = [NONE];
  const ADDED = 24 * FIRST;
  const FORGOTTEN = 6 * FIRST;
  for (let number = 1; number <= ADDED; number += 1) records.push(index.add(number));
  for (let number = 1; number <= FORGOTTEN; number += 1) index.forgetOldest();
  for (let number = 1; number <= ADDED + FIRST; number += 1) {
    const expected = number <= FORGOTTEN || number > ADDED ? NONE : (records[number] ?? NONE);
    if (index.find(number) !== expected) expect([number, index.find(number)]).toEqual([number, expected]);
  }
  expect(index.count()).toBe(ADDED - FORGOTTEN);
});
