import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Channel } from "@bourse/shared/rpc/client.js";

/** Waits for a connection, at most this long. Rejects with TRANSPORT_FAILED: then nothing was sent. */
export function connected(channel: Channel, timeoutMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    channel.waitForReady(Date.now() + timeoutMs, (error) => {
      if (error === undefined) resolve();
      else reject(new DomainError("TRANSPORT_FAILED", { problem: "no connection" }));
    });
  });
}
