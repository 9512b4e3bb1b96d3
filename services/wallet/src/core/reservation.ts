// What the wallet knows about the money of one order, or of the leg that an amend of it reserved.

/** ACTIVE holds funds. CLOSED (ended, or a tombstone) and REFUSED are final. */
export type ReservationState = "ACTIVE" | "CLOSED" | "REFUSED";

/** Why a hold was refused: funds were short, or the order of a leg held nothing. */
export type Refusal = "INSUFFICIENT_FUNDS" | "ORDER_NOT_OPEN";

/** Role of an order in a trade. */
export type Role = "MAKER" | "TAKER";

/** Final status of an order. */
export type FinalStatus = "FILLED" | "CANCELLED" | "EXPIRED" | "REJECTED";

/** What an order received in one role before fees, and what it paid in fees for it. */
export interface RoleTotals {
  readonly receivedAtoms: bigint;
  readonly feeAtoms: bigint;
  /** Rate in parts per million; undefined until the first trade in this role, fixed from then on. */
  readonly feePpm: number | undefined;
}

/** What the reserve said about the order. */
export interface Content {
  /** SHA-256 of what the client sent, lower-case hex. */
  readonly fingerprintHex: string;
  /** Terms of the order, stored and returned unread. */
  readonly terms: Uint8Array;
}

/** The shard's last word on an order. */
export interface FinalWord {
  readonly status: FinalStatus;
  /** Wire name of the reason; "" for FILLED. */
  readonly reason: string;
  readonly executedLots: number;
  readonly executedTickLots: bigint;
  /** Shard time at which the order was accepted or refused. */
  readonly orderCreatedAtMs: number;
  /** Seq of the record that first decided about the order; 0 when its end did not say it. */
  readonly acceptedSeq: number;
  readonly endedAtMs: number;
  readonly endedSeq: number;
  /** Limit price at its end in ticks when an amend had changed it; 0 otherwise. */
  readonly amendedPriceTicks: number;
  /** Quantity at its end in lots when an amend or prevention had changed it; 0 otherwise. */
  readonly amendedQuantityLots: number;
}

/** The reservation of one order or leg: its money and its state. */
export interface Reservation {
  /** The leg's own id if it is one. */
  readonly orderId: string;
  /** Order that this is a leg of; undefined for an order, and for a leg that was never reserved. */
  readonly legOf: string | undefined;
  readonly userId: string;
  /** Shard whose history alone settles and ends it; undefined when none does, and the unary calls do. */
  readonly shard: number | undefined;
  readonly state: ReservationState;
  readonly isSequenced: boolean;
  /** Asset that is held; undefined for a tombstone, which never held anything. */
  readonly asset: string | undefined;
  readonly amountAtoms: bigint;
  /** What came later from legs. */
  readonly joinedAtoms: bigint;
  readonly remainingAtoms: bigint;
  readonly spentAtoms: bigint;
  readonly improvementAtoms: bigint;
  readonly releasedAtoms: bigint;
  /** What a leg gave to its order: all or nothing. */
  readonly movedAtoms: bigint;
  readonly totals: Readonly<Record<Role, RoleTotals>>;
  /** When the row was made; 0 until the database has said so. */
  readonly createdAtMs: number;
  /** Set when REFUSED. */
  readonly refusal: Refusal | undefined;
  /** Set when CLOSED, but for what held money without shard: nobody then decided about an order. */
  readonly finalWord: FinalWord | undefined;
}

/** A reservation as its caller sees it; a tombstone has no content. */
export interface FullReservation extends Reservation {
  readonly content: Content | undefined;
}

/** Key of an account, also the order in which accounts are locked. */
export interface AccountKey {
  readonly userId: string;
  readonly asset: string;
}

/** An account key as one text; sorts as (user, asset). */
export function keyText({ userId, asset }: AccountKey): string {
  return `${userId}/${asset}`;
}

const nothingReceived: RoleTotals = { receivedAtoms: 0n, feeAtoms: 0n, feePpm: undefined };

/** A reservation of which nothing was moved yet. */
export function freshReservation(
  input: Pick<Reservation, "orderId" | "legOf" | "userId" | "shard" | "state" | "asset" | "amountAtoms">,
): Reservation {
  // One by one: objects that are spread and then grow are what a batch of reserves spends most time on.
  return {
    orderId: input.orderId,
    legOf: input.legOf,
    userId: input.userId,
    shard: input.shard,
    state: input.state,
    isSequenced: false,
    asset: input.asset,
    amountAtoms: input.amountAtoms,
    joinedAtoms: 0n,
    remainingAtoms: input.state === "ACTIVE" ? input.amountAtoms : 0n,
    spentAtoms: 0n,
    improvementAtoms: 0n,
    releasedAtoms: 0n,
    movedAtoms: 0n,
    totals: { MAKER: nothingReceived, TAKER: nothingReceived },
    createdAtMs: 0,
    refusal: undefined,
    finalWord: undefined,
  };
}
