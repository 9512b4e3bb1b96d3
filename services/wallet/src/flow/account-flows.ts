import type { LedgerQuery } from "../core/ledger-page.js";
import type { AccountRequest, Adjustment, Deposit } from "../core/transfer.js";
import type { WithdrawalEnd } from "../core/withdrawal.js";
import type { Database } from "../io/database.js";
import { listLedger } from "./list-ledger.js";
import { doTransfer, getBalances } from "./transfer.js";
import { endWithdrawal, getWithdrawal, holdWithdrawal } from "./withdraw.js";

/** Every operation on accounts over one database. `whenWrong` sees what a write throws, and throws it. */
export function accountFlows(database: Database, whenWrong: (error: unknown) => never = rethrow) {
  return {
    getBalances: (userId: string) => getBalances(database, userId),
    listLedger: (query: LedgerQuery) => listLedger(database, query),
    getWithdrawal: (requestId: string) => getWithdrawal(database, requestId),
    transfer: (transfer: Deposit | Adjustment) => doTransfer(database, transfer).catch(whenWrong),
    holdWithdrawal: (request: AccountRequest) => holdWithdrawal(database, request).catch(whenWrong),
    endWithdrawal: (requestId: string, end: WithdrawalEnd) =>
      endWithdrawal(database, requestId, end).catch(whenWrong),
  };
}

function rethrow(error: unknown): never {
  throw error;
}
