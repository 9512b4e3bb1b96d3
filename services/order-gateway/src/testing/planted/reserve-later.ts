// Planted bug, rule 1: the order goes to its shard first, money is set aside half a second later.
import { openWallet as original, type WalletClient, type WalletOptions } from "../../io/wallet-client.js";

const LATER_MS = 500;

/** The wallet, but a reserve is said to be done before it is sent. */
export function openWallet(options: WalletOptions): WalletClient {
  const wallet = original(options);
  return {
    ...wallet,
    reserve(input) {
      const later = { ...input, deadlineMs: input.deadlineMs + LATER_MS };
      setTimeout(() => void wallet.reserve(later).catch(() => undefined), LATER_MS);
      return Promise.resolve({ type: "reserved", replayed: false });
    },
  };
}
