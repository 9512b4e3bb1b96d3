// AccountService at the edge: fills in who calls, checks what the wallet cannot know, passes it on.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import { AccountService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { type Call, implement, type ServiceEntry } from "@bourse/shared/rpc/call.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import { callerOf, hasRole } from "./caller.js";
import { withOutcome } from "./outcome.js";

export interface AccountServiceDeps {
  readonly wallet: Pick<ServiceClient<typeof AccountService>, "getBalances" | "deposit" | "withdraw">;
  /** Refuses with ASSET_NOT_FOUND when no market trades the asset. */
  readonly checkAsset: (asset: string) => void;
  readonly deadlineOf: (call: Call) => number;
}

/** Binds the handlers to the service. */
export function accountService({ wallet, checkAsset, deadlineOf }: AccountServiceDeps): ServiceEntry {
  const optionsOf = (call: Call) => ({ deadlineMs: deadlineOf(call), signal: call.signal });
  return implement(AccountService, {
    async getBalances(request, call) {
      const caller = callerOf(call);
      const userId = request.userId === "" ? caller.userId : request.userId;
      const mayLook = userId === caller.userId || hasRole(caller, "operator", "auditor");
      if (!mayLook) throw new DomainError("INSUFFICIENT_SCOPE", { field: "user_id" });
      return wallet.getBalances({ userId }, optionsOf(call));
    },
    deposit: (request, call) =>
      withOutcome(async () => {
        checkAsset(request.asset);
        return wallet.deposit(request, { deadlineMs: deadlineOf(call) });
      }),
    withdraw: (request, call) =>
      withOutcome(async () => {
        checkAsset(request.asset);
        return wallet.withdraw(request, { deadlineMs: deadlineOf(call) });
      }),
  });
}
