// What a shard's records do to money, as the settler says it.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { FinalStatus, Role } from "./reservation.js";

/** Money of one trade. Base amounts and fees of the buyer in base atoms, all else in quote atoms. */
export interface TradeOperation {
  readonly type: "trade";
  readonly tradeId: string;
  readonly symbol: string;
  readonly baseAsset: string;
  readonly quoteAsset: string;
  readonly baseAtoms: bigint;
  readonly quoteAtoms: bigint;
  /** What the buyer had reserved for this quantity: at its limit, or the price paid if it has a budget. */
  readonly buyerReservedAtoms: bigint;
  readonly buyer: PartyOfTrade;
  readonly seller: PartyOfTrade;
}

/** One order's half of a trade. */
export interface PartyOfTrade {
  readonly orderId: string;
  readonly userId: string;
  readonly role: Role;
  readonly feeAtoms: bigint;
  readonly feePpm: number;
  /** What the order had received in this role before. */
  readonly receivedBeforeAtoms: bigint;
}

/** The shard's final word: what is left is freed. */
export interface ReleaseOperation {
  readonly type: "release";
  readonly orderId: string;
  readonly userId: string;
  readonly status: FinalStatus;
  readonly reason: string;
  readonly executedLots: number;
  readonly executedTickLots: bigint;
  readonly orderCreatedAtMs: number;
  /** Seq of the record that first decided about the order; 0 when its end does not say it. */
  readonly acceptedSeq: number;
  /** Limit price at its end in ticks when an amend had changed it; 0 otherwise. */
  readonly amendedPriceTicks: number;
  /** Quantity at its end in lots when an amend or prevention had changed it; 0 otherwise. */
  readonly amendedQuantityLots: number;
  /** Order that this is a leg of, when the record says so: the leg of a refused amend. */
  readonly legOf: string | undefined;
  /** True when the shard decided about a hold: without a reservation that hold was lost. */
  readonly wasReserved?: boolean;
}

/**
 * What an order still needs, after an amend or when prevention took from it: its leg joins, and what is
 * above is freed. In atoms of the asset that the order holds.
 */
export interface AdjustOperation {
  readonly type: "adjust";
  readonly orderId: string;
  readonly userId: string;
  /** Id of the leg that joins; undefined for none. */
  readonly legId: string | undefined;
  readonly remainingAtoms: bigint;
  /** True when the amend says that its leg holds something: without a reservation that hold was lost. */
  readonly legWasReserved?: boolean;
}

/** The shard knows the order: the sweep need not ask. */
export interface MarkOperation {
  readonly type: "mark";
  readonly orderId: string;
}

/** One effect of a record, with its place in the log and the shard time of its record. */
export interface Operation {
  readonly seq: number;
  readonly index: number;
  readonly timeMs: number;
  readonly effect: TradeOperation | ReleaseOperation | AdjustOperation | MarkOperation;
}

/** Why a settlement stops that meets an order without the hold that must have been made for it. */
export const LOST = "the order has no reservation";

/** Ids of the orders and legs that an operation touches. */
export function ordersOf({ effect }: Operation): string[] {
  if (effect.type === "trade") return [effect.buyer.orderId, effect.seller.orderId];
  if (effect.type === "adjust" && effect.legId !== undefined) return [effect.orderId, effect.legId];
  return [effect.orderId];
}

/**
 * The failure of an operation that cannot be applied. Nothing of its batch is: the shard's settlement
 * stops until an operator has looked, because skipping it would lose or make money.
 */
export function impossible(
  operation: Operation,
  why: string,
  facts: Readonly<Record<string, string>> = {},
): DomainError {
  const { seq, index } = operation;
  return new DomainError("SETTLEMENT_IMPOSSIBLE", { why, seq: String(seq), index: String(index), ...facts });
}
