import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { FollowOptions } from "@bourse/shared/events/follow.js";
import { StreamEventsResponseSchema } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { create } from "@bufbuild/protobuf";
import type { TinyShard } from "./tiny-shard.js";

/**
 * Serves the records of a shard like a matcher: a header, then batches of random size from the asked
 * position on. Connections are cut at random; at the end of the records a connection stays open.
 */
export function fakeMatcher(
  shard: TinyShard,
  options: { epoch: number; random: () => number; cutShare?: number; batchMax?: number },
): FollowOptions["matcher"] {
  const { epoch, random, cutShare = 0, batchMax = 20 } = options;
  return {
    async *streamEvents(request, { signal } = {}) {
      const header = {
        shard: shard.shard,
        epoch: BigInt(epoch),
        endSeq: BigInt(shard.records.length),
        markets: [shard.market],
      };
      yield create(StreamEventsResponseSchema, { kind: { case: "header", value: header } });
      let next = Number(request.afterSeq ?? 0n);
      while (next < shard.records.length) {
        if (signal?.aborted === true) throw new DomainError("CANCELLED");
        if (random() < cutShare) throw new DomainError("TRANSPORT_FAILED");
        const records = shard.records.slice(next, next + 1 + Math.floor(random() * batchMax));
        next += records.length;
        yield create(StreamEventsResponseSchema, { kind: { case: "batch", value: { records } } });
      }
      await aborted(signal);
      throw new DomainError("CANCELLED");
    },
  };
}

function aborted(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    else signal?.addEventListener("abort", () => resolve(), { once: true });
  });
}
