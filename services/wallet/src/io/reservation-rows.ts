// Rows of wallet.reservations to what the core knows, in one place for every statement that reads them.
import { assert } from "@bourse/shared/assert.js";
import { atomsOfNumeric } from "@bourse/shared/units/atoms.js";
import type {
  FinalStatus,
  FinalWord,
  FullReservation,
  Refusal,
  Reservation,
  ReservationState,
} from "../core/reservation.js";

/** Columns of MoneyRow. */
export const MONEY_COLUMNS = `order_id, leg_of, user_id, state, sequenced, shard, asset, amount, joined, remaining,
  spent, improvement, released, moved, refusal, maker_received, maker_fees, maker_fee_ppm, taker_received, taker_fees, taker_fee_ppm,
  (extract(epoch FROM created_at) * 1000)::bigint AS created_at_ms,
  final_status, final_reason, executed_lots, executed_tick_lots, order_created_at_ms, order_ended_at_ms, ended_seq,
  accepted_seq, amended_price_ticks, amended_quantity_lots`;

/** Columns of FullRow. */
export const FULL_COLUMNS = `${MONEY_COLUMNS}, encode(fingerprint, 'hex') AS fingerprint_hex, terms`;

export interface MoneyRow {
  readonly order_id: string;
  readonly leg_of: string | null;
  readonly user_id: string;
  readonly state: ReservationState;
  readonly sequenced: boolean;
  readonly shard: number | null;
  readonly asset: string | null;
  readonly amount: string;
  readonly joined: string;
  readonly remaining: string;
  readonly spent: string;
  readonly improvement: string;
  readonly released: string;
  readonly moved: string;
  readonly refusal: Refusal | null;
  readonly maker_received: string;
  readonly maker_fees: string;
  readonly maker_fee_ppm: number | null;
  readonly taker_received: string;
  readonly taker_fees: string;
  readonly taker_fee_ppm: number | null;
  readonly created_at_ms: number;
  readonly final_status: FinalStatus | null;
  readonly final_reason: string | null;
  readonly executed_lots: number | null;
  readonly executed_tick_lots: string | null;
  readonly order_created_at_ms: number | null;
  readonly order_ended_at_ms: number | null;
  readonly ended_seq: number | null;
  readonly accepted_seq: number | null;
  readonly amended_price_ticks: number | null;
  readonly amended_quantity_lots: number | null;
}

export interface FullRow extends MoneyRow {
  readonly fingerprint_hex: string | null;
  readonly terms: Uint8Array | null;
}

/** A row without what the client sent: all that settlement needs. */
export function reservationOf(row: MoneyRow): Reservation {
  return {
    orderId: row.order_id,
    legOf: row.leg_of ?? undefined,
    userId: row.user_id,
    shard: row.shard ?? undefined,
    state: row.state,
    isSequenced: row.sequenced,
    asset: row.asset ?? undefined,
    amountAtoms: atomsOfNumeric(row.amount),
    joinedAtoms: atomsOfNumeric(row.joined),
    remainingAtoms: atomsOfNumeric(row.remaining),
    spentAtoms: atomsOfNumeric(row.spent),
    improvementAtoms: atomsOfNumeric(row.improvement),
    releasedAtoms: atomsOfNumeric(row.released),
    movedAtoms: atomsOfNumeric(row.moved),
    totals: {
      MAKER: totalsOf(row.maker_received, row.maker_fees, row.maker_fee_ppm),
      TAKER: totalsOf(row.taker_received, row.taker_fees, row.taker_fee_ppm),
    },
    createdAtMs: row.created_at_ms,
    // A refusal of before legs were known could only be about funds.
    refusal: row.state === "REFUSED" ? (row.refusal ?? "INSUFFICIENT_FUNDS") : undefined,
    finalWord: finalWordOf(row),
  };
}

/** A whole row. */
export function fullReservationOf(row: FullRow): FullReservation {
  const { fingerprint_hex: fingerprintHex, terms } = row;
  const content = fingerprintHex === null || terms === null ? undefined : { fingerprintHex, terms };
  return { ...reservationOf(row), content };
}

function totalsOf(received: string, fees: string, feePpm: number | null) {
  return {
    receivedAtoms: atomsOfNumeric(received),
    feeAtoms: atomsOfNumeric(fees),
    feePpm: feePpm ?? undefined,
  };
}

function finalWordOf(row: MoneyRow): FinalWord | undefined {
  if (row.final_status === null) return undefined;
  assert(
    row.executed_lots !== null && row.executed_tick_lots !== null,
    "a closed row says what was executed",
  );
  assert(row.order_ended_at_ms !== null && row.ended_seq !== null, "a closed row says when it ended");
  return {
    status: row.final_status,
    reason: row.final_reason ?? "",
    executedLots: row.executed_lots,
    executedTickLots: BigInt(row.executed_tick_lots),
    orderCreatedAtMs: row.order_created_at_ms ?? 0,
    acceptedSeq: row.accepted_seq ?? 0,
    endedAtMs: row.order_ended_at_ms,
    endedSeq: row.ended_seq,
    amendedPriceTicks: row.amended_price_ticks ?? 0,
    amendedQuantityLots: row.amended_quantity_lots ?? 0,
  };
}
