// Amends: price and quantity of an order that is open, all or nothing.
import { assert } from "@bourse/shared/assert.js";
import { isOutOfBand } from "./apply-place.js";
import { type Book, dequeue, enqueueStop } from "./book.js";
import { addUnknown, CANCELLED, endOrder, reasonCode } from "./end-order.js";
import { EndedCode, EndedColumn, endedWord, setEndedNumber, setEndedWord } from "./ended.js";
import { Flag } from "./event-buffer.js";
import { quotient } from "./exact.js";
import { execute } from "./execute.js";
import { parseIdInto } from "./ids.js";
import { findId, isEndedRef, recordOf } from "./memory.js";
import { NONE } from "./none.js";
import { entryOf, type Shard } from "./shard.js";
import {
  Code,
  codesOf,
  ExtraColumn,
  executedLotsOf,
  extraNumber,
  priceOf,
  remainingOf,
  SlotColumn,
  STOP,
  setExtraNumber,
  setSlotNumber,
  userOf,
} from "./slots.js";
import { noteQuantity, wouldTake } from "./take.js";
import { AMEND_REFUSALS, type AmendCommand, type AmendRefusal } from "./types.js";
import { writeAmended, writeAmendRefused } from "./write-events.js";

const AMENDED = reasonCode("AMENDED");
const { PRICE, REMAINING } = SlotColumn;
const { STOP: STOP_PRICE, BUDGET, UPDATED, PLACE, FIRST_PRICE } = ExtraColumn;

/** Decides about an amend whose order is known and whose key is not. Returns the order's book if it may have traded. */
export function applyAmend(shard: Shard, command: AmendCommand): Book | undefined {
  const order = new Int32Array(4);
  const leg = new Int32Array(4);
  parseIdInto(order, 0, command.orderId);
  parseIdInto(leg, 0, command.legId);
  const ref = entryOf(shard, command.orderId);
  assert(ref !== NONE, "an applied amend names a known order");
  if (isEndedRef(ref)) {
    refuse(shard, endedOwner(shard, recordOf(ref)), { order, leg, command, reason: "ORDER_NOT_OPEN" });
    return undefined;
  }
  const slot = recordOf(ref);
  const book = shard.books[codesOf(shard.slots, slot) >>> Code.MARKET_SHIFT];
  const owner = { market: book.number, user: userOf(shard.slots, slot) };
  const change = changeOf(shard, slot, command);
  if (change.open === 0) {
    rememberLeg(shard, owner, { order, leg, command, reason: "" });
    amendToNothing(shard, book, slot, leg);
    return undefined;
  }
  const reason = reasonToRefuse(shard, book, slot, change);
  if (reason !== "") {
    refuse(shard, owner, { order, leg, command, reason });
    return undefined;
  }
  rememberLeg(shard, owner, { order, leg, command, reason: "" });
  amend(shard, book, slot, { ...change, leg });
  return book;
}

interface Owner {
  readonly market: number;
  readonly user: number;
}

function endedOwner({ memory }: Shard, ended: number): Owner {
  const market = endedWord(memory.ended, ended, EndedColumn.CODES) >>> EndedCode.MARKET_SHIFT;
  const user = endedWord(memory.ended, ended, EndedColumn.USER);
  return { market: market === EndedCode.NO_MARKET ? -1 : market, user };
}

interface Outcome {
  readonly order: Int32Array;
  readonly leg: Int32Array;
  readonly command: AmendCommand;
  readonly reason: AmendRefusal | "";
}

function refuse(shard: Shard, owner: Owner, outcome: Outcome): void {
  rememberLeg(shard, owner, outcome);
  const reason = AMEND_REFUSALS.indexOf(outcome.reason);
  writeAmendRefused(shard, { ...owner, order: outcome.order, leg: outcome.leg, reason });
}

/** The key is remembered with what was asked and its outcome, as long as its order. */
function rememberLeg(shard: Shard, { market, user }: Owner, { order, leg, command, reason }: Outcome): void {
  const { ended } = shard.memory;
  shard.id.set(leg);
  assert(findId(shard.memory, shard.slots, shard.id) === NONE, "an amend is decided once");
  const number = market === -1 ? EndedCode.NO_MARKET : market;
  const outcome = AMEND_REFUSALS.indexOf(reason) << EndedCode.REASON_SHIFT;
  const codes = (number << EndedCode.MARKET_SHIFT) | EndedCode.LEG | EndedCode.MORE | outcome;
  const record = addUnknown(shard, user, codes);
  for (let word = 0; word < 4; word += 1) {
    setEndedWord(ended, record, EndedColumn.LEG_ORDER + word, order[word]);
  }
  setEndedNumber(ended, record, EndedColumn.PRICE, command.priceTicks);
  setEndedNumber(ended, record, EndedColumn.QUANTITY, command.quantityLots);
}

/** What an order would be. */
interface Change {
  readonly price: number;
  readonly isPriceNamed: boolean;
  readonly isPriceNew: boolean;
  readonly quantity: number;
  /** Open lots after it; 0 when the total is no more than what was executed. */
  readonly open: number;
  readonly legUnits: number;
}

