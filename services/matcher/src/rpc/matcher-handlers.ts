// What MatcherService needs from the shard. Failures are DomainErrors.
import type { Market, OrderView } from "../core/types.js";
import type { Answer, Request } from "../flow/answer.js";
import type { FollowerPosition } from "../flow/followers.js";
import type { StoredEntry } from "../flow/log.js";
import type { Queries } from "../flow/queries.js";
import type { Sequencer } from "../flow/sequence.js";
import type { ShardStatus } from "../flow/watch-shard.js";

export interface MatcherHandlers
  extends Pick<Sequencer, "addMarket" | "cancelAll" | "setSwitch" | "setMarketState"> {
  readonly shard: number;
  /** Refuses with SHARD_UNAVAILABLE while the shard is not open. */
  readonly requireOpen: () => void;
  /** Resolves when there is room for more commands. */
  readonly room: () => Promise<void>;
  readonly order: (requests: readonly Request[]) => Promise<Answer[]>;
  readonly addMarket: (market: Market, traceparent: string) => Promise<Market>;
  readonly getOrder: (order: {
    orderId: string;
    userId: string;
  }) => Promise<{ order: OrderView; seq: number }>;
  readonly getBook: Queries["book"];
  readonly getShardState: () => Promise<{
    epoch: number;
    seq: number;
    stateHash: string;
    checksum: number;
    openOrders: number;
    followers: ReadonlyMap<string, number>;
  }>;
  readonly listOpenOrders: Queries["openOrders"];
  readonly header: Queries["header"];
  readonly books: Queries["books"];
  /** Refuses a wrong position at once. */
  readonly events: (after: FollowerPosition, signal: AbortSignal) => AsyncIterable<readonly StoredEntry[]>;
  readonly report: (follower: string, position: FollowerPosition, isProgress: boolean) => { isOpen: boolean };
  readonly watch: (signal: AbortSignal) => AsyncIterable<ShardStatus>;
}
