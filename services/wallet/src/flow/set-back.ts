// A wallet that has lost its last commits: how a settler knows it, and how long it sends along the holds of what it
// settles, so that lost ones are made again.
import type { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Clock } from "@bourse/shared/runtime/clock.js";
import { isBefore, type Position } from "../core/positions.js";
import { FORGOTTEN, FUNDS_MISSING } from "../core/restore.js";

/** What is seen of a wallet that was set back, of one shard. */
export interface SetBackWatch {
  /** It stands at `cursor` although it had settled `highestSeq`; true until that is made up. */
  readonly onSetBack: (isSetBack: boolean, facts: { cursor: number; highestSeq: number }) => void;
}

export interface SetBack {
  /** Looks at a cursor that the wallet named; what it had named before is remembered. */
  heard(cursor: Position): void;
  /** Begins a connection: what the shard was told at most, and where its records end. */
  began(cursor: Position, told: { readonly highestSeq: number; readonly endSeq: number }): void;
  settled(cursor: Position): void;
  /** True while holds must be sent along. */
  sendsHolds(): boolean;
  /** True while what was lost is not made up. */
  isBehind(): boolean;
  /** True when the wallet itself misses a hold that it had acknowledged: the next connection makes it again. */
  shownBy(failure: DomainError): boolean;
  /** True when money is missing that another shard, or an earlier record of this one, may still bring. */
  mayWait(failure: DomainError): boolean;
}

/** Shard time, at most, between a reserve and the record that decides about it: a Submit's longest expiry. */
const SUBMIT_MS_MAX = 60_000;

/**
 * Watches for it. Nobody else may make a hold again: an order without hold at a wallet that was not set back is a
 * fault of the mesh. `isAlwaysOn` is an operator's word that it was, where nothing is left that shows it.
 */
export function createSetBack(options: {
  readonly clock: Clock;
  readonly watch: SetBackWatch;
  readonly isAlwaysOn: boolean;
  /** When another shard of this process last made up for something; undefined when none has to. */
  readonly othersMovedMs: () => number | undefined;
  /** How long to wait for the others once they do not move. */
  readonly patienceMs: number;
}): SetBack {
  const { clock, watch } = options;
  let highest: Position | undefined;
  let isSeen = false;
  let throughSeq: number | undefined;
  let madeUpMs: number | undefined;
  const isBehind = () => throughSeq !== undefined && madeUpMs === undefined;
  return {
    heard(cursor) {
      if (highest !== undefined && isBefore(cursor, highest)) isSeen = true;
      if (highest === undefined || isBefore(highest, cursor)) highest = cursor;
    },
    began(cursor, { highestSeq, endSeq }) {
      const known = Math.max(highestSeq, highest?.seq ?? 0);
      if (!isSeen && highestSeq <= cursor.seq) return;
      isSeen = false;
      highest = cursor;
      const isNews = !isBehind();
      // What was decided until now may rest on lost holds; so may what is decided within a Submit's expiry.
      throughSeq = Math.max(endSeq, known);
      madeUpMs = undefined;
      if (isNews) watch.onSetBack(true, { cursor: cursor.seq, highestSeq: known });
    },
    settled(cursor) {
      if (highest === undefined || isBefore(highest, cursor)) highest = cursor;
      if (throughSeq === undefined || madeUpMs !== undefined || cursor.seq < throughSeq) return;
      madeUpMs = clock.monotonicMs();
      watch.onSetBack(false, { cursor: cursor.seq, highestSeq: throughSeq });
    },
    sendsHolds() {
      if (options.isAlwaysOn || isBehind()) return true;
      return madeUpMs !== undefined && clock.monotonicMs() - madeUpMs < SUBMIT_MS_MAX;
    },
    isBehind,
    shownBy({ facts }) {
      // Were holds sent along already, the next attempt would end the same.
      if (facts.why !== FORGOTTEN || isBehind()) return false;
      isSeen = true;
      return true;
    },
    mayWait({ facts }) {
      const movedMs = options.othersMovedMs();
      if (facts.why !== FUNDS_MISSING || movedMs === undefined) return false;
      return clock.monotonicMs() - movedMs < options.patienceMs;
    },
  };
}
