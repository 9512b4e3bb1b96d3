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

/** So many are remembered at least; commits are lost for seconds, not for longer. */
const REMEMBERED = 10_000;
/** The same of holds, which are made faster than all else. */
const HOLDS_REMEMBERED = 50_000;
/** So many are named. */
const LISTED_MAX = 20;

export function createWitness(): Witness {
  const requests = recent<ToldRequest>(REMEMBERED);
  const refusals = recent<FullReservation>(REMEMBERED);
  const holds = recent<true>(HOLDS_REMEMBERED);
  return {
    told: (request) => requests.add(`${request.requestId} ${request.isEnd}`, request),
    refused: (row) => refusals.add(row.orderId, row),
    held: (orderId) => holds.add(orderId, true),
    wasHeld: holds.has,
    async check(client) {
      const missing = await missingRequests(client, [...requests.all().values()]);
      if (missing.length > 0) throw lost(missing);
      const told = refusals.all();
      const found = await findReservations(client, [...told.keys()]);
      await insertReservations(
        client,
        [...told.values()].filter(({ orderId }) => !found.has(orderId)),
      );
    },
  };
}

/**
 * The newest so many by key at least, and never twice as many. Forgotten by the half: to drop the oldest of a map one
 * by one costs a walk over all that was dropped before.
 */
function recent<T>(least: number) {
  let older = new Map<string, T>();
  let newer = new Map<string, T>();
  return {
    add(key: string, value: T): void {
      if (newer.size >= least) [older, newer] = [newer, new Map()];
      newer.set(key, value);
    },
    has: (key: string) => newer.has(key) || older.has(key),
    all: (): ReadonlyMap<string, T> => new Map([...older, ...newer]),
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
