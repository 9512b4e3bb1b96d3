// Wakes whoever waits for a change that no record tells of.

export interface Notice {
  wake(): void;
  /** How often it was woken. */
  count(): number;
  /** Resolves when it was woken more often than that, or the signal aborts. */
  after(count: number, signal: AbortSignal): Promise<void>;
}

export function createNotice(): Notice {
  let count = 0;
  let waiting: (() => void)[] = [];
  return {
    wake() {
      count += 1;
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    count: () => count,
    after(seen, signal) {
      return new Promise((resolve) => {
        if (signal.aborted || count > seen) return resolve();
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
