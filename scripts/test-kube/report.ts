// What the checks found, on the screen as it happens, and counted for the last line.

/** Counts checks and shows them: a failed one with its reason, the others as one line for each part. */
export interface Report {
  /** Runs one check; it fails by throwing, and the reason is the message. */
  readonly check: (name: string, body: () => Promise<void> | void) => Promise<void>;
  /** Runs the checks of one part; one that ends by throwing outside a check counts as failed. */
  readonly part: (title: string, body: () => Promise<void>) => Promise<void>;
  readonly counts: () => { readonly passed: number; readonly failed: number };
}

/** A report that writes lines with `print`. */
export function createReport(print: (line: string) => void): Report {
  let passed = 0;
  let failed = 0;
  // One fault in a template fails a hundred renderings; its words are shown once.
  const firstWith = new Map<string, string>();
  const check = async (name: string, body: () => Promise<void> | void) => {
    try {
      await body();
      passed += 1;
    } catch (error) {
      failed += 1;
      const reason = error instanceof Error ? error.message : String(error);
      const first = firstWith.get(reason);
      print(`  FAILED ${name}${first === undefined ? "" : `: as ${first}`}`);
      if (first !== undefined) return;
      firstWith.set(reason, name);
      for (const line of reason.trimEnd().split("\n").slice(0, REASON_LINES_MAX)) print(`      ${line}`);
    }
  };
  const part = async (title: string, body: () => Promise<void>) => {
    const startedAtMs = performance.now();
    const before = { passed, failed };
    print(`${title} ...`);
    try {
      await body();
    } catch (error) {
      await check(title, () => Promise.reject(error));
    }
    const seconds = ((performance.now() - startedAtMs) / 1_000).toFixed(1);
    print(`  ${passed - before.passed} passed, ${failed - before.failed} failed (${seconds} s)`);
  };
  return { check, part, counts: () => ({ passed, failed }) };
}

/** A tool that fails often repeats itself; the first lines say what is wrong. */
const REASON_LINES_MAX = 30;
