// The rest of a record's events: what the core did not copy from the slots of their orders. Good until the next
// command, as those slots are.
import { CELLS, Cell, type EventBuffer, EventKind } from "./event-buffer.js";
import { NONE } from "./none.js";
import type { Shard } from "./shard.js";
import {
  Code,
  codesOf,
  createdOf,
  executedHighOf,
  executedLotsOf,
  executedLowOf,
  priceOf,
  remainingOf,
  SLOT_WORDS,
  SlotColumn,
  type Slots,
  seqOf,
  slotWord,
  userOf,
} from "./slots.js";
import { amendedLotsOf, amendedPriceOf, writeId, writeOrder } from "./write-events.js";

/** Fills in the cells of every row that names a slot. Once more changes nothing. */
export function completeEvents(shard: Shard, events: EventBuffer): void {
  const { cells, orders, count } = events;
  let trades = 0;
  for (let row = 0; row < count; row += 1) {
    const order = orders[row * 2];
    if (order === NONE) continue;
    const at = row * CELLS;
    switch (cells[at]) {
      case EventKind.RESTED:
        writeOrder(cells, at, shard.slots, order);
        cells[at + Cell.PRICE] = priceOf(shard.slots, order);
        break;
      case EventKind.TRADE:
        completeTrade(shard.slots, events, row, trades);
        trades += 1;
        break;
      case EventKind.ENDED:
        completeEnded(shard.slots, cells, at, order);
        break;
    }
  }
}

function completeTrade(
  slots: Slots,
  { cells, orders, texts }: EventBuffer,
  row: number,
  index: number,
): void {
  const maker = orders[row * 2];
  const taker = orders[row * 2 + 1];
  const at = row * CELLS;
  writeOrder(cells, at, slots, maker);
  writeId(cells, at + Cell.OTHER, slots.words, taker * SLOT_WORDS + SlotColumn.ID);
  const isSell = codesOf(slots, taker) & Code.SELL;
  cells[at + Cell.SIDE] = isSell;
  cells[at + Cell.OTHER_USER] = userOf(slots, taker);
  cells[at + Cell.FEE] = slotWord(slots, maker, SlotColumn.MAKER_FEE);
  cells[at + Cell.OTHER_FEE] = slotWord(slots, taker, SlotColumn.TAKER_FEE);
  cells[at + Cell.CREATED] = createdOf(slots, maker);
  cells[at + Cell.OTHER_CREATED] = createdOf(slots, taker);
  cells[at + Cell.BUYER_LIMIT] = priceOf(slots, isSell === 0 ? taker : maker);
  cells[at + Cell.INDEX] = index;
  texts[row * 2] = slots.texts[maker];
  texts[row * 2 + 1] = slots.texts[taker];
}

function completeEnded(slots: Slots, cells: Float64Array, at: number, slot: number): void {
  writeOrder(cells, at, slots, slot);
  cells[at + Cell.PRICE] = priceOf(slots, slot);
  cells[at + Cell.LOTS] = remainingOf(slots, slot);
  cells[at + Cell.CREATED] = createdOf(slots, slot);
  cells[at + Cell.SEQ] = seqOf(slots, slot);
  // Most orders end as they came.
  const isPlain = slotWord(slots, slot, SlotColumn.EXTRA) === NONE;
  cells[at + Cell.RECEIVED_HIGH] = isPlain ? 0 : executedHighOf(slots, slot);
  cells[at + Cell.RECEIVED_LOW] = isPlain ? 0 : executedLowOf(slots, slot);
  cells[at + Cell.EXECUTED] = isPlain ? 0 : executedLotsOf(slots, slot);
  cells[at + Cell.AMENDED_PRICE] = isPlain ? 0 : amendedPriceOf(slots, slot);
  cells[at + Cell.AMENDED_LOTS] = isPlain ? 0 : amendedLotsOf(slots, slot);
}
