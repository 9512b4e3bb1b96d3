// What tests ask of accounts, with names for ids.
import type { AccountRequest, Adjustment, Deposit } from "../core/transfer.js";
import { uuidOf } from "./names.js";

type Changes<T> = Partial<T> & { readonly requestId: string };

/** 100 atoms of BTC for Alice. */
export function accountRequest(changes: Changes<AccountRequest>): AccountRequest {
  return {
    transactionId: uuidOf(changes.requestId),
    userId: uuidOf("alice"),
    asset: "BTC",
    amountAtoms: 100n,
    ...changes,
  };
}

export function depositOf(changes: Changes<Deposit>): Deposit {
  return { ...accountRequest(changes), kind: "DEPOSIT" };
}

export function adjustmentOf(changes: Changes<Adjustment>): Adjustment {
  const { direction = "CREDIT", reason = "a test" } = changes;
  return { ...accountRequest(changes), kind: "ADJUSTMENT", direction, reason };
}
