// Messages a second of a conformance workload, reports produced into memory. The clock runs from the first message
// to the last report; reading the file before it, text and hash after it.
//   conformance-speed.js FILE, or "generated" for two million messages of our own: "play"
import { serveLines } from "@bourse/shared/testing/line-server.js";
import { makeMessages } from "../conformance/make-workload.js";
import { playCore, tapeFor } from "../conformance/play-core.js";
import { expectedOf } from "../conformance/published.js";
import { hashLines, reportLines } from "../conformance/reports.js";
import { parseWorkload, readWorkload, workloadBytes } from "../conformance/workload.js";

const [path = ""] = process.argv.slice(2);
const GENERATED_MESSAGES = 2_000_000;
const workload =
  path === "generated"
    ? parseWorkload(workloadBytes(makeMessages(23, GENERATED_MESSAGES)), path)
    : readWorkload(path);

await serveLines({
  play() {
    const tape = tapeFor(workload);
    const startedAt = process.hrtime.bigint();
    playCore(workload, tape);
    const nanoseconds = Number(process.hrtime.bigint() - startedAt);
    return { nanoseconds, messages: workload.count, reports: tape.count };
  },
  /** Whether one more run gives the hash that is published for the file; undefined when none is. */
  conforms() {
    const expected = expectedOf(path);
    if (expected === undefined) return {};
    const tape = tapeFor(workload);
    playCore(workload, tape);
    return { conforms: hashLines(reportLines(tape)) === expected.hash };
  },
});
