// AccountService at the edge: fills in who calls, checks what the wallet cannot know, passes it on.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { type Call, implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import { withOutcome } from "@bourse/shared/rpc/outcome.js";
import { callerOf, hasRole } from "./caller.js";

export interface AccountServiceDeps {
  readonly wallet: ServiceClient<typeof AccountService>;
  /** Refuses with ASSET_NOT_FOUND when no market trades the asset. */
  readonly checkAsset: (asset: string) => void;
  readonly deadlineOf: (call: Call) => number;
}

/** Binds the handlers to the service. Calls that change something go on when their caller goes away. */
export function accountService({ wallet, checkAsset, deadlineOf }: AccountServiceDeps): ServiceEntry {
  const reading = (call: Call) => ({ deadlineMs: deadlineOf(call), signal: call.signal });
  const changing = (call: Call) => ({ deadlineMs: deadlineOf(call) });
  /** Asks the wallet for a change of an asset that a market trades. */
  const change = <I extends { readonly asset: string }, O>(
    request: I,
    call: Call,
    ask: (request: I, options: ReturnType<typeof changing>) => Promise<O>,
  ) =>
    withOutcome(async () => {
      checkAsset(request.asset);
      return ask(request, changing(call));
    });
  return implement(AccountService, {
    getBalances: async (request, call) =>
      wallet.getBalances({ userId: whoseAccount(request.userId, call) }, reading(call)),
    listLedgerEntries: async (request, call) =>
      wallet.listLedgerEntries({ ...request, userId: whoseAccount(request.userId, call) }, reading(call)),
    getWithdrawal: (request, call) => wallet.getWithdrawal(request, reading(call)),
    deposit: (request, call) => change(request, call, wallet.deposit),
    adjustBalance: (request, call) => change(request, call, wallet.adjustBalance),
    withdraw: (request, call) => change(request, call, wallet.withdraw),
    completeWithdrawal: (request, call) =>
      withOutcome(() => wallet.completeWithdrawal(request, changing(call))),
    cancelWithdrawal: (request, call) => withOutcome(() => wallet.cancelWithdrawal(request, changing(call))),
  });
}

/** Whose account a caller may look at: its own, "" among its names; that of others with a role for it. */
function whoseAccount(named: string, call: Call): string {
  const caller = callerOf(call);
  const userId = named === "" ? caller.userId : named.toLowerCase();
  if (userId !== caller.userId && !hasRole(caller, "operator", "auditor"))
    throw new DomainError("INSUFFICIENT_SCOPE", { field: "user_id" });
  return userId;
}
