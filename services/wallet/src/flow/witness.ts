// What this process told its callers and no journal tells of: deposits, adjustments, withdrawals, refusals. While
// it lives it knows which of them a database has lost that was set back. And which holds: journals tell of these, but
// a database that has lost nothing else shows it by nothing else.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import type { FullReservation } from "../core/reservation.js";
import { missingRequests } from "../io/known-requests.js";
import { findReservations, insertReservations } from "../io/reservations.js";
import type { accountFlows } from "./account-flows.js";

/** Why settlement stops at a wallet that has lost what only people can make again. */
export const REQUESTS_MISSING = "deposits, adjustments or withdrawals are missing";

/** A change of an account that was acknowledged. */
export interface ToldRequest {
  readonly requestId: string;
  /** True for the end of a withdrawal: it must not be held any more. */
  readonly isEnd: boolean;
  /** What it was, for people. */
  readonly text: string;
}

export interface Witness {
  told(request: ToldRequest): void;
  refused(row: FullReservation): void;
  held(orderId: string): void;
  /** True for a hold that was acknowledged not long ago. */
  wasHeld(orderId: string): boolean;
  /**
   * Looks whether the database has all of it. Lost refusals are written again as they were; SETTLEMENT_IMPOSSIBLE,
   * naming them, for requests that are missing.
   */
  check(client: PoolClient): Promise<void>;
}

/** So much is remembered, newest last; commits are lost for seconds, not for longer. */
const REMEMBERED_MAX = 10_000;
/** Of holds the last so many are known at least, and no more than twice as many: whoever reserves fast needs more. */
const HOLDS_REMEMBERED = 50_000;
/** So many are named. */
const LISTED_MAX = 20;

export function createWitness(): Witness {
  const requests = new Map<string, ToldRequest>();
  const refusals = new Map<string, FullReservation>();
  let held = new Set<string>();
  let heldBefore = new Set<string>();
  const remember = <T>(map: Map<string, T>, key: string, value: T) => {
    map.set(key, value);
    const [oldest] = map.keys();
    if (map.size > REMEMBERED_MAX && oldest !== undefined) map.delete(oldest);
  };
  return {
    told: (request) => remember(requests, `${request.requestId} ${request.isEnd}`, request),
    refused: (row) => remember(refusals, row.orderId, row),
    held(orderId) {
      if (held.size >= HOLDS_REMEMBERED) [heldBefore, held] = [held, new Set()];
      held.add(orderId);
    },
    wasHeld: (orderId) => held.has(orderId) || heldBefore.has(orderId),
    async check(client) {
      const missing = await missingRequests(client, [...requests.values()]);
      if (missing.length > 0) throw lost(missing);
      const found = await findReservations(client, [...refusals.keys()]);
      await insertReservations(
        client,
        [...refusals.values()].filter(({ orderId }) => !found.has(orderId)),
      );
    },
  };
}

function lost(missing: readonly ToldRequest[]): DomainError {
  const named = missing.slice(0, LISTED_MAX).map(({ requestId, text }) => `${requestId} (${text})`);
  const more = missing.length - named.length;
  return new DomainError("SETTLEMENT_IMPOSSIBLE", {
    why: REQUESTS_MISSING,
    missing: named.join(", ") + (more > 0 ? ` and ${more} more` : ""),
  });
}

type AccountFlows = ReturnType<typeof accountFlows>;

/** The same flows, with what they answer told to a witness. */
export function witnessed(flows: AccountFlows, witness: Witness): AccountFlows {
  return {
    ...flows,
    async transfer(transfer) {
      const done = await flows.transfer(transfer);
      witness.told({ requestId: transfer.requestId, isEnd: false, text: textOf(transfer.kind, transfer) });
      return done;
    },
    async holdWithdrawal(request) {
      const held = await flows.holdWithdrawal(request);
      witness.told({ requestId: request.requestId, isEnd: false, text: textOf("WITHDRAWAL", request) });
      return held;
    },
    async endWithdrawal(requestId, end) {
      const ended = await flows.endWithdrawal(requestId, end);
      witness.told({ requestId, isEnd: true, text: `WITHDRAWAL ${end}` });
      return ended;
    },
  };
}

function textOf(kind: string, { userId, asset }: { userId: string; asset: string }): string {
  return `${kind} of ${asset} for ${userId}`;
}
