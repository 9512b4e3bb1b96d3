// Events of a record as objects: for tests and tools. What is fast reads the rows themselves.
import { assert } from "@bourse/shared/assert.js";
import { completeEvents } from "./complete-events.js";
import { SELF_TRADE_MODES } from "./content-hash.js";
import { CELLS, Cell, type EventBuffer, EventKind, Flag } from "./event-buffer.js";
import { sumText } from "./exact.js";
import { idText } from "./ids.js";
import { type Shard, userIdOf } from "./shard.js";
import {
  AMEND_REFUSALS,
  type AmendRefusal,
  type Command,
  END_REASONS,
  type FinalStatus,
  type MatcherEvent,
  ORDER_STATUSES,
  type OrderTerms,
  type Side,
  type TradeParty,
} from "./types.js";

/** Events of the command that the shard applied last. */
export function readEvents(shard: Shard, command: Command): MatcherEvent[] {
  const { events } = shard;
  completeEvents(shard, events);
  return Array.from({ length: events.count }, (_, row) => readEvent(shard, events, row, command));
}

/** Reads one row's cells by name. */
function reader(shard: Shard, events: EventBuffer, row: number) {
  const cells = events.cells.subarray(row * CELLS, (row + 1) * CELLS);
  return {
    number: (cell: number) => cells[cell],
    id: (cell: number) => idText(cells, cell),
    user: (cell: number) => userIdOf(shard, cells[cell]),
    side: (): Side => (cells[Cell.SIDE] === 0 ? "buy" : "sell"),
    has: (flag: number) => (cells[Cell.FLAGS] & flag) !== 0,
    symbol: () => shard.books[cells[Cell.MARKET]].market.symbol,
  };
}
type Row = ReturnType<typeof reader>;

function readEvent(shard: Shard, events: EventBuffer, index: number, command: Command): MatcherEvent {
  const row = reader(shard, events, index);
  const orderId = () => row.id(Cell.ORDER);
  switch (row.number(Cell.KIND)) {
    case EventKind.ACCEPTED:
      assert(command.type === "submit", "only a submit is accepted");
      return { type: "accepted", terms: command.terms };
    case EventKind.RESTED:
      return {
        type: "rested",
        orderId: orderId(),
        symbol: row.symbol(),
        side: row.side(),
        priceTicks: row.number(Cell.PRICE),
        remainingLots: row.number(Cell.LOTS),
      };
    case EventKind.TRADE:
      return readTrade(row, events, index);
    case EventKind.PREVENTED:
      return {
        type: "selfTradePrevented",
        symbol: row.symbol(),
        takerOrderId: row.id(Cell.OTHER),
        makerOrderId: orderId(),
        userId: row.user(Cell.USER),
        takerSide: row.side(),
        priceTicks: row.number(Cell.PRICE),
        quantityLots: row.number(Cell.LOTS),
        mode: SELF_TRADE_MODES[row.number(Cell.REASON)],
        takerRemainingLots: row.number(Cell.OTHER_REMAINING),
        takerReservedUnits: row.number(Cell.OTHER_RESERVED),
        makerRemainingLots: row.number(Cell.REMAINING),
        makerReservedUnits: row.number(Cell.RESERVED),
      };
    case EventKind.ENDED:
      return readEnded(row, command);
    case EventKind.STOP_PLACED:
    case EventKind.STOP_TRIGGERED:
      return readStop(row);
    case EventKind.AMENDED:
      return readAmended(row);
    case EventKind.AMEND_REFUSED:
      return {
        type: "amendRefused",
        orderId: orderId(),
        userId: row.user(Cell.USER),
        legId: row.id(Cell.OTHER),
        symbol: symbolOf(row, command),
        reason: AMEND_REFUSALS[row.number(Cell.REASON)] as AmendRefusal,
      };
    default:
      return events.objects[index] as MatcherEvent;
  }
}

