// One trade by call, between reservations that no shard decides about: lock and read, decide, write once.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import type { TradeOperation } from "../core/operation.js";
import type { Entry } from "../core/postings.js";
import { decideSettlement } from "../core/settle.js";
import { ledgerEntriesOf } from "../core/settle-trade.js";
import { type Database, transactRepeatable } from "../io/database.js";
import { findTrade, insertCalledTrade, insertNumberedEntries, type StoredTrade } from "../io/ledger.js";
import { lockReservations, updateReservations } from "../io/reservations.js";
import { changeBalances, impossibleIfRefused } from "./settle.js";

/** A settlement as it is asked for. */
export interface SettleTradeCall {
  readonly trade: TradeOperation;
  /** SHA-256 of the call, lower-case hex. */
  readonly fingerprintHex: string;
}

/** A ledger entry with its id. */
export interface NumberedEntry extends Entry {
  readonly entryId: number;
}

/** The answer to a settlement, the same for every repeat but for `isReplayed`. */
export interface SettledByCall {
  readonly entries: readonly NumberedEntry[];
  readonly isReplayed: boolean;
}

/**
 * Moves the money of a trade once per trade id, all of it or nothing. Fails, nothing written, with OWNED_BY_SHARD
 * (an order or the trade itself is a shard's), TRADE_ID_REUSED (settled with other content), SETTLEMENT_IMPOSSIBLE
 * (it does not fit what is stored), and with WALLET_UNAVAILABLE (outcome UNKNOWN): the same call again then finds
 * what was done.
 */
export async function settleTrade(database: Database, call: SettleTradeCall): Promise<SettledByCall> {
  try {
    return await transactRepeatable(database, (client) => settleIn(client, call, database.clock.wallMs()));
  } catch (error) {
    throw withoutPlace(impossibleIfRefused(error));
  }
}

async function settleIn(client: PoolClient, call: SettleTradeCall, nowMs: number): Promise<SettledByCall> {
  const { trade, fingerprintHex } = call;
  const stored = await lockReservations(client, [trade.buyer.orderId, trade.seller.orderId]);
  // Read after the lock: a duplicate that raced with the first must see what it did.
  const before = await findTrade(client, trade.tradeId);
  if (before !== undefined) return repeated(call, before);
  for (const { orderId, shard } of stored.values()) {
    if (shard !== undefined)
      throw new DomainError("OWNED_BY_SHARD", { order_id: orderId, shard: String(shard) });
  }

  const operation = { seq: 0, index: 0, timeMs: nowMs, effect: trade };
  const { changed, deltas } = decideSettlement(undefined, stored, [operation]);
  await changeBalances(client, deltas);
  await updateReservations(client, changed);
  const entries = ledgerEntriesOf(trade);
  const entryIds = await insertNumberedEntries(client, "TRADE", entries);
  await insertCalledTrade(client, { operation, trade }, { fingerprintHex, entryIds });
  return { entries: numbered(entries, entryIds), isReplayed: false };
}

/** The first answer again: the entries of the same content are the same, and their ids are stored. */
function repeated({ trade, fingerprintHex }: SettleTradeCall, before: StoredTrade): SettledByCall {
  const facts = { trade_id: trade.tradeId };
  if (before.shard !== undefined)
    throw new DomainError("OWNED_BY_SHARD", { ...facts, shard: String(before.shard) });
  if (before.fingerprintHex !== fingerprintHex) throw new DomainError("TRADE_ID_REUSED", facts);
  return { entries: numbered(ledgerEntriesOf(trade), before.entryIds), isReplayed: true };
}

function numbered(entries: readonly Entry[], ids: readonly number[]): NumberedEntry[] {
  return entries.map((entry, index) => ({ ...entry, entryId: ids[index] ?? 0 }));
}

/** A call has no place in a log to name. */
function withoutPlace(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.reason !== "SETTLEMENT_IMPOSSIBLE") return error;
  const { seq: _seq, index: _index, ...facts } = error.facts;
  return new DomainError(error.reason, facts, { cause: error });
}
