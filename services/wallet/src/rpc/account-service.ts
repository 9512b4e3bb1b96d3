// AccountService on the wire. The edge has authenticated the caller, checked the role and filled in the
// user; what is asked for is checked here all the same.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import {
  AccountService,
  type DepositRequest,
  type WithdrawRequest,
} from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { transferIdOf } from "@bourse/shared/ids.js";
import { implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import { formatAtoms, parsePositiveAtoms } from "@bourse/shared/units/atoms.js";
import type { Balance, DoneTransfer, Transfer, TransferKind } from "../core/transfer.js";
import { readAsset, readUserId } from "./values.js";

/** What the service needs from the flows. */
export interface AccountFlows {
  readonly getBalances: (userId: string) => Promise<Balance[]>;
  readonly transfer: (transfer: Transfer) => Promise<DoneTransfer>;
}

const REQUEST_ID = /^[A-Za-z0-9._:-]{1,64}$/;
/** Accounts of the house change by settlement and by the other side of transfers only. */
const HOUSE = /^00000000-0000-0000-0000-/;

/** AccountService over the flows. */
export function accountService(flows: AccountFlows): ServiceEntry {
  const transfer = async (kind: TransferKind, request: DepositRequest | WithdrawRequest) => {
    const done = await flows.transfer(readTransfer(kind, request));
    return { balance: balanceMessage(done.after), transactionId: done.transactionId };
  };
  return implement(AccountService, {
    async getBalances(request) {
      const balances = await flows.getBalances(readUserId("user_id", request.userId));
      return { balances: balances.map(balanceMessage) };
    },
    deposit: (request) => transfer("DEPOSIT", request),
    withdraw: (request) => transfer("WITHDRAWAL", request),
  });
}

function readTransfer(kind: TransferKind, request: DepositRequest | WithdrawRequest): Transfer {
  const userId = readUserId("user_id", request.userId);
  if (HOUSE.test(userId)) throw new DomainError("INVALID_USER_ID", { field: "user_id" });
  const asset = readAsset("asset", request.asset);
  const amountAtoms = parsePositiveAtoms("amount", request.amount ?? "");
  const { requestId } = request;
  if (requestId === "") throw new DomainError("FIELD_REQUIRED", { field: "request_id" });
  if (!REQUEST_ID.test(requestId)) throw new DomainError("INVALID_REQUEST_ID", { field: "request_id" });
  return { kind, requestId, transactionId: transferIdOf(kind, requestId), userId, asset, amountAtoms };
}

function balanceMessage({ asset, availableAtoms, reservedAtoms }: Balance) {
  return { asset, available: formatAtoms(availableAtoms), reserved: formatAtoms(reservedAtoms) };
}
