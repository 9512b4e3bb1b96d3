// AccountService on the wire. The edge has authenticated the caller, checked the role and filled in the
// user; what is asked for is checked here all the same.
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { sayingOutcome } from "@bourse/shared/rpc/outcome.js";
import type { LedgerPage, LedgerQuery } from "../core/ledger-page.js";
import type { AccountRequest, Adjustment, Balance, Deposit, DoneTransfer } from "../core/transfer.js";
import type { Withdrawal, WithdrawalEnd } from "../core/withdrawal.js";
import type { Ended } from "../flow/withdraw.js";
import {
  balanceMessage,
  entryMessage,
  idsMessage,
  pageTokenOf,
  readAdjustment,
  readDeposit,
  readLedgerQuery,
  readRequestId,
  readWithdrawal,
  withdrawalMessage,
} from "./account-wire.js";
import { readUserId } from "./values.js";

/** What the service needs from the flows. */
export interface AccountFlows {
  readonly getBalances: (userId: string) => Promise<Balance[]>;
  readonly listLedger: (query: LedgerQuery) => Promise<LedgerPage>;
  readonly transfer: (transfer: Deposit | Adjustment) => Promise<DoneTransfer>;
  readonly holdWithdrawal: (request: AccountRequest) => Promise<Withdrawal>;
  readonly endWithdrawal: (requestId: string, end: WithdrawalEnd) => Promise<Ended>;
  readonly getWithdrawal: (requestId: string) => Promise<Withdrawal>;
}

/** AccountService over the flows. */
export function accountService(flows: AccountFlows): ServiceEntry {
  const transfer = async (asked: Deposit | Adjustment) => {
    const { after, transactionId, entryIds } = await flows.transfer(asked);
    return { balance: balanceMessage(after), transactionId, ledgerEntryIds: idsMessage(entryIds) };
  };
  const end = async (requestId: string, how: WithdrawalEnd) => {
    const withdrawal = await flows.endWithdrawal(readRequestId(requestId), how);
    return { balance: balanceMessage(withdrawal.ended.after), withdrawal: withdrawalMessage(withdrawal) };
  };
  const entry = implement(AccountService, {
    async getBalances(request) {
      const balances = await flows.getBalances(readUserId("user_id", request.userId));
      return { balances: balances.map(balanceMessage) };
    },
    async listLedgerEntries(request) {
      const { rows, next } = await flows.listLedger(readLedgerQuery(request));
      return { entries: rows.map(entryMessage), nextPageToken: pageTokenOf(request, next) };
    },
    deposit: (request) => transfer(readDeposit(request)),
    adjustBalance: (request) => transfer(readAdjustment(request)),
    async withdraw(request) {
      const withdrawal = await flows.holdWithdrawal(readWithdrawal(request));
      const { afterHold, transactionId } = withdrawal;
      return {
        balance: balanceMessage(afterHold),
        transactionId,
        withdrawal: withdrawalMessage(withdrawal),
      };
    },
    completeWithdrawal: ({ requestId }) => end(requestId, "COMPLETED"),
    cancelWithdrawal: ({ requestId }) => end(requestId, "CANCELLED"),
    async getWithdrawal({ requestId }) {
      return { withdrawal: withdrawalMessage(await flows.getWithdrawal(readRequestId(requestId))) };
    },
  });
  return sayingOutcome(entry);
}
