// Wakes whoever waits for a change that no record tells of.

export interface Notice {
  wake(): void;
  /** Resolves at the next wake, or when the signal aborts. */
  next(signal: AbortSignal): Promise<void>;
}

export function createNotice(): Notice {
  let waiting: (() => void)[] = [];
  return {
    wake() {
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    next(signal) {
      return new Promise((resolve) => {
        if (signal.aborted) return resolve();
        const wake = () => {
          signal.removeEventListener("abort", wake);
          waiting = waiting.filter((each) => each !== wake);
          resolve();
        };
        signal.addEventListener("abort", wake, { once: true });
        waiting.push(wake);
      });
    },
  };
}
