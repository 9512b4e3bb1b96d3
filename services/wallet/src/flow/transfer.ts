// Deposits, adjustments and balances.
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import { keyText } from "../core/reservation.js";
import {
  type Adjustment,
  assertSameRequest,
  type Balance,
  balanceAfter,
  type Deposit,
  type DoneTransfer,
  directionOf,
  postTransfer,
  type Transfer,
} from "../core/transfer.js";
import { changeAccounts, createAccounts, lockAccounts, readBalances } from "../io/accounts.js";
import { type Database, read, transactRepeatable } from "../io/database.js";
import { claimRequestId, findTransfer, insertTransfer } from "../io/transfers.js";

/**
 * Does a deposit or adjustment once per request id; a repeat returns the first answer. Fails with
 * REQUEST_ID_REUSED (other content), INSUFFICIENT_FUNDS (not remembered), WALLET_UNAVAILABLE.
 */
export function doTransfer(database: Database, transfer: Deposit | Adjustment): Promise<DoneTransfer> {
  return transactRepeatable(database, async (client) => {
    if (await claimRequestId(client, transfer)) return moveMoney(client, transfer);
    const before = await findTransfer(client, transfer.requestId);
    assertSameRequest(before, transfer);
    return before as DoneTransfer;
  });
}

/** Writes a transfer whose key is this transaction's: both accounts, the ledger, the answer. */
export async function moveMoney(client: PoolClient, transfer: Transfer): Promise<DoneTransfer> {
  const { user, house, entries } = postTransfer(transfer);
  await createAccounts(client, [user, house]);
  const before = await lockAccounts(client, [user, house]);
  const after = balanceAfter(before.get(keyText(user)), user);
  await changeAccounts(client, [user, house]);
  const direction = directionOf(transfer);
  const entryIds = await insertTransfer(client, transfer, { direction, after, entries });
  return { ...transfer, after, entryIds };
}

/** What a user has, by asset; assets that were never held are absent. */
export function getBalances(database: Database, userId: string): Promise<Balance[]> {
  return read(database, (pool) => readBalances(pool, userId));
}
