// Who follows the shard and how far they are. After every start nothing is decided before each named
// follower has reported a position that is in the journal: a lone disk cannot know what it lost, those who
// stored its effects can.
import { DomainError } from "@bourse/shared/errors/domain-error.js";
import type { Logger } from "@bourse/shared/runtime/log.js";
import type { Epochs } from "./epochs.js";

/** Where a follower is: the last record whose effects it has durably stored, and that record's epoch. */
export interface FollowerPosition {
  readonly epoch: number;
  readonly seq: number;
}

export interface Followers {
  /**
   * Takes a report, and returns the highest seq known of the follower before it. POSITION_UNKNOWN, and an alarm, when
   * the position is not in this journal. One of progress never lowers a position, nor does it make a first one: it may
   * have been overtaken on its way.
   */
  report(follower: string, position: FollowerPosition, isProgress?: boolean): number;
  /** True when every named follower has reported. */
  isOpen(): boolean;
  /** Named followers that have not reported yet. */
  missing(): string[];
  /** Last reported seq of each follower. */
  positions(): ReadonlyMap<string, number>;
  /** Least seq that the named followers reported; undefined until each has, infinite when none is named. */
  leastSeq(): number | undefined;
  /** The same where it lets ids be forgotten: undefined when none is named, since nobody guards them then. */
  passed(): number | undefined;
  /** The named follower that is too far behind for new orders, or has lost what it had stored, if one is. */
  laggard(endSeq: number): string | undefined;
}

export interface FollowersOptions {
  readonly names: readonly string[];
  readonly epochs: Epochs;
  /** Records that a named follower may be behind before new orders are refused. */
  readonly lagRecordsMax: number;
  /** What the journal noted that all named followers have stored. */
  readonly learnedSeq: number;
  readonly log: Logger;
  readonly onRefused: (follower: string) => void;
  readonly onOpen: () => void;
}

/** Other followers may report too; so many are remembered. */
const OTHERS_MAX = 32;

/** Settles what the shard decides: an order taken while it has lost holds could spend what those are owed. */
const SETTLING = "wallet";
/** A follower that connects anew may report the record before its last, to read that one again. */
const REREAD = 1;

export function createFollowers(options: FollowersOptions): Followers {
  const { names, epochs, log } = options;
  const seqs = new Map<string, number>();
  const highest = new Map<string, number>(names.map((name) => [name, options.learnedSeq]));
  const missing = () => names.filter((name) => !seqs.has(name));
  const leastSeq = () =>
    missing().length > 0 ? undefined : Math.min(...names.map((name) => seqs.get(name) ?? 0));
  return {
    report(follower, { epoch, seq }, isProgress = false) {
      if (epochs.at(seq) !== epoch) {
        log.error(
          { follower, seq, epoch, journalEpoch: epochs.at(seq) },
          "a follower's position is not in the journal",
        );
        options.onRefused(follower);
        throw new DomainError("POSITION_UNKNOWN", { follower, seq: String(seq), epoch: String(epoch) });
      }
      const wasOpen = missing().length === 0;
      const before = highest.get(follower) ?? 0;
      if (isProgress && seq < (seqs.get(follower) ?? Number.POSITIVE_INFINITY)) return before;
      if (seq + REREAD < before && (seqs.get(follower) ?? before) >= before)
        log.error({ follower, seq, highestSeq: before }, "a follower has lost what it had stored");
      if (names.includes(follower) || seqs.has(follower) || seqs.size < names.length + OTHERS_MAX) {
        seqs.set(follower, seq);
        highest.set(follower, Math.max(before, seq));
      }
      if (!wasOpen && missing().length === 0) options.onOpen();
      return before;
    },
    isOpen: () => missing().length === 0,
    missing,
    positions: () => seqs,
    leastSeq,
    passed: () => (names.length === 0 ? undefined : leastSeq()),
    laggard: (endSeq) =>
      names.find((name) => {
        const seq = seqs.get(name) ?? 0;
        const isSetBack = name === SETTLING && seq + REREAD < (highest.get(name) ?? 0);
        return isSetBack || endSeq - seq > options.lagRecordsMax;
      }),
  };
}
