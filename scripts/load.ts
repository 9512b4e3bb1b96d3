// Measured load on a running exchange, by the public API and as SEMANTICS tells clients to retry. Ends by
// holding every final word that it was told against what the exchange shows. On a machine:
// npm run load -- --help; in the image: the process `load`.
import { setMaxListeners } from "node:events";
import { systemClock } from "@bourse/shared/runtime/clock.js";
import { type LoadOptions, loadOptions, usage } from "./load/options.js";
import { openRecordFile } from "./load/record-file.js";
import { runLoad } from "./load/run.js";
import { type LastWord, summaryOf } from "./load/summary.js";
import { openUsers } from "./load/users.js";
import { verifyWords } from "./load/verify.js";

/** Prints progress, then the summary as one JSON line; true when nothing was lost, doubled or failed. */
async function main(options: LoadOptions): Promise<boolean> {
  const stop = stopSignal(options.seconds);
  const ended = new AbortController();
  // Every call in flight listens.
  setMaxListeners(0, ended.signal);
  const users = openUsers(options, ended.signal);
  const file = await openRecordFile(options.recordsFile);
  try {
    const run = await runLoad({ ...options, users, stop, clock: systemClock, onRecord: file.write, say });
    say(`${run.records.length} orders have their final word, ${run.pending} have none; comparing`);
    const verdict = await verifyWords({ users, run, clock: systemClock });
    for (const line of verdict.examples) say(line);
    const { lost, doubled } = verdict;
    const summary: LastWord = { ...summaryOf(run), pending: run.pending, lost, doubled };
    say(JSON.stringify(summary));
    return lost === 0 && doubled === 0 && summary.errors === 0 && summary.pending === 0;
  } finally {
    ended.abort();
    for (const user of users.all) user.close();
    users.operator.close();
    await file.close();
  }
}

/** Aborts when the time is over or a signal says so. */
function stopSignal(seconds: number | undefined): AbortSignal {
  const stop = new AbortController();
  for (const name of ["SIGINT", "SIGTERM"] as const) process.once(name, () => stop.abort());
  if (seconds !== undefined) setTimeout(() => stop.abort(), seconds * 1_000).unref();
  return stop.signal;
}

function say(line: string): void {
  console.log(line);
}

try {
  const options = loadOptions(process.argv.slice(2), process.env);
  if (options === undefined) console.log(usage);
  else process.exitCode = (await main(options)) ? 0 : 1;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
}
