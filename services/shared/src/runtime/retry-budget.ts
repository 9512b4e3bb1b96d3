/** Says whether a failed call may be tried again. */
export interface RetryBudget {
  /** Notes a failure and answers whether a retry is allowed now. */
  spend(): boolean;
  /** Notes a success. */
  earn(): void;
}

const TOKENS_MAX = 10;
const EARNED = 0.1;

/**
 * A bucket of ten tokens, as in gRPC's retry throttling: a failure takes one, a success gives a tenth
 * back, and with half of them gone nothing is retried, so that retries never become the load.
 */
export function createRetryBudget(): RetryBudget {
  let tokens = TOKENS_MAX;
  return {
    spend() {
      tokens = Math.max(0, tokens - 1);
      return tokens > TOKENS_MAX / 2;
    },
    earn() {
      tokens = Math.min(TOKENS_MAX, tokens + EARNED);
    },
  };
}
