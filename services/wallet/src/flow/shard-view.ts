// What the settler shows of a shard at /settlement of its operations port, for the tool that looks at a stopped one.

/** One shard. */
export interface ShardView {
  readonly shard: number;
  /** "yes", or why its events are not followed now. */
  follows: string;
  /** Records that are durable at the shard and not settled; undefined before the first connection. */
  lagRecords: number | undefined;
  /** Operations that were read and are not settled. */
  backlogOperations: number;
  /** True while the wallet makes up for lost commits. */
  isSetBack: boolean;
  /** Why settlement ended for good; undefined while it goes on. */
  stopped:
    | { readonly atMs: number; readonly reason: string; readonly facts: Readonly<Record<string, string>> }
    | undefined;
}

/** A shard that was not heard yet. */
export function newShardView(shard: number): ShardView {
  return {
    shard,
    follows: "starting",
    lagRecords: undefined,
    backlogOperations: 0,
    isSetBack: false,
    stopped: undefined,
  };
}
