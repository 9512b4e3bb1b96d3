import { systemClock as clock } from "@bourse/shared/runtime/clock.js";
import { expect, test, vi } from "vitest";
import { silent } from "../testing/shard-server.js";
import { createCursorReports } from "./report-cursor.js";

test("what a new connection reports is not overtaken by what an earlier one had still to say", async () => {
  const heard: number[] = [];
  const read: number[] = [];
  let answer = () => {};
  const stop = new AbortController();
  const reports = createCursorReports({
    shard: 0,
    matcher: {
      async reportCursor({ seq }, isProgress) {
        // The first is slow on its way.
        if (seq === 100) await new Promise<void>((resolve) => (answer = resolve));
        heard.push(seq);
        if (!isProgress) read.push(seq);
        return 0;
      },
      resolve: async () => true,
    },
    reportEveryMs: 1,
    clock,
    log: silent,
    signal: stop.signal,
  });
  reports.changed({ epoch: 1, seq: 100 });
  reports.changed({ epoch: 1, seq: 101 });
  const now = reports.now({ epoch: 1, seq: 50 });
  setImmediate(() => answer());
  await now;
  reports.changed({ epoch: 1, seq: 51 });
  await vi.waitFor(() => expect(heard).toContain(51));
  expect(heard).toEqual([100, 50, 51]);
  // Only what was just read from the wallet may tell of a loss.
  expect(read).toEqual([50]);
  stop.abort();
  await reports.ended();
});
