// A whole check of a shard's memory, for tests: every link, every count, every index entry.
import { assert } from "@bourse/shared/assert.js";
import { type Book, isUncrossed, openOf, slotsIn } from "./book.js";
import { EndedColumn, endedNumber, endedWord, nextOf, unitsOf } from "./ended.js";
import { countEnded } from "./ended-index.js";
import { findLevel, type Levels } from "./levels.js";
import { findId, type Memory, refOfEnded, refOfSlot } from "./memory.js";
import { NONE } from "./none.js";
import type { Shard } from "./shard.js";
import {
  Code,
  codesOf,
  DAY,
  ExtraColumn,
  extraNumber,
  priceOf,
  remainingOf,
  SlotColumn,
  slotWord,
  userOf,
} from "./slots.js";

/** Asserts what must hold between commands. */
export function checkShard(shard: Shard): void {
  let open = 0;
  for (const book of shard.books) {
    assert(isUncrossed(book), "a book is not crossed");
    open += checkBook(shard, book);
  }
  assert(open === shard.slots.count, "every slot in use stands in a queue");
  const ids = checkEnded(shard) + open;
  assert(ids === countIds(shard.memory), "the index holds every id once");
}

function checkBook(shard: Shard, book: Book): number {
  const { slots } = shard;
  let open = 0;
  let days = 0;
  let stops = 0;
  const users = new Map<number, number>();
  const sides = [
    { levels: book.bids, state: Code.RESTING, isSell: false },
    { levels: book.asks, state: Code.RESTING, isSell: true },
    { levels: book.buyStops, state: Code.WAITING, isSell: false },
    { levels: book.sellStops, state: Code.WAITING, isSell: true },
  ];
  for (const { levels, state, isSell } of sides) {
    checkLevels(shard, levels, state === Code.WAITING);
    for (const slot of slotsIn(slots, levels)) {
      const codes = codesOf(slots, slot);
      assert((codes & Code.LIVE) === state, "an order's state says where it stands");
      assert(((codes & Code.SELL) !== 0) === isSell, "an order stands on its side");
      assert(codes >>> Code.MARKET_SHIFT === book.number, "an order stands in its market");
      assert(remainingOf(slots, slot) > 0, "what stands has something open");
      assert(isIndexed(shard, slot), "an open order is found by its id");
      open += 1;
      if (state === Code.WAITING) stops += 1;
      if (((codes >> Code.TIME_SHIFT) & Code.TIME_MASK) === DAY) days += 1;
      users.set(userOf(slots, slot), (users.get(userOf(slots, slot)) ?? 0) + 1);
    }
  }
  assert(open === book.openCount, "a market counts its open orders");
  assert(stops === book.stopCount, "a market counts its waiting stops");
  assert(days === book.dayCount, "a market counts its DAY orders");
  for (const [user, count] of users)
    assert(openOf(book, user) === count, "open orders of a user are counted");
  return open;
}

/** Prices in order, linked both ways, each found by its price; queues whole. */
function checkLevels({ slots }: Shard, levels: Levels, isStops: boolean): void {
  let better = NONE;
  let count = 0;
  for (let level = levels.best; level !== NONE; level = levels.worse[level]) {
    const price = levels.prices[level];
    assert(levels.better[level] === better, "a level knows its better neighbour");
    assert(
      better === NONE || levels.prices[better] > price === levels.isDescending,
      "prices go from best to worst",
    );
    assert(findLevel(levels, price) === level, "a level is found by its price");
    let previous = NONE;
    assert(levels.oldest[level] !== NONE, "no level is empty");
    for (
      let slot = levels.oldest[level];
      slot !== NONE;
      previous = slot, slot = slotWord(slots, slot, SlotColumn.NEXT)
    ) {
      assert(slotWord(slots, slot, SlotColumn.PREVIOUS) === previous, "a slot knows the one before it");
      assert(slotWord(slots, slot, SlotColumn.LEVEL) === level, "a slot knows its level");
      const own = isStops ? extraNumber(slots, slot, ExtraColumn.STOP) : priceOf(slots, slot);
      assert(own === price, "an order stands at its price");
    }
    assert(levels.newest[level] === previous, "a level knows its newest order");
    better = level;
    count += 1;
  }
  assert(levels.worst === better, "a side knows its worst level");
  assert(levels.count === count, "a side counts its levels");
}

function isIndexed({ memory, slots, id }: Shard, slot: number): boolean {
  for (let word = 0; word < 4; word += 1) id[word] = slotWord(slots, slot, SlotColumn.ID + word);
  return findId(memory, slots, id) === refOfSlot(slot);
}

function checkEnded({ memory, slots, id }: Shard): number {
  let count = 0;
  let endSeq = 0;
  let units = 0;
  for (let ended = memory.ended.oldest; ended !== NONE; ended = nextOf(memory.ended, ended)) {
    for (let word = 0; word < 4; word += 1) id[word] = endedWord(memory.ended, ended, EndedColumn.ID + word);
    assert(findId(memory, slots, id) === refOfEnded(ended), "an ended id is found");
    const seq = endedNumber(memory.ended, ended, EndedColumn.END_SEQ);
    assert(seq >= endSeq, "ended ids stand in the order of their end");
    endSeq = seq;
    count += 1;
    units += unitsOf(memory.ended, ended);
  }
  assert(memory.ended.count === count && memory.ended.units === units, "ended ids are counted");
  return count;
}

function countIds(memory: Memory): number {
  return memory.counts.reduce((sum, count) => sum + count, 0) + countEnded(memory.endedIndex);
}
