// The ledger of an account in pages, newest first.
import type { Direction, RequestKind } from "./transfer.js";

/** What moved the money of an entry. */
export type LedgerKind = "TRADE" | RequestKind;
const LEDGER_KINDS: readonly LedgerKind[] = ["TRADE", "DEPOSIT", "WITHDRAWAL", "ADJUSTMENT"];

/** Place of an entry: entries of one instant are in the order of their ids. Microseconds since 1970 UTC. */
export interface LedgerPlace {
  readonly recordedAtUs: number;
  readonly entryId: number;
}

/** Which entries of a user; absent filters let everything pass. */
export interface LedgerQuery {
  readonly userId: string;
  readonly asset: string | undefined;
  readonly kind: LedgerKind | undefined;
  /** Milliseconds since 1970 UTC: from this instant on. */
  readonly fromMs: number | undefined;
  /** Milliseconds since 1970 UTC: before this instant. */
  readonly toMs: number | undefined;
  /** Only what is older than this place: where the page before ended. */
  readonly after: LedgerPlace | undefined;
  readonly pageSize: number;
}

/** One line of the books of an account. */
export interface LedgerRow extends LedgerPlace {
  readonly transactionId: string;
  readonly kind: LedgerKind;
  readonly asset: string;
  readonly direction: Direction;
  /** More than 0. */
  readonly amountAtoms: bigint;
  /** Absent for a trade, whose id is the transaction's. */
  readonly requestId: string | undefined;
  /** Of an adjustment. */
  readonly reason: string | undefined;
}

/** A page, and where the next one begins; undefined on the last. */
export interface LedgerPage {
  readonly rows: readonly LedgerRow[];
  readonly next: LedgerPlace | undefined;
}

/** The kinds that a query lets pass. */
export function kindsOf({ kind }: LedgerQuery): readonly LedgerKind[] {
  return kind === undefined ? LEDGER_KINDS : [kind];
}

/** The page of rows of which one more than its size was asked for. */
export function pageOf(rows: readonly LedgerRow[], pageSize: number): LedgerPage {
  const page = rows.slice(0, pageSize);
  const last = page.at(-1);
  return {
    rows: page,
    next:
      rows.length > pageSize && last !== undefined
        ? { recordedAtUs: last.recordedAtUs, entryId: last.entryId }
        : undefined,
  };
}
