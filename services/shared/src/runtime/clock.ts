/** The clock as a parameter, so that tests move time by hand. */
export interface Clock {
  /** Wall clock, milliseconds since 1970 UTC; may jump. */
  wallMs(): number;
  /** Monotonic clock, milliseconds since some start; never jumps. */
  monotonicMs(): number;
  /** Resolves after a delay, or at once when the signal aborts. */
  sleep(delayMs: number, signal?: AbortSignal): Promise<void>;
}

/** The clock of the machine. */
export const systemClock: Clock = {
  wallMs: () => Date.now(),
  monotonicMs: () => performance.now(),
  sleep: (delayMs, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) return resolve();
      const wake = () => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", wake);
        resolve();
      };
      const timer = setTimeout(wake, delayMs);
      signal?.addEventListener("abort", wake, { once: true });
    }),
};