function changeOf({ slots }: Shard, slot: number, command: AmendCommand): Change {
  const { priceTicks, quantityLots, legUnits } = command;
  const executed = executedLotsOf(slots, slot);
  const price = priceTicks === 0 ? priceOf(slots, slot) : priceTicks;
  const quantity = quantityLots === 0 ? executed + remainingOf(slots, slot) : quantityLots;
  return {
    price,
    isPriceNamed: priceTicks !== 0,
    isPriceNew: price !== priceOf(slots, slot),
    quantity,
    open: Math.max(0, quantity - executed),
    legUnits,
  };
}

/** The checks in their fixed order; the first that fails wins, "" is none. */
function reasonToRefuse(shard: Shard, book: Book, slot: number, change: Change): AmendRefusal | "" {
  const { slots } = shard;
  const { price, isPriceNamed, isPriceNew, quantity, open, legUnits } = change;
  const codes = codesOf(slots, slot);
  const isSell = (codes & Code.SELL) !== 0;
  const isWaiting = (codes & Code.WAITING) !== 0;
  if (isPriceNamed && typeOf(codes) === STOP) return "PRICE_NOT_ALLOWED";
  const takes = !isWaiting && isPriceNew && wouldTake(book, isSell, price);
  const { state } = book.market;
  if (state !== "TRADING" && !(state === "POST_ONLY" && !takes)) return `SYMBOL_${state}`;
  const highest = Math.max(price, isWaiting ? extraNumber(slots, slot, STOP_PRICE) : 0);
  const perLot = reservePerLot(shard, slot, price);
  if (!isSafeProduct(highest, quantity) || !isSafeProduct(perLot, open)) return "NOTIONAL_TOO_LARGE";
  const before = reservePerLot(shard, slot, priceOf(slots, slot)) * remainingOf(slots, slot);
  // Both are safe integers; so is their difference, which their sum with the leg need not be.
  if (perLot * open - before > legUnits) return "LEG_TOO_SMALL";
  if (isWaiting) return "";
  if (isPriceNew && isOutOfBand(book, price)) return "PRICE_OUT_OF_BAND";
  return takes && (codes & Code.POST_ONLY) !== 0 ? "POST_ONLY_WOULD_TAKE" : "";
}

const typeOf = (codes: number) => (codes >> Code.TYPE_SHIFT) & Code.TYPE_MASK;

function isSafeProduct(a: number, b: number): boolean {
  return a === 0 || b <= quotient(Number.MAX_SAFE_INTEGER, a);
}

/** What one open lot reserves: tick times lot of a buyer, one lot of a seller. */
function reservePerLot({ slots }: Shard, slot: number, price: number): number {
  const codes = codesOf(slots, slot);
  if ((codes & Code.SELL) !== 0) return 1;
  if ((codes & Code.HAS_BUDGET) === 0) return price;
  return quotient(extraNumber(slots, slot, BUDGET), remainingOf(slots, slot));
}

/** The new total is executed already: the rest is cancelled, in every market state, whatever price was named. */
function amendToNothing(shard: Shard, book: Book, slot: number, leg: Int32Array): void {
  const { slots } = shard;
  const was = { leg, price: priceOf(slots, slot), open: remainingOf(slots, slot) };
  noteQuantity(shard, slot);
  setSlotNumber(slots, slot, REMAINING, 0);
  writeAmended(shard, slot, { ...was, flags: flagsOf(shard, slot, true) });
  endOrder(shard, book, slot, CANCELLED, AMENDED);
}

function amend(shard: Shard, book: Book, slot: number, change: Change & { leg: Int32Array }): void {
  const { slots } = shard;
  const { price, open, leg } = change;
  const was = { leg, price: priceOf(slots, slot), open: remainingOf(slots, slot) };
  const isWaiting = (codesOf(slots, slot) & Code.WAITING) !== 0;
  const keepsPlace = price === was.price && open <= was.open;
  const flags = flagsOf(shard, slot, keepsPlace);
  if (!keepsPlace) dequeue(book, slots, slot);
  if ((codesOf(slots, slot) & Code.HAS_BUDGET) !== 0) {
    setExtraNumber(slots, slot, BUDGET, reservePerLot(shard, slot, price) * open);
  }
  if (open !== was.open) noteQuantity(shard, slot);
  if (price !== was.price && extraNumber(slots, slot, FIRST_PRICE) === 0) {
    setExtraNumber(slots, slot, FIRST_PRICE, was.price);
  }
  setSlotNumber(slots, slot, PRICE, price);
  setSlotNumber(slots, slot, REMAINING, open);
  setExtraNumber(slots, slot, UPDATED, shard.timeMs);
  writeAmended(shard, slot, { ...was, flags });
  if (keepsPlace) return;
  if (!isWaiting) return execute(shard, book, slot);
  setExtraNumber(slots, slot, PLACE, shard.seq);
  enqueueStop(book, slots, slot);
}

function flagsOf({ slots }: Shard, slot: number, keepsPlace: boolean): number {
  const isResting = (codesOf(slots, slot) & Code.RESTING) !== 0;
  return (isResting ? Flag.WAS_RESTING : 0) | (keepsPlace ? Flag.KEEPS_PLACE : 0);
}
