// `npm run <name> -- <arguments>`: brings the project up to date, then runs one of its tools in this
// process: scripts/<name>.ts, or the journal tool of the matcher.
import { existsSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

import { checkNode, makeFresh, root, StepError } from "./lib/fresh.mjs";
import { runCommand } from "./lib/run-command.mjs";

checkNode();
const [name = "", ...args] = process.argv.slice(2);
await runCommand(async () => {
  // Progress goes to standard error: what a tool prints may be read by a program.
  await makeFresh({ report: (line) => console.error(line) });
  const file =
    name === "journal"
      ? join(root, "services/matcher/dist/journal-main.js")
      : join(root, "scripts/dist", `${name}.js`);
  if (!existsSync(file)) throw new StepError(`there is no tool "${name}"`);
  process.argv = [process.argv[0], file, ...args];
  await import(pathToFileURL(file).href);
});
