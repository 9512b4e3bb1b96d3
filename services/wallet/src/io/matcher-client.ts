// A shard as the settler needs it, besides its events.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { MatcherService } from "@bourse/shared/gen/bourse/matcher/v1/matcher_pb.js";
import { EndReason, OrderStatus } from "@bourse/shared/gen/bourse/types/v1/types_pb.js";
import type { ServiceClient } from "@bourse/shared/rpc/client.js";
import type { Position } from "../core/positions.js";
import type { Orphan } from "./wallet-client.js";

/** What the settler asks of a shard. Every call may be repeated. */
export interface MatcherClient {
  /**
   * Tells the last record that the wallet has durably applied whole: as just read from it, or as progress since, which
   * may be overtaken. Returns the highest that was told before.
   */
  reportCursor(position: Pick<Position, "epoch" | "seq">, isProgress: boolean): Promise<number>;
  /** Asks for the final word. True when the shard knows the order or leg, false when a tombstone stands. */
  resolve(orphan: Orphan, expiresAtMs: number): Promise<boolean>;
}

/** Name under which the settler reports the wallet's cursor. */
const FOLLOWER = "wallet";
const TIMEOUT_MS = 5_000;

/** A shard over gRPC. */
export function createMatcherClient(
  matcher: Pick<ServiceClient<typeof MatcherService>, "reportCursor" | "resolve">,
): MatcherClient {
  const limits = { timeoutMs: TIMEOUT_MS };
  return {
    async reportCursor({ epoch, seq }, isProgress) {
      const report = { follower: FOLLOWER, epoch: BigInt(epoch), seq: BigInt(seq), isProgress };
      return Number((await matcher.reportCursor(report, limits)).highestSeq);
    },
    async resolve({ orderId, userId, symbol }, expiresAtMs) {
      const resolve = {
        orderId,
        userId,
        symbol,
        tombstoneStatus: OrderStatus.REJECTED,
        tombstoneReason: EndReason.NOT_SEQUENCED,
        expiresAtMs: BigInt(expiresAtMs),
        cancelIfOpen: false,
      };
      const { result } = await matcher.resolve({ resolve }, limits);
      if (result?.outcome.case !== "order") throw new DomainError("SUBMIT_EXPIRED", { order_id: orderId });
      // An order that ended long ago may come without terms too.
      const { terms, status, reason } = result.outcome.value;
      const isTombstone = status === OrderStatus.REJECTED && reason === EndReason.NOT_SEQUENCED;
      return terms !== undefined || !isTombstone;
    },
  };
}
