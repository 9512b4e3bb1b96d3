// Who may call the wallet: the edge reserves, the settler settles, and nobody else touches money. What no shard
// decides about is theirs alike.
import { AccountService, WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { callersOf } from "@bourse/shared/rpc/callers.js";

export const walletCallers = [
  callersOf(WalletService, {
    reserve: ["order-gateway", "settler"],
    release: ["order-gateway", "settler"],
    settleTrade: ["order-gateway", "settler"],
    reserveStream: ["order-gateway"],
    getReservation: ["order-gateway"],
    settle: ["settler"],
    getCursor: ["settler"],
    listOrphans: ["settler"],
    markSequenced: ["settler"],
  }),
  callersOf(AccountService, {
    getBalances: ["order-gateway"],
    listLedgerEntries: ["order-gateway"],
    deposit: ["order-gateway"],
    withdraw: ["order-gateway"],
    completeWithdrawal: ["order-gateway"],
    cancelWithdrawal: ["order-gateway"],
    getWithdrawal: ["order-gateway"],
    adjustBalance: ["order-gateway"],
  }),
];
