// Events as rows of the core's buffer, from objects: the way back from core/read-events.ts.
import type { OrderAmended } from "../core/change-events.js";
import { SELF_TRADE_MODES } from "../core/content-hash.js";
import { Cell, type EventBuffer, EventKind, Flag } from "../core/event-buffer.js";
import { parseIdInto } from "../core/ids.js";
import {
  AMEND_REFUSALS,
  END_REASONS,
  type MatcherEvent,
  ORDER_STATUSES,
  type OrderEnded,
  type SelfTradePrevented,
  type Side,
  type TradeExecuted,
} from "../core/types.js";

/** Numbers that a shard gave to its users and markets. */
export interface Numbers {
  user(userId: string): number;
  market(symbol: string): number;
}

const SUM_BASE = 1_000_000_000_000_000n;
const sideCode = (side: Side) => (side === "buy" ? 0 : 1);

/** Puts an event behind the others in the buffer. */
export function writeRow(events: EventBuffer, event: MatcherEvent, numbers: Numbers): void {
  switch (event.type) {
    case "accepted": {
      const at = events.row(EventKind.ACCEPTED);
      return setId(events.cells, at + Cell.ORDER, event.terms.orderId);
    }
    case "rested":
    case "stopPlaced": {
      const at = events.row(event.type === "rested" ? EventKind.RESTED : EventKind.STOP_PLACED);
      setId(events.cells, at + Cell.ORDER, event.orderId);
      return set(events.cells, at, {
        [Cell.MARKET]: numbers.market(event.symbol),
        [Cell.SIDE]: sideCode(event.side),
        [Cell.PRICE]: event.type === "rested" ? event.priceTicks : event.stopPriceTicks,
        [Cell.LOTS]: event.remainingLots,
      });
    }
    case "stopTriggered": {
      const at = events.row(EventKind.STOP_TRIGGERED);
      setId(events.cells, at + Cell.ORDER, event.orderId);
      return set(events.cells, at, {
        [Cell.MARKET]: numbers.market(event.symbol),
        [Cell.USER]: numbers.user(event.userId),
        [Cell.SIDE]: sideCode(event.side),
        [Cell.PRICE]: event.stopPriceTicks,
        [Cell.LOTS]: event.remainingLots,
      });
    }
    case "trade":
      return writeTrade(events, event, numbers);
    case "selfTradePrevented":
      return writePrevented(events, event, numbers);
    case "ended":
      return writeEnded(events, event, numbers);
    case "amended":
      return writeAmended(events, event, numbers);
    case "amendRefused": {
      const at = events.row(EventKind.AMEND_REFUSED);
      setId(events.cells, at + Cell.ORDER, event.orderId);
      setId(events.cells, at + Cell.OTHER, event.legId);
      return set(events.cells, at, {
        [Cell.MARKET]: numbers.market(event.symbol),
        [Cell.USER]: numbers.user(event.userId),
        [Cell.REASON]: AMEND_REFUSALS.indexOf(event.reason),
      });
    }
    default:
      events.objects[events.count] = event;
      events.row(EventKind.OBJECT);
  }
}

function writePrevented(events: EventBuffer, event: SelfTradePrevented, numbers: Numbers): void {
  const at = events.row(EventKind.PREVENTED);
  setId(events.cells, at + Cell.ORDER, event.makerOrderId);
  setId(events.cells, at + Cell.OTHER, event.takerOrderId);
  set(events.cells, at, {
    [Cell.MARKET]: numbers.market(event.symbol),
    [Cell.USER]: numbers.user(event.userId),
    [Cell.SIDE]: sideCode(event.takerSide),
    [Cell.PRICE]: event.priceTicks,
    [Cell.LOTS]: event.quantityLots,
    [Cell.REASON]: SELF_TRADE_MODES.indexOf(event.mode),
    [Cell.REMAINING]: event.makerRemainingLots,
    [Cell.RESERVED]: event.makerReservedUnits,
    [Cell.OTHER_REMAINING]: event.takerRemainingLots,
    [Cell.OTHER_RESERVED]: event.takerReservedUnits,
  });
}