function readTrade(row: Row, events: EventBuffer, index: number): MatcherEvent {
  const received = (high: number, low: number) => sumText(row.number(high), row.number(low));
  const maker: TradeParty = {
    orderId: row.id(Cell.ORDER),
    userId: row.user(Cell.USER),
    clientOrderId: events.texts[index * 2],
    feePpm: row.number(Cell.FEE),
    receivedBefore: received(Cell.RECEIVED_HIGH, Cell.RECEIVED_LOW),
    createdAtMs: row.number(Cell.CREATED),
    remainingLots: row.number(Cell.REMAINING),
  };
  const taker: TradeParty = {
    orderId: row.id(Cell.OTHER),
    userId: row.user(Cell.OTHER_USER),
    clientOrderId: events.texts[index * 2 + 1],
    feePpm: row.number(Cell.OTHER_FEE),
    receivedBefore: received(Cell.OTHER_RECEIVED_HIGH, Cell.OTHER_RECEIVED_LOW),
    createdAtMs: row.number(Cell.OTHER_CREATED),
    remainingLots: row.number(Cell.OTHER_REMAINING),
  };
  return {
    type: "trade",
    symbol: row.symbol(),
    priceTicks: row.number(Cell.PRICE),
    quantityLots: row.number(Cell.LOTS),
    takerSide: row.side(),
    maker,
    taker,
    buyerLimitTicks: row.number(Cell.BUYER_LIMIT),
    index: row.number(Cell.INDEX),
  };
}

function readEnded(row: Row, command: Command): MatcherEvent {
  const resting = { side: row.side(), priceTicks: row.number(Cell.PRICE) };
  return {
    type: "ended",
    orderId: row.id(Cell.ORDER),
    userId: row.user(Cell.USER),
    symbol: symbolOf(row, command),
    status: ORDER_STATUSES[row.number(Cell.STATUS)] as FinalStatus,
    reason: END_REASONS[row.number(Cell.REASON)],
    executedLots: row.number(Cell.EXECUTED),
    executedTickLots: sumText(row.number(Cell.RECEIVED_HIGH), row.number(Cell.RECEIVED_LOW)),
    resting: row.has(Flag.WAS_RESTING) ? resting : undefined,
    remainingLots: row.number(Cell.LOTS),
    createdAtMs: row.number(Cell.CREATED),
    acceptedSeq: row.number(Cell.SEQ),
    terms: row.has(Flag.WITH_TERMS) ? termsIn(command) : undefined,
    isTombstone: row.has(Flag.TOMBSTONE),
    amendedPriceTicks: row.number(Cell.AMENDED_PRICE),
    amendedQuantityLots: row.number(Cell.AMENDED_LOTS),
  };
}

/** A tombstone belongs to no book: only its command knows the symbol. */
function symbolOf(row: Row, command: Command): string {
  if (row.number(Cell.MARKET) !== -1) return row.symbol();
  assert(
    command.type === "resolve" || command.type === "amend",
    "an event without a book has a command that names one",
  );
  return command.symbol;
}

function termsIn(command: Command): OrderTerms {
  assert(command.type === "submit", "only a submit is refused");
  return command.terms;
}

function readStop(row: Row): MatcherEvent {
  const stop = {
    orderId: row.id(Cell.ORDER),
    symbol: row.symbol(),
    side: row.side(),
    stopPriceTicks: row.number(Cell.PRICE),
    remainingLots: row.number(Cell.LOTS),
  };
  if (row.number(Cell.KIND) === EventKind.STOP_PLACED) return { type: "stopPlaced", ...stop };
  return { type: "stopTriggered", ...stop, userId: row.user(Cell.USER) };
}

function readAmended(row: Row): MatcherEvent {
  return {
    type: "amended",
    orderId: row.id(Cell.ORDER),
    userId: row.user(Cell.USER),
    legId: row.id(Cell.OTHER),
    symbol: row.symbol(),
    side: row.side(),
    keepsPlace: row.has(Flag.KEEPS_PLACE),
    wasResting: row.has(Flag.WAS_RESTING),
    oldPriceTicks: row.number(Cell.OLD_PRICE),
    oldRemainingLots: row.number(Cell.OLD_LOTS),
    priceTicks: row.number(Cell.PRICE),
    remainingLots: row.number(Cell.LOTS),
    quantityLots: row.number(Cell.QUANTITY),
    reservedUnits: row.number(Cell.RESERVED),
    createdAtMs: row.number(Cell.CREATED),
  };
}
