// Which holds a batch of reserves may take.
import { assert } from "@bourse/shared/assert.js";
import {
  type AccountKey,
  type FullReservation,
  freshReservation,
  keyText,
  type Refusal,
  type Reservation,
} from "./reservation.js";

/** A hold that the gateway asks for before the order, or the amend, reaches its shard. */
export interface ReserveRequest {
  /** The leg's own id if it is one. */
  readonly orderId: string;
  /** Order that this is a leg of; undefined for an order. */
  readonly legOf: string | undefined;
  readonly userId: string;
  readonly asset: string;
  readonly amountAtoms: bigint;
  readonly fingerprintHex: string;
  /** Shard that will decide about the order; undefined when none will. */
  readonly shard: number | undefined;
  readonly terms: Uint8Array;
}

/**
 * What became of a reserve. `held`: the row as stored, ACTIVE or CLOSED, perhaps by an earlier call.
 * `refused`: funds were short, or a leg's order held nothing, now or when it was first asked; stays so for
 * ever. `conflict`: the order id stands for other content.
 */
export type ReserveAnswer =
  | { readonly type: "held"; readonly reservation: FullReservation; readonly isReplayed: boolean }
  | { readonly type: "refused"; readonly reservation: FullReservation; readonly isReplayed: boolean }
  | { readonly type: "conflict"; readonly stored: FullReservation };

/** What a batch writes and answers. `created` holds each new row once, ACTIVE or REFUSED. */
export interface ReserveDecision {
  readonly created: readonly FullReservation[];
  readonly answers: readonly ReserveAnswer[];
}

/**
 * Decides a batch in order, each request alone: one that does not fit takes nothing from a smaller one
 * behind it. `available` is what the locked accounts can spend, by account key; `stored` are the rows
 * that exist, those of the legs' orders among them. Neither is changed.
 */
export function decideReserves(
  world: {
    readonly available: ReadonlyMap<string, bigint>;
    readonly stored: ReadonlyMap<string, FullReservation>;
  },
  requests: readonly ReserveRequest[],
): ReserveDecision {
  const available = new Map(world.available);
  const known = new Map(world.stored);
  const created: FullReservation[] = [];
  const answers = requests.map((request): ReserveAnswer => {
    const before = known.get(request.orderId);
    if (before !== undefined) return repeated(before, request);

    const reservation = decideNew(available, known, request);
    known.set(request.orderId, reservation);
    created.push(reservation);
    return { type: reservation.state === "ACTIVE" ? "held" : "refused", reservation, isReplayed: false };
  });
  return { created, answers };
}

function decideNew(
  available: Map<string, bigint>,
  known: ReadonlyMap<string, FullReservation>,
  request: ReserveRequest,
): FullReservation {
  const { orderId, legOf, userId, shard, asset, amountAtoms, fingerprintHex, terms } = request;
  assert(amountAtoms > 0n, "a reserve asks for more than nothing");
  const key = keyText({ userId, asset });
  const spendable = available.get(key) ?? 0n;
  const refusal = refusalOf(request, spendable, legOf === undefined ? undefined : known.get(legOf));
  if (refusal === undefined) available.set(key, spendable - amountAtoms);
  const state = refusal === undefined ? "ACTIVE" : "REFUSED";
  return {
    ...freshReservation({ orderId, legOf, userId, shard, state, asset, amountAtoms }),
    refusal,
    content: { fingerprintHex, terms },
  };
}

function refusalOf(
  request: ReserveRequest,
  spendableAtoms: bigint,
  order: Reservation | undefined,
): Refusal | undefined {
  // The order may close before the leg reaches its shard; the shard then refuses the amend and frees the leg.
  if (request.legOf !== undefined && !isOpenFor(order, request)) return "ORDER_NOT_OPEN";
  return request.amountAtoms <= spendableAtoms ? undefined : "INSUFFICIENT_FUNDS";
}

/** True when the order holds the same asset of the same user, so that the leg can join it. */
function isOpenFor(order: Reservation | undefined, { userId, asset, shard }: ReserveRequest): boolean {
  return (
    order?.state === "ACTIVE" &&
    order.legOf === undefined &&
    order.userId === userId &&
    order.asset === asset &&
    order.shard === shard
  );
}

/**
 * A tombstone has no fingerprint: it matches any content of its owner and answers its stored word. Money held
 * without shard is never what a shard is then asked to trade with, nor the other way about.
 */
function repeated(stored: FullReservation, request: ReserveRequest): ReserveAnswer {
  const { content } = stored;
  const isSame =
    stored.userId === request.userId &&
    (content === undefined ||
      (content.fingerprintHex === request.fingerprintHex &&
        stored.legOf === request.legOf &&
        (stored.shard === undefined) === (request.shard === undefined)));
  if (!isSame) return { type: "conflict", stored };
  return { type: stored.state === "REFUSED" ? "refused" : "held", reservation: stored, isReplayed: true };
}

/** The accounts that a batch must lock, each once, in lock order. */
export function accountsOf(requests: readonly ReserveRequest[]): AccountKey[] {
  return sortedKeys(requests);
}

/** Each key once, in the one order in which accounts are locked. */
export function sortedKeys(keys: readonly AccountKey[]): AccountKey[] {
  const byText = new Map(keys.map(({ userId, asset }) => [keyText({ userId, asset }), { userId, asset }]));
  return [...byText].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, key]) => key);
}
