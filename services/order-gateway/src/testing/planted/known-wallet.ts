// Lets a planted flow call the wallet where the product has no call for it.
import { WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, type ServiceClient } from "@bourse/shared/rpc/client.js";
import { openWallet as original, type WalletClient, type WalletOptions } from "../../io/wallet-client.js";

let known: ServiceClient<typeof WalletService> | undefined;

/** The wallet, remembered for `knownWallet`. */
export function openWallet(options: WalletOptions): WalletClient {
  known = createClient(WalletService, options.channel);
  return original(options);
}

/** The service of the wallet that was opened. */
export function knownWallet(): ServiceClient<typeof WalletService> {
  if (known === undefined) throw new Error("no wallet was opened");
  return known;
}
