// What an audit must reach, wherever the exchange runs.
import type { Channel } from "@bourse/shared/rpc/client.js";

/** A running exchange that can be audited. */
export interface AuditedExchange {
  /** Connection URL of the role that may read the audit views. */
  readonly auditorUrl: string;
  /** gRPC address of the edge. */
  readonly edgeAddress: string;
  readonly shards: readonly AuditedShard[];
  /** Metrics of each process, as text; absent where they are out of reach. */
  readonly readMetrics?: () => Promise<ReadonlyMap<string, string>>;
  /** Gives up whatever was opened to reach it. */
  close(): Promise<void>;
}

export interface AuditedShard {
  readonly shard: number;
  /** A channel to the shard itself; the caller closes it. */
  openChannel(): Channel;
  readonly journal: JournalTool;
}

/**
 * Runs the matcher's journal tool beside the shard's journal, `verify --to-seq 5` for example, and hands
 * over what it prints line by line. Throws with its message when the journal is refused.
 */
export type JournalTool = (
  command: "verify" | "dump",
  options: readonly string[],
  onLine: (line: string) => void,
) => Promise<void>;
