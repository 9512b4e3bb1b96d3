// Who may call the wallet: the edge reserves, the settler settles, and nobody else touches money.
import { AccountService, WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { callersOf } from "@bourse/shared/rpc/callers.js";

export const walletCallers = [
  callersOf(WalletService, {
    reserve: ["order-gateway"],
    reserveStream: ["order-gateway"],
    getReservation: ["order-gateway"],
    settle: ["settler"],
    getCursor: ["settler"],
    listOrphans: ["settler"],
    markSequenced: ["settler"],
  }),
  callersOf(AccountService, {
    getBalances: ["order-gateway"],
    deposit: ["order-gateway"],
    withdraw: ["order-gateway"],
  }),
];
