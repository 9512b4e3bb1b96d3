// Withdrawals: held first, then completed or cancelled, each once.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { PoolClient } from "@bourse/shared/postgres/pool.js";
import type { AccountDelta } from "../core/postings.js";
import { keyText } from "../core/reservation.js";
import { type AccountRequest, assertSameRequest, type Balance, balanceAfter } from "../core/transfer.js";
import {
  type EndedWithdrawal,
  isToBeEnded,
  outflowOf,
  postCancel,
  postHold,
  type Withdrawal,
  type WithdrawalEnd,
} from "../core/withdrawal.js";
import { changeAccounts, lockAccounts } from "../io/accounts.js";
import { type Database, read, transactRepeatable } from "../io/database.js";
import { claimRequestId } from "../io/transfers.js";
import { endHeldWithdrawal, findWithdrawal, insertWithdrawal, lockWithdrawal } from "../io/withdrawals.js";
import { moveMoney } from "./transfer.js";

/**
 * Holds what a withdrawal takes, once per request id; a repeat returns the withdrawal as it stands. Fails
 * with REQUEST_ID_REUSED (other content), INSUFFICIENT_FUNDS (not remembered), WALLET_UNAVAILABLE.
 */
export function holdWithdrawal(database: Database, request: AccountRequest): Promise<Withdrawal> {
  return transactRepeatable(database, async (client) => {
    if (await claimRequestId(client, { ...request, kind: "WITHDRAWAL" })) return hold(client, request);
    const before = await findWithdrawal(client, request.requestId);
    assertSameRequest(before, request);
    return before as Withdrawal;
  });
}

async function hold(client: PoolClient, request: AccountRequest): Promise<Withdrawal> {
  const afterHold = await changeAccount(client, postHold(request));
  const createdAtMs = await insertWithdrawal(client, request, afterHold);
  return { ...request, state: "HELD", createdAtMs, afterHold };
}

/** A withdrawal that has ended. */
export type Ended = Withdrawal & { readonly ended: EndedWithdrawal };

/**
 * Completes or cancels a withdrawal; a repeat returns the first answer. Fails with WITHDRAWAL_NOT_FOUND,
 * WITHDRAWAL_COMPLETED or WITHDRAWAL_CANCELLED (it ended otherwise), WALLET_UNAVAILABLE.
 */
export function endWithdrawal(database: Database, requestId: string, end: WithdrawalEnd): Promise<Ended> {
  return transactRepeatable(database, async (client) => {
    const withdrawal = found(await lockWithdrawal(client, requestId), requestId);
    if (!isToBeEnded(withdrawal, end)) return withdrawal as Ended;
    const { after, entryIds } =
      end === "COMPLETED"
        ? await moveMoney(client, outflowOf(withdrawal))
        : { after: await changeAccount(client, postCancel(withdrawal)), entryIds: [] };
    const endedAtMs = await endHeldWithdrawal(client, requestId, end, after);
    return { ...withdrawal, state: end, ended: { endedAtMs, after, entryIds } };
  });
}

/** Moves money between the two columns of one account. Returns what it has then. */
async function changeAccount(client: PoolClient, delta: AccountDelta): Promise<Balance> {
  const before = await lockAccounts(client, [delta]);
  const after = balanceAfter(before.get(keyText(delta)), delta);
  await changeAccounts(client, [delta]);
  return after;
}

/** A withdrawal as it stands. Fails with WITHDRAWAL_NOT_FOUND. */
export async function getWithdrawal(database: Database, requestId: string): Promise<Withdrawal> {
  return found(await read(database, (pool) => findWithdrawal(pool, requestId)), requestId);
}

function found(withdrawal: Withdrawal | undefined, requestId: string): Withdrawal {
  if (withdrawal === undefined) throw new DomainError("WITHDRAWAL_NOT_FOUND", { request_id: requestId });
  return withdrawal;
}
