// A wallet process as its callers reach it: reserves on the stream, as a gateway sends them, and settlements by the
// settler's own client.
import { ReservationState, WalletService } from "@bourse/shared/gen/bourse/wallet/v1/wallet_pb.js";
import { createClient, openChannel } from "@bourse/shared/rpc/client.js";
import { formatAtoms } from "@bourse/shared/units/atoms.js";
import type { ReserveRequest } from "../../core/reserve.js";
import { createWalletClient } from "../../io/wallet-client.js";
import { type LoadedWallet, queueOf } from "./bench-wallet.js";

const TIMEOUT_MS = 60_000;
/** Reserves of one message, as the wallet takes them. */
const MESSAGE_MAX = 512;

/** Reaches the wallet at `address`. */
export function openRemoteWallet(address: string): LoadedWallet {
  const channel = openChannel(address);
  const service = createClient(WalletService, channel);
  // Without breaker and retries: a failure ends the bench.
  const once = <T>(run: () => Promise<T>) => run();
  const client = createWalletClient(service, {
    guard: { once, retried: once, check: () => {}, retrying: () => {}, mayRetry: () => false },
    timeoutMs: TIMEOUT_MS,
    signal: new AbortController().signal,
  });
  const stream = service.reserveStream();
  const waiting = new Map<bigint, (type: string) => void>();
  let batch: { tag: bigint; reserve: ReturnType<typeof messageOf> }[] = [];
  let nextTag = 0n;
  const send = () => {
    for (let at = 0; at < batch.length; at += MESSAGE_MAX) {
      stream.write({ reserves: batch.slice(at, at + MESSAGE_MAX) });
    }
    batch = [];
  };
  void (async () => {
    for await (const { results } of stream) {
      for (const { tag, outcome } of results) {
        const isHeld = outcome.case === "ok" && outcome.value.reservation?.state === ReservationState.ACTIVE;
        waiting.get(tag)?.(isHeld ? "held" : String(outcome.case));
        waiting.delete(tag);
      }
    }
  })();
  return {
    reserve: (request) =>
      new Promise((resolve) => {
        nextTag += 1n;
        waiting.set(nextTag, resolve);
        batch.push({ tag: nextTag, reserve: messageOf(request) });
        // As the gateway: what comes in one turn leaves together.
        if (batch.length === 1) setImmediate(send);
      }),
    openQueue: async (shard, hears) => queueOf(shard, await client.cursor(shard), client.settle, hears),
    async close() {
      stream.end();
      channel.close();
    },
  };
}

function messageOf(request: ReserveRequest) {
  return {
    orderId: request.orderId,
    userId: request.userId,
    asset: request.asset,
    amount: formatAtoms(request.amountAtoms),
    fingerprint: Buffer.from(request.fingerprintHex, "hex"),
    terms: request.terms,
    ...(request.shard !== undefined && { shard: request.shard }),
  };
}
