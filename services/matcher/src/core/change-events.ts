// Facts about orders that wait or change, and about what operators and owners set.
import type { AmendRefusal, MarketState, Side } from "./types.js";

/** A stop waits outside the book. */
export interface StopPlaced {
  readonly type: "stopPlaced";
  readonly orderId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly stopPriceTicks: number;
  readonly remainingLots: number;
}

/** A stop fired; its fate follows. */
export interface StopTriggered {
  readonly type: "stopTriggered";
  readonly orderId: string;
  readonly userId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly stopPriceTicks: number;
  readonly remainingLots: number;
}

/** Price or quantity changed, the leg belongs to the order. What becomes of an order that lost its place follows. */
export interface OrderAmended {
  readonly type: "amended";
  readonly orderId: string;
  readonly userId: string;
  readonly legId: string;
  readonly symbol: string;
  readonly side: Side;
  readonly keepsPlace: boolean;
  /** False for a waiting stop. */
  readonly wasResting: boolean;
  readonly oldPriceTicks: number;
  readonly oldRemainingLots: number;
  readonly priceTicks: number;
  /** 0 when the new quantity is no more than what was executed: the order's end follows. */
  readonly remainingLots: number;
  readonly quantityLots: number;
  readonly reservedUnits: number;
  readonly createdAtMs: number;
}

export interface AmendRefused {
  readonly type: "amendRefused";
  readonly orderId: string;
  readonly userId: string;
  readonly legId: string;
  readonly symbol: string;
  readonly reason: AmendRefusal;
}

export interface MarketStateChanged {
  readonly type: "marketStateChanged";
  readonly symbol: string;
  readonly state: MarketState;
  readonly oldState: MarketState;
  readonly operatorId: string;
  readonly reason: string;
}

export interface SwitchSet {
  readonly type: "switchSet";
  readonly userId: string;
  readonly symbols: readonly string[];
  /** 0 when it is disabled. */
  readonly dueAtMs: number;
}
