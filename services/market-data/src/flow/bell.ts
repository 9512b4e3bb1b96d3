/** Wakes one waiter. A ring while nobody waits is kept, so that none is lost. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring, or at once when it rang since the last wait. One waiter at a time. */
  wait(): Promise<void>;
}

export function createBell(): Bell {
  let hasRung = false;
  let wake: (() => void) | undefined;
  return {
    ring() {
      const waiter = wake;
      wake = undefined;
      if (waiter === undefined) hasRung = true;
      else waiter();
    },
    wait() {
      if (hasRung) {
        hasRung = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        wake = resolve;
      });
    },
  };
}