function writeAmended(events: EventBuffer, event: OrderAmended, numbers: Numbers): void {
  const at = events.row(EventKind.AMENDED);
  setId(events.cells, at + Cell.ORDER, event.orderId);
  setId(events.cells, at + Cell.OTHER, event.legId);
  set(events.cells, at, {
    [Cell.MARKET]: numbers.market(event.symbol),
    [Cell.USER]: numbers.user(event.userId),
    [Cell.SIDE]: sideCode(event.side),
    [Cell.PRICE]: event.priceTicks,
    [Cell.LOTS]: event.remainingLots,
    [Cell.OLD_PRICE]: event.oldPriceTicks,
    [Cell.OLD_LOTS]: event.oldRemainingLots,
    [Cell.QUANTITY]: event.quantityLots,
    [Cell.RESERVED]: event.reservedUnits,
    [Cell.CREATED]: event.createdAtMs,
    [Cell.FLAGS]: (event.keepsPlace ? Flag.KEEPS_PLACE : 0) | (event.wasResting ? Flag.WAS_RESTING : 0),
  });
}

function writeTrade(events: EventBuffer, event: TradeExecuted, numbers: Numbers): void {
  const row = events.count;
  const at = events.row(EventKind.TRADE);
  const { maker, taker } = event;
  setId(events.cells, at + Cell.ORDER, maker.orderId);
  setId(events.cells, at + Cell.OTHER, taker.orderId);
  set(events.cells, at, {
    [Cell.MARKET]: numbers.market(event.symbol),
    [Cell.USER]: numbers.user(maker.userId),
    [Cell.OTHER_USER]: numbers.user(taker.userId),
    [Cell.SIDE]: sideCode(event.takerSide),
    [Cell.PRICE]: event.priceTicks,
    [Cell.LOTS]: event.quantityLots,
    [Cell.CREATED]: maker.createdAtMs,
    [Cell.OTHER_CREATED]: taker.createdAtMs,
    [Cell.FEE]: maker.feePpm,
    [Cell.OTHER_FEE]: taker.feePpm,
    [Cell.RECEIVED_HIGH]: high(maker.receivedBefore),
    [Cell.RECEIVED_LOW]: low(maker.receivedBefore),
    [Cell.OTHER_RECEIVED_HIGH]: high(taker.receivedBefore),
    [Cell.OTHER_RECEIVED_LOW]: low(taker.receivedBefore),
    [Cell.REMAINING]: maker.remainingLots,
    [Cell.OTHER_REMAINING]: taker.remainingLots,
    [Cell.BUYER_LIMIT]: event.buyerLimitTicks,
    [Cell.INDEX]: event.index,
  });
  events.texts[row * 2] = maker.clientOrderId;
  events.texts[row * 2 + 1] = taker.clientOrderId;
}

function writeEnded(events: EventBuffer, event: OrderEnded, numbers: Numbers): void {
  const at = events.row(EventKind.ENDED);
  setId(events.cells, at + Cell.ORDER, event.orderId);
  set(events.cells, at, {
    // A tombstone may name a market that nobody made.
    [Cell.MARKET]: event.isTombstone ? -1 : numbers.market(event.symbol),
    [Cell.USER]: numbers.user(event.userId),
    [Cell.SIDE]: event.resting === undefined ? 0 : sideCode(event.resting.side),
    [Cell.PRICE]: event.resting?.priceTicks ?? 0,
    [Cell.LOTS]: event.remainingLots,
    [Cell.STATUS]: ORDER_STATUSES.indexOf(event.status),
    [Cell.REASON]: END_REASONS.indexOf(event.reason),
    [Cell.EXECUTED]: event.executedLots,
    [Cell.RECEIVED_HIGH]: high(event.executedTickLots),
    [Cell.RECEIVED_LOW]: low(event.executedTickLots),
    [Cell.CREATED]: event.createdAtMs,
    [Cell.SEQ]: event.acceptedSeq,
    [Cell.AMENDED_PRICE]: event.amendedPriceTicks,
    [Cell.AMENDED_LOTS]: event.amendedQuantityLots,
    [Cell.FLAGS]:
      (event.resting === undefined ? 0 : Flag.WAS_RESTING) |
      (event.isTombstone ? Flag.TOMBSTONE : 0) |
      (event.terms === undefined ? 0 : Flag.WITH_TERMS),
  });
}

const high = (sum: string) => Number(BigInt(sum) / SUM_BASE);
const low = (sum: string) => Number(BigInt(sum) % SUM_BASE);

function set(cells: Float64Array, at: number, values: Readonly<Record<number, number>>): void {
  for (const [cell, value] of Object.entries(values)) cells[at + Number(cell)] = value;
}

function setId(cells: Float64Array, at: number, text: string): void {
  const words = new Int32Array(4);
  parseIdInto(words, 0, text);
  cells.set(words, at);
}
