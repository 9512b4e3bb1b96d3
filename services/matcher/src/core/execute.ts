// An accepted order at hand takes what it can, then rests or ends. New orders, fired stops and amends that lost
// their place all come here.
import { assert } from "@bourse/shared/assert.js";
import type { Book } from "./book.js";
import { EXPIRED, endOrder, FILLED, reasonCode, restOrder } from "./end-order.js";
import type { Shard } from "./shard.js";
import { Code, DAY, FOK, GTC, IOC, LIMIT, SLOT_MASK, SLOT_WORDS, SlotColumn, STOP_LIMIT } from "./slots.js";
import { TakeEnd, take, wouldFill } from "./take.js";

const { CODES } = SlotColumn;
const { TYPE_SHIFT, TYPE_MASK, TIME_SHIFT, TIME_MASK } = Code;
const WORDS = SLOT_WORDS;
const MASK = SLOT_MASK;
const END_FILLED = TakeEnd.FILLED;
const END_NO_LIQUIDITY = TakeEnd.NO_LIQUIDITY;
const END_LIMIT = TakeEnd.LIMIT;
const END_BUDGET = TakeEnd.BUDGET;
const END_SELF_TRADE = TakeEnd.SELF_TRADE;
const NO_REASON = reasonCode("");
const SELF_TRADE = reasonCode("SELF_TRADE");
const IOC_REMAINDER = reasonCode("IOC_REMAINDER");
const PRICE_PROTECTION = reasonCode("PRICE_PROTECTION");
const INSUFFICIENT_LIQUIDITY = reasonCode("INSUFFICIENT_LIQUIDITY");
const BUDGET_EXHAUSTED = reasonCode("BUDGET_EXHAUSTED");
const FOK_NOT_FILLABLE = reasonCode("FOK_NOT_FILLABLE");

/** Lets the order at hand meet the book, and says what becomes of it. */
export function execute(shard: Shard, book: Book, slot: number): void {
  const codes = shard.slots.words[(slot & MASK) * WORDS + CODES];
  const time = (codes >> TIME_SHIFT) & TIME_MASK;
  if (time === FOK && !wouldFill(shard, book, slot)) {
    endOrder(shard, book, slot, EXPIRED, FOK_NOT_FILLABLE);
    return;
  }
  const end = take(shard, book, slot);
  assert(time !== FOK || end === END_FILLED, "a FOK order trades all or nothing");
  const type = (codes >> TYPE_SHIFT) & TYPE_MASK;
  const isLimit = type === LIMIT || type === STOP_LIMIT;
  if (end === END_FILLED) endOrder(shard, book, slot, FILLED, NO_REASON);
  else if (isLimit && (time === GTC || time === DAY) && (end === END_LIMIT || end === END_NO_LIQUIDITY)) {
    restOrder(shard, book, slot);
  } else endOrder(shard, book, slot, EXPIRED, reasonToExpire(end, isLimit, time));
}

function reasonToExpire(end: number, isLimit: boolean, time: number): number {
  if (end === END_SELF_TRADE) return SELF_TRADE;
  if (isLimit) return time === IOC ? IOC_REMAINDER : PRICE_PROTECTION;
  if (end === END_NO_LIQUIDITY) return INSUFFICIENT_LIQUIDITY;
  return end === END_BUDGET ? BUDGET_EXHAUSTED : PRICE_PROTECTION;
}
