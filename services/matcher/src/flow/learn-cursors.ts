// How the shard learns what its followers have behind them: only ids whose end all of them have passed may be
// forgotten, and replay depends on the learning, so it is journaled.
import type { Clock } from "@bourse/shared/runtime/clock.js";

/** Records by which the slowest follower must have moved for a record of its own. */
const RECORDS_MIN = 5_000;
/** Time after which any move is enough. */
const EVERY_MS = 60_000;

export interface LearnOptions {
  /** Least seq that all named followers have reported; undefined until each has. */
  readonly passed: () => number | undefined;
  /** Journals it. */
  readonly learn: (throughSeq: number) => Promise<void>;
  /** What the journal says that was learned last. */
  readonly learnedSeq: number;
  readonly clock: Clock;
}

export interface Learner {
  /** Looks whether it is time, after a report. */
  reported(): void;
  /** Looks each minute, until the signal aborts. */
  run(signal: AbortSignal): Promise<void>;
}

export function createLearner({ passed, learn, learnedSeq, clock }: LearnOptions): Learner {
  let learned = learnedSeq;
  const look = (recordsMin: number) => {
    const seq = passed() ?? 0;
    if (seq - learned < recordsMin) return Promise.resolve();
    learned = seq;
    return learn(seq);
  };
  return {
    reported: () => void look(RECORDS_MIN),
    async run(signal) {
      while (!signal.aborted) {
        await clock.sleep(EVERY_MS, signal);
        if (!signal.aborted) await look(1);
      }
    },
  };
}
