// Deposits, withdrawals and balances.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { keyText } from "../core/reservation.js";
import {
  type Balance,
  type DoneTransfer,
  isSameTransfer,
  postTransfer,
  type Transfer,
} from "../core/transfer.js";
import { changeAccounts, createAccounts, lockAccounts, readBalances } from "../io/accounts.js";
import { type Database, read, transactRepeatable } from "../io/database.js";
import { findTransfer, insertEntries, insertTransfer } from "../io/ledger.js";

/**
 * Does a deposit or withdrawal once per request id; a repeat returns the first answer. Fails with
 * REQUEST_ID_REUSED (other content), INSUFFICIENT_FUNDS (not remembered), WALLET_UNAVAILABLE.
 */
export function doTransfer(database: Database, transfer: Transfer): Promise<DoneTransfer> {
  return transactRepeatable(database, async (client) => {
    const before = await findTransfer(client, transfer.requestId);
    if (before === undefined) return newTransfer(client, transfer);
    if (isSameTransfer(before, transfer)) return before;
    throw new DomainError("REQUEST_ID_REUSED", { field: "request_id", request_id: transfer.requestId });
  });
}

async function newTransfer(client: PoolClient, transfer: Transfer): Promise<DoneTransfer> {
  const { deltas, entries } = postTransfer(transfer);
  await createAccounts(client, deltas);
  const balance = (await lockAccounts(client, deltas)).get(keyText(transfer));
  const amountAtoms = transfer.kind === "DEPOSIT" ? transfer.amountAtoms : -transfer.amountAtoms;
  const availableAtoms = (balance?.availableAtoms ?? 0n) + amountAtoms;
  if (availableAtoms < 0n) throw new DomainError("INSUFFICIENT_FUNDS", { asset: transfer.asset });

  const after = { asset: transfer.asset, availableAtoms, reservedAtoms: balance?.reservedAtoms ?? 0n };
  const done = { ...transfer, after };
  await insertTransfer(client, done);
  await changeAccounts(client, deltas);
  await insertEntries(client, transfer.kind, entries);
  return done;
}

/** What a user has, by asset; assets that were never held are absent. */
export function getBalances(database: Database, userId: string): Promise<Balance[]> {
  return read(database, (pool) => readBalances(pool, userId));
}
