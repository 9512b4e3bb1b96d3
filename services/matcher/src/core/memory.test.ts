import { expect, test } from "vitest";
import { appendRecord, chunkWords, EndedColumn, wordsAt } from "./ended.js";
import { hashId } from "./ids.js";
import { createMemory, findId, insertFound, type Memory, moveToEnded, refOfEnded } from "./memory.js";
import { createSlots, SLOT_WORDS, SlotColumn, type Slots, takeSlot } from "./slots.js";

function place(memory: Memory, slots: Slots, id: Int32Array): number {
  findId(memory, slots, id);
  const slot = takeSlot(slots);
  slots.words.set(id, slot * SLOT_WORDS + SlotColumn.ID);
  insertFound(memory, slots, slot);
  return slot;
}

function end(memory: Memory, slots: Slots, slot: number, id: Int32Array): number {
  const record = appendRecord(memory.ended, 1);
  const words = chunkWords(memory.ended, record);
  words.set(id, wordsAt(record) + EndedColumn.ID);
  words[wordsAt(record) + EndedColumn.CODES] = 2;
  moveToEnded(memory, slots, slot, record);
  return refOfEnded(record);
}

/** An id with the same home as another, whose hash is another. */
function neighbourOf(id: Int32Array): Int32Array {
  const hashOf = ([first, second, third, fourth]: Int32Array) =>
    hashId(first ?? 0, second ?? 0, third ?? 0, fourth ?? 0);
  const hash = hashOf(id);
  for (let number = 1; ; number += 1) {
    const other = Int32Array.of(id[0] ?? 0, number, 0, 0);
    // Bits for the part, and for the cell in a part of its first size.
    if (hashOf(other) >>> 26 === hash >>> 26 && (hashOf(other) & 15) === (hash & 15)) return other;
  }
}

test("a taker that moved into the cell of its maker is remembered by its own id", () => {
  const memory = createMemory();
  const slots = createSlots();
  const makerId = Int32Array.of(7, 0, 0, 0);
  const takerId = neighbourOf(makerId);
  const maker = place(memory, slots, makerId);
  const taker = place(memory, slots, takerId);
  const endedMaker = end(memory, slots, maker, makerId);
  const endedTaker = end(memory, slots, taker, takerId);
  expect(findId(memory, slots, makerId)).toBe(endedMaker);
  expect(findId(memory, slots, takerId)).toBe(endedTaker);
});
