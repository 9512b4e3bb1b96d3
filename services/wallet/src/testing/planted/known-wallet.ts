// Lets a planted flow of the settler call the wallet where the product has no call for it.
import type { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import { createWalletClient as original } from "../../io/wallet-client.js";

let known: ServiceClient<typeof WalletService> | undefined;

/** The wallet's client, whose service is remembered for `knownWallet`. */
export const createWalletClient: typeof original = (wallet, options) => {
  known = wallet;
  return original(wallet, options);
};

/** The service of the wallet that was opened. */
export function knownWallet(): ServiceClient<typeof WalletService> {
  if (known === undefined) throw new Error("no wallet was opened");
  return known;
}
