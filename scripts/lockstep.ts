// npm run lockstep -- <folder…>: recorded order flow through the matcher's core and its plain model at once;
// whatever differs, after any command, is named and ends it with exit code 1.
import { runInLockstep } from "./replay/lockstep.js";
import { loadSet } from "./replay/set.js";

const folders = process.argv.slice(2);
if (folders.length === 0 || folders.some((folder) => folder.startsWith("-"))) {
  console.error("usage: npm run lockstep -- <folder…>");
  process.exit(64);
}
try {
  for (const folder of folders) {
    const { commands, events, trades, resting } = runInLockstep(loadSet(folder));
    const counts = `${commands} commands, ${events} events, ${trades} trades, ${resting} resting at the end`;
    console.log(`${folder}: core and model agree: ${counts}`);
  }
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 1;
}
