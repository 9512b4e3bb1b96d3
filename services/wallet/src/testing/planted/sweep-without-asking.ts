// Planted bug, rule 6: money of an order of which nobody has said a word is freed by its age alone.
import type { sweepForever as original } from "../../flow/sweep.js";
import { knownWallet } from "./known-wallet.js";

/** Sweeps again and again; the shard is never asked. */
export const sweepForever: typeof original = async (options) => {
  const { clock, everyMs, orphanAgeMs, shard, signal, wallet } = options;
  while (!signal.aborted) {
    const orphans = await wallet.orphans(shard, orphanAgeMs).catch(() => []);
    for (const { orderId, userId } of orphans)
      await knownWallet()
        .release({ orderId, userId }, { timeoutMs: 1_000 })
        .catch(() => undefined);
    await clock.sleep(everyMs, signal);
  }
};
